/* SPDX-License-Identifier: Apache-2.0
 * product.h - a product of two matrices in bfloat16, for CPUs that multiply more of them at once than of floats.
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
    const uint32_t *packed_b; /* by pack_b(), then b is not looked at; or NULL */
    float scale;
    bool adds;
    float *y;
    int y_stride;
};

/* An instruction set that does. */
struct tr_product_level {
    const char *name;
    int thinnest;       /* thinner products pack for longer than they save */
    bool (*runs)(void); /* true if this CPU has it */
    size_t (*words)(int rows, int cols, int k); /* of 32 bits: scratch of a product */
    size_t (*packed_words)(int cols, int k);
    void (*pack_b)(const float *b, int stride, bool is_across, int cols, int k,
                   uint32_t *packed_ret);
    void (*multiply)(const struct tr_product *p, uint32_t *words);
};

/* The fastest first, NULL at the end. */
extern const struct tr_product_level *const tr_product_levels[];

/* The first that runs here, or NULL. */
const struct tr_product_level *tr_product_best(void);

#endif
