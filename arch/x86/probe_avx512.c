/* SPDX-License-Identifier: Apache-2.0
 * probe_avx512.c - how fast vpdpbusd can multiply bytes, and 64-byte loads read memory. */
#ifndef __AVX512VNNI__
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni"
#endif
#include <immintrin.h>

#include "arch/x86/x86.h"

static int64_t multiply_add(int n_rounds)
{
    enum { SUMS = 16, PRODUCTS = 64 };
    __m512i w = _mm512_set1_epi8(1), a = _mm512_set1_epi8(-1);
    __m512i sum[SUMS];
    for (int j = 0; j < SUMS; j++)
        sum[j] = _mm512_setzero_si512();
    for (int i = 0; i < n_rounds; i++) {
#pragma GCC unroll 16
        for (int j = 0; j < SUMS; j++) {
            __asm__ volatile("" : "+v"(w), "+v"(a)); /* any two, to the compiler */
            sum[j] = _mm512_dpbusd_epi32(sum[j], w, a);
        }
    }
    for (int j = 0; j < SUMS; j++)
        __asm__ volatile("" : : "v"(sum[j]));
    return (int64_t)n_rounds * SUMS * PRODUCTS;
}

static uint64_t read_words(const uint64_t *words, size_t n)
{
    enum { SUMS = 8, WORDS = 8 };
    __m512i sum[SUMS];
    size_t i = 0;
    for (int j = 0; j < SUMS; j++)
        sum[j] = _mm512_setzero_si512();
    for (; i + SUMS * WORDS <= n; i += SUMS * WORDS)
#pragma GCC unroll 8
        for (int j = 0; j < SUMS; j++)
            sum[j] = _mm512_add_epi64(sum[j], _mm512_loadu_si512(words + i + j * WORDS));
    for (int j = 1; j < SUMS; j++)
        sum[0] = _mm512_add_epi64(sum[0], sum[j]);
    uint64_t total = 0, part[WORDS];
    _mm512_storeu_si512(part, sum[0]);
    for (int j = 0; j < WORDS; j++)
        total += part[j];
    for (; i < n; i++)
        total += words[i];
    return total;
}

void pd_avx512_probe(struct pd_kernels *k)
{
    k->multiply_add = multiply_add;
    k->read_words = read_words;
}
