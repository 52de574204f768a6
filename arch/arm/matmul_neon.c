/* SPDX-License-Identifier: Apache-2.0
 * matmul_neon.c - matmul_neon.h for cores without dot products of bytes.
 *
 * Products are added up in 16 bits, each byte of a group in its own lane, as long as none can overflow: 8
 * groups of 4-bit (8 * 15 * 127 = 15240) or 5-bit quants (31496), 4 of 6-bit ones (32004), 2 of 8-bit ones
 * (2 * 128 * 127 = 32512). So 16 products cost two instructions. */
#include "arch/arm/matmul_neon.h"

/* The 4-byte group of activations for 4 outputs. */
INLINE int8x16_t broadcast4(const int8_t *a)
{
    int32_t group;
    memcpy(&group, a, sizeof group);
    return vreinterpretq_s8_s32(vdupq_n_s32(group));
}

/* The 4 outputs of `half`, which keeps the sums in few enough registers for 32-bit cores. */
INLINE void dot_half(int bits, int n, const uint8_t *p, const int8_t *const *a, int from, int to,
                     int half, int32x4_t sum[][2])
{
    int groups_a_sum = bits == 8 ? 2 : bits == 6 ? 4 : 8;
    int32x4_t low[TILE], high[TILE]; /* outputs 0 and 1, 2 and 3; two parts each */
#pragma GCC unroll 4
    for (int first = from; first < to; first += groups_a_sum) {
        int16x8_t low16[TILE], high16[TILE];
#pragma GCC unroll 8
        for (int g = first; g < first + groups_a_sum; g++) {
            int8x16_t w = quants(bits, p, g, half);
            int8x8_t w_low = vget_low_s8(w), w_high = vget_high_s8(w);
#pragma GCC unroll 4
            for (int i = 0; i < n; i++) {
                int8x8_t x = vget_low_s8(broadcast4(a[i] + 4 * g));
                low16[i] = g == first ? vmull_s8(w_low, x) : vmlal_s8(low16[i], w_low, x);
                high16[i] = g == first ? vmull_s8(w_high, x) : vmlal_s8(high16[i], w_high, x);
            }
        }
#pragma GCC unroll 4
        for (int i = 0; i < n; i++) {
            low[i] = first == from ? vpaddlq_s16(low16[i]) : vpadalq_s16(low[i], low16[i]);
            high[i] = first == from ? vpaddlq_s16(high16[i]) : vpadalq_s16(high[i], high16[i]);
        }
        /* Else the compiler loads all broadcasts of both halves first, and keeps them on the stack. */
        __asm__ volatile("" ::: "memory");
    }
#pragma GCC unroll 4
    for (int i = 0; i < n; i++)
        sum[i][half] = pd_add_pairs(low[i], high[i]);
}

INLINE void dot_groups(int bits, int n, const uint8_t *p, const int8_t *const *a, int from, int to,
                       int32x4_t sum[][2])
{
    dot_half(bits, n, p, a, from, to, 0, sum);
    dot_half(bits, n, p, a, from, to, 1, sum);
}

QUANT_FORMATS(DEFINE_MATMUL)
FLOAT_FORMATS(DEFINE_MATMUL)

void pd_neon_matmul(struct pd_kernels *k)
{
    QUANT_FORMATS(SET_MATMUL)
    FLOAT_FORMATS(SET_MATMUL)
    k->panel_rows = R;
}
