/* SPDX-License-Identifier: Apache-2.0
 * encode_block.c - grids, rounding and packing of blocks; see encode_block.h. */
#include "quant/encode_block.h"

int pd_nearest(float value, int low, int high)
{
    if (!(value > (float)low))
        return low;
    if (value >= (float)high)
        return high;
    return low + (int)(value - (float)low + 0.5f);
}

uint16_t pd_code_half(float value)
{
    return pd_f32_to_f16(value < -65504.0f ? -65504.0f : value > 65504.0f ? 65504.0f : value);
}

struct pd_grid pd_code_grid(const struct pd_coding *coding, const struct pd_code *code, int part)
{
    float d = pd_f16_to_f32(code->d);
    switch (coding->kind) {
    case PD_AFFINE:
        return (struct pd_grid){d, pd_f16_to_f32(code->m)};
    case PD_K_AFFINE:
        return (struct pd_grid){d * (float)code->scale[part],
                                -(pd_f16_to_f32(code->m) * (float)code->min[part])};
    case PD_K_SYMMETRIC:
        return (struct pd_grid){d * (float)code->scale[part], 0.0f};
    case PD_SYMMETRIC:
        break;
    }
    return (struct pd_grid){d, 0.0f};
}

int pd_grid_round(const struct pd_coding *coding, struct pd_grid grid, float value)
{
    /* Without a step all quants mean the same; a signed one of 0 packs to the customary bits. */
    float steps = grid.step != 0.0f ? (value - grid.offset) / grid.step : 0.0f;
    return pd_nearest(steps, coding->low, coding->high);
}

void pd_code_round(const struct pd_coding *coding, struct pd_code *code, const float *x)
{
    for (int part = 0; part < coding->n_parts; part++) {
        struct pd_grid grid = pd_code_grid(coding, code, part);
        int first = part * coding->part_elements;
        for (int i = first; i < first + coding->part_elements; i++)
            code->q[i] = (int8_t)pd_grid_round(coding, grid, x[i]);
    }
}

static void store_u16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

/* n pairs of 4-bit quants: element i low, element i + n high. */
static void store_nibbles(uint8_t *qs, const int8_t *q, int n, int bias)
{
    for (int i = 0; i < n; i++)
        qs[i] = (uint8_t)(((q[i] + bias) & 15) | ((q[i + n] + bias) & 15) << 4);
}

/* Bit `bit` of 32 quants, one bit each. */
static void store_fifth_bits(uint8_t qh[4], const int8_t *q, int bias)
{
    memset(qh, 0, 4);
    for (int i = 0; i < PD_BLOCK; i++)
        qh[i / 8] = (uint8_t)(qh[i / 8] | (q[i] + bias) >> 4 << (i % 8));
}

static void pack_q4_0(const struct pd_code *code, void *block)
{
    struct pd_block_q4_0 *b = block;
    store_u16(b->d, code->d);
    store_nibbles(b->qs, code->q, 16, 8);
}

static void pack_q4_1(const struct pd_code *code, void *block)
{
    struct pd_block_q4_1 *b = block;
    store_u16(b->d, code->d);
    store_u16(b->m, code->m);
    store_nibbles(b->qs, code->q, 16, 0);
}

static void pack_q5_0(const struct pd_code *code, void *block)
{
    struct pd_block_q5_0 *b = block;
    store_u16(b->d, code->d);
    store_nibbles(b->qs, code->q, 16, 16);
    store_fifth_bits(b->qh, code->q, 16);
}

static void pack_q5_1(const struct pd_code *code, void *block)
{
    struct pd_block_q5_1 *b = block;
    store_u16(b->d, code->d);
    store_u16(b->m, code->m);
    store_nibbles(b->qs, code->q, 16, 0);
    store_fifth_bits(b->qh, code->q, 0);
}

static void pack_q8_0(const struct pd_code *code, void *block)
{
    struct pd_block_q8_0 *b = block;
    store_u16(b->d, code->d);
    memcpy(b->qs, code->q, sizeof b->qs);
}

/* The inverse of pd_k_scale_min(), for all eight. */
static void store_k_scales(uint8_t packed[12], const struct pd_code *code)
{
    for (int j = 0; j < 4; j++) {
        packed[j] = (uint8_t)(code->scale[j] | code->scale[j + 4] >> 4 << 6);
        packed[j + 4] = (uint8_t)(code->min[j] | code->min[j + 4] >> 4 << 6);
        packed[j + 8] = (uint8_t)((code->scale[j + 4] & 15) | (code->min[j + 4] & 15) << 4);
    }
}

static void pack_q4_k(const struct pd_code *code, void *block)
{
    struct pd_block_q4_k *b = block;
    store_u16(b->d, code->d);
    store_u16(b->dmin, code->m);
    store_k_scales(b->scales, code);
    for (int j = 0; j < 4; j++)
        store_nibbles(b->qs + PD_BLOCK * j, code->q + 2 * PD_BLOCK * j, PD_BLOCK, 0);
}

static void pack_q5_k(const struct pd_code *code, void *block)
{
    struct pd_block_q5_k *b = block;
    store_u16(b->d, code->d);
    store_u16(b->dmin, code->m);
    store_k_scales(b->scales, code);
    for (int j = 0; j < 4; j++)
        store_nibbles(b->qs + PD_BLOCK * j, code->q + 2 * PD_BLOCK * j, PD_BLOCK, 0);
    memset(b->qh, 0, sizeof b->qh);
    for (int i = 0; i < PD_SUPERBLOCK; i++)
        b->qh[i % PD_BLOCK] = (uint8_t)(b->qh[i % PD_BLOCK] | code->q[i] >> 4 << i / PD_BLOCK);
}

/* The inverse of pd_q6_k_element(). */
static void pack_q6_k(const struct pd_code *code, void *block)
{
    struct pd_block_q6_k *b = block;
    memset(b, 0, sizeof *b);
    store_u16(b->d, code->d);
    memcpy(b->scales, code->scale, sizeof b->scales);
    for (int i = 0; i < PD_SUPERBLOCK; i++) {
        int q = code->q[i] + 32;
        int half = i / 128;
        int quarter = i / 32 % 4;
        int column = i % 32;
        uint8_t *low = &b->ql[64 * half + 32 * (quarter % 2) + column];
        uint8_t *high = &b->qh[32 * half + column];
        *low = (uint8_t)(*low | (q & 15) << 4 * (quarter / 2));
        *high = (uint8_t)(*high | q >> 4 << 2 * quarter);
    }
}

static const struct pd_coding codings[PD_FORMATS] = {
    [PD_Q4_0] = {PD_SYMMETRIC, 1, 32, -8, 7, pack_q4_0},
    [PD_Q4_1] = {PD_AFFINE, 1, 32, 0, 15, pack_q4_1},
    [PD_Q5_0] = {PD_SYMMETRIC, 1, 32, -16, 15, pack_q5_0},
    [PD_Q5_1] = {PD_AFFINE, 1, 32, 0, 31, pack_q5_1},
    [PD_Q8_0] = {PD_SYMMETRIC, 1, 32, -127, 127, pack_q8_0},
    [PD_Q4_K] = {PD_K_AFFINE, 8, 32, 0, 15, pack_q4_k},
    [PD_Q5_K] = {PD_K_AFFINE, 8, 32, 0, 31, pack_q5_k},
    [PD_Q6_K] = {PD_K_SYMMETRIC, 16, 16, -32, 31, pack_q6_k},
};

const struct pd_coding *pd_coding_get(enum pd_format_id id)
{
    return codings[id].pack ? &codings[id] : NULL;
}
