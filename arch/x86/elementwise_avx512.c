/* SPDX-License-Identifier: Apache-2.0
 * elementwise_avx512.c - the gated activations of arch/generic/elementwise.c on 16 floats at a time. */
#ifndef __AVX512DQ__
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni"
#endif
#include "arch/x86/exp_avx512.h"
#include "arch/x86/x86.h"

/* gates = g / (1 + e^x) * up, in the lanes given */
static inline void store_gated(float *gates, __mmask16 lanes, __m512 g, __m512 x, const float *up)
{
    __m512 below = _mm512_add_ps(_mm512_set1_ps(1.0f), pd_exp_avx512(x));
    __m512 gate = _mm512_div_ps(g, below);
    _mm512_mask_storeu_ps(gates, lanes, _mm512_mul_ps(gate, _mm512_maskz_loadu_ps(lanes, up)));
}

static void silu_mul(float *gates, const float *up, int n)
{
    const __m512 sign = _mm512_set1_ps(-0.0f);
    for (int i = 0; i < n; i += 16) {
        __mmask16 lanes = pd_first_lanes_avx512(n - i);
        __m512 g = _mm512_maskz_loadu_ps(lanes, gates + i);
        store_gated(gates + i, lanes, g, _mm512_xor_ps(g, sign), up + i);
    }
}

static void gelu_mul(float *gates, const float *up, int n)
{
    const __m512 a = _mm512_set1_ps(-1.5957691216f), b = _mm512_set1_ps(0.044715f);
    for (int i = 0; i < n; i += 16) {
        __mmask16 lanes = pd_first_lanes_avx512(n - i);
        __m512 g = _mm512_maskz_loadu_ps(lanes, gates + i);
        __m512 cube = _mm512_mul_ps(_mm512_mul_ps(g, g), g);
        __m512 u2 = _mm512_mul_ps(a, _mm512_add_ps(g, _mm512_mul_ps(b, cube)));
        store_gated(gates + i, lanes, g, u2, up + i);
    }
}

void pd_avx512_elementwise(struct pd_kernels *k)
{
    k->silu_mul = silu_mul;
    k->gelu_mul = gelu_mul;
}
