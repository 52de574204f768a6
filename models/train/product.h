/* SPDX-License-Identifier: Apache-2.0
 * product.h - a product of two matrices in bfloat16, for CPUs that multiply twice as many of them as of floats.
 *
 *   y[rows][cols] (+)= scale sum over k of a b
 *
 * A factor lies along the sum where neighbours in memory belong to the same sum, a[rows][k] and b[cols][k], else
 * across it, a[k][rows] and b[k][cols]. Both are rounded to bfloat16 (8 bits of precision, a float's range); sums are
 * floats. */
#ifndef TRAIN_PRODUCT_H
#define TRAIN_PRODUCT_H

#include "base/base.h"

struct tr_product {
    int rows, cols, k;
    const float *a, *b;
    int a_stride, b_stride; /* floats from one row in memory to the next */
    bool a_is_across, b_is_across;
    float scale;
    bool adds;
    float *y;
    int y_stride;
};

/* True if this CPU has the instructions. */
bool tr_product_bf16_runs(void);

/* Scratch of a product: words of 32 bits. */
size_t tr_product_bf16_words(int rows, int cols, int k);

void tr_product_bf16(const struct tr_product *p, uint32_t *words);

#endif
