/* SPDX-License-Identifier: Apache-2.0
 * reduce_neon64.c - arch/generic/reduce.c and softmax on 4 floats at a time. The 16 partial sums are four
 * vectors; elements beyond the last 16 are added by index, as there. */
#include "arch/arm/reduce_neon64.h"

#include <math.h>

#include "arch/arm/arm.h"
#include "arch/arm/exp_neon64.h"
#include "arch/generic/generic.h"

static void rms_norm(float *out, const float *x, const float *weight, int n, float eps)
{
    float partial[PD_SUM_LANES] = {0};
    float32x4_t sums[PD_SUM_VECTORS];
    pd_load_partial_neon64(partial, sums);
    int i = 0;
    for (; i + PD_SUM_LANES <= n; i += PD_SUM_LANES) {
        for (int j = 0; j < PD_SUM_VECTORS; j++) {
            float32x4_t v = vld1q_f32(x + i + 4 * j);
            sums[j] = vaddq_f32(sums[j], vmulq_f32(v, v));
        }
    }
    pd_store_partial_neon64(sums, partial);
    for (int j = 0; i + j < n; j++)
        partial[j] = partial[j] + x[i + j] * x[i + j];
    float inverse = 1.0f / sqrtf(pd_sum_tree(partial) / (float)n + eps);
    for (i = 0; i + 4 <= n; i += 4)
        vst1q_f32(out + i,
                  vmulq_f32(vmulq_n_f32(vld1q_f32(x + i), inverse), vld1q_f32(weight + i)));
    for (; i < n; i++)
        out[i] = x[i] * inverse * weight[i];
}

static float max_of(const float *x, int n)
{
    float max = x[0];
    int i = 0;
    if (n >= 8) {
        float32x4_t a = vdupq_n_f32(max), b = a;
        for (; i + 8 <= n; i += 8) {
            a = pd_larger_neon64(vld1q_f32(x + i), a);
            b = pd_larger_neon64(vld1q_f32(x + i + 4), b);
        }
        max = vmaxvq_f32(pd_larger_neon64(a, b));
    }
    for (; i < n; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

static float exp_sum(const float *x, int n, float max, float inverse_temperature)
{
    const float32x4_t max4 = vdupq_n_f32(max);
    float partial[PD_SUM_LANES] = {0};
    float32x4_t sums[PD_SUM_VECTORS];
    pd_load_partial_neon64(partial, sums);
    int i = 0;
    for (; i + PD_SUM_LANES <= n; i += PD_SUM_LANES) {
        for (int j = 0; j < PD_SUM_VECTORS; j++) {
            float32x4_t rest = vsubq_f32(vld1q_f32(x + i + 4 * j), max4);
            sums[j] = vaddq_f32(sums[j], pd_exp_neon64(vmulq_n_f32(rest, inverse_temperature)));
        }
    }
    pd_store_partial_neon64(sums, partial);
    for (int j = 0; i + j < n; j++)
        partial[j] = partial[j] + pd_exp((x[i + j] - max) * inverse_temperature);
    return pd_sum_tree(partial);
}

static float softmax(float *scores, int first, int end)
{
    float max = max_of(scores + first, end - first);
    const float32x4_t max4 = vdupq_n_f32(max);
    float partial[PD_SUM_LANES] = {0};
    int t = first;
    for (; t < end && t % PD_SUM_LANES != 0; t++) {
        scores[t] = pd_exp(scores[t] - max);
        partial[t % PD_SUM_LANES] = partial[t % PD_SUM_LANES] + scores[t];
    }
    float32x4_t sums[PD_SUM_VECTORS];
    pd_load_partial_neon64(partial, sums);
    for (; t + PD_SUM_LANES <= end; t += PD_SUM_LANES) {
        for (int j = 0; j < PD_SUM_VECTORS; j++) {
            float32x4_t e = pd_exp_neon64(vsubq_f32(vld1q_f32(scores + t + 4 * j), max4));
            vst1q_f32(scores + t + 4 * j, e);
            sums[j] = vaddq_f32(sums[j], e);
        }
    }
    pd_store_partial_neon64(sums, partial);
    for (; t < end; t++) {
        scores[t] = pd_exp(scores[t] - max);
        partial[t % PD_SUM_LANES] = partial[t % PD_SUM_LANES] + scores[t];
    }
    return pd_sum_tree(partial);
}

void pd_neon64_reduce(struct pd_kernels *k)
{
    k->rms_norm = rms_norm;
    k->max = max_of;
    k->exp_sum = exp_sum;
    k->softmax = softmax;
}
