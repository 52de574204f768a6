/* SPDX-License-Identifier: Apache-2.0
 * product_amx.c - products of matrices in bfloat16 by the tile registers of AMX: 16 x 16 sums over 32 in one
 * instruction.
 *
 * Both factors are packed first in tiles of 16 vectors. Of the left one a vector is a row of the result with 32
 * neighbours along the sum; of the right one it is a pair of neighbours along the sum, of 16 columns. A group is two
 * tiles side by side, and lies in memory for the whole sum:
 *
 *   | group 0: k = 0..31 of rows 0..15, of rows 16..31 | k = 32..63 of both | ... | group 1 ...   zeros at ragged ends
 *
 * A block of two by two tiles of the result stays in registers meanwhile. The rows are taken in runs that stay in the
 * second cache while all columns pass by. */
#define _GNU_SOURCE
#include "products.h"

#if !defined __AMX_BF16__ && !defined __AMXBF16__ /* gcc, clang */
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512bf16 -mamx-tile -mamx-bf16"
#endif

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIDE = 16, GROUP = 2 * SIDE, DEPTH = 32, TILE_WORDS = SIDE * SIDE, TILE_STRIDE = 4 * SIDE };
enum { RUN_WORDS = 1 << 18 };

struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static size_t packed_words(int n, int k)
{
    return (size_t)pd_div_up(n, GROUP) * (size_t)pd_div_up(k, DEPTH) * 2 * TILE_WORDS;
}

static __mmask16 first(int n)
{
    return (__mmask16)(n >= SIDE ? 0xffffu : (1u << pd_max_int(n, 0)) - 1);
}

/* 16 vectors, each of 32 neighbours along the sum: x[n][k]. */
static void load_along(const float *x, int stride, int n, int k, __m512i v[SIDE])
{
#pragma GCC unroll 16
    for (int i = 0; i < SIDE; i++, x += stride) {
        __mmask16 is_in = i < n ? 0xffff : 0;
        __m512 low = _mm512_maskz_loadu_ps(is_in & first(k), x);
        __m512 high = _mm512_maskz_loadu_ps(is_in & first(k - SIDE), x + SIDE);
        v[i] = (__m512i)_mm512_cvtne2ps_pbh(high, low);
    }
}

/* 16 vectors, each of pairs along the sum of 16 rows or columns: x[k][n]. */
static void load_across(const float *x, int stride, int n, int k, __m512i v[SIDE])
{
    const __m512i interleave =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
#pragma GCC unroll 16
    for (int i = 0; i < SIDE; i++, x += 2 * stride) {
        __m512 even = _mm512_maskz_loadu_ps(2 * i < k ? first(n) : 0, x);
        __m512 odd = _mm512_maskz_loadu_ps(2 * i + 1 < k ? first(n) : 0, x + stride);
        v[i] = _mm512_permutexvar_epi16(interleave, (__m512i)_mm512_cvtne2ps_pbh(odd, even));
    }
}

/* Swaps rows and columns of 16 x 16 words: by words, by pairs, by fours, by eights. */
static void transpose(__m512i v[SIDE])
{
    __m512i t[SIDE];
#pragma GCC unroll 8
    for (int i = 0; i < SIDE; i += 2) {
        t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < SIDE; i += 4) {
        v[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        v[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        v[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        v[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(v[i], v[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(v[i], v[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(v[i + 8], v[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(v[i + 8], v[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        v[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        v[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        v[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        v[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

/* A factor of n rows or columns; pairs: a vector of the tile is a pair, not a row. */
static void pack(const float *x, int stride, bool is_across, bool pairs, int n, int k,
                 uint32_t *out)
{
    for (int begin = 0; begin < n; begin += GROUP)
        for (int i = 0; i < k; i += DEPTH)
            for (int at = begin; at < begin + GROUP; at += SIDE, out += TILE_WORDS) {
                __m512i v[SIDE];
                if (is_across)
                    load_across(x + (ptrdiff_t)i * stride + at, stride, n - at, k - i, v);
                else
                    load_along(x + (ptrdiff_t)at * stride + i, stride, n - at, k - i, v);
                if (is_across != pairs)
                    transpose(v);
#pragma GCC unroll 16
                for (int row = 0; row < SIDE; row++)
                    _mm512_storeu_si512(out + row * SIDE, v[row]);
            }
}

/* Adds a tile of sums to the result, or writes it. */
static void finish(const float *sum, int rows, int cols, const struct tr_product *p, float *y)
{
    __m512 scale = _mm512_set1_ps(p->scale);
    for (int row = 0; row < pd_min_int(rows, SIDE); row++, y += p->y_stride) {
        __m512 old = p->adds ? _mm512_maskz_loadu_ps(first(cols), y) : _mm512_setzero_ps();
        __m512 new = _mm512_fmadd_ps(scale, _mm512_loadu_ps(sum + row * SIDE), old);
        _mm512_mask_storeu_ps(y, first(cols), new);
    }
}

/* Rows and columns of a group each. */
static void block(const uint32_t *a, const uint32_t *b, int rows, int cols,
                  const struct tr_product *p, float *y)
{
    float sum[4][TILE_WORDS];
    for (int row = 0; row < pd_min_int(rows, GROUP); row++) /* is needed when the sums are ready */
        for (int col = 0; col < pd_min_int(cols, GROUP); col += SIDE)
            __builtin_prefetch(y + (ptrdiff_t)row * p->y_stride + col, 1);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int i = 0; i < p->k; i += DEPTH, a += 2 * TILE_WORDS, b += 2 * TILE_WORDS) {
        _tile_loadd(4, a, TILE_STRIDE);
        _tile_loadd(6, b, TILE_STRIDE);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b + TILE_WORDS, TILE_STRIDE);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, a + TILE_WORDS, TILE_STRIDE);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sum[0], TILE_STRIDE);
    _tile_stored(1, sum[1], TILE_STRIDE);
    _tile_stored(2, sum[2], TILE_STRIDE);
    _tile_stored(3, sum[3], TILE_STRIDE);
    for (int i = 0; i < 4; i++) {
        int row = i / 2 * SIDE, col = i % 2 * SIDE;
        if (row < rows && col < cols)
            finish(sum[i], rows - row, cols - col, p, y + (ptrdiff_t)row * p->y_stride + col);
    }
}

static bool runs(void)
{
    enum { OSXSAVE = 1 << 27, AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, STATE = 3 << 17 };
    enum {
        REQUEST_STATE = 0x1023,
        TILE_DATA = 18
    }; /* arch_prctl(2): the kernel wants to be asked for the registers */
    unsigned a, b, c, d, low, high;
    if (!tr_product_avx512bf16.runs() || !__get_cpuid(1, &a, &b, &c, &d) || (c & OSXSAVE) == 0)
        return false;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & STATE) == STATE && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (d & AMX_BF16) != 0 && (d & AMX_TILE) != 0 &&
           syscall(SYS_arch_prctl, REQUEST_STATE, TILE_DATA) == 0;
}

static size_t words(int rows, int cols, int k)
{
    return packed_words(rows, k) + packed_words(cols, k);
}

static void pack_b(const float *b, int stride, bool is_across, int cols, int k,
                   uint32_t *packed_ret)
{
    pack(b, stride, is_across, true, cols, k, packed_ret);
}

static void multiply(const struct tr_product *p, uint32_t *words)
{
    struct tile_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = TILE_STRIDE;
        config.rows[i] = SIDE;
    }
    _tile_loadconfig(&config);
    uint32_t *a = words, *scratch = words + packed_words(p->rows, p->k);
    const uint32_t *b = p->packed_b != NULL ? p->packed_b : scratch;
    size_t group_words = packed_words(GROUP, p->k);
    pack(p->a, p->a_stride, p->a_is_across, false, p->rows, p->k, a);
    if (p->packed_b == NULL)
        pack_b(p->b, p->b_stride, p->b_is_across, p->cols, p->k, scratch);
    int run = pd_max_int(1, (int)(RUN_WORDS / group_words)) * GROUP;
    for (int begin = 0; begin < p->rows; begin += run)
        for (int c = 0; c < p->cols; c += GROUP)
            for (int r = begin; r < pd_min_int(p->rows, begin + run); r += GROUP)
                block(a + (size_t)(r / GROUP) * group_words, b + (size_t)(c / GROUP) * group_words,
                      p->rows - r, p->cols - c, p, p->y + (ptrdiff_t)r * p->y_stride + c);
    _tile_release();
}

const struct tr_product_level tr_product_amx = {"amx",        16,     runs,    words,
                                                packed_words, pack_b, multiply};
