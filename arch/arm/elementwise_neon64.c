/* SPDX-License-Identifier: Apache-2.0
 * elementwise_neon64.c - arch/generic/elementwise.c on 4 floats at a time. */
#include "arch/arm/arm.h"
#include "arch/arm/exp_neon64.h"

static void add(float *x, const float *y, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4)
        vst1q_f32(x + i, vaddq_f32(vld1q_f32(x + i), vld1q_f32(y + i)));
    for (; i < n; i++)
        x[i] = x[i] + y[i];
}

static void scale(float *x, float factor, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4)
        vst1q_f32(x + i, vmulq_n_f32(vld1q_f32(x + i), factor));
    for (; i < n; i++)
        x[i] = x[i] * factor;
}

/* g / (1 + e^x) * up */
static inline float32x4_t gate(float32x4_t g, float32x4_t x, const float *up)
{
    float32x4_t below = vaddq_f32(vdupq_n_f32(1.0f), pd_exp_neon64(x));
    return vmulq_f32(vdivq_f32(g, below), vld1q_f32(up));
}

static void silu_mul(float *gates, const float *up, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        float32x4_t g = vld1q_f32(gates + i);
        vst1q_f32(gates + i, gate(g, vnegq_f32(g), up + i));
    }
    for (; i < n; i++)
        gates[i] = gates[i] / (1.0f + pd_exp(-gates[i])) * up[i];
}

static void gelu_mul(float *gates, const float *up, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        float32x4_t g = vld1q_f32(gates + i);
        float32x4_t cube = vmulq_f32(vmulq_f32(g, g), g);
        float32x4_t u2 = vmulq_n_f32(vaddq_f32(g, vmulq_n_f32(cube, 0.044715f)), -1.5957691216f);
        vst1q_f32(gates + i, gate(g, u2, up + i));
    }
    for (; i < n; i++) {
        float g = gates[i];
        float u2 = -1.5957691216f * (g + 0.044715f * (g * g * g));
        gates[i] = g / (1.0f + pd_exp(u2)) * up[i];
    }
}

void pd_neon64_elementwise(struct pd_kernels *k)
{
    k->add = add;
    k->scale = scale;
    k->silu_mul = silu_mul;
    k->gelu_mul = gelu_mul;
}
