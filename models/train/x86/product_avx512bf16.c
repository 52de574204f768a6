/* SPDX-License-Identifier: Apache-2.0
 * product_avx512bf16.c - products of matrices rounded to bfloat16, summed in floats: twice as many multiplications an
 * instruction as in floats.
 *
 * Both factors are packed first, in groups of rows of the result (TILE_ROWS) and of its columns (TILE_COLS), each word
 * two neighbours along the sum:
 *
 *   | group 0: k = 0,1 of all its rows | k = 2,3 of all its rows | ... | group 1: ...      zeros at ragged ends
 *
 * A tile of the result then stays in registers for the whole sum, 12 x 32 in 24 of 32. */
#include "products.h"

#ifndef __AVX512BF16__
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512bf16"
#endif

#include <immintrin.h>

enum { TILE_ROWS = 12, TILE_COLS = 32, VECTOR = 16 };

/* Words of n rows or columns packed in groups, with a sum over k. */
static size_t packed_words(int n, int k, int group)
{
    return (size_t)pd_div_up(n, group) * (size_t)group * (size_t)pd_div_up(k, 2);
}

static __mmask16 first(int n)
{
    return (__mmask16)(n >= VECTOR ? 0xffffu : (1u << n) - 1);
}

/* Floats of which neighbours lie along the sum: x[n][k]. */
static void pack_along(const float *x, int stride, int n, int k, int group, uint32_t *out)
{
    int pairs = pd_div_up(k, 2);
    for (int begin = 0; begin < n; begin += group, out += (size_t)group * (size_t)pairs)
        for (int row = 0; row < group; row++) {
            const float *from = x + (size_t)(begin + row) * (size_t)stride;
            for (int i = 0; i < k; i += 2 * VECTOR) {
                uint32_t word[VECTOR];
                __m512 low = _mm512_setzero_ps(), high = low;
                if (begin + row < n) {
                    low = _mm512_maskz_loadu_ps(first(k - i), from + i);
                    high = _mm512_maskz_loadu_ps(first(pd_max_int(0, k - i - VECTOR)),
                                                 from + i + VECTOR);
                }
                _mm512_storeu_si512(word, (__m512i)_mm512_cvtne2ps_pbh(high, low));
                int n_words = pd_min_int(VECTOR, pairs - i / 2);
                for (int w = 0; w < n_words; w++)
                    out[(size_t)(i / 2 + w) * (size_t)group + (size_t)row] = word[w];
            }
        }
}

/* Floats of which neighbours lie across the sum: x[k][n]. */
static void pack_across(const float *x, int stride, int n, int k, int group, uint32_t *out)
{
    const __m512i interleave =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    for (int begin = 0; begin < n; begin += group)
        for (int i = 0; i < k; i += 2, out += group) {
            const float *from = x + (size_t)i * (size_t)stride + begin;
            for (int c = 0; c < group; c += VECTOR) {
                __mmask16 mask = first(pd_max_int(0, n - begin - c));
                __m512 low = _mm512_maskz_loadu_ps(mask, from + c);
                __m512 high = i + 1 < k ? _mm512_maskz_loadu_ps(mask, from + stride + c)
                                        : _mm512_setzero_ps();
                __m512i words = (__m512i)_mm512_cvtne2ps_pbh(high, low);
                words = _mm512_permutexvar_epi16(interleave, words);
                _mm512_mask_storeu_epi32(out + c, first(group - c), words);
            }
        }
}

/* One tile: rows x cols of y, from a group of each factor. */
static void tile(const uint32_t *a, const uint32_t *b, int pairs, int rows, int cols,
                 const struct tr_product *p, float *y)
{
    __m512 sum[TILE_ROWS][2];
#pragma GCC unroll 12
    for (int r = 0; r < TILE_ROWS; r++)
        sum[r][0] = sum[r][1] = _mm512_setzero_ps();
    for (int i = 0; i < pairs; i++, a += TILE_ROWS, b += TILE_COLS) {
        __m512bh left = (__m512bh)_mm512_loadu_si512(b);
        __m512bh right = (__m512bh)_mm512_loadu_si512(b + VECTOR);
#pragma GCC unroll 12
        for (int r = 0; r < TILE_ROWS; r++) {
            __m512bh pair = (__m512bh)_mm512_set1_epi32((int)a[r]);
            sum[r][0] = _mm512_dpbf16_ps(sum[r][0], pair, left);
            sum[r][1] = _mm512_dpbf16_ps(sum[r][1], pair, right);
        }
    }
    __mmask16 mask[2] = {first(cols), first(pd_max_int(0, cols - VECTOR))};
    __m512 scale = _mm512_set1_ps(p->scale);
#pragma GCC unroll 12
    for (int r = 0; r < TILE_ROWS; r++, y += p->y_stride) {
        if (r >= rows)
            break;
        for (int h = 0; h < 2; h++) {
            __m512 old =
                p->adds ? _mm512_maskz_loadu_ps(mask[h], y + h * VECTOR) : _mm512_setzero_ps();
            _mm512_mask_storeu_ps(y + h * VECTOR, mask[h], _mm512_fmadd_ps(scale, sum[r][h], old));
        }
    }
}

static bool runs(void)
{
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw");
}

static size_t words(int rows, int cols, int k)
{
    return packed_words(rows, k, TILE_ROWS) + packed_words(cols, k, TILE_COLS);
}

static size_t b_words(int cols, int k)
{
    return packed_words(cols, k, TILE_COLS);
}

static void pack_b(const float *b, int stride, bool is_across, int cols, int k,
                   uint32_t *packed_ret)
{
    (is_across ? pack_across : pack_along)(b, stride, cols, k, TILE_COLS, packed_ret);
}

static void multiply(const struct tr_product *p, uint32_t *words)
{
    int pairs = pd_div_up(p->k, 2);
    uint32_t *a = words, *scratch = words + packed_words(p->rows, p->k, TILE_ROWS);
    const uint32_t *b = p->packed_b != NULL ? p->packed_b : scratch;
    (p->a_is_across ? pack_across : pack_along)(p->a, p->a_stride, p->rows, p->k, TILE_ROWS, a);
    if (p->packed_b == NULL)
        pack_b(p->b, p->b_stride, p->b_is_across, p->cols, p->k, scratch);
    for (int c = 0; c < p->cols; c += TILE_COLS)
        for (int r = 0; r < p->rows; r += TILE_ROWS)
            tile(a + (size_t)r * (size_t)pairs, b + (size_t)c * (size_t)pairs, pairs,
                 pd_min_int(TILE_ROWS, p->rows - r), pd_min_int(TILE_COLS, p->cols - c), p,
                 p->y + (size_t)r * (size_t)p->y_stride + c);
}

const struct tr_product_level tr_product_avx512bf16 = {"avx512bf16", 48,     runs,    words,
                                                       b_words,      pack_b, multiply};
