/* SPDX-License-Identifier: Apache-2.0
 * matmul_avx2.c - matmul_ymm.h with vpmaddubsw, which multiplies unsigned quants by signed activations and
 * adds pairs in 16 bits.
 *
 * That must not overflow: a pair of 4-bit quants is at most 2 * 15 * 127 = 3810, so all 8 groups of a block
 * fit (30480); of 5-bit quants 4 groups (31496); of 6-bit quants 2 (32004). 8-bit quants are made
 * signed, and |w| multiplies a with w's sign: 2 * 128 * 127 = 32512, one group at a time. */
#include "arch/x86/matmul_ymm.h"

INLINE int offset_of(const struct pd_panel_shape *shape)
{
    return shape->bits == 8 ? 0 : shape->offset;
}

/* The sum that it is given, computed here and now. Compilers would otherwise make trees of the sums, and keep all
 * products on the stack until then: half the speed. */
INLINE __m256i keep(__m256i sum)
{
    __asm__("" : "+x"(sum));
    return sum;
}

INLINE void dot_groups(int bits, int n, const uint8_t *p, const int8_t *a, size_t k, int from,
                       int to, __m256i *sum)
{
    const __m256i ones = _mm256_set1_epi16(1);
    const int groups_a_sum = bits == 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
#pragma GCC unroll 8
    for (int first = from; first < to; first += groups_a_sum) {
        __m256i pairs[TILE];
#pragma GCC unroll 8
        for (int g = first; g < first + groups_a_sum; g++) {
            __m256i w = quants(bits, p, g), magnitude = w;
            if (bits == 8) {
                w = _mm256_xor_si256(w, _mm256_set1_epi8(-128));
                magnitude = _mm256_abs_epi8(w);
            }
            for (int i = 0; i < n; i++) {
                __m256i group = broadcast4(a + (size_t)i * k + 4 * g);
                if (bits == 8)
                    group = _mm256_sign_epi8(group, w);
                __m256i product = _mm256_maddubs_epi16(magnitude, group);
                pairs[i] = g == first ? product : keep(_mm256_add_epi16(pairs[i], product));
            }
        }
        for (int i = 0; i < n; i++)
            sum[i] = keep(_mm256_add_epi32(sum[i], _mm256_madd_epi16(pairs[i], ones)));
    }
}

QUANT_FORMATS(DEFINE_MATMUL)
FLOAT_FORMATS(DEFINE_MATMUL)

void pd_avx2_matmul(struct pd_kernels *k)
{
    QUANT_FORMATS(SET_MATMUL)
    FLOAT_FORMATS(SET_MATMUL)
    k->panel_rows = R;
}
