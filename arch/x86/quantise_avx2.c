/* SPDX-License-Identifier: Apache-2.0
 * quantise_avx2.c - arch/generic/quantise.c, a block of 32 in four vectors. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "arch/x86/exp_avx2.h"
#include "arch/x86/reduce_avx2.h"
#include "arch/x86/x86.h"
#include "quant/block.h"

/* Sum of 16 bytes whose absolute values are at most 127. */
static inline int32_t sum16_of(__m128i bytes)
{
    __m128i zero_based = _mm_xor_si128(bytes, _mm_set1_epi8(-128)); /* + 128, unsigned */
    __m128i sums = _mm_sad_epu8(zero_based, _mm_setzero_si128());
    return _mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4) - 16 * 128;
}

static void quantise(const float *x, int k, int8_t *q, float *d, float *dsum, int32_t *sum16)
{
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    const __m256 magic = _mm256_set1_ps(PD_ROUND_MAGIC), limit = _mm256_set1_ps(127.0f);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (int b = 0; b < k / PD_BLOCK; b++, x += PD_BLOCK, q += PD_BLOCK) {
        __m256 v[4];
        __m256 best = _mm256_setzero_ps();
        for (int i = 0; i < 4; i++) {
            v[i] = _mm256_loadu_ps(x + 8 * i);
            best = _mm256_max_ps(_mm256_and_ps(v[i], magnitude), best);
        }
        float max = pd_max8_avx2(best);
        __m256 inverse = _mm256_set1_ps(max > 0x1p-100f ? 127.0f / max : 0.0f);
        __m256i n[4];
        for (int i = 0; i < 4; i++) {
            __m256 r = _mm256_sub_ps(_mm256_add_ps(_mm256_mul_ps(v[i], inverse), magic), magic);
            __m256 is_kept = _mm256_cmp_ps(_mm256_and_ps(r, magnitude), limit, _CMP_LE_OQ);
            n[i] = _mm256_cvttps_epi32(_mm256_and_ps(r, is_kept));
        }
        __m256i words =
            _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]), _mm256_packs_epi32(n[2], n[3]));
        __m256i bytes = _mm256_permutevar8x32_epi32(words, order);
        _mm256_storeu_si256((__m256i *)(void *)q, bytes);
        sum16[2 * b] = sum16_of(_mm256_castsi256_si128(bytes));
        sum16[2 * b + 1] = sum16_of(_mm256_extracti128_si256(bytes, 1));
        d[b] = max > 0x1p-100f ? max / 127.0f : 0.0f;
        dsum[b] = d[b] * (float)(sum16[2 * b] + sum16[2 * b + 1]);
    }
}

void pd_avx2_quantise(struct pd_kernels *k)
{
    k->quantise = quantise;
}
