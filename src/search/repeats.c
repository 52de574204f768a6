/* SPDX-License-Identifier: Apache-2.0
 * repeats.c - see repeats.h. */
#include "search/repeats.h"

#include <string.h>

#include "search/span.h"

bool pd_text_is_blank(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (!pd_is_space(text[i]) && text[i] != '\n')
            return false;
    return true;
}

/* Where the line begins that ends at text[end - 1], a line end. */
static size_t line_begin(const char *text, size_t end)
{
    size_t begin = end - 1;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    return begin;
}

bool pd_lines_repeat(const char *text, size_t bytes)
{
    size_t begin = bytes;
    if (bytes == 0 || text[bytes - 1] != '\n')
        return false;
    for (int i = 0; i < PD_REPEATS_LINES && begin > 0; i++) {
        begin = line_begin(text, begin);
        size_t part = bytes - begin;
        if (begin < 2 * part)
            return false;
        if (memcmp(text + begin, text + begin - part, part) == 0 &&
            memcmp(text + begin, text + begin - 2 * part, part) == 0 &&
            (begin == 2 * part || text[begin - 2 * part - 1] == '\n'))
            return !pd_text_is_blank(text + begin, part);
    }
    return false;
}

bool pd_tokens_repeat(const int32_t *token, int n)
{
    if (n < PD_REPEATS_TOKENS)
        return false;
    const int32_t *last = token + n - PD_REPEATS_TOKENS;
    for (int period = 1; period <= PD_REPEATS_PERIOD; period++)
        if (memcmp(last, last + period, (size_t)(PD_REPEATS_TOKENS - period) * sizeof *last) == 0)
            return true;
    return false;
}
