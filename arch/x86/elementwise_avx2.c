/* SPDX-License-Identifier: Apache-2.0
 * elementwise_avx2.c - arch/generic/elementwise.c on 8 floats at a time. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "arch/x86/exp_avx2.h"
#include "arch/x86/x86.h"

static void add(float *x, const float *y, int n)
{
    int i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(x + i, _mm256_add_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i)));
    for (; i < n; i++)
        x[i] = x[i] + y[i];
}

static void scale(float *x, float factor, int n)
{
    const __m256 factor8 = _mm256_set1_ps(factor);
    int i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_loadu_ps(x + i), factor8));
    for (; i < n; i++)
        x[i] = x[i] * factor;
}

/* g / (1 + e^x) * up */
static inline __m256 gate(__m256 g, __m256 x, const float *up)
{
    __m256 below = _mm256_add_ps(_mm256_set1_ps(1.0f), pd_exp_avx2(x));
    return _mm256_mul_ps(_mm256_div_ps(g, below), _mm256_loadu_ps(up));
}

static void silu_mul(float *gates, const float *up, int n)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 g = _mm256_loadu_ps(gates + i);
        _mm256_storeu_ps(gates + i, gate(g, _mm256_xor_ps(g, sign), up + i));
    }
    for (; i < n; i++)
        gates[i] = gates[i] / (1.0f + pd_exp(-gates[i])) * up[i];
}

static void gelu_mul(float *gates, const float *up, int n)
{
    const __m256 a = _mm256_set1_ps(-1.5957691216f), b = _mm256_set1_ps(0.044715f);
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 g = _mm256_loadu_ps(gates + i);
        __m256 cube = _mm256_mul_ps(_mm256_mul_ps(g, g), g);
        __m256 u2 = _mm256_mul_ps(a, _mm256_add_ps(g, _mm256_mul_ps(b, cube)));
        _mm256_storeu_ps(gates + i, gate(g, u2, up + i));
    }
    for (; i < n; i++) {
        float g = gates[i];
        float u2 = -1.5957691216f * (g + 0.044715f * (g * g * g));
        gates[i] = g / (1.0f + pd_exp(u2)) * up[i];
    }
}

void pd_avx2_elementwise(struct pd_kernels *k)
{
    k->add = add;
    k->scale = scale;
    k->silu_mul = silu_mul;
    k->gelu_mul = gelu_mul;
}
