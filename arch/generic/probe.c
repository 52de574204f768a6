/* SPDX-License-Identifier: Apache-2.0
 * probe.c - how fast plain C can multiply bytes and read memory. */
#include "arch/generic/generic.h"

/* The generic matmul's inner loop with everything in the nearest cache: registers are the compiler's affair. */
static int64_t multiply_add(int n_rounds)
{
    enum { ROWS = 16, DEPTH = 32 };
    uint8_t w[ROWS][DEPTH];
    int8_t a[DEPTH];
    int32_t sum[ROWS] = {0};
    for (int j = 0; j < DEPTH; j++) {
        a[j] = (int8_t)(j - DEPTH / 2);
        for (int r = 0; r < ROWS; r++)
            w[r][j] = (uint8_t)(r + j);
    }
    for (int i = 0; i < n_rounds; i++) {
        for (int r = 0; r < ROWS; r++) {
            int32_t dot = 0;
            for (int j = 0; j < DEPTH; j++)
                dot += w[r][j] * a[j];
            sum[r] ^= dot;
        }
        __asm__ volatile("" : : "r"(w), "r"(a), "r"(sum) : "memory"); /* each round counts */
    }
    return (int64_t)n_rounds * ROWS * DEPTH;
}

static uint64_t read_words(const uint64_t *words, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += words[i];
    return sum;
}

void pd_generic_probe(struct pd_kernels *k)
{
    k->multiply_add = multiply_add;
    k->read_words = read_words;
}
