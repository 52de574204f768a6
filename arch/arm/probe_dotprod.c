/* SPDX-License-Identifier: Apache-2.0
 * probe_dotprod.c - how fast the dot product instructions can multiply bytes. */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif
#include <arm_neon.h>

#include "arch/arm/arm.h"

static int64_t multiply_add(int n_rounds)
{
    enum { SUMS = 16, PRODUCTS = 16 };
    int8x16_t w = vdupq_n_s8(1), a = vdupq_n_s8(-1);
    int32x4_t sum[SUMS];
    for (int j = 0; j < SUMS; j++)
        sum[j] = vdupq_n_s32(0);
    for (int i = 0; i < n_rounds; i++) {
#pragma GCC unroll 16
        for (int j = 0; j < SUMS; j++) {
            __asm__ volatile("" : "+w"(w), "+w"(a)); /* any two, to the compiler */
            sum[j] = vdotq_s32(sum[j], w, a);
        }
    }
    for (int j = 0; j < SUMS; j++)
        __asm__ volatile("" : : "w"(sum[j]));
    return (int64_t)n_rounds * SUMS * PRODUCTS;
}

void pd_dotprod_probe(struct pd_kernels *k)
{
    k->multiply_add = multiply_add;
}
