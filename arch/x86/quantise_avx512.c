/* SPDX-License-Identifier: Apache-2.0
 * quantise_avx512.c - arch/generic/quantise.c in three passes, for scales, quants and sums: within a pass blocks
 * wait for nothing of each other, while one block alone is a long chain. */
#ifndef __AVX512VNNI__
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni"
#endif
#include <immintrin.h>

#include "arch/x86/x86.h"
#include "quant/block.h"

enum { GROUP = 4, MAX_BLOCKS = 64 /* of a pass */ };

/* Largest magnitude of a block in each of 8 lanes. */
static inline __m256 largest8(const float *x)
{
    /* A NaN never replaces the other: max_ps gives its second operand. */
    __m512 best = _mm512_max_ps(_mm512_abs_ps(_mm512_loadu_ps(x)), _mm512_setzero_ps());
    best = _mm512_max_ps(_mm512_abs_ps(_mm512_loadu_ps(x + 16)), best);
    return _mm256_max_ps(_mm512_castps512_ps256(best), _mm512_extractf32x8_ps(best, 1));
}

/* Largest of each of four vectors. */
static inline __m128 largest_of_each(const __m256 v[GROUP])
{
    __m256 a = _mm256_max_ps(_mm256_unpacklo_ps(v[0], v[1]), _mm256_unpackhi_ps(v[0], v[1]));
    __m256 b = _mm256_max_ps(_mm256_unpacklo_ps(v[2], v[3]), _mm256_unpackhi_ps(v[2], v[3]));
    __m256 by4 = _mm256_max_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));
    return _mm_max_ps(_mm256_castps256_ps128(by4), _mm256_extractf128_ps(by4, 1));
}

/* round(x * inverse) of 16 floats, 0 where that is no number in [-127, 127]. Conversion rounds to
 * nearest even, as the addition of PD_ROUND_MAGIC does. */
static inline __m128i round16(const float *x, __m512 inverse)
{
    __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), inverse));
    /* Not a number, too large: the smallest integer, its own magnitude. */
    __mmask16 is_kept = _mm512_cmple_epu32_mask(_mm512_abs_epi32(q), _mm512_set1_epi32(127));
    return _mm512_maskz_cvtepi32_epi8(is_kept, q);
}

/* Scales of n blocks, and their inverses. */
static void scale_blocks(const float *x, int n, float *d, float *inverse)
{
    const __m128 steps = _mm_set1_ps(127.0f);
    for (int b = 0; b < n; b += GROUP) {
        int n_group = n - b < GROUP ? n - b : GROUP;
        __m256 best[GROUP];
        for (int i = 0; i < GROUP; i++)
            best[i] = i < n_group ? largest8(x + (b + i) * PD_BLOCK) : _mm256_setzero_ps();
        __m128 max = largest_of_each(best);
        __mmask8 is_used = _mm_cmp_ps_mask(max, _mm_set1_ps(0x1p-100f), _CMP_GT_OQ);
        _mm_storeu_ps(inverse + b, _mm_maskz_div_ps(is_used, steps, max));
        _mm_mask_storeu_ps(d + b, (__mmask8)((1 << n_group) - 1),
                           _mm_maskz_div_ps(is_used, max, steps));
    }
}

/* Sums of 16 and of blocks, from n blocks of quants. */
static void sum_blocks(const int8_t *q, int n, const float *d, float *dsum, int32_t *sum16)
{
    const __m512i ones = _mm512_set1_epi8(1);
    const __m512i firsts = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 28, 24, 20, 16, 12, 8, 4, 0);
    for (int b = 0; b < n; b += GROUP) {
        int n_group = n - b < GROUP ? n - b : GROUP;
        __m512i by4[2];
        for (int i = 0; i < 2; i++) {
            int n_bytes = (n_group - 2 * i) * PD_BLOCK;
            __mmask64 is_there = n_bytes >= 64 ? ~(__mmask64)0
                                 : n_bytes > 0 ? ((__mmask64)1 << n_bytes) - 1
                                               : 0;
            __m512i bytes = _mm512_maskz_loadu_epi8(is_there, q + (b + 2 * i) * PD_BLOCK);
            __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, bytes);
            sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, 0xb1));
            by4[i] = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, 0x4e));
        }
        __m256i by16 = _mm512_castsi512_si256(_mm512_permutex2var_epi32(by4[0], firsts, by4[1]));
        _mm256_mask_storeu_epi32(sum16 + 2 * b, (__mmask8)((1 << 2 * n_group) - 1), by16);
        __m128i by32 =
            _mm_hadd_epi32(_mm256_castsi256_si128(by16), _mm256_extracti128_si256(by16, 1));
        __mmask8 is_block = (__mmask8)((1 << n_group) - 1);
        __m128 scale = _mm_maskz_loadu_ps(is_block, d + b);
        _mm_mask_storeu_ps(dsum + b, is_block, _mm_mul_ps(scale, _mm_cvtepi32_ps(by32)));
    }
}

static void quantise(const float *x, int k, int8_t *q, float *d, float *dsum, int32_t *sum16)
{
    for (int left = k / PD_BLOCK, n; left > 0; left -= n) {
        float inverse[MAX_BLOCKS];
        n = left < MAX_BLOCKS ? left : MAX_BLOCKS;
        scale_blocks(x, n, d, inverse);
        for (int b = 0; b < n; b++) {
            __m512 by = _mm512_set1_ps(inverse[b]);
            __m128i low = round16(x + b * PD_BLOCK, by), high = round16(x + b * PD_BLOCK + 16, by);
            _mm256_storeu_si256((__m256i *)(void *)(q + b * PD_BLOCK), _mm256_set_m128i(high, low));
        }
        sum_blocks(q, n, d, dsum, sum16);
        x += n * PD_BLOCK;
        q += n * PD_BLOCK;
        d += n;
        dsum += n;
        sum16 += 2 * n;
    }
}

void pd_avx512_quantise(struct pd_kernels *k)
{
    k->quantise = quantise;
}
