/* SPDX-License-Identifier: Apache-2.0
 * fuzz_calculator.c - libFuzzer target: any bytes and "=" as what a model wrote. What the calculator writes behind
 * them the arithmetic checker must not call false. See README.md. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "search/calculator.h"
#include "search/verify_arithmetic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char result[PD_CALCULATOR_BYTES];
    char *text = malloc(size + 1 + sizeof result);
    if (text == NULL)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '=';
    size_t n = pd_calculator_result(text, size + 1, result);
    memcpy(text + size + 1, result, n);
    const char *line = text;
    for (size_t i = 0; i < size; i++)
        if (text[i] == '\n')
            line = text + i + 1;
    /* Alone in its line: an equation before it may be false. */
    for (const char *at = line; n > 0 && at < text + size; at++)
        if (*at == '=' || *at == '<')
            n = 0;
    if (n > 0 &&
        pd_arithmetic_check(line, (size_t)(text + size + 1 + n - line)) == PD_ARITHMETIC_FALSE)
        abort();
    free(text);
    return 0;
}
