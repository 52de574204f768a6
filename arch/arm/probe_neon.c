/* SPDX-License-Identifier: Apache-2.0
 * probe_neon.c - how fast NEON can multiply bytes without the dot product instructions, and read memory. */
#include <arm_neon.h>

#include "arch/arm/arm.h"

/* Eight products in 16 bits an instruction; widening them comes on top. */
static int64_t multiply_add(int n_rounds)
{
    enum { SUMS = 8, PRODUCTS = 8 };
    int8x8_t w = vdup_n_s8(1), a = vdup_n_s8(-1);
    int16x8_t sum[SUMS];
    for (int j = 0; j < SUMS; j++)
        sum[j] = vdupq_n_s16(0);
    for (int i = 0; i < n_rounds; i++) {
#pragma GCC unroll 8
        for (int j = 0; j < SUMS; j++) {
            __asm__ volatile("" : "+w"(w), "+w"(a)); /* any two, to the compiler */
            sum[j] = vmlal_s8(sum[j], w, a);
        }
    }
    for (int j = 0; j < SUMS; j++)
        __asm__ volatile("" : : "w"(sum[j]));
    return (int64_t)n_rounds * SUMS * PRODUCTS;
}

static uint64_t read_words(const uint64_t *words, size_t n)
{
    enum { SUMS = 8, WORDS = 2 };
    uint64x2_t sum[SUMS];
    size_t i = 0;
    for (int j = 0; j < SUMS; j++)
        sum[j] = vdupq_n_u64(0);
    for (; i + SUMS * WORDS <= n; i += SUMS * WORDS)
#pragma GCC unroll 8
        for (int j = 0; j < SUMS; j++)
            sum[j] = vaddq_u64(sum[j], vld1q_u64(words + i + j * WORDS));
    for (int j = 1; j < SUMS; j++)
        sum[0] = vaddq_u64(sum[0], sum[j]);
    uint64_t total = vgetq_lane_u64(sum[0], 0) + vgetq_lane_u64(sum[0], 1);
    for (; i < n; i++)
        total += words[i];
    return total;
}

void pd_neon_probe(struct pd_kernels *k)
{
    k->multiply_add = multiply_add;
    k->read_words = read_words;
}
