/* SPDX-License-Identifier: Apache-2.0
 * reduce_neon64.h - the steps that reductions share: 16 partial sums, and the larger of numbers. */
#ifndef PD_REDUCE_NEON64_H
#define PD_REDUCE_NEON64_H

#ifndef __aarch64__
#error "64-bit only: see float4.h"
#endif
#include <arm_neon.h>

#include "arch/kernels.h"

enum { PD_SUM_VECTORS = PD_SUM_LANES / 4 };

static inline void pd_load_partial_neon64(const float partial[PD_SUM_LANES],
                                          float32x4_t sums[PD_SUM_VECTORS])
{
    for (int i = 0; i < PD_SUM_VECTORS; i++)
        sums[i] = vld1q_f32(partial + 4 * i);
}

static inline void pd_store_partial_neon64(const float32x4_t sums[PD_SUM_VECTORS],
                                           float partial[PD_SUM_LANES])
{
    for (int i = 0; i < PD_SUM_VECTORS; i++)
        vst1q_f32(partial + 4 * i, sums[i]);
}

/* x > best ? x : best, so that a NaN in x never replaces best. */
static inline float32x4_t pd_larger_neon64(float32x4_t x, float32x4_t best)
{
    return vbslq_f32(vcgtq_f32(x, best), x, best);
}

#endif
