/* SPDX-License-Identifier: Apache-2.0
 * attention_avx512.c - softmax on 16 floats at a time. Scores and values stay with avx2: on half-width units
 * the same multiplications and additions take as long in wide vectors. */
#ifndef __AVX512DQ__
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni"
#endif
#include "arch/x86/exp_avx512.h"
#include "arch/x86/reduce_avx512.h"
#include "arch/x86/x86.h"

/* Vectors lie at multiples of PD_SUM_LANES, so that score t is in the lane of its partial sum. */
static float softmax(float *scores, int first, int end)
{
    const int start = first - first % PD_SUM_LANES;
    const __mmask16 head = (__mmask16)(0xffffu << (first - start));
    __m512 max = _mm512_set1_ps(scores[first]);
    __mmask16 lanes = head;
    for (int t = start; t < end; t += PD_SUM_LANES, lanes = 0xffff) {
        lanes &= pd_first_lanes_avx512(end - t);
        /* A NaN never replaces max: max_ps gives its second operand. */
        max = _mm512_mask_max_ps(max, lanes, _mm512_maskz_loadu_ps(lanes, scores + t), max);
    }
    max = _mm512_set1_ps(pd_max16_avx512(max));
    __m512 partial = _mm512_setzero_ps();
    lanes = head;
    for (int t = start; t < end; t += PD_SUM_LANES, lanes = 0xffff) {
        lanes &= pd_first_lanes_avx512(end - t);
        __m512 x = _mm512_maskz_loadu_ps(lanes, scores + t);
        __m512 e = pd_exp_avx512(_mm512_sub_ps(x, max));
        _mm512_mask_storeu_ps(scores + t, lanes, e);
        partial = _mm512_mask_add_ps(partial, lanes, partial, e);
    }
    return pd_sum_tree_avx512(partial);
}

void pd_avx512_attention(struct pd_kernels *k)
{
    k->softmax = softmax;
}
