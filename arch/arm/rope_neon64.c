/* SPDX-License-Identifier: Apache-2.0
 * rope_neon64.c - arch/generic/rope.c on 4 pairs at a time. */
#include <arm_neon.h>

#include "arch/arm/arm.h"
#include "arch/rope.h"

/* { x cos - y sin, x sin + y cos } of the pairs (x, y) */
static inline float32x4x2_t rotate4(float32x4_t x, float32x4_t y, const float *cosines,
                                    const float *sines)
{
    float32x4_t c = vld1q_f32(cosines), s = vld1q_f32(sines);
    return (float32x4x2_t){
        {vsubq_f32(vmulq_f32(x, c), vmulq_f32(y, s)), vaddq_f32(vmulq_f32(x, s), vmulq_f32(y, c))}};
}

static void rope(float *x, const float *cs, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        float32x4x2_t pairs = vld2q_f32(x + 2 * i);
        vst2q_f32(x + 2 * i, rotate4(pairs.val[0], pairs.val[1], cs + i, cs + n + i));
    }
    for (; i < n; i++)
        pd_rotate(&x[2 * i], &x[2 * i + 1], cs[i], cs[n + i]);
}

static void rope_neox(float *x, const float *cs, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        float32x4x2_t pairs = rotate4(vld1q_f32(x + i), vld1q_f32(x + n + i), cs + i, cs + n + i);
        vst1q_f32(x + i, pairs.val[0]);
        vst1q_f32(x + n + i, pairs.val[1]);
    }
    for (; i < n; i++)
        pd_rotate(&x[i], &x[n + i], cs[i], cs[n + i]);
}

void pd_neon64_rope(struct pd_kernels *k)
{
    k->rope = rope;
    k->rope_neox = rope_neox;
}
