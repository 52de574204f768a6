/* SPDX-License-Identifier: Apache-2.0
 * matmul_i8mm.c - weight panels times activation rows by usmmla: 2 outputs times 2 rows, 8 bytes each, in one
 * instruction. The panels are those of matmul_neon.c, and so are the float formats' kernels.
 *
 * The 8 bytes of an output are two of its 4-byte groups, zipped from two vectors of groups. They are groups
 * g and g + 2, because those are the same half of their bytes: nibbles are zipped before they are
 * unpacked, two for one. An even g meets the even groups of activations, an odd g the odd ones.
 *
 * Sums are vectors of [w0 a0, w0 a1, w1 a0, w1 a1]; accumulators stay so until they are stored, with scales
 * of weights as [d0, d0, d1, d1] and those of activations as [d0, d1, d0, d1]. */
#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile with -march=armv8.2-a+dotprod+i8mm"
#endif

#define OWN_QUANT_TILE
#define FULL_TILES true
#include "arch/arm/dot_groups.h"

enum { PAIRS = TILE / 2, W_PAIRS = R / 2 };

INLINE uint8x16_t zip_groups(uint8x16_t a, uint8x16_t b, int upper)
{
    uint32x4_t a4 = vreinterpretq_u32_u8(a), b4 = vreinterpretq_u32_u8(b);
    return vreinterpretq_u8_u32(upper ? vzip2q_u32(a4, b4) : vzip1q_u32(a4, b4));
}

/* Groups g and g + 2, for g = 4 s and g = 4 s + 1, of outputs 4 * half + 2 * upper and the next. */
INLINE void pair_quants(int bits, const uint8_t *p, int s, int half, int upper, uint8x16_t w[2])
{
    enum { VECTOR = 4 * R };
    p += 16 * half;
    if (bits == 8) {
        const uint8_t *groups = p + 4 * s * VECTOR;
#pragma GCC unroll 2
        for (int odd = 0; odd < 2; odd++)
            w[odd] = zip_groups(vld1q_u8(groups + odd * VECTOR),
                                vld1q_u8(groups + (odd + 2) * VECTOR), upper);
        return;
    }
    const uint8_t *low = p + (bits - 4 + 2 * s) * VECTOR;
    uint8x16_t nibbles = zip_groups(vld1q_u8(low), vld1q_u8(low + VECTOR), upper);
    w[0] = vandq_u8(nibbles, vdupq_n_u8(15));
    w[1] = vshrq_n_u8(nibbles, 4);
    if (bits > 4) { /* those of groups g and g + 2 to one place of their bytes, then to bit 4 */
        uint8x16_t high = vld1q_u8(bits == 5 ? p : p + s * VECTOR);
        high = zip_groups(high, bits == 5 ? vshrq_n_u8(high, 2) : vshrq_n_u8(high, 4), upper);
#pragma GCC unroll 2
        for (int odd = 0; odd < 2; odd++) {
            int left = bits == 5 ? 4 - (4 * s + odd) : 4 - 2 * odd;
            uint8x16_t placed =
                left < 0 ? high >> vdupq_n_u8(1) : high << vdupq_n_u8((uint8_t)left);
            w[odd] = vbslq_u8(vdupq_n_u8(bits == 5 ? 16 : 48), placed, w[odd]);
        }
    }
}

/* Each of 8 numbers twice. */
INLINE void twice(const float32x4_t x[2], float32x4_t out[W_PAIRS])
{
    for (int i = 0; i < 2; i++) {
        out[2 * i] = vzip1q_f32(x[i], x[i]);
        out[2 * i + 1] = vzip2q_f32(x[i], x[i]);
    }
}

/* [a, b, a, b] */
INLINE float32x4_t alternate(const float *a, const float *b)
{
    float32x2_t both = vld1_lane_f32(b, vld1_dup_f32(a), 1);
    return vcombine_f32(both, both);
}

/* What the sums of one pair of rows start from, -offset times the activation sum, by sub-block or, with
 * `whole`, for the block in start[0]. */
INLINE void load_starts(const int32_t *a, const int32_t *b, int offset, bool whole,
                        int32x4_t start[2])
{
    int32x2_t a2 = vld1_s32(a), b2 = vld1_s32(b);
    int32x2_t first = whole ? vpadd_s32(a2, b2) : vtrn1_s32(a2, b2);
    int32x2_t second = vtrn2_s32(a2, b2);
    start[0] = vmulq_n_s32(vcombine_s32(first, first), -offset);
    start[1] = vmulq_n_s32(vcombine_s32(second, second), -offset);
}

/* n is even. */
INLINE void pair_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                      const struct pd_act *act, int row, float *y, size_t y_stride)
{
    const struct pd_panel_shape shape = pd_panel_shape(format);
    int n_parts = format == PD_Q6_K ? 2 : 1; /* that have scales of their own */
    int n_blocks = k / PD_BLOCK;
    bool is_k = shape.per_header > 1;
    bool has_min = shape.header_bytes == 4;
    float32x4_t acc[PAIRS][W_PAIRS], d[2] = {0}, m[2] = {0};
    for (int i = 0; i < n / 2; i++)
        for (int j = 0; j < W_PAIRS; j++)
            acc[i][j] = vdupq_n_f32(0.0f);

    for (int b = 0; b < n_blocks; b++) {
        if (!is_k || b % shape.per_header == 0) {
            load_halfs(p, d);
            if (has_min)
                load_halfs(p + 2 * R, m);
            p += shape.header_bytes * R;
        }
        float32x4_t lanes[2] = {d[0], d[1]}, scale[2][W_PAIRS], min[W_PAIRS];
        if (is_k)
            load_scales(d, p, format == PD_Q6_K, lanes);
        twice(lanes, scale[0]);
        if (format == PD_Q6_K) {
            load_scales(d, p + R, true, lanes);
            twice(lanes, scale[1]);
        }
        if (has_min) {
            lanes[0] = m[0];
            lanes[1] = m[1];
            if (is_k) {
                load_scales(m, p + R, false, lanes);
                lanes[0] = vnegq_f32(lanes[0]);
                lanes[1] = vnegq_f32(lanes[1]);
            }
            twice(lanes, min);
        }
        p += shape.scale_bytes * R;

        int32x4_t x[PAIRS][2][2], start[PAIRS][2];
        float32x4_t d_a[PAIRS], dsum[PAIRS];
#pragma GCC unroll 2
        for (int i = 0; i < n / 2; i++) {
            size_t at_a = (size_t)(row + 2 * i) * (size_t)n_blocks + (size_t)b;
            size_t at_b = at_a + (size_t)n_blocks;
            d_a[i] = alternate(act->d + at_a, act->d + at_b);
            if (has_min)
                dsum[i] = alternate(act->dsum + at_a, act->dsum + at_b);
            start[i][0] = start[i][1] = vdupq_n_s32(0);
            if (shape.offset != 0)
                load_starts(act->sum16 + 2 * at_a, act->sum16 + 2 * at_b, shape.offset,
                            n_parts == 1, start[i]);
#pragma GCC unroll 2
            for (int s = 0; s < 2; s++) {
                const int8_t *q_a = act->q + at_a * PD_BLOCK + 16 * s;
                const int8_t *q_b = act->q + at_b * PD_BLOCK + 16 * s;
                int32x4_t a = vreinterpretq_s32_s8(vld1q_s8(q_a));
                int32x4_t a_next = vreinterpretq_s32_s8(vld1q_s8(q_b));
                x[i][s][0] = vuzp1q_s32(a, a_next);
                x[i][s][1] = vuzp2q_s32(a, a_next);
            }
        }
#pragma GCC unroll 4
        for (int j = 0; j < W_PAIRS; j++) {
            int32x4_t sum[PAIRS];
#pragma GCC unroll 2
            for (int s = 0; s < 2; s++) {
                uint8x16_t w[2];
                pair_quants(shape.bits, p, s, j / 2, j % 2, w);
#pragma GCC unroll 2
                for (int i = 0; i < n / 2; i++) {
                    if (s == 0 || n_parts == 2)
                        sum[i] = start[i][s];
                    sum[i] = vusmmlaq_s32(sum[i], w[0], vreinterpretq_s8_s32(x[i][s][0]));
                    sum[i] = vusmmlaq_s32(sum[i], w[1], vreinterpretq_s8_s32(x[i][s][1]));
                    if (s == 1 || n_parts == 2) {
                        float32x4_t both = vmulq_f32(scale[s % n_parts][j], d_a[i]);
                        acc[i][j] = vaddq_f32(acc[i][j], vmulq_f32(both, vcvtq_f32_s32(sum[i])));
                    }
                }
            }
#pragma GCC unroll 2
            for (int i = 0; i < n / 2; i++)
                if (has_min)
                    acc[i][j] = vaddq_f32(acc[i][j], vmulq_f32(min[j], dsum[i]));
        }
        p += shape.bits * 4 * R;
    }
    for (int i = 0; i < n / 2; i++) {
        float *y_i = y + (size_t)(row + 2 * i) * y_stride;
        for (int h = 0; h < 2; h++) {
            vst1q_f32(y_i + 4 * h, vuzp1q_f32(acc[i][2 * h], acc[i][2 * h + 1]));
            vst1q_f32(y_i + y_stride + 4 * h, vuzp2q_f32(acc[i][2 * h], acc[i][2 * h + 1]));
        }
    }
}

/* An odd row would be its own neighbour: more work than lanes are. */
INLINE void quant_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                       const struct pd_act *act, int row, float *y, size_t y_stride)
{
    if (n % 2 == 1)
        lane_tile(format, n, p, k, act, row, y, y_stride);
    else
        pair_tile(format, n, p, k, act, row, y, y_stride);
}

QUANT_FORMATS(DEFINE_MATMUL)

void pd_i8mm_matmul(struct pd_kernels *k)
{
    QUANT_FORMATS(SET_MATMUL)
}
