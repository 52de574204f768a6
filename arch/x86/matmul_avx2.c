/* SPDX-License-Identifier: Apache-2.0
 * matmul_avx2.c - weight panels times activation rows: 8 outputs in a vector, up to 4 activation rows a pass.
 *
 * vpmaddubsw multiplies unsigned quants by signed activations and adds pairs in 16 bits, which must not
 * overflow: a pair of 4-bit quants is at most 2 * 15 * 127 = 3810, so all 8 groups of a block fit
 * (30480); of 5-bit quants 4 groups (31496); of 6-bit quants 2 (32004). 8-bit quants are made signed,
 * and |w| multiplies a with w's sign: 2 * 128 * 127 = 32512, one group at a time. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include <immintrin.h>
#include <string.h>

#include "arch/panel.h"
#include "arch/x86/x86.h"
#include "quant/block.h"

enum { R = 8, TILE = 4 };

#define INLINE static inline __attribute__((always_inline))

/* The 4-byte group of activations for all 8 outputs. */
INLINE __m256i broadcast4(const int8_t *a)
{
    int32_t group;
    memcpy(&group, a, sizeof group);
    return _mm256_set1_epi32(group);
}

INLINE __m256i load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

INLINE __m256 load_halfs(const uint8_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

INLINE __m256 load_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(
        _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

INLINE __m256 load_signed_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

/* Group g of a block of 4-, 5- or 6-bit quants, as unsigned bytes. */
INLINE __m256i quants(int bits, const uint8_t *p, int g)
{
    __m256i bytes = load(p + (size_t)((bits - 4 + g / 2) * 4 * R));
    if (g % 2 == 1)
        bytes = _mm256_srli_epi16(bytes, 4);
    bytes = _mm256_and_si256(bytes, _mm256_set1_epi8(15));
    if (bits == 4)
        return bytes;
    __m256i high;
    if (bits == 5) { /* bit g of each byte, to bit 4 */
        high = load(p);
        high = g <= 4 ? _mm256_slli_epi16(high, 4 - g < 0 ? 0 : 4 - g)
                      : _mm256_srli_epi16(high, g - 4 < 0 ? 0 : g - 4);
        high = _mm256_and_si256(high, _mm256_set1_epi8(16));
    } else { /* pair g % 4, to bits 4 and 5 */
        int shift = 4 - g % 4 * 2;
        high = load(p + (size_t)(g / 4 * 4 * R));
        high = shift >= 0 ? _mm256_slli_epi16(high, shift < 0 ? 0 : shift)
                          : _mm256_srli_epi16(high, shift > 0 ? 0 : -shift);
        high = _mm256_and_si256(high, _mm256_set1_epi8(48));
    }
    return _mm256_or_si256(bytes, high);
}

/* sum[i] = groups [from, to) of the block times activation row i. */
INLINE void dot_groups(int bits, int n, const uint8_t *p, const int8_t *const *a, int from, int to,
                       __m256i *sum)
{
    const __m256i ones = _mm256_set1_epi16(1);
    int groups_a_sum = bits == 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
    for (int i = 0; i < n; i++)
        sum[i] = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int first = from; first < to; first += groups_a_sum) {
        __m256i pairs[TILE];
#pragma GCC unroll 8
        for (int g = first; g < first + groups_a_sum; g++) {
            __m256i w = bits == 8 ? _mm256_xor_si256(load(p + g * 4 * R), _mm256_set1_epi8(-128))
                                  : quants(bits, p, g);
            __m256i magnitude = bits == 8 ? _mm256_abs_epi8(w) : w;
#pragma GCC unroll 4
            for (int i = 0; i < n; i++) {
                __m256i group = broadcast4(a[i] + 4 * g);
                if (bits == 8)
                    group = _mm256_sign_epi8(group, w);
                __m256i product = _mm256_maddubs_epi16(magnitude, group);
                pairs[i] = g == first ? product : _mm256_add_epi16(pairs[i], product);
            }
        }
#pragma GCC unroll 4
        for (int i = 0; i < n; i++)
            sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(pairs[i], ones));
    }
}

INLINE __m256 add_scaled(__m256 acc, __m256 scale, float d_a, __m256i sum)
{
    __m256 both = _mm256_mul_ps(scale, _mm256_set1_ps(d_a));
    return _mm256_add_ps(acc, _mm256_mul_ps(both, _mm256_cvtepi32_ps(sum)));
}

/* n <= TILE activation rows against one panel; all but the pointers are constants at each call. */
INLINE void tile(enum pd_format_id format, int n, const uint8_t *p, int k, const struct pd_act *act,
                 int row, float *y, size_t y_stride)
{
    const struct pd_panel_shape shape = pd_panel_shape(format);
    int n_blocks = k / PD_BLOCK;
    bool is_k = shape.per_header > 1;
    int offset = shape.bits == 8 ? 0 : shape.offset; /* 8-bit quants are made signed */
    __m256 acc[TILE];
    const int8_t *a[TILE];
    for (int i = 0; i < n; i++) {
        acc[i] = _mm256_setzero_ps();
        a[i] = act->q + (size_t)(row + i) * (size_t)k;
    }
    __m256 d = _mm256_setzero_ps(), m = _mm256_setzero_ps();
    for (int b = 0; b < n_blocks; b++) {
        if (!is_k || b % shape.per_header == 0) {
            d = load_halfs(p);
            if (shape.header_bytes == 4)
                m = load_halfs(p + 2 * R);
            p += shape.header_bytes * R;
        }
        const uint8_t *scales = p;
        p += shape.scale_bytes * R;

        size_t at = (size_t)row * (size_t)n_blocks + (size_t)b; /* of activation row `row` */
        __m256i sum[TILE];
        if (format == PD_Q6_K) {
            for (int half = 0; half < 2; half++) {
                __m256 scale = _mm256_mul_ps(d, load_signed_bytes(scales + half * R));
                dot_groups(shape.bits, n, p, a, 4 * half, 4 * half + 4, sum);
#pragma GCC unroll 4
                for (int i = 0; i < n; i++) {
                    size_t at_i = at + (size_t)i * (size_t)n_blocks;
                    int start = offset * act->sum16[2 * at_i + (size_t)half];
                    acc[i] = add_scaled(acc[i], scale, act->d[at_i],
                                        _mm256_sub_epi32(sum[i], _mm256_set1_epi32(start)));
                }
            }
        } else {
            __m256 scale = is_k ? _mm256_mul_ps(d, load_bytes(scales)) : d;
            __m256 min = is_k ? _mm256_xor_ps(_mm256_mul_ps(m, load_bytes(scales + R)),
                                              _mm256_set1_ps(-0.0f))
                              : m;
            dot_groups(shape.bits, n, p, a, 0, 8, sum);
#pragma GCC unroll 4
            for (int i = 0; i < n; i++) {
                size_t at_i = at + (size_t)i * (size_t)n_blocks;
                if (offset != 0) {
                    int start = offset * (act->sum16[2 * at_i] + act->sum16[2 * at_i + 1]);
                    sum[i] = _mm256_sub_epi32(sum[i], _mm256_set1_epi32(start));
                }
                acc[i] = add_scaled(acc[i], scale, act->d[at_i], sum[i]);
                if (shape.header_bytes == 4)
                    acc[i] =
                        _mm256_add_ps(acc[i], _mm256_mul_ps(min, _mm256_set1_ps(act->dsum[at_i])));
            }
        }
        p += shape.bits * 4 * R;
        for (int i = 0; i < n; i++)
            a[i] += PD_BLOCK;
    }
    for (int i = 0; i < n; i++)
        _mm256_storeu_ps(y + (size_t)(row + i) * y_stride, acc[i]);
}

INLINE __m256 load_float(enum pd_format_id format, const uint8_t *p)
{
    if (format == PD_F32)
        return _mm256_loadu_ps((const float *)(const void *)p);
    __m128i halfs = _mm_loadu_si128((const __m128i *)(const void *)p);
    if (format == PD_F16)
        return _mm256_cvtph_ps(halfs);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halfs), 16));
}

INLINE void float_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                       const struct pd_act *act, int row, float *y, size_t y_stride)
{
    __m256 acc[TILE];
    for (int i = 0; i < n; i++)
        acc[i] = _mm256_setzero_ps();
    const float *x = act->x + (size_t)row * (size_t)k;
    for (int j = 0; j < k; j++, p += (format == PD_F32 ? 4 : 2) * R) {
        __m256 w = load_float(format, p);
#pragma GCC unroll 4
        for (int i = 0; i < n; i++) {
            __m256 x_i = _mm256_set1_ps(x[(size_t)i * (size_t)k + (size_t)j]);
            acc[i] = _mm256_add_ps(acc[i], _mm256_mul_ps(w, x_i));
        }
    }
    for (int i = 0; i < n; i++)
        _mm256_storeu_ps(y + (size_t)(row + i) * y_stride, acc[i]);
}

INLINE void any_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                     const struct pd_act *act, int row, float *y, size_t y_stride)
{
    if (pd_panel_shape(format).bits == 0)
        float_tile(format, n, p, k, act, row, y, y_stride);
    else
        tile(format, n, p, k, act, row, y, y_stride);
}

INLINE void panels_times_rows(enum pd_format_id format, const uint8_t *panels, int n_panels, int k,
                              const struct pd_act *act, int n_rows, float *y, size_t y_stride)
{
    size_t panel_bytes = pd_panel_bytes(format, k, R);
    for (int j = 0; j < n_panels; j++, panels += panel_bytes, y += R) {
        int row = 0;
        for (; row + TILE <= n_rows; row += TILE)
            any_tile(format, TILE, panels, k, act, row, y, y_stride);
        switch (n_rows - row) {
        case 3:
            any_tile(format, 3, panels, k, act, row, y, y_stride);
            break;
        case 2:
            any_tile(format, 2, panels, k, act, row, y, y_stride);
            break;
        case 1:
            any_tile(format, 1, panels, k, act, row, y, y_stride);
            break;
        default:
            break;
        }
    }
}

#define FORMATS(X)                                                                                 \
    X(F32) X(F16) X(BF16) X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q8_0) X(Q4_K) X(Q5_K) X(Q6_K)

#define DEFINE(format)                                                                             \
    static void matmul_##format(const uint8_t *panels, int n_panels, int k,                        \
                                const struct pd_act *act, int n_rows, float *y, size_t y_stride)   \
    {                                                                                              \
        panels_times_rows(PD_##format, panels, n_panels, k, act, n_rows, y, y_stride);             \
    }
FORMATS(DEFINE)

void pd_avx2_matmul(struct pd_kernels *k)
{
#define ENTRY(format) [PD_##format] = matmul_##format,
    static pd_matmul_fn *const table[PD_FORMATS] = {FORMATS(ENTRY)};
    memcpy(k->matmul, table, sizeof table);
    k->panel_rows = R;
}
