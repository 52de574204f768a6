/* SPDX-License-Identifier: Apache-2.0
 * quantise_avx512.c - arch/generic/quantise.c, four blocks of 32 at a time: one division serves them all. */
#ifndef __AVX512DQ__
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni"
#endif
#include <immintrin.h>

#include "arch/exp.h"
#include "arch/x86/x86.h"
#include "quant/block.h"

enum { GROUP = 4 };

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

/* round(x * inverse) of 16 floats, 0 where that is no number in [-127, 127]; returns their sum. */
static inline int32_t round16(const float *x, float inverse, int8_t *q)
{
    const __m512 magic = _mm512_set1_ps(PD_ROUND_MAGIC);
    __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(inverse));
    __m512 r = _mm512_sub_ps(_mm512_add_ps(scaled, magic), magic);
    __mmask16 is_kept = _mm512_cmp_ps_mask(_mm512_abs_ps(r), _mm512_set1_ps(127.0f), _CMP_LE_OQ);
    __m128i bytes = _mm512_cvtepi32_epi8(_mm512_maskz_cvttps_epi32(is_kept, r));
    _mm_storeu_si128((__m128i *)(void *)q, bytes);
    __m128i zero_based = _mm_xor_si128(bytes, _mm_set1_epi8(-128)); /* + 128, unsigned */
    __m128i sums = _mm_sad_epu8(zero_based, _mm_setzero_si128());
    return _mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4) - 16 * 128;
}

static void quantise(const float *x, int k, int8_t *q, float *d, float *dsum, int32_t *sum16)
{
    int n_blocks = k / PD_BLOCK;
    for (int b = 0; b < n_blocks; b += GROUP) {
        int n = n_blocks - b < GROUP ? n_blocks - b : GROUP;
        __m256 best[GROUP];
        for (int i = 0; i < GROUP; i++)
            best[i] = i < n ? largest8(x + i * PD_BLOCK) : _mm256_setzero_ps();
        __m128 max = largest_of_each(best);
        __mmask8 is_used = _mm_cmp_ps_mask(max, _mm_set1_ps(0x1p-100f), _CMP_GT_OQ);
        const __m128 steps = _mm_set1_ps(127.0f);
        float inverse[GROUP], scale[GROUP];
        _mm_storeu_ps(inverse, _mm_maskz_div_ps(is_used, steps, max));
        _mm_storeu_ps(scale, _mm_maskz_div_ps(is_used, max, steps));
        for (int i = 0; i < n; i++, x += PD_BLOCK, q += PD_BLOCK, sum16 += 2) {
            sum16[0] = round16(x, inverse[i], q);
            sum16[1] = round16(x + 16, inverse[i], q + 16);
            d[b + i] = scale[i];
            dsum[b + i] = scale[i] * (float)(sum16[0] + sum16[1]);
        }
    }
}

void pd_avx512_quantise(struct pd_kernels *k)
{
    k->quantise = quantise;
}
