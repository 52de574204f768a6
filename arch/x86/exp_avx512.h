/* SPDX-License-Identifier: Apache-2.0
 * exp_avx512.h - pd_exp() on 16 floats: the same operations in the same order (arch/exp.h); and how a
 * vector meets the end of an array. */
#ifndef PD_EXP_AVX512_H
#define PD_EXP_AVX512_H

#ifndef __AVX512DQ__
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni"
#endif
#include <immintrin.h>

#include "arch/exp.h"

static inline __m512 pd_exp_avx512(__m512 x)
{
    const __m512 magic = _mm512_set1_ps(PD_ROUND_MAGIC);
    __mmask16 is_kept = _mm512_cmp_ps_mask(x, _mm512_set1_ps(PD_EXP_MIN), _CMP_GE_OQ);
    x = _mm512_min_ps(x, _mm512_set1_ps(PD_EXP_MAX));
    __m512 n =
        _mm512_sub_ps(_mm512_add_ps(_mm512_mul_ps(x, _mm512_set1_ps(PD_EXP_LOG2E)), magic), magic);
    __m512 r = _mm512_sub_ps(x, _mm512_mul_ps(n, _mm512_set1_ps(PD_EXP_LN2_HIGH)));
    r = _mm512_sub_ps(r, _mm512_mul_ps(n, _mm512_set1_ps(PD_EXP_LN2_LOW)));
    __m512 p = _mm512_set1_ps(PD_EXP_P4);
    p = _mm512_add_ps(_mm512_mul_ps(p, r), _mm512_set1_ps(PD_EXP_P3));
    p = _mm512_add_ps(_mm512_mul_ps(p, r), _mm512_set1_ps(PD_EXP_P2));
    p = _mm512_add_ps(_mm512_mul_ps(p, r), _mm512_set1_ps(PD_EXP_P1));
    p = _mm512_add_ps(_mm512_mul_ps(p, r), _mm512_set1_ps(PD_EXP_P0));
    __m512 y = _mm512_add_ps(_mm512_mul_ps(p, _mm512_mul_ps(r, r)), r);
    y = _mm512_add_ps(y, _mm512_set1_ps(1.0f));
    __m512i exponent = _mm512_slli_epi32(_mm512_cvttps_epi32(n), 23);
    y = _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(y), exponent));
    return _mm512_maskz_mov_ps(is_kept, y);
}

/* The first n of 16 lanes, all where n is more. */
static inline __mmask16 pd_first_lanes_avx512(int n)
{
    return (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1);
}

#endif
