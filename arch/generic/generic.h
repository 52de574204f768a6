/* SPDX-License-Identifier: Apache-2.0
 * generic.h - plain C kernels: the definition of right. Each call fills its family's slots. */
#ifndef PD_GENERIC_H
#define PD_GENERIC_H

#include "arch/kernels.h"

void pd_generic_matmul(struct pd_kernels *k);
void pd_generic_quantise(struct pd_kernels *k);
void pd_generic_elementwise(struct pd_kernels *k);
void pd_generic_rope(struct pd_kernels *k);
void pd_generic_attention(struct pd_kernels *k);
void pd_generic_reduce(struct pd_kernels *k);
void pd_generic_probe(struct pd_kernels *k);

/* Partial sums to one: pairwise at distance 8, 4, 2, 1. Destroys them. */
static inline float pd_sum_tree(float partial[PD_SUM_LANES])
{
    for (int distance = PD_SUM_LANES / 2; distance > 0; distance /= 2)
        for (int i = 0; i < distance; i++)
            partial[i] = partial[i] + partial[i + distance];
    return partial[0];
}

#endif
