/* SPDX-License-Identifier: Apache-2.0
 * quantise_neon64.c - arch/generic/quantise.c, a block of 32 in eight vectors. */
#include "arch/arm/arm.h"
#include "arch/arm/exp_neon64.h"
#include "arch/arm/reduce_neon64.h"
#include "quant/block.h"

enum { VECTORS = PD_BLOCK / 4 };

/* 4 floats to integers; beyond 127 and not a number: 0. */
static inline int16x4_t round_to_words(float32x4_t x)
{
    float32x4_t rounded = pd_round_neon64(x);
    uint32x4_t is_kept = vcleq_f32(vabsq_f32(rounded), vdupq_n_f32(127.0f));
    uint32x4_t bits = vandq_u32(vreinterpretq_u32_f32(rounded), is_kept);
    return vmovn_s32(vcvtq_s32_f32(vreinterpretq_f32_u32(bits)));
}

static void quantise(const float *x, int k, int8_t *q, float *d, float *dsum, int32_t *sum16)
{
    for (int b = 0; b < k / PD_BLOCK; b++, x += PD_BLOCK, q += PD_BLOCK) {
        float32x4_t v[VECTORS];
        float32x4_t best = vdupq_n_f32(0.0f);
        for (int i = 0; i < VECTORS; i++) {
            v[i] = vld1q_f32(x + 4 * i);
            best = pd_larger_neon64(vabsq_f32(v[i]), best);
        }
        float max = vmaxvq_f32(best);
        float inverse = max > 0x1p-100f ? 127.0f / max : 0.0f;
        for (int half = 0; half < 2; half++) {
            int16x4_t words[4];
            for (int i = 0; i < 4; i++)
                words[i] = round_to_words(vmulq_n_f32(v[4 * half + i], inverse));
            int8x16_t bytes = vcombine_s8(vmovn_s16(vcombine_s16(words[0], words[1])),
                                          vmovn_s16(vcombine_s16(words[2], words[3])));
            vst1q_s8(q + 16 * half, bytes);
            sum16[2 * b + half] = vaddlvq_s8(bytes);
        }
        d[b] = max > 0x1p-100f ? max / 127.0f : 0.0f;
        dsum[b] = d[b] * (float)(sum16[2 * b] + sum16[2 * b + 1]);
    }
}

void pd_neon64_quantise(struct pd_kernels *k)
{
    k->quantise = quantise;
}
