/* SPDX-License-Identifier: Apache-2.0
 * matmul_avx512.c - weight panels times activation rows: 16 outputs in a vector, up to 8 activation rows a
 * pass.
 *
 * vpdpbusd adds four products of unsigned quants and signed activations to a 32-bit sum, and no step
 * saturates. The sum starts at minus the quants' offset times the activation sum. */
#ifndef __AVX512VNNI__
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni"
#endif
#include <immintrin.h>
#include <string.h>

#include "arch/panel.h"
#include "arch/x86/x86.h"
#include "quant/block.h"

enum { R = 16, TILE = PD_ROW_TILE };

#define INLINE static inline __attribute__((always_inline))

/* The 4-byte group of activations for all 16 outputs. */
INLINE __m512i broadcast4(const int8_t *a)
{
    int32_t group;
    memcpy(&group, a, sizeof group);
    return _mm512_set1_epi32(group);
}

INLINE __m512i load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

INLINE __m512 load_halfs(const uint8_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

INLINE __m512 load_bytes(const uint8_t *p)
{
    return _mm512_cvtepi32_ps(
        _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}

INLINE __m512 load_signed_bytes(const uint8_t *p)
{
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}

/* base | (bits & mask) */
INLINE __m512i add_bits(__m512i base, __m512i bits, int mask)
{
    return _mm512_ternarylogic_epi32(base, bits, _mm512_set1_epi8((char)mask), 0xf8);
}

/* Shifted to the left, or to the right where `by` is negative; what crosses bytes is masked off later. */
INLINE __m512i shift(__m512i words, int by)
{
    return by >= 0 ? _mm512_slli_epi32(words, (unsigned)(by < 0 ? 0 : by))
                   : _mm512_srli_epi32(words, (unsigned)(by > 0 ? 0 : -by));
}

/* Group g of a block, as unsigned bytes. */
INLINE __m512i quants(int bits, const uint8_t *p, int g)
{
    if (bits == 8)
        return load(p + g * 4 * R);
    __m512i low = load(p + (bits - 4 + g / 2) * 4 * R);
    low = _mm512_and_si512(shift(low, g % 2 * -4), _mm512_set1_epi8(15));
    if (bits == 5) /* bit g of each byte, to bit 4 */
        return add_bits(low, shift(load(p), 4 - g), 16);
    if (bits == 6) /* pair g % 4, to bits 4 and 5 */
        return add_bits(low, shift(load(p + g / 4 * 4 * R), 4 - g % 4 * 2), 48);
    return low;
}

/* sum[i] += groups [from, from + 4) of the block times activation row i, whose rows are k apart. */
INLINE void dot4(int bits, int n, const uint8_t *p, const int8_t *a, size_t k, int from,
                 __m512i *sum)
{
#pragma GCC unroll 4
    for (int g = from; g < from + 4; g++) {
        __m512i w = quants(bits, p, g);
        for (int i = 0; i < n; i++)
            sum[i] = _mm512_dpbusd_epi32(sum[i], w, broadcast4(a + (size_t)i * k + 4 * g));
    }
}

INLINE __m512 add_scaled(__m512 acc, __m512 scale, float d_a, __m512i sum)
{
    __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(d_a));
    return _mm512_add_ps(acc, _mm512_mul_ps(both, _mm512_cvtepi32_ps(sum)));
}

/* n <= TILE activation rows against one panel; all but the pointers are constants at each call. */
INLINE void tile(enum pd_format_id format, int n, const uint8_t *p, int k, const struct pd_act *act,
                 int row, float *y, size_t y_stride)
{
    const struct pd_panel_shape shape = pd_panel_shape(format);
    size_t n_blocks = (size_t)(k / PD_BLOCK);
    bool is_k = shape.per_header > 1;
    __m512 acc[TILE];
    for (int i = 0; i < n; i++)
        acc[i] = _mm512_setzero_ps();
    __m512 d = _mm512_setzero_ps(), m = _mm512_setzero_ps();
    for (size_t b = 0; b < n_blocks; b++) {
        if (!is_k || b % (size_t)shape.per_header == 0) {
            d = load_halfs(p);
            if (shape.header_bytes == 4)
                m = load_halfs(p + 2 * R);
            p += shape.header_bytes * R;
        }
        const uint8_t *scales = p;
        p += shape.scale_bytes * R;

        size_t at = (size_t)row * n_blocks + b; /* of activation row `row` */
        const int8_t *a = act->q + at * PD_BLOCK;
        const float *d_a = act->d + at;
        const int32_t *sum16 = act->sum16 + 2 * at;
        __m512i sum[TILE];
        if (format == PD_Q6_K) {
            for (int half = 0; half < 2; half++) {
                __m512 scale = _mm512_mul_ps(d, load_signed_bytes(scales + half * R));
                for (int i = 0; i < n; i++)
                    sum[i] = _mm512_set1_epi32(-shape.offset *
                                               sum16[2 * (size_t)i * n_blocks + (size_t)half]);
                dot4(shape.bits, n, p, a, (size_t)k, 4 * half, sum);
                for (int i = 0; i < n; i++)
                    acc[i] = add_scaled(acc[i], scale, d_a[(size_t)i * n_blocks], sum[i]);
            }
        } else {
            __m512 scale = is_k ? _mm512_mul_ps(d, load_bytes(scales)) : d;
            __m512 min = is_k ? _mm512_xor_ps(_mm512_mul_ps(m, load_bytes(scales + R)),
                                              _mm512_set1_ps(-0.0f))
                              : m;
            for (int i = 0; i < n; i++) {
                const int32_t *halves = sum16 + 2 * (size_t)i * n_blocks;
                sum[i] = shape.offset == 0
                             ? _mm512_setzero_si512()
                             : _mm512_set1_epi32(-shape.offset * (halves[0] + halves[1]));
            }
            dot4(shape.bits, n, p, a, (size_t)k, 0, sum);
            dot4(shape.bits, n, p, a, (size_t)k, 4, sum);
            for (int i = 0; i < n; i++) {
                size_t at_i = (size_t)i * n_blocks;
                acc[i] = add_scaled(acc[i], scale, d_a[at_i], sum[i]);
                if (shape.header_bytes == 4)
                    acc[i] = _mm512_add_ps(
                        acc[i], _mm512_mul_ps(min, _mm512_set1_ps(act->dsum[at + at_i])));
            }
        }
        p += shape.bits * 4 * R;
    }
    for (int i = 0; i < n; i++)
        _mm512_storeu_ps(y + (size_t)(row + i) * y_stride, acc[i]);
}

INLINE __m512 load_float(enum pd_format_id format, const uint8_t *p)
{
    if (format == PD_F32)
        return _mm512_loadu_ps(p);
    if (format == PD_F16)
        return load_halfs(p);
    __m256i halfs = _mm256_loadu_si256((const __m256i *)(const void *)p);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halfs), 16));
}

INLINE void float_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                       const struct pd_act *act, int row, float *y, size_t y_stride)
{
    __m512 acc[TILE];
    for (int i = 0; i < n; i++)
        acc[i] = _mm512_setzero_ps();
    const float *x = act->x + (size_t)row * (size_t)k;
    for (int j = 0; j < k; j++, p += (format == PD_F32 ? 4 : 2) * R) {
        __m512 w = load_float(format, p);
        for (int i = 0; i < n; i++) {
            __m512 x_i = _mm512_set1_ps(x[(size_t)i * (size_t)k + (size_t)j]);
            acc[i] = _mm512_add_ps(acc[i], _mm512_mul_ps(w, x_i));
        }
    }
    for (int i = 0; i < n; i++)
        _mm512_storeu_ps(y + (size_t)(row + i) * y_stride, acc[i]);
}

INLINE void any_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                     const struct pd_act *act, int row, float *y, size_t y_stride)
{
    if (pd_panel_shape(format).bits == 0)
        float_tile(format, n, p, k, act, row, y, y_stride);
    else
        tile(format, n, p, k, act, row, y, y_stride);
}

typedef void tile_fn(const uint8_t *p, int k, const struct pd_act *act, int row, float *y,
                     size_t y_stride);

/* Asks for a part of the next panel while this one is multiplied: passes behind the first read what
 * is in the cache, so nothing else makes the memory work. */
INLINE void prefetch(const uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        _mm_prefetch((const char *)p + i, _MM_HINT_T1);
}

/* As few passes as TILE allows, of nearly equal numbers of rows: 9 rows are 4 and 5. */
INLINE void panels_times_rows(enum pd_format_id format, tile_fn *const *tiles,
                              const uint8_t *panels, int n_panels, int k, const struct pd_act *act,
                              int n_rows, float *y, size_t y_stride)
{
    size_t panel_bytes = pd_panel_bytes(format, k, R);
    for (int j = 0; j < n_panels; j++, panels += panel_bytes, y += R) {
        int row = 0;
        int n_passes = (n_rows + TILE - 1) / TILE;
        size_t part = panel_bytes / (size_t)n_passes;
        for (int passes = n_passes; passes > 0; passes--) {
            int n = (n_rows - row) / passes;
            if (n_passes > 1 && j + 1 < n_panels)
                prefetch(panels + panel_bytes + (size_t)(n_passes - passes) * part, part);
            tiles[n - 1](panels, k, act, row, y, y_stride);
            row += n;
        }
    }
}

/* A function for each number of rows: compilers are slow with one that holds them all. */
#define DEFINE_TILE(format, n)                                                                     \
    static void tile_##format##_##n(const uint8_t *p, int k, const struct pd_act *act, int row,    \
                                    float *y, size_t y_stride)                                     \
    {                                                                                              \
        any_tile(PD_##format, n, p, k, act, row, y, y_stride);                                     \
    }
#define DEFINE(format)                                                                             \
    DEFINE_TILE(format, 1)                                                                         \
    DEFINE_TILE(format, 2)                                                                         \
    DEFINE_TILE(format, 3)                                                                         \
    DEFINE_TILE(format, 4)                                                                         \
    DEFINE_TILE(format, 5)                                                                         \
    DEFINE_TILE(format, 6)                                                                         \
    DEFINE_TILE(format, 7)                                                                         \
    DEFINE_TILE(format, 8)                                                                         \
    static void matmul_##format(const uint8_t *panels, int n_panels, int k,                        \
                                const struct pd_act *act, int n_rows, float *y, size_t y_stride)   \
    {                                                                                              \
        static tile_fn *const tiles[TILE] = {                                                      \
            tile_##format##_1, tile_##format##_2, tile_##format##_3, tile_##format##_4,            \
            tile_##format##_5, tile_##format##_6, tile_##format##_7, tile_##format##_8};           \
        panels_times_rows(PD_##format, tiles, panels, n_panels, k, act, n_rows, y, y_stride);      \
    }
#define FORMATS(X)                                                                                 \
    X(F32) X(F16) X(BF16) X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q8_0) X(Q4_K) X(Q5_K) X(Q6_K)
FORMATS(DEFINE)

void pd_avx512_matmul(struct pd_kernels *k)
{
#define ENTRY(format) [PD_##format] = matmul_##format,
    static pd_matmul_fn *const table[PD_FORMATS] = {FORMATS(ENTRY)};
    memcpy(k->matmul, table, sizeof table);
    k->panel_rows = R;
}
