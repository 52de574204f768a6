/* SPDX-License-Identifier: Apache-2.0
 * matmul_neon.h - weight panels times activation rows on ARM: 8 outputs in two vectors, up to 4 activation
 * rows a pass. A template: after including it, a file defines the function declared as dot_groups(), by
 * which the instruction sets differ, and one kernel a format with DEFINE_MATMUL. One that defines OWN_QUANT_TILE
 * before it has a better quant_tile(). */
#ifndef PD_MATMUL_NEON_H
#define PD_MATMUL_NEON_H

#include <string.h>

#include "arch/arm/arm.h"
#include "arch/arm/float4.h"
#include "quant/block.h"

enum { R = 8, TILE = 4 };
#define ROW_COUNTS ROW_COUNTS_4
#include "arch/matmul_tiles.h"

/* sum[i] = groups [from, to), multiples of 4, of the block of quants at p times activation row i; quants of
 * 8 bits less 128. bits, n, from and to are constants at every call. */
INLINE void dot_groups(int bits, int n, const uint8_t *p, const int8_t *const *a, int from, int to,
                       int32x4_t sum[][2]);

/* Group g of a block, outputs 4 * half to 4 * half + 3: 0 to 63, or a quant of 8 bits less 128. */
INLINE int8x16_t quants(int bits, const uint8_t *p, int g, int half)
{
    p += 16 * half;
    if (bits == 8)
        return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(p + g * 4 * R), vdupq_n_u8(128)));
    uint8x16_t bytes = vld1q_u8(p + (bits - 4 + g / 2) * 4 * R);
    bytes = g % 2 == 1 ? vshrq_n_u8(bytes, 4) : vandq_u8(bytes, vdupq_n_u8(15));
    if (bits == 5) { /* bit g of each byte, to bit 4: negative shifts go right */
        uint8x16_t high = vshlq_u8(vld1q_u8(p), vdupq_n_s8((int8_t)(4 - g)));
        bytes = vbslq_u8(vdupq_n_u8(16), high, bytes);
    } else if (bits == 6) { /* pair g % 4, to bits 4 and 5 */
        int8x16_t shift = vdupq_n_s8((int8_t)(4 - g % 4 * 2));
        uint8x16_t high = vshlq_u8(vld1q_u8(p + g / 4 * 4 * R), shift);
        bytes = vbslq_u8(vdupq_n_u8(48), high, bytes);
    }
    return vreinterpretq_s8_u8(bytes);
}

INLINE uint16x4_t load_words(const uint8_t *p)
{
    return vreinterpret_u16_u8(vld1_u8(p));
}

INLINE void load_halfs(const uint8_t *p, pd_float4 out[2])
{
    out[0] = pd_float4_of_halfs(load_words(p));
    out[1] = pd_float4_of_halfs(load_words(p + 8));
}

/* out = d times 8 bytes */
INLINE void load_scales(const pd_float4 d[2], const uint8_t *p, bool is_signed, pd_float4 out[2])
{
    uint8x8_t bytes = vld1_u8(p);
    int16x8_t words =
        is_signed ? vmovl_s8(vreinterpret_s8_u8(bytes)) : vreinterpretq_s16_u16(vmovl_u8(bytes));
    out[0] = pd_float4_mul(d[0], pd_float4_of_ints(vmovl_s16(vget_low_s16(words))));
    out[1] = pd_float4_mul(d[1], pd_float4_of_ints(vmovl_s16(vget_high_s16(words))));
}

/* acc += (scale * d_a) * (sum - start) */
INLINE void add_scaled(pd_float4 acc[2], const pd_float4 scale[2], float d_a,
                       const int32x4_t sum[2], int start)
{
    for (int h = 0; h < 2; h++) {
        pd_float4 rest = pd_float4_of_ints(vsubq_s32(sum[h], vdupq_n_s32(start)));
        acc[h] = pd_float4_add(acc[h], pd_float4_mul(pd_float4_scale(scale[h], d_a), rest));
    }
}

/* quant_tile() with a lane for each output. */
INLINE void lane_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                      const struct pd_act *act, int row, float *y, size_t y_stride)
{
    const struct pd_panel_shape shape = pd_panel_shape(format);
    int n_blocks = k / PD_BLOCK;
    bool is_k = shape.per_header > 1;
    bool has_min = shape.header_bytes == 4;
    int offset = shape.bits == 8 ? 0 : shape.offset; /* 8-bit quants are made signed */
    pd_float4 acc[TILE][2];
    const int8_t *a[TILE];
    for (int i = 0; i < n; i++) {
        acc[i][0] = acc[i][1] = pd_float4_zero();
        a[i] = act->q + (size_t)(row + i) * (size_t)k;
    }
    pd_float4 d[2] = {pd_float4_zero(), pd_float4_zero()}, m[2] = {d[0], d[1]};
    for (int b = 0; b < n_blocks; b++) {
        if (!is_k || b % shape.per_header == 0) {
            load_halfs(p, d);
            if (has_min)
                load_halfs(p + 2 * R, m);
            p += shape.header_bytes * R;
        }
        const uint8_t *scales = p;
        p += shape.scale_bytes * R;

        size_t at = (size_t)row * (size_t)n_blocks + (size_t)b; /* of activation row `row` */
        int32x4_t sum[TILE][2];
        pd_float4 scale[2] = {d[0], d[1]}, min[2] = {m[0], m[1]};
        if (format == PD_Q6_K) {
#pragma GCC unroll 2
            for (int half = 0; half < 2; half++) {
                load_scales(d, scales + half * R, true, scale);
                dot_groups(shape.bits, n, p, a, 4 * half, 4 * half + 4, sum);
#pragma GCC unroll 4
                for (int i = 0; i < n; i++) {
                    size_t at_i = at + (size_t)i * (size_t)n_blocks;
                    add_scaled(acc[i], scale, act->d[at_i], sum[i],
                               offset * act->sum16[2 * at_i + (size_t)half]);
                }
            }
        } else {
            if (is_k) {
                load_scales(d, scales, false, scale);
                load_scales(m, scales + R, false, min);
                min[0] = pd_float4_negate(min[0]);
                min[1] = pd_float4_negate(min[1]);
            }
            dot_groups(shape.bits, n, p, a, 0, 8, sum);
#pragma GCC unroll 4
            for (int i = 0; i < n; i++) {
                size_t at_i = at + (size_t)i * (size_t)n_blocks;
                int start =
                    offset == 0 ? 0 : offset * (act->sum16[2 * at_i] + act->sum16[2 * at_i + 1]);
                add_scaled(acc[i], scale, act->d[at_i], sum[i], start);
                for (int h = 0; has_min && h < 2; h++)
                    acc[i][h] = pd_float4_add(acc[i][h], pd_float4_scale(min[h], act->dsum[at_i]));
            }
        }
        p += shape.bits * 4 * R;
        for (int i = 0; i < n; i++)
            a[i] += PD_BLOCK;
    }
    for (int i = 0; i < n; i++)
        for (int h = 0; h < 2; h++)
            pd_float4_store(y + (size_t)(row + i) * y_stride + 4 * h, acc[i][h]);
}

#ifndef OWN_QUANT_TILE
INLINE void quant_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                       const struct pd_act *act, int row, float *y, size_t y_stride)
{
    lane_tile(format, n, p, k, act, row, y, y_stride);
}
#endif

INLINE void load_floats(enum pd_format_id format, const uint8_t *p, pd_float4 out[2])
{
    if (format == PD_F16) {
        load_halfs(p, out);
    } else if (format == PD_BF16) {
        out[0] = pd_float4_of_bfloats(load_words(p));
        out[1] = pd_float4_of_bfloats(load_words(p + 8));
    } else {
        out[0] = pd_float4_of(vreinterpretq_f32_u8(vld1q_u8(p)));
        out[1] = pd_float4_of(vreinterpretq_f32_u8(vld1q_u8(p + 16)));
    }
}

INLINE void float_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                       const struct pd_act *act, int row, float *y, size_t y_stride)
{
    pd_float4 acc[TILE][2];
    for (int i = 0; i < n; i++)
        acc[i][0] = acc[i][1] = pd_float4_zero();
    const float *x = act->x + (size_t)row * (size_t)k;
    for (int j = 0; j < k; j++, p += (format == PD_F32 ? 4 : 2) * R) {
        pd_float4 w[2];
        load_floats(format, p, w);
#pragma GCC unroll 4
        for (int i = 0; i < n; i++) {
            float x_i = x[(size_t)i * (size_t)k + (size_t)j];
            acc[i][0] = pd_float4_add(acc[i][0], pd_float4_scale(w[0], x_i));
            acc[i][1] = pd_float4_add(acc[i][1], pd_float4_scale(w[1], x_i));
        }
    }
    for (int i = 0; i < n; i++)
        for (int h = 0; h < 2; h++)
            pd_float4_store(y + (size_t)(row + i) * y_stride + 4 * h, acc[i][h]);
}

#endif
