/* SPDX-License-Identifier: Apache-2.0
 * exp_neon64.h - pd_exp() on 4 floats: the same operations in the same order (arch/exp.h). */
#ifndef PD_EXP_NEON64_H
#define PD_EXP_NEON64_H

#ifndef __aarch64__
#error "64-bit only: see float4.h"
#endif
#include <arm_neon.h>

#include "arch/exp.h"

/* x rounded to integers, to even. */
static inline float32x4_t pd_round_neon64(float32x4_t x)
{
    const float32x4_t magic = vdupq_n_f32(PD_ROUND_MAGIC);
    return vsubq_f32(vaddq_f32(x, magic), magic);
}

static inline float32x4_t pd_exp_neon64(float32x4_t x)
{
    uint32x4_t is_kept = vcgeq_f32(x, vdupq_n_f32(PD_EXP_MIN));
    x = vminq_f32(x, vdupq_n_f32(PD_EXP_MAX));
    float32x4_t n = pd_round_neon64(vmulq_n_f32(x, PD_EXP_LOG2E));
    float32x4_t r = vsubq_f32(x, vmulq_n_f32(n, PD_EXP_LN2_HIGH));
    r = vsubq_f32(r, vmulq_n_f32(n, PD_EXP_LN2_LOW));
    float32x4_t p = vdupq_n_f32(PD_EXP_P4);
    p = vaddq_f32(vmulq_f32(p, r), vdupq_n_f32(PD_EXP_P3));
    p = vaddq_f32(vmulq_f32(p, r), vdupq_n_f32(PD_EXP_P2));
    p = vaddq_f32(vmulq_f32(p, r), vdupq_n_f32(PD_EXP_P1));
    p = vaddq_f32(vmulq_f32(p, r), vdupq_n_f32(PD_EXP_P0));
    float32x4_t y = vaddq_f32(vmulq_f32(p, vmulq_f32(r, r)), r);
    y = vaddq_f32(y, vdupq_n_f32(1.0f));
    int32x4_t exponent = vshlq_n_s32(vcvtq_s32_f32(n), 23);
    uint32x4_t bits = vreinterpretq_u32_s32(vaddq_s32(vreinterpretq_s32_f32(y), exponent));
    return vreinterpretq_f32_u32(vandq_u32(bits, is_kept));
}

#endif
