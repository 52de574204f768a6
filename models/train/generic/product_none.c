/* SPDX-License-Identifier: Apache-2.0
 * product_none.c - for CPUs without products in bfloat16 that we know of: everything is done in floats. */
#include "models/train/product.h"

bool tr_product_bf16_runs(void)
{
    return false;
}

size_t tr_product_bf16_words(int rows, int cols, int k)
{
    (void)rows, (void)cols, (void)k;
    return 0;
}

void tr_product_bf16(const struct tr_product *p, uint32_t *words)
{
    (void)p, (void)words;
    PD_ASSERT(false);
}
