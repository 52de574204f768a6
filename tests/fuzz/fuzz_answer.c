/* SPDX-License-Identifier: Apache-2.0
 * fuzz_answer.c - libFuzzer target: any bytes as what a model wrote. What is found must be canonical and equal
 * to itself, and a final answer must be one that is found. See README.md. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "search/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_canonical(const char *answer)
{
    char again[PD_ANSWER_BYTES];
    if (answer[0] == '\0' || strlen(answer) >= PD_ANSWER_BYTES)
        abort();
    if (!pd_answer_normalise(answer, strlen(answer), again, sizeof again) ||
        strcmp(again, answer) != 0)
        abort();
    if (!pd_answer_equal(answer, again))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    char found[PD_ANSWER_BYTES];
    char small[5];
    bool is_found = pd_answer_find(text, size, found, sizeof found);
    if (is_found && strlen(found) > 0)
        check_canonical(found);
    if (pd_answer_is_final(text, size) && !is_found)
        abort();
    if (pd_answer_normalise(text, size, found, sizeof found))
        check_canonical(found);
    pd_answer_find(text, size, small, sizeof small);
    pd_answer_normalise(text, size, small, sizeof small);
    return 0;
}
