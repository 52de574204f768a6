/* SPDX-License-Identifier: Apache-2.0
 * encode.c - floats to blocks: scales from the extremes of each block, quants to nearest.
 *
 * Every quant is chosen against the scale as stored (rounded to half, or to 6 bits times a half), so the
 * rounding of scales costs range at the ends of a block only, never a shift of all its elements. */
#include "quant/encode.h"

#include "quant/block.h"

static float clamp(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}

/* The integer in [low, high] nearest to value, halves away from low. */
static int nearest(float value, int low, int high)
{
    if (!(value > (float)low)) /* NaN too: 0 / 0 where the scale is 0 */
        return low;
    if (value >= (float)high)
        return high;
    return low + (int)(value - (float)low + 0.5f);
}

/* Quant q of value = scale q - offset; whatever, if the scale is 0. */
static int quant(float value, float scale, int low, int high)
{
    return scale != 0.0f ? nearest(value / scale, low, high) : nearest(0.0f, low, high);
}

static void store_u16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

/* Stores a scale as half and gives back what was stored. Scales beyond a half saturate: an infinite one
 * would make NaN of the quants that are 0. */
static float store_scale(uint8_t *p, float value)
{
    uint16_t half = pd_f32_to_f16(clamp(value, -65504.0f, 65504.0f));
    store_u16(p, half);
    return pd_f16_to_f32(half);
}

/* The element of largest magnitude, with its sign. */
static float extreme(const float *x, int n)
{
    float best = 0.0f;
    float magnitude = 0.0f;
    for (int i = 0; i < n; i++) {
        float m = x[i] < 0.0f ? -x[i] : x[i];
        if (m > magnitude) {
            magnitude = m;
            best = x[i];
        }
    }
    return best;
}

static void range(const float *x, int n, float *min_ret, float *max_ret)
{
    *min_ret = *max_ret = x[0];
    for (int i = 1; i < n; i++) {
        if (x[i] < *min_ret)
            *min_ret = x[i];
        if (x[i] > *max_ret)
            *max_ret = x[i];
    }
}

static void encode_f32(const float *x, void *blocks, size_t n_blocks)
{
    memcpy(blocks, x, n_blocks * sizeof *x);
}

static void encode_f16(const float *x, void *blocks, size_t n_blocks)
{
    uint8_t *bytes = blocks;
    for (size_t i = 0; i < n_blocks; i++)
        store_u16(bytes + 2 * i, pd_f32_to_f16(x[i]));
}

static void encode_bf16(const float *x, void *blocks, size_t n_blocks)
{
    uint8_t *bytes = blocks;
    for (size_t i = 0; i < n_blocks; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        if ((bits & 0x7fffffffu) > 0x7f800000u)
            bits |= 0x400000u; /* a quiet NaN stays one when cut */
        else
            bits += 0x7fffu + (bits >> 16 & 1u);
        store_u16(bytes + 2 * i, (uint16_t)(bits >> 16));
    }
}

/* The signed formats put their extreme element on the end that reaches one quant further (-8, -16, -32),
 * by the sign of the scale. */
static void encode_q4_0(const float *x, void *blocks, size_t n_blocks)
{
    struct pd_block_q4_0 *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block++, x += PD_BLOCK) {
        float d = store_scale(block->d, extreme(x, PD_BLOCK) / -8.0f);
        for (int i = 0; i < 16; i++) {
            int low = quant(x[i], d, -8, 7) + 8;
            int high = quant(x[i + 16], d, -8, 7) + 8;
            block->qs[i] = (uint8_t)(low | high << 4);
        }
    }
}

static void encode_q4_1(const float *x, void *blocks, size_t n_blocks)
{
    struct pd_block_q4_1 *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block++, x += PD_BLOCK) {
        float min;
        float max;
        range(x, PD_BLOCK, &min, &max);
        float m = store_scale(block->m, min);
        float d = store_scale(block->d, max / 15.0f - m / 15.0f);
        for (int i = 0; i < 16; i++) {
            int low = quant(x[i] - m, d, 0, 15);
            int high = quant(x[i + 16] - m, d, 0, 15);
            block->qs[i] = (uint8_t)(low | high << 4);
        }
    }
}

/* Puts the five bits of q at element i of the block. qs and qh start as zeros. */
static void store_five_bits(uint8_t qs[16], uint8_t qh[4], int i, int q)
{
    qs[i % 16] = (uint8_t)(qs[i % 16] | (q & 15) << (i < 16 ? 0 : 4));
    qh[i / 8] = (uint8_t)(qh[i / 8] | q >> 4 << (i % 8));
}

static void encode_q5_0(const float *x, void *blocks, size_t n_blocks)
{
    struct pd_block_q5_0 *block = blocks;
    memset(blocks, 0, n_blocks * sizeof *block);
    for (size_t b = 0; b < n_blocks; b++, block++, x += PD_BLOCK) {
        float d = store_scale(block->d, extreme(x, PD_BLOCK) / -16.0f);
        for (int i = 0; i < PD_BLOCK; i++)
            store_five_bits(block->qs, block->qh, i, quant(x[i], d, -16, 15) + 16);
    }
}

static void encode_q5_1(const float *x, void *blocks, size_t n_blocks)
{
    struct pd_block_q5_1 *block = blocks;
    memset(blocks, 0, n_blocks * sizeof *block);
    for (size_t b = 0; b < n_blocks; b++, block++, x += PD_BLOCK) {
        float min;
        float max;
        range(x, PD_BLOCK, &min, &max);
        float m = store_scale(block->m, min);
        float d = store_scale(block->d, max / 31.0f - m / 31.0f);
        for (int i = 0; i < PD_BLOCK; i++)
            store_five_bits(block->qs, block->qh, i, quant(x[i] - m, d, 0, 31));
    }
}

static void encode_q8_0(const float *x, void *blocks, size_t n_blocks)
{
    struct pd_block_q8_0 *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block++, x += PD_BLOCK) {
        float magnitude = extreme(x, PD_BLOCK);
        float d = store_scale(block->d, (magnitude < 0.0f ? -magnitude : magnitude) / 127.0f);
        for (int i = 0; i < PD_BLOCK; i++)
            block->qs[i] = (int8_t)quant(x[i], d, -127, 127);
    }
}

/* The inverse of pd_k_scale_min(); packed starts as zeros. */
static void store_k_scale_min(uint8_t packed[12], int j, int scale, int min)
{
    if (j < 4) {
        packed[j] = (uint8_t)(packed[j] | scale);
        packed[j + 4] = (uint8_t)(packed[j + 4] | min);
    } else {
        packed[j + 4] = (uint8_t)((scale & 15) | (min & 15) << 4);
        packed[j - 4] = (uint8_t)(packed[j - 4] | scale >> 4 << 6);
        packed[j] = (uint8_t)(packed[j] | min >> 4 << 6);
    }
}

struct k_scales { /* of the sub-blocks, as stored: w = scale[j] q - min[j] */
    float scale[8];
    float min[8];
};

/* Chooses and stores the scales of a Q4_K or Q5_K superblock. The minimum is subtracted and cannot be
 * negative, so a sub-block of positive numbers starts at 0. */
static struct k_scales store_k_scales(const float *x, int largest_quant, uint8_t *d, uint8_t *dmin,
                                      uint8_t packed[12])
{
    struct k_scales want;
    float largest_scale = 0.0f;
    float largest_min = 0.0f;
    for (int j = 0; j < 8; j++) {
        float min;
        float max;
        range(x + PD_BLOCK * j, PD_BLOCK, &min, &max);
        min = min < 0.0f ? min : 0.0f;
        max = max > 0.0f ? max : 0.0f;
        want.min[j] = -min;
        want.scale[j] = max / (float)largest_quant - min / (float)largest_quant;
        largest_scale = want.scale[j] > largest_scale ? want.scale[j] : largest_scale;
        largest_min = want.min[j] > largest_min ? want.min[j] : largest_min;
    }
    struct k_scales stored;
    float scale_unit = store_scale(d, largest_scale / 63.0f);
    float min_unit = store_scale(dmin, largest_min / 63.0f);
    for (int j = 0; j < 8; j++) {
        int scale = quant(want.scale[j], scale_unit, 0, 63);
        int min = quant(want.min[j], min_unit, 0, 63);
        store_k_scale_min(packed, j, scale, min);
        stored.scale[j] = scale_unit * (float)scale;
        stored.min[j] = min_unit * (float)min;
    }
    return stored;
}

static void encode_q4_k(const float *x, void *blocks, size_t n_blocks)
{
    struct pd_block_q4_k *block = blocks;
    memset(blocks, 0, n_blocks * sizeof *block);
    for (size_t b = 0; b < n_blocks; b++, block++, x += PD_SUPERBLOCK) {
        struct k_scales s = store_k_scales(x, 15, block->d, block->dmin, block->scales);
        for (int i = 0; i < PD_SUPERBLOCK; i++) {
            int j = i / PD_BLOCK;
            int q = quant(x[i] + s.min[j], s.scale[j], 0, 15);
            uint8_t *byte = &block->qs[PD_BLOCK * (j / 2) + i % PD_BLOCK];
            *byte = (uint8_t)(*byte | q << 4 * (j % 2));
        }
    }
}

static void encode_q5_k(const float *x, void *blocks, size_t n_blocks)
{
    struct pd_block_q5_k *block = blocks;
    memset(blocks, 0, n_blocks * sizeof *block);
    for (size_t b = 0; b < n_blocks; b++, block++, x += PD_SUPERBLOCK) {
        struct k_scales s = store_k_scales(x, 31, block->d, block->dmin, block->scales);
        for (int i = 0; i < PD_SUPERBLOCK; i++) {
            int j = i / PD_BLOCK;
            int q = quant(x[i] + s.min[j], s.scale[j], 0, 31);
            uint8_t *low = &block->qs[PD_BLOCK * (j / 2) + i % PD_BLOCK];
            uint8_t *high = &block->qh[i % PD_BLOCK];
            *low = (uint8_t)(*low | (q & 15) << 4 * (j % 2));
            *high = (uint8_t)(*high | q >> 4 << j);
        }
    }
}

/* The inverse of pd_q6_k_element(); ql and qh start as zeros. */
static void store_q6_k_element(struct pd_block_q6_k *block, int i, int q)
{
    int half = i / 128;
    int quarter = i / 32 % 4;
    int column = i % 32;
    uint8_t *low = &block->ql[64 * half + 32 * (quarter % 2) + column];
    uint8_t *high = &block->qh[32 * half + column];
    *low = (uint8_t)(*low | (q & 15) << 4 * (quarter / 2));
    *high = (uint8_t)(*high | q >> 4 << 2 * quarter);
}

static void encode_q6_k(const float *x, void *blocks, size_t n_blocks)
{
    struct pd_block_q6_k *block = blocks;
    memset(blocks, 0, n_blocks * sizeof *block);
    for (size_t b = 0; b < n_blocks; b++, block++, x += PD_SUPERBLOCK) {
        float want[16];
        for (int j = 0; j < 16; j++)
            want[j] = extreme(x + 16 * j, 16) / -32.0f;
        float d = store_scale(block->d, extreme(want, 16) / -128.0f);
        for (int j = 0; j < 16; j++) {
            int scale = quant(want[j], d, -128, 127);
            block->scales[j] = (int8_t)scale;
            float ds = d * (float)scale;
            for (int i = 16 * j; i < 16 * j + 16; i++)
                store_q6_k_element(block, i, quant(x[i], ds, -32, 31) + 32);
        }
    }
}

static void (*const encoders[PD_FORMATS])(const float *x, void *blocks, size_t n_blocks) = {
    [PD_F32] = encode_f32,   [PD_F16] = encode_f16,   [PD_BF16] = encode_bf16,
    [PD_Q4_0] = encode_q4_0, [PD_Q4_1] = encode_q4_1, [PD_Q5_0] = encode_q5_0,
    [PD_Q5_1] = encode_q5_1, [PD_Q8_0] = encode_q8_0, [PD_Q4_K] = encode_q4_k,
    [PD_Q5_K] = encode_q5_k, [PD_Q6_K] = encode_q6_k,
};

void pd_encode(enum pd_format_id id, const float *x, void *blocks, size_t n_blocks)
{
    encoders[id](x, blocks, n_blocks);
}
