/* SPDX-License-Identifier: Apache-2.0
 * reduce_avx2.h - 16 partial sums in two vectors to one, in pd_sum_tree()'s order. */
#ifndef PD_REDUCE_AVX2_H
#define PD_REDUCE_AVX2_H

#include <immintrin.h>

static inline float pd_sum_tree_avx2(__m256 low, __m256 high)
{
    __m256 by8 = _mm256_add_ps(low, high);
    __m128 by4 = _mm_add_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
    __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
    return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
}

/* The largest of 8, once none is NaN. */
static inline float pd_max8_avx2(__m256 x)
{
    __m128 by4 = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    __m128 by2 = _mm_max_ps(by4, _mm_movehl_ps(by4, by4));
    return _mm_cvtss_f32(_mm_max_ss(by2, _mm_movehdup_ps(by2)));
}

#endif
