/* SPDX-License-Identifier: Apache-2.0
 * reduce_avx2.c - arch/generic/reduce.c on 8 floats at a time. The 16 partial sums are two vectors;
 * elements beyond the last 16 are added by index, as there. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "arch/x86/reduce_avx2.h"

#include <math.h>

#include "arch/x86/exp_avx2.h"
#include "arch/x86/x86.h"

static void rms_norm(float *out, const float *x, const float *weight, int n, float eps)
{
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + i + 8);
        low = _mm256_add_ps(low, _mm256_mul_ps(a, a));
        high = _mm256_add_ps(high, _mm256_mul_ps(b, b));
    }
    float partial[PD_SUM_LANES];
    _mm256_storeu_ps(partial, low);
    _mm256_storeu_ps(partial + 8, high);
    for (int j = 0; i + j < n; j++)
        partial[j] = partial[j] + x[i + j] * x[i + j];
    float sum = pd_sum_tree_avx2(_mm256_loadu_ps(partial), _mm256_loadu_ps(partial + 8));
    float inverse = 1.0f / sqrtf(sum / (float)n + eps);
    __m256 factor = _mm256_set1_ps(inverse);
    for (i = 0; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i, _mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(x + i), factor),
                                                _mm256_loadu_ps(weight + i)));
    for (; i < n; i++)
        out[i] = x[i] * inverse * weight[i];
}

static float max_of(const float *x, int n)
{
    float max = x[0];
    int i = 0;
    if (n >= 8) {
        __m256 best = _mm256_set1_ps(max);
        for (; i + 8 <= n;
             i += 8) /* a NaN in x never replaces best: max_ps gives its second operand */
            best = _mm256_max_ps(_mm256_loadu_ps(x + i), best);
        max = pd_max8_avx2(best);
    }
    for (; i < n; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

static float exp_sum(const float *x, int n, float max, float inverse_temperature)
{
    const __m256 max8 = _mm256_set1_ps(max), factor = _mm256_set1_ps(inverse_temperature);
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256 a = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), max8), factor);
        __m256 b = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i + 8), max8), factor);
        low = _mm256_add_ps(low, pd_exp_avx2(a));
        high = _mm256_add_ps(high, pd_exp_avx2(b));
    }
    float partial[PD_SUM_LANES];
    _mm256_storeu_ps(partial, low);
    _mm256_storeu_ps(partial + 8, high);
    for (int j = 0; i + j < n; j++)
        partial[j] = partial[j] + pd_exp((x[i + j] - max) * inverse_temperature);
    return pd_sum_tree_avx2(_mm256_loadu_ps(partial), _mm256_loadu_ps(partial + 8));
}

void pd_avx2_reduce(struct pd_kernels *k)
{
    k->rms_norm = rms_norm;
    k->max = max_of;
    k->exp_sum = exp_sum;
}
