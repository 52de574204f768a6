/* SPDX-License-Identifier: Apache-2.0
 * encode.c - floats to blocks: scales from the extremes of each block, quants to nearest.
 *
 * Every quant is chosen against the scale as stored (rounded to half, or to 6 bits times a half), so the
 * rounding of scales costs range at the ends of a block only, never a shift of all its elements. */
#include "quant/encode.h"

#include "quant/encode_block.h"

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

/* Where one end reaches a quant further than the other (-8, 7) the extreme element goes there, by the sign of
 * the scale. */
static void span_symmetric(const struct pd_coding *coding, struct pd_code *code, const float *x)
{
    float value = extreme(x, coding->part_elements);
    float reach = (float)coding->low;
    if (coding->low == -coding->high)
        reach = value < 0.0f ? (float)coding->low : (float)coding->high;
    code->d = pd_code_half(value / reach);
}

static void span_affine(const struct pd_coding *coding, struct pd_code *code, const float *x)
{
    float min;
    float max;
    float high = (float)coding->high;
    range(x, coding->part_elements, &min, &max);
    code->m = pd_code_half(min);
    code->d = pd_code_half(max / high - pd_f16_to_f32(code->m) / high);
}

/* Stores value / unit in low..high; low, or 0 if that is in range, where there is no unit. */
static int in_units(float value, float unit, int low, int high)
{
    return pd_nearest(unit != 0.0f ? value / unit : 0.0f, low, high);
}

/* The minimum is subtracted and cannot be negative, so a part of positive numbers starts at 0. */
static void span_k_affine(const struct pd_coding *coding, struct pd_code *code, const float *x)
{
    float scale[PD_MAX_PARTS];
    float minimum[PD_MAX_PARTS];
    float largest_scale = 0.0f;
    float largest_min = 0.0f;
    for (int j = 0; j < coding->n_parts; j++) {
        float min;
        float max;
        range(x + coding->part_elements * j, coding->part_elements, &min, &max);
        min = min < 0.0f ? min : 0.0f;
        max = max > 0.0f ? max : 0.0f;
        minimum[j] = -min;
        scale[j] = max / (float)coding->high - min / (float)coding->high;
        largest_scale = scale[j] > largest_scale ? scale[j] : largest_scale;
        largest_min = minimum[j] > largest_min ? minimum[j] : largest_min;
    }
    code->d = pd_code_half(largest_scale / 63.0f);
    code->m = pd_code_half(largest_min / 63.0f);
    for (int j = 0; j < coding->n_parts; j++) {
        code->scale[j] = (int8_t)in_units(scale[j], pd_f16_to_f32(code->d), 0, 63);
        code->min[j] = (uint8_t)in_units(minimum[j], pd_f16_to_f32(code->m), 0, 63);
    }
}

static void span_k_symmetric(const struct pd_coding *coding, struct pd_code *code, const float *x)
{
    float scale[PD_MAX_PARTS];
    for (int j = 0; j < coding->n_parts; j++)
        scale[j] =
            extreme(x + coding->part_elements * j, coding->part_elements) / (float)coding->low;
    code->d = pd_code_half(extreme(scale, coding->n_parts) / -128.0f);
    for (int j = 0; j < coding->n_parts; j++)
        code->scale[j] = (int8_t)in_units(scale[j], pd_f16_to_f32(code->d), -128, 127);
}

void pd_code_span(const struct pd_coding *coding, struct pd_code *code, const float *x)
{
    static void (*const spans[])(const struct pd_coding *, struct pd_code *, const float *) = {
        [PD_SYMMETRIC] = span_symmetric,
        [PD_AFFINE] = span_affine,
        [PD_K_AFFINE] = span_k_affine,
        [PD_K_SYMMETRIC] = span_k_symmetric,
    };
    spans[coding->kind](coding, code, x);
}

static void encode_f16(const float *x, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half = pd_f32_to_f16(x[i]);
        bytes[2 * i] = (uint8_t)half;
        bytes[2 * i + 1] = (uint8_t)(half >> 8);
    }
}

static void encode_bf16(const float *x, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        if ((bits & 0x7fffffffu) > 0x7f800000u)
            bits |= 0x400000u; /* a quiet NaN stays one when cut */
        else
            bits += 0x7fffu + (bits >> 16 & 1u);
        bytes[2 * i] = (uint8_t)(bits >> 16);
        bytes[2 * i + 1] = (uint8_t)(bits >> 24);
    }
}

/* True if the format has no quants, and all is done. */
static bool encode_floats(enum pd_format_id id, const float *x, void *blocks, size_t n)
{
    if (id == PD_F32)
        memcpy(blocks, x, n * sizeof *x);
    else if (id == PD_F16)
        encode_f16(x, blocks, n);
    else if (id == PD_BF16)
        encode_bf16(x, blocks, n);
    else
        return false;
    return true;
}

void pd_encode(enum pd_format_id id, const float *x, void *blocks, size_t n_blocks)
{
    if (encode_floats(id, x, blocks, n_blocks))
        return;
    const struct pd_format *format = pd_format_get(id);
    const struct pd_coding *coding = pd_coding_get(id);
    struct pd_code code = {.d = 0};
    uint8_t *block = blocks;
    for (; n_blocks > 0; n_blocks--, x += format->block_elements, block += format->block_bytes) {
        pd_code_span(coding, &code, x);
        pd_code_round(coding, &code, x);
        coding->pack(&code, block);
    }
}

void pd_encode_best(enum pd_format_id id, const float *x, const float *importance, void *blocks,
                    size_t n_blocks)
{
    if (encode_floats(id, x, blocks, n_blocks))
        return;
    const struct pd_format *format = pd_format_get(id);
    const struct pd_coding *coding = pd_coding_get(id);
    uint8_t *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block += format->block_bytes) {
        struct pd_code code = {.d = 0};
        size_t at = b * format->block_elements;
        pd_code_search(coding, &code, x + at, importance ? importance + at : NULL);
        coding->pack(&code, block);
    }
}
