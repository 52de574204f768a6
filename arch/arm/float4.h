/* SPDX-License-Identifier: Apache-2.0
 * float4.h - four floats, with IEEE arithmetic on both kinds of ARM.
 *
 * 64-bit NEON is IEEE. 32-bit NEON takes subnormal numbers for zeros, whatever the mode, so there only
 * integers, moves and conversions, which need none, are vectors; products and sums go to VFP, one by one. */
#ifndef PD_FLOAT4_H
#define PD_FLOAT4_H

#ifndef __ARM_NEON
#error "compile with -mfpu=neon-vfpv4"
#endif
#include <arm_neon.h>

#define PD_INLINE static inline __attribute__((always_inline))

#ifdef __aarch64__

typedef float32x4_t pd_float4;

PD_INLINE pd_float4 pd_float4_of(float32x4_t x)
{
    return x;
}

PD_INLINE pd_float4 pd_float4_add(pd_float4 a, pd_float4 b)
{
    return vaddq_f32(a, b);
}

PD_INLINE pd_float4 pd_float4_mul(pd_float4 a, pd_float4 b)
{
    return vmulq_f32(a, b);
}

PD_INLINE pd_float4 pd_float4_scale(pd_float4 a, float factor)
{
    return vmulq_n_f32(a, factor);
}

PD_INLINE pd_float4 pd_float4_negate(pd_float4 x)
{
    return vnegq_f32(x);
}

PD_INLINE void pd_float4_store(float *p, pd_float4 x)
{
    vst1q_f32(p, x);
}

/* { a0 + a1, a2 + a3, b0 + b1, b2 + b3 } */
PD_INLINE int32x4_t pd_add_pairs(int32x4_t a, int32x4_t b)
{
    return vpaddq_s32(a, b);
}

#else

typedef struct {
    float lane[4];
} pd_float4;

PD_INLINE pd_float4 pd_float4_of(float32x4_t x)
{
    return (pd_float4){
        {vgetq_lane_f32(x, 0), vgetq_lane_f32(x, 1), vgetq_lane_f32(x, 2), vgetq_lane_f32(x, 3)}};
}

PD_INLINE pd_float4 pd_float4_add(pd_float4 a, pd_float4 b)
{
    return (pd_float4){{a.lane[0] + b.lane[0], a.lane[1] + b.lane[1], a.lane[2] + b.lane[2],
                        a.lane[3] + b.lane[3]}};
}

PD_INLINE pd_float4 pd_float4_mul(pd_float4 a, pd_float4 b)
{
    return (pd_float4){{a.lane[0] * b.lane[0], a.lane[1] * b.lane[1], a.lane[2] * b.lane[2],
                        a.lane[3] * b.lane[3]}};
}

PD_INLINE pd_float4 pd_float4_scale(pd_float4 a, float factor)
{
    return (pd_float4){
        {a.lane[0] * factor, a.lane[1] * factor, a.lane[2] * factor, a.lane[3] * factor}};
}

PD_INLINE pd_float4 pd_float4_negate(pd_float4 x)
{
    return (pd_float4){{-x.lane[0], -x.lane[1], -x.lane[2], -x.lane[3]}};
}

PD_INLINE void pd_float4_store(float *p, pd_float4 x)
{
    for (int i = 0; i < 4; i++)
        p[i] = x.lane[i];
}

/* { a0 + a1, a2 + a3, b0 + b1, b2 + b3 } */
PD_INLINE int32x4_t pd_add_pairs(int32x4_t a, int32x4_t b)
{
    return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)),
                        vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
}

#endif

PD_INLINE pd_float4 pd_float4_zero(void)
{
    return pd_float4_of(vdupq_n_f32(0.0f));
}

PD_INLINE pd_float4 pd_float4_load(const float *p)
{
    return pd_float4_of(vld1q_f32(p));
}

PD_INLINE pd_float4 pd_float4_of_ints(int32x4_t x)
{
    return pd_float4_of(vcvtq_f32_s32(x));
}

PD_INLINE pd_float4 pd_float4_of_halfs(uint16x4_t x)
{
    return pd_float4_of(vcvt_f32_f16(vreinterpret_f16_u16(x)));
}

/* bfloat16: the upper half of a float. */
PD_INLINE pd_float4 pd_float4_of_bfloats(uint16x4_t x)
{
    return pd_float4_of(vreinterpretq_f32_u32(vshll_n_u16(x, 16)));
}

#endif
