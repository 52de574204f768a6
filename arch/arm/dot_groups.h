/* SPDX-License-Identifier: Apache-2.0
 * dot_groups.h - dot_groups() of matmul_neon.h with sdot: 4 outputs times a 4-byte group in one instruction. */
#ifndef PD_DOT_GROUPS_H
#define PD_DOT_GROUPS_H

#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif
#include "arch/arm/matmul_neon.h"

INLINE void dot_groups(int bits, int n, const uint8_t *p, const int8_t *const *a, int from, int to,
                       int32x4_t sum[][2])
{
    for (int i = 0; i < n; i++)
        sum[i][0] = sum[i][1] = vdupq_n_s32(0);
#pragma GCC unroll 2
    for (int g = from; g < to; g += 4) {
#pragma GCC unroll 2
        for (int half = 0; half < 2; half++) {
            int8x16_t w0 = quants(bits, p, g, half), w1 = quants(bits, p, g + 1, half);
            int8x16_t w2 = quants(bits, p, g + 2, half), w3 = quants(bits, p, g + 3, half);
#pragma GCC unroll 4
            for (int i = 0; i < n; i++) {
                int8x16_t x = vld1q_s8(a[i] + 4 * g);
                sum[i][half] = vdotq_laneq_s32(sum[i][half], w0, x, 0);
                sum[i][half] = vdotq_laneq_s32(sum[i][half], w1, x, 1);
                sum[i][half] = vdotq_laneq_s32(sum[i][half], w2, x, 2);
                sum[i][half] = vdotq_laneq_s32(sum[i][half], w3, x, 3);
            }
        }
    }
}

#endif
