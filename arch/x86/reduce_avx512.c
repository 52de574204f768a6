/* SPDX-License-Identifier: Apache-2.0
 * reduce_avx512.c - arch/generic/reduce.c on 16 floats at a time; the 16 partial sums are one vector. */
#ifndef __AVX512DQ__
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni"
#endif
#include "arch/x86/reduce_avx512.h"

#include "arch/x86/exp_avx512.h"
#include "arch/x86/x86.h"

static float max_of(const float *x, int n)
{
    __m512 best = _mm512_set1_ps(x[0]);
    for (int i = 0; i < n; i += 16) {
        __mmask16 lanes = pd_first_lanes_avx512(n - i);
        /* A NaN never replaces best: max_ps gives its second operand. */
        best = _mm512_mask_max_ps(best, lanes, _mm512_maskz_loadu_ps(lanes, x + i), best);
    }
    return pd_max16_avx512(best);
}

static float exp_sum(const float *x, int n, float max, float inverse_temperature)
{
    const __m512 max16 = _mm512_set1_ps(max), factor = _mm512_set1_ps(inverse_temperature);
    __m512 partial = _mm512_setzero_ps();
    for (int i = 0; i < n; i += 16) {
        __mmask16 lanes = pd_first_lanes_avx512(n - i);
        __m512 above = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, x + i), max16);
        __m512 e = pd_exp_avx512(_mm512_mul_ps(above, factor));
        partial = _mm512_mask_add_ps(partial, lanes, partial, e);
    }
    return pd_sum_tree_avx512(partial);
}

void pd_avx512_reduce(struct pd_kernels *k)
{
    k->max = max_of;
    k->exp_sum = exp_sum;
}
