/* SPDX-License-Identifier: Apache-2.0
 * reduce_avx512.h - 16 numbers to one; sums in pd_sum_tree()'s order. */
#ifndef PD_REDUCE_AVX512_H
#define PD_REDUCE_AVX512_H

#include "arch/x86/reduce_avx2.h"

static inline float pd_sum_tree_avx512(__m512 x)
{
    return pd_sum_tree_avx2(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
}

/* The largest of 16, once none or each is NaN. */
static inline float pd_max16_avx512(__m512 x)
{
    return pd_max8_avx2(_mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1)));
}

#endif
