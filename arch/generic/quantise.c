/* SPDX-License-Identifier: Apache-2.0
 * quantise.c - floats to 8-bit blocks of 32: d = max |x| / 127, q = round(x / d). */
#include <math.h>

#include "arch/exp.h"
#include "arch/generic/generic.h"
#include "quant/block.h"

static void quantise(const float *x, int k, int8_t *q, float *d, float *dsum, int32_t *sum16)
{
    for (int b = 0; b < k / PD_BLOCK; b++, x += PD_BLOCK, q += PD_BLOCK) {
        float max = 0.0f;
        for (int i = 0; i < PD_BLOCK; i++) {
            float magnitude = fabsf(x[i]);
            max = magnitude > max ? magnitude : max;
        }
        /* Below 2^-100 the inverse would leave the range of floats, and the block is as good as zero. */
        float inverse = max > 0x1p-100f ? 127.0f / max : 0.0f;
        int32_t sum[2] = {0, 0};
        for (int i = 0; i < PD_BLOCK; i++) {
            float rounded = (x[i] * inverse + PD_ROUND_MAGIC) - PD_ROUND_MAGIC;
            q[i] = fabsf(rounded) <= 127.0f ? (int8_t)rounded : 0; /* infinities, NaN: 0 */
            sum[i / 16] += q[i];
        }
        d[b] = max > 0x1p-100f ? max / 127.0f : 0.0f;
        dsum[b] = d[b] * (float)(sum[0] + sum[1]);
        sum16[2 * b] = sum[0];
        sum16[2 * b + 1] = sum[1];
    }
}

void pd_generic_quantise(struct pd_kernels *k)
{
    k->quantise = quantise;
}
