/* SPDX-License-Identifier: Apache-2.0
 * matmul_avx512.c - tiles of 16 outputs in a vector.
 *
 * vpdpbusd adds four products of unsigned quants and signed activations to a 32-bit sum, and no step
 * saturates. The sum starts at minus the quants' offset times the activation sum. */
#ifndef __AVX512VNNI__
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni"
#endif
#include <immintrin.h>

#include "arch/x86/x86.h"
#include "quant/block.h"

/* Tiles of 8 rows would unpack the weights half as often, but gcc 12 then runs out of registers for
 * addresses: 164 against 175 GMAC/s. */
enum { R = 16, TILE = 4 };
#define ROW_COUNTS ROW_COUNTS_4
#include "arch/matmul_tiles.h"

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

/* *sum += quants times the 4-byte group of activations, the same for all 16 outputs. In assembly because
 * gcc 12 broadcasts in an instruction of its own. */
INLINE void add_dot(__m512i *sum, __m512i quants, const int8_t *group)
{
    __asm__("vpdpbusd %2%{1to16%}, %1, %0"
            : "+v"(*sum)
            : "v"(quants), "m"(*(const int8_t(*)[4])(const void *)group));
}

/* sum[i] += groups [from, from + 4) of the block times activation row i, whose rows are k apart. */
INLINE void dot4(int bits, int n, const uint8_t *p, const int8_t *a, size_t k, int from,
                 __m512i *sum)
{
#pragma GCC unroll 4
    for (int g = from; g < from + 4; g++) {
        __m512i w = quants(bits, p, g);
        const int8_t *group = a + 4 * g;
        for (int i = 0; i < n; i++, group += k) {
            __asm__("" : "+r"(group)); /* one address that moves, not n of them */
            add_dot(&sum[i], w, group);
        }
    }
}

INLINE __m512 add_scaled(__m512 acc, __m512 scale, float d_a, __m512i sum)
{
    __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(d_a));
    return _mm512_add_ps(acc, _mm512_mul_ps(both, _mm512_cvtepi32_ps(sum)));
}

/* n <= TILE activation rows against one panel; all but the pointers are constants at each call. */
INLINE void quant_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                       const struct pd_act *act, int row, float *y, size_t y_stride)
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

QUANT_FORMATS(DEFINE_MATMUL)
FLOAT_FORMATS(DEFINE_MATMUL)

void pd_avx512_matmul(struct pd_kernels *k)
{
    QUANT_FORMATS(SET_MATMUL)
    FLOAT_FORMATS(SET_MATMUL)
    k->panel_rows = R;
}
