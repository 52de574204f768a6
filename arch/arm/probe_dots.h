/* SPDX-License-Identifier: Apache-2.0
 * probe_dots.h - how fast an instruction that multiplies and adds bytes can go: the loop of probe_dotprod.c and
 * probe_i8mm.c, which say which one: DOT(sum, w, a), and DOT_PRODUCTS in each. */
#include <arm_neon.h>

#include "arch/arm/arm.h"

static int64_t multiply_add(int n_rounds)
{
    enum { SUMS = 16 };
    int8x16_t w = vdupq_n_s8(1), a = vdupq_n_s8(-1);
    int32x4_t sum[SUMS];
    for (int j = 0; j < SUMS; j++)
        sum[j] = vdupq_n_s32(0);
    for (int i = 0; i < n_rounds; i++) {
#pragma GCC unroll 16
        for (int j = 0; j < SUMS; j++) {
            __asm__ volatile("" : "+w"(w), "+w"(a)); /* any two, to the compiler */
            sum[j] = DOT(sum[j], w, a);
        }
    }
    for (int j = 0; j < SUMS; j++)
        __asm__ volatile("" : : "w"(sum[j]));
    return (int64_t)n_rounds * SUMS * DOT_PRODUCTS;
}
