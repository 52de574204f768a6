/* SPDX-License-Identifier: Apache-2.0
 * probe_avx2.c - how fast vpmaddubsw can multiply bytes, and 32-byte loads read memory. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include <immintrin.h>

#include "arch/x86/x86.h"

/* Products summed in 16 bits, as the 4-bit kernels do; widening them comes on top. */
static int64_t multiply_add(int n_rounds)
{
    enum { SUMS = 8, PRODUCTS = 32 };
    __m256i w = _mm256_set1_epi8(1), a = _mm256_set1_epi8(-1);
    __m256i sum[SUMS];
    for (int j = 0; j < SUMS; j++)
        sum[j] = _mm256_setzero_si256();
    for (int i = 0; i < n_rounds; i++) {
#pragma GCC unroll 8
        for (int j = 0; j < SUMS; j++) {
            __asm__ volatile("" : "+x"(w), "+x"(a)); /* any two, to the compiler */
            sum[j] = _mm256_add_epi16(sum[j], _mm256_maddubs_epi16(w, a));
        }
    }
    for (int j = 0; j < SUMS; j++)
        __asm__ volatile("" : : "x"(sum[j]));
    return (int64_t)n_rounds * SUMS * PRODUCTS;
}

static uint64_t read_words(const uint64_t *words, size_t n)
{
    enum { SUMS = 8, WORDS = 4 };
    __m256i sum[SUMS];
    uint64_t part[WORDS], total = 0;
    size_t i = 0;
    for (int j = 0; j < SUMS; j++)
        sum[j] = _mm256_setzero_si256();
    for (; i + SUMS * WORDS <= n; i += SUMS * WORDS)
#pragma GCC unroll 8
        for (int j = 0; j < SUMS; j++)
            sum[j] = _mm256_add_epi64(
                sum[j], _mm256_loadu_si256((const __m256i *)(const void *)(words + i + j * WORDS)));
    for (int j = 1; j < SUMS; j++)
        sum[0] = _mm256_add_epi64(sum[0], sum[j]);
    _mm256_storeu_si256((__m256i *)(void *)part, sum[0]);
    for (int j = 0; j < WORDS; j++)
        total += part[j];
    for (; i < n; i++)
        total += words[i];
    return total;
}

void pd_avx2_probe(struct pd_kernels *k)
{
    k->multiply_add = multiply_add;
    k->read_words = read_words;
}
