/* SPDX-License-Identifier: Apache-2.0
 * cache_neon64.c - keys and values into their pages: floats to half floats, 4 at a time. */
#ifndef __aarch64__
#error "64-bit only: 32-bit NEON has one NaN, pd_f32_to_f16() keeps them apart"
#endif
#include <arm_neon.h>

#include "arch/arm/arm.h"
#include "quant/block.h"

static inline uint16x4_t load_as_halfs(const float *p)
{
    return vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(p)));
}

static void store_key(uint16_t *page, int slot, const float *k, int head_dim)
{
    int i = 0;
    for (; i + 4 <= head_dim; i += 4) {
        uint16_t *out = page + i * PD_KV_PAGE + slot;
        uint16x4_t halfs = load_as_halfs(k + i);
        vst1_lane_u16(out, halfs, 0);
        vst1_lane_u16(out + PD_KV_PAGE, halfs, 1);
        vst1_lane_u16(out + 2 * PD_KV_PAGE, halfs, 2);
        vst1_lane_u16(out + 3 * PD_KV_PAGE, halfs, 3);
    }
    for (; i < head_dim; i++)
        page[i * PD_KV_PAGE + slot] = pd_f32_to_f16(k[i]);
}

static void store_value(uint16_t *page, int slot, const float *v, int head_dim)
{
    uint16_t *out = page + slot * head_dim;
    int i = 0;
    for (; i + 4 <= head_dim; i += 4)
        vst1_u16(out + i, load_as_halfs(v + i));
    for (; i < head_dim; i++)
        out[i] = pd_f32_to_f16(v[i]);
}

void pd_neon64_cache(struct pd_kernels *k)
{
    k->store_key = store_key;
    k->store_value = store_value;
}
