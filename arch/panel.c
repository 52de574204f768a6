/* SPDX-License-Identifier: Apache-2.0
 * panel.c - see panel.h. Plain code for every instruction set: it runs once, at start. */
#include "arch/panel.h"

#include <string.h>

#include "quant/block.h"

static int float_bytes(enum pd_format_id format)
{
    return format == PD_F32 ? 4 : 2;
}

/* Where block b of a panel starts, and where the header that serves it does. */
struct place {
    size_t header, scale, quants;
};

static struct place place_of(const struct pd_panel_shape *shape, int b, int R)
{
    size_t header = (size_t)(shape->header_bytes * R);
    size_t body = (size_t)(shape->scale_bytes * R) + pd_panel_quant_bytes(shape->bits, R);
    size_t group = header + (size_t)shape->per_header * body;
    size_t start = (size_t)(b / shape->per_header) * group;
    size_t scale = start + header + (size_t)(b % shape->per_header) * body;
    return (struct place){start, scale, scale + (size_t)(shape->scale_bytes * R)};
}

size_t pd_panel_bytes(enum pd_format_id format, int k, int panel_rows)
{
    const struct pd_panel_shape shape = pd_panel_shape(format);
    if (shape.bits == 0)
        return (size_t)k * (size_t)(float_bytes(format) * panel_rows);
    return place_of(&shape, k / PD_BLOCK, panel_rows).header;
}

/* One block of 32 of a row in the file, taken apart. */
struct parts {
    uint8_t header[4]; /* d, and m or dmin */
    uint8_t scale[2];  /* scale and min, or two scales */
    uint8_t q[PD_BLOCK];
};

static void nibbles(const uint8_t *qs, uint8_t *q)
{
    for (int i = 0; i < 16; i++) {
        q[i] = qs[i] & 15;
        q[i + 16] = qs[i] >> 4;
    }
}

static void fifth_bits(const uint8_t *qh, uint8_t *q)
{
    for (int i = 0; i < PD_BLOCK; i++)
        q[i] |= (uint8_t)((qh[i / 8] >> (i % 8) & 1) << 4);
}

static void sub_block_nibbles(const uint8_t *qs, int s, uint8_t *q)
{
    for (int i = 0; i < PD_BLOCK; i++)
        q[i] = (uint8_t)(qs[32 * (s / 2) + i] >> (s % 2 * 4) & 15);
}

static void take_apart(enum pd_format_id format, const uint8_t *row, int b, struct parts *p)
{
    int s = b % 8; /* sub-block of a superblock */
    switch (format) {
    case PD_Q4_0: {
        const struct pd_block_q4_0 *block = (const struct pd_block_q4_0 *)(const void *)row + b;
        memcpy(p->header, block->d, 2);
        nibbles(block->qs, p->q);
        break;
    }
    case PD_Q4_1: {
        const struct pd_block_q4_1 *block = (const struct pd_block_q4_1 *)(const void *)row + b;
        memcpy(p->header, block->d, 2);
        memcpy(p->header + 2, block->m, 2);
        nibbles(block->qs, p->q);
        break;
    }
    case PD_Q5_0: {
        const struct pd_block_q5_0 *block = (const struct pd_block_q5_0 *)(const void *)row + b;
        memcpy(p->header, block->d, 2);
        nibbles(block->qs, p->q);
        fifth_bits(block->qh, p->q);
        break;
    }
    case PD_Q5_1: {
        const struct pd_block_q5_1 *block = (const struct pd_block_q5_1 *)(const void *)row + b;
        memcpy(p->header, block->d, 2);
        memcpy(p->header + 2, block->m, 2);
        nibbles(block->qs, p->q);
        fifth_bits(block->qh, p->q);
        break;
    }
    case PD_Q8_0: {
        const struct pd_block_q8_0 *block = (const struct pd_block_q8_0 *)(const void *)row + b;
        memcpy(p->header, block->d, 2);
        for (int i = 0; i < PD_BLOCK; i++)
            p->q[i] = (uint8_t)(block->qs[i] + 128);
        break;
    }
    case PD_Q4_K: {
        const struct pd_block_q4_k *block = (const struct pd_block_q4_k *)(const void *)row + b / 8;
        memcpy(p->header, block->d, 2);
        memcpy(p->header + 2, block->dmin, 2);
        pd_k_scale_min(block->scales, s, &p->scale[0], &p->scale[1]);
        sub_block_nibbles(block->qs, s, p->q);
        break;
    }
    case PD_Q5_K: {
        const struct pd_block_q5_k *block = (const struct pd_block_q5_k *)(const void *)row + b / 8;
        memcpy(p->header, block->d, 2);
        memcpy(p->header + 2, block->dmin, 2);
        pd_k_scale_min(block->scales, s, &p->scale[0], &p->scale[1]);
        sub_block_nibbles(block->qs, s, p->q);
        for (int i = 0; i < PD_BLOCK; i++)
            p->q[i] |= (uint8_t)((block->qh[i] >> s & 1) << 4);
        break;
    }
    case PD_Q6_K: {
        const struct pd_block_q6_k *block = (const struct pd_block_q6_k *)(const void *)row + b / 8;
        const uint8_t *ql = block->ql + 64 * (s / 4) + 32 * (s % 2);
        const uint8_t *qh = block->qh + 32 * (s / 4);
        memcpy(p->header, block->d, 2);
        memcpy(p->scale, block->scales + 2 * s, 2);
        for (int i = 0; i < PD_BLOCK; i++) {
            int low = ql[i] >> (s % 4 / 2 * 4) & 15;
            int high = qh[i] >> (s % 4 * 2) & 3;
            p->q[i] = (uint8_t)(low | high << 4);
        }
        break;
    }
    default:
        break;
    }
}

/* Puts the 32 quants of row r where panel.h says. The block's bytes start as zeros. */
static void put_quants(int bits, const uint8_t *q, int r, int R, uint8_t *quants)
{
    uint8_t *vector = quants; /* of 4-byte groups */
    size_t step = (size_t)(4 * R);
    if (bits == 8) {
        for (int e = 0; e < PD_BLOCK; e++)
            vector[(size_t)(e / 4) * step + (size_t)(4 * r + e % 4)] = q[e];
        return;
    }
    for (int e = 0; bits == 5 && e < PD_BLOCK; e++)
        vector[4 * r + e % 4] |= (uint8_t)((q[e] >> 4) << (e / 4));
    for (int e = 0; bits == 6 && e < PD_BLOCK; e++)
        vector[(size_t)(e / 16) * step + (size_t)(4 * r + e % 4)] |=
            (uint8_t)((q[e] >> 4) << (e / 4 % 4 * 2));
    vector += (size_t)(bits - 4) * step;
    for (int e = 0; e < PD_BLOCK; e++)
        vector[(size_t)(e / 8) * step + (size_t)(4 * r + e % 4)] |=
            (uint8_t)((q[e] & 15) << (e / 4 % 2 * 4));
}

static void get_quants(int bits, const uint8_t *quants, int r, int R, uint8_t *q)
{
    const uint8_t *vector = quants;
    size_t step = (size_t)(4 * R);
    for (int e = 0; e < PD_BLOCK; e++) {
        size_t byte = (size_t)(4 * r + e % 4);
        if (bits == 8) {
            q[e] = vector[(size_t)(e / 4) * step + byte];
            continue;
        }
        int low = vector[(size_t)(bits - 4 + e / 8) * step + byte] >> (e / 4 % 2 * 4) & 15;
        int high = bits == 5   ? vector[byte] >> (e / 4) & 1
                   : bits == 6 ? vector[(size_t)(e / 16) * step + byte] >> (e / 4 % 4 * 2) & 3
                               : 0;
        q[e] = (uint8_t)(low | high << 4);
    }
}

static void pack_floats(int bytes, const uint8_t *rows, size_t row_bytes, int n_rows, int k, int R,
                        uint8_t *panel)
{
    for (int i = 0; i < k; i++)
        for (int r = 0; r < n_rows; r++)
            memcpy(panel + (size_t)(i * R + r) * (size_t)bytes,
                   rows + (size_t)r * row_bytes + (size_t)i * (size_t)bytes, (size_t)bytes);
}

void pd_panel_pack(enum pd_format_id format, const uint8_t *rows, size_t row_bytes, int n_rows,
                   int k, int panel_rows, uint8_t *panel)
{
    const struct pd_panel_shape shape = pd_panel_shape(format);
    int R = panel_rows;
    memset(panel, 0, pd_panel_bytes(format, k, R));
    if (shape.bits == 0) {
        pack_floats(float_bytes(format), rows, row_bytes, n_rows, k, R, panel);
        return;
    }
    for (int b = 0; b < k / PD_BLOCK; b++) {
        struct place place = place_of(&shape, b, R);
        for (int r = 0; r < n_rows; r++) {
            struct parts p = {0};
            take_apart(format, rows + (size_t)r * row_bytes, b, &p);
            for (int i = 0; i < shape.header_bytes; i += 2)
                memcpy(panel + place.header + (size_t)(i * R + 2 * r), p.header + i, 2);
            for (int i = 0; i < shape.scale_bytes; i++)
                panel[place.scale + (size_t)(i * R + r)] = p.scale[i];
            put_quants(shape.bits, p.q, r, R, panel + place.quants);
        }
    }
}

static void float_row(enum pd_format_id format, const uint8_t *panel, int r, int k, int R,
                      float *out)
{
    for (int i = 0; i < k; i++) {
        const uint8_t *p = panel + (size_t)(i * R + r) * (size_t)float_bytes(format);
        if (format == PD_F32)
            memcpy(&out[i], p, 4);
        else
            out[i] = format == PD_F16 ? pd_load_f16(p) : pd_bf16_to_f32(pd_load_u16(p));
    }
}

void pd_panel_row(enum pd_format_id format, const uint8_t *panel, int r, int k, int panel_rows,
                  float *out)
{
    const struct pd_panel_shape shape = pd_panel_shape(format);
    int R = panel_rows;
    if (shape.bits == 0) {
        float_row(format, panel, r, k, R, out);
        return;
    }
    for (int b = 0; b < k / PD_BLOCK; b++, out += PD_BLOCK) {
        struct place place = place_of(&shape, b, R);
        uint8_t q[PD_BLOCK];
        get_quants(shape.bits, panel + place.quants, r, R, q);
        float d = pd_load_f16(panel + place.header + 2 * r);
        float m = shape.header_bytes == 4 ? pd_load_f16(panel + place.header + 2 * (R + r)) : 0.0f;
        const uint8_t *scale = panel + place.scale + r;
        for (int e = 0; e < PD_BLOCK; e++) {
            float value = (float)(q[e] - shape.offset);
            if (format == PD_Q6_K)
                out[e] = d * (float)(int8_t)scale[e / 16 * R] * value;
            else if (shape.per_header > 1)
                out[e] = d * (float)scale[0] * value - m * (float)scale[R];
            else if (shape.header_bytes == 4)
                out[e] = d * value + m;
            else
                out[e] = d * value;
        }
    }
}
