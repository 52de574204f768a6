/* SPDX-License-Identifier: Apache-2.0
 * panel.c - see panel.h. Plain code for every instruction set: it runs once, at start, four quants at a time. */
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

/* Four quants side by side, as they lie in memory: all that packing does to them stays within its byte. */
#define NIBBLES UINT32_C(0x0F0F0F0F)
#define PAIRS   UINT32_C(0x03030303)
#define BITS    UINT32_C(0x01010101)

enum { GROUPS = PD_BLOCK / 4 };

/* One block of 32 of a row in the file, taken apart. */
struct parts {
    uint8_t header[4];  /* d, and m or dmin */
    uint8_t scale[2];   /* scale and min, or two scales */
    uint32_t q[GROUPS]; /* a byte a quant */
};

static inline uint32_t load_four(const uint8_t *p)
{
    uint32_t four;
    memcpy(&four, p, sizeof four);
    return four;
}

/* Of 16 bytes, the low nibbles are the first half of the block, the high ones the second. */
static inline void nibbles(const uint8_t *qs, uint32_t *q)
{
    for (int g = 0; g < GROUPS / 2; g++) {
        uint32_t four = load_four(qs + 4 * g);
        q[g] = four & NIBBLES;
        q[g + GROUPS / 2] = four >> 4 & NIBBLES;
    }
}

/* Bit i of qh is the fifth of quant i; the product brings four of them to four bytes. */
static inline void fifth_bits(const uint8_t *qh, uint32_t *q)
{
    for (int g = 0; g < GROUPS; g++)
        q[g] |= (((uint32_t)qh[g / 2] >> g % 2 * 4 & 15) * UINT32_C(0x00204081) & BITS) << 4;
}

static inline void sub_block_nibbles(const uint8_t *qs, int s, uint32_t *q)
{
    for (int g = 0; g < GROUPS; g++)
        q[g] = load_four(qs + 32 * (s / 2) + 4 * g) >> s % 2 * 4 & NIBBLES;
}

static inline void take_apart(enum pd_format_id format, const uint8_t *row, int b, struct parts *p)
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
        for (int g = 0; g < GROUPS; g++) /* + 128 */
            p->q[g] = load_four((const uint8_t *)block->qs + 4 * g) ^ BITS << 7;
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
        for (int g = 0; g < GROUPS; g++)
            p->q[g] |= (load_four(block->qh + 4 * g) >> s & BITS) << 4;
        break;
    }
    case PD_Q6_K: {
        const struct pd_block_q6_k *block = (const struct pd_block_q6_k *)(const void *)row + b / 8;
        const uint8_t *ql = block->ql + 64 * (s / 4) + 32 * (s % 2);
        const uint8_t *qh = block->qh + 32 * (s / 4);
        memcpy(p->header, block->d, 2);
        memcpy(p->scale, block->scales + 2 * s, 2);
        for (int g = 0; g < GROUPS; g++)
            p->q[g] = (load_four(ql + 4 * g) >> s % 4 / 2 * 4 & NIBBLES) |
                      (load_four(qh + 4 * g) >> s % 4 * 2 & PAIRS) << 4;
        break;
    }
    default:
        break;
    }
}

/* Puts the 32 quants of a row where panel.h says; step: from one vector to the next. */
static inline void put_quants(int bits, const uint32_t *q, uint8_t *quants, size_t step)
{
    if (bits == 8) {
        for (int g = 0; g < GROUPS; g++)
            memcpy(quants + (size_t)g * step, &q[g], 4);
        return;
    }
    for (int v = 0; v < bits - 4; v++, quants += step) { /* what is above four bits: one or two */
        uint32_t upper = 0;
        for (int g = 0; bits == 5 && g < GROUPS; g++)
            upper |= (q[g] >> 4 & BITS) << g;
        for (int j = 0; bits == 6 && j < 4; j++)
            upper |= (q[4 * v + j] >> 4 & PAIRS) << 2 * j;
        memcpy(quants, &upper, 4);
    }
    for (int t = 0; t < GROUPS / 2; t++) {
        uint32_t two = (q[2 * t] & NIBBLES) | (q[2 * t + 1] & NIBBLES) << 4;
        memcpy(quants + (size_t)t * step, &two, 4);
    }
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

static inline void pack_floats(size_t bytes, const uint8_t *rows, size_t row_bytes, int n_rows,
                               int k, int R, uint8_t *panel)
{
    for (int i = 0; i < k; i++)
        for (int r = 0; r < n_rows; r++)
            memcpy(panel + (size_t)(i * R + r) * bytes,
                   rows + (size_t)r * row_bytes + (size_t)i * bytes, bytes);
}

static inline void pack_quants(enum pd_format_id format, const uint8_t *rows, size_t row_bytes,
                               int n_rows, int k, int R, uint8_t *panel)
{
    const struct pd_panel_shape shape = pd_panel_shape(format);
    for (int b = 0; b < k / PD_BLOCK; b++) {
        struct place place = place_of(&shape, b, R);
        for (int r = 0; r < n_rows; r++) {
            struct parts p;
            take_apart(format, rows + (size_t)r * row_bytes, b, &p);
            if (b % shape.per_header == 0)
                for (int i = 0; i < shape.header_bytes; i += 2)
                    memcpy(panel + place.header + (size_t)(i * R + 2 * r), p.header + i, 2);
            for (int i = 0; i < shape.scale_bytes; i++)
                panel[place.scale + (size_t)(i * R + r)] = p.scale[i];
            put_quants(shape.bits, p.q, panel + place.quants + 4 * r, (size_t)(4 * R));
        }
    }
}

void pd_panel_pack(enum pd_format_id format, const uint8_t *rows, size_t row_bytes, int n_rows,
                   int k, int panel_rows, uint8_t *panel)
{
    int R = panel_rows;
    if (n_rows < R)
        memset(panel, 0, pd_panel_bytes(format, k, R));
    /* A copy of the loops for each format, in which the compiler sees constants. */
    switch (format) {
#define PACK(id)                                                                                   \
    case id:                                                                                       \
        pack_quants(id, rows, row_bytes, n_rows, k, R, panel);                                     \
        break;
        PACK(PD_Q4_0)
        PACK(PD_Q4_1)
        PACK(PD_Q5_0)
        PACK(PD_Q5_1)
        PACK(PD_Q8_0)
        PACK(PD_Q4_K)
        PACK(PD_Q5_K)
        PACK(PD_Q6_K)
#undef PACK
    case PD_F32:
        pack_floats(4, rows, row_bytes, n_rows, k, R, panel);
        break;
    default:
        pack_floats(2, rows, row_bytes, n_rows, k, R, panel);
        break;
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
