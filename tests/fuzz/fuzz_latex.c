/* SPDX-License-Identifier: Apache-2.0
 * fuzz_latex.c - libFuzzer target: any bytes as a mathematical answer. Its key fits, is the same again, and does not
 * depend on white space around it. See README.md. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "search/latex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char key[PD_LATEX_KEY_BYTES];
    static unsigned char again[PD_LATEX_KEY_BYTES];
    char *text = malloc(size + 2);
    if (text == NULL)
        abort();
    text[0] = text[size + 1] = ' ';
    if (size > 0)
        memcpy(text + 1, data, size);
    size_t n = pd_latex_key((struct pd_span){(const char *)data, size}, key);
    bool is_cut = size > 0 && data[size - 1] == '\\'; /* "\ " is a space of its own */
    if (n > sizeof key || (!is_cut && pd_latex_key((struct pd_span){text, size + 2}, again) != n) ||
        (!is_cut && memcmp(key, again, n) != 0))
        abort();
    free(text);
    return 0;
}
