/* SPDX-License-Identifier: Apache-2.0
 * fuzz_equation.c - libFuzzer target: any bytes as a step, for the arithmetic checker. What is behind a line that
 * is false cannot make it right. See README.md. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "search/verify_arithmetic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char more[] = "\n1+1=2";
    enum pd_arithmetic found = pd_arithmetic_check((const char *)data, size);
    char *longer = malloc(size + sizeof more - 1);
    if (longer == NULL)
        abort();
    if (size > 0)
        memcpy(longer, data, size);
    memcpy(longer + size, more, sizeof more - 1);
    enum pd_arithmetic expected = found == PD_ARITHMETIC_FALSE ? found : PD_ARITHMETIC_TRUE;
    if (pd_arithmetic_check(longer, size + sizeof more - 1) != expected)
        abort();
    free(longer);
    return 0;
}
