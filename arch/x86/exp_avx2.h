/* SPDX-License-Identifier: Apache-2.0
 * exp_avx2.h - pd_exp() on 8 floats: the same operations in the same order (arch/exp.h). */
#ifndef PD_EXP_AVX2_H
#define PD_EXP_AVX2_H

#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include <immintrin.h>

#include "arch/exp.h"

static inline __m256 pd_exp_avx2(__m256 x)
{
    const __m256 magic = _mm256_set1_ps(PD_ROUND_MAGIC);
    __m256 is_kept = _mm256_cmp_ps(x, _mm256_set1_ps(PD_EXP_MIN), _CMP_GE_OQ);
    x = _mm256_min_ps(x, _mm256_set1_ps(PD_EXP_MAX));
    __m256 n =
        _mm256_sub_ps(_mm256_add_ps(_mm256_mul_ps(x, _mm256_set1_ps(PD_EXP_LOG2E)), magic), magic);
    __m256 r = _mm256_sub_ps(x, _mm256_mul_ps(n, _mm256_set1_ps(PD_EXP_LN2_HIGH)));
    r = _mm256_sub_ps(r, _mm256_mul_ps(n, _mm256_set1_ps(PD_EXP_LN2_LOW)));
    __m256 p = _mm256_set1_ps(PD_EXP_P4);
    p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(PD_EXP_P3));
    p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(PD_EXP_P2));
    p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(PD_EXP_P1));
    p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(PD_EXP_P0));
    __m256 y = _mm256_add_ps(_mm256_mul_ps(p, _mm256_mul_ps(r, r)), r);
    y = _mm256_add_ps(y, _mm256_set1_ps(1.0f));
    __m256i exponent = _mm256_slli_epi32(_mm256_cvttps_epi32(n), 23);
    y = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(y), exponent));
    return _mm256_and_ps(y, is_kept);
}

#endif
