/* SPDX-License-Identifier: Apache-2.0
 * matmul_ymm.h - tiles of 8 outputs in a 256-bit vector. What differs between instruction sets is how quants
 * meet activations: dot_groups() of the file that includes this. */
#ifndef PD_MATMUL_YMM_H
#define PD_MATMUL_YMM_H

#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include <immintrin.h>
#include <string.h>

#include "arch/x86/x86.h"
#include "quant/block.h"

enum { R = 8, TILE = 4 };
#define ROW_COUNTS ROW_COUNTS_4
#include "arch/matmul_tiles.h"

/* sum[i] += groups [from, to) of the block of quants at p times activation row i of n, whose rows are k bytes
 * apart. All but the pointers and k are constants. */
INLINE void dot_groups(int bits, int n, const uint8_t *p, const int8_t *a, size_t k, int from,
                       int to, __m256i *sum);

/* What dot_groups() leaves on quants of that many bits: panel.h's offset, or less. */
INLINE int offset_of(const struct pd_panel_shape *shape);

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

/* Shifted to the left, or to the right where `by` is negative; what crosses bytes is masked off later. */
INLINE __m256i shift(__m256i words, int by)
{
    return by >= 0 ? _mm256_slli_epi16(words, by < 0 ? 0 : by)
                   : _mm256_srli_epi16(words, by > 0 ? 0 : -by);
}

/* Group g of a block, as unsigned bytes. */
INLINE __m256i quants(int bits, const uint8_t *p, int g)
{
    if (bits == 8)
        return load(p + g * 4 * R);
    __m256i low = load(p + (bits - 4 + g / 2) * 4 * R);
    low = _mm256_and_si256(g % 2 == 1 ? shift(low, -4) : low, _mm256_set1_epi8(15));
    if (bits == 4)
        return low;
    __m256i high = bits == 5 ? shift(load(p), 4 - g)                          /* bit g to bit 4 */
                             : shift(load(p + g / 4 * 4 * R), 4 - g % 4 * 2); /* pair g % 4 */
    return _mm256_or_si256(low, _mm256_and_si256(high, _mm256_set1_epi8(bits == 5 ? 16 : 48)));
}

/* acc += (scale * d_a) * sum */
INLINE __m256 add_scaled(__m256 acc, __m256 scale, float d_a, __m256i sum)
{
    __m256 both = _mm256_mul_ps(scale, _mm256_set1_ps(d_a));
    return _mm256_add_ps(acc, _mm256_mul_ps(both, _mm256_cvtepi32_ps(sum)));
}

INLINE void quant_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                       const struct pd_act *act, int row, float *y, size_t y_stride)
{
    const struct pd_panel_shape shape = pd_panel_shape(format);
    const int offset = offset_of(&shape);
    const bool is_k = shape.per_header > 1, has_min = shape.header_bytes == 4;
    const size_t n_blocks = (size_t)(k / PD_BLOCK);
    __m256 acc[TILE];
    for (int i = 0; i < n; i++)
        acc[i] = _mm256_setzero_ps();
    __m256 d = _mm256_setzero_ps(), m = _mm256_setzero_ps();
    for (size_t b = 0; b < n_blocks; b++) {
        if (!is_k || b % (size_t)shape.per_header == 0) {
            d = load_halfs(p);
            if (has_min)
                m = load_halfs(p + 2 * R);
            p += shape.header_bytes * R;
        }
        const uint8_t *scales = p;
        p += shape.scale_bytes * R;

        const size_t at = (size_t)row * n_blocks + b; /* of activation row `row` */
        const int8_t *a = act->q + at * PD_BLOCK;
        const float *d_a = act->d + at;
        const int32_t *sum16 = act->sum16 + 2 * at;
        __m256i sum[TILE];
        if (format == PD_Q6_K) {
#pragma GCC unroll 2
            for (int half = 0; half < 2; half++) {
                __m256 scale = _mm256_mul_ps(d, load_signed_bytes(scales + half * R));
                for (int i = 0; i < n; i++)
                    sum[i] =
                        _mm256_set1_epi32(-offset * sum16[2 * (size_t)i * n_blocks + (size_t)half]);
                dot_groups(shape.bits, n, p, a, (size_t)k, 4 * half, 4 * half + 4, sum);
                for (int i = 0; i < n; i++)
                    acc[i] = add_scaled(acc[i], scale, d_a[(size_t)i * n_blocks], sum[i]);
            }
        } else {
            __m256 scale = is_k ? _mm256_mul_ps(d, load_bytes(scales)) : d;
            __m256 min = is_k ? _mm256_xor_ps(_mm256_mul_ps(m, load_bytes(scales + R)),
                                              _mm256_set1_ps(-0.0f))
                              : m;
            for (int i = 0; i < n; i++) {
                const int32_t *halves = sum16 + 2 * (size_t)i * n_blocks;
                sum[i] = offset == 0 ? _mm256_setzero_si256()
                                     : _mm256_set1_epi32(-offset * (halves[0] + halves[1]));
            }
            dot_groups(shape.bits, n, p, a, (size_t)k, 0, 8, sum);
            for (int i = 0; i < n; i++) {
                size_t at_i = (size_t)i * n_blocks;
                acc[i] = add_scaled(acc[i], scale, d_a[at_i], sum[i]);
                if (has_min)
                    acc[i] = _mm256_add_ps(
                        acc[i], _mm256_mul_ps(min, _mm256_set1_ps(act->dsum[at + at_i])));
            }
        }
        p += shape.bits * 4 * R;
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
        for (int i = 0; i < n; i++) {
            __m256 x_i = _mm256_set1_ps(x[(size_t)i * (size_t)k + (size_t)j]);
            acc[i] = _mm256_add_ps(acc[i], _mm256_mul_ps(w, x_i));
        }
    }
    for (int i = 0; i < n; i++)
        _mm256_storeu_ps(y + (size_t)(row + i) * y_stride, acc[i]);
}

#endif
