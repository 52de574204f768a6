/* SPDX-License-Identifier: Apache-2.0
 * inputs.h - what is remembered of the inputs that a matrix is multiplied with: the sum of x^T x. */
#ifndef QUANTIZE_INPUTS_H
#define QUANTIZE_INPUTS_H

#include <stdint.h>

struct inputs {
    int cols;
    int64_t n;  /* inputs seen */
    float *sum; /* [cols][cols], the upper triangle */
};

void inputs_init(struct inputs *inputs, int cols);
void inputs_free(struct inputs *inputs);

/* x[n][cols] */
void inputs_add(struct inputs *inputs, const float *x, int n);

/* Mean square of each element, with a hundredth of the mean of all so that none is worth nothing: [cols]. */
void inputs_importance(const struct inputs *inputs, float *importance_ret);

#endif
