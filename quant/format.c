/* SPDX-License-Identifier: Apache-2.0
 * format.c - THE table of tensor formats, and the decoders that define what each block means.
 *
 * A decoder writes each weight with the operations of its formula in block.h, in that order, in float.
 * The product of a half and small integers is exact in float (11 + 6 + 5 bits at most; only Q6_K, with
 * 11 + 8 + 6, can round), so formulas with a minimum round once, at the addition: contraction or not,
 * any machine gives the same bits. */
#include "quant/format.h"

#include "quant/block.h"

#define PD_BLOCK_IS(type, bytes)                                                                   \
    _Static_assert(sizeof(struct pd_block_##type) == (bytes), "padding in a block of the file")

PD_BLOCK_IS(q4_0, 18);
PD_BLOCK_IS(q4_1, 20);
PD_BLOCK_IS(q5_0, 22);
PD_BLOCK_IS(q5_1, 24);
PD_BLOCK_IS(q8_0, 34);
PD_BLOCK_IS(q4_k, 144);
PD_BLOCK_IS(q5_k, 176);
PD_BLOCK_IS(q6_k, 210);

static void decode_f32(const void *blocks, float *out, size_t n_blocks)
{
    memcpy(out, blocks, n_blocks * sizeof *out);
}

static void decode_f16(const void *blocks, float *out, size_t n_blocks)
{
    const uint8_t *bytes = blocks;
    for (size_t i = 0; i < n_blocks; i++)
        out[i] = pd_load_f16(bytes + 2 * i);
}

static void decode_bf16(const void *blocks, float *out, size_t n_blocks)
{
    const uint8_t *bytes = blocks;
    for (size_t i = 0; i < n_blocks; i++)
        out[i] = pd_bf16_to_f32(pd_load_u16(bytes + 2 * i));
}

static void decode_q4_0(const void *blocks, float *out, size_t n_blocks)
{
    const struct pd_block_q4_0 *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block++, out += PD_BLOCK) {
        float d = pd_load_f16(block->d);
        for (int i = 0; i < 16; i++) {
            out[i] = d * (float)((block->qs[i] & 15) - 8);
            out[i + 16] = d * (float)((block->qs[i] >> 4) - 8);
        }
    }
}

static void decode_q4_1(const void *blocks, float *out, size_t n_blocks)
{
    const struct pd_block_q4_1 *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block++, out += PD_BLOCK) {
        float d = pd_load_f16(block->d);
        float m = pd_load_f16(block->m);
        for (int i = 0; i < 16; i++) {
            out[i] = d * (float)(block->qs[i] & 15) + m;
            out[i + 16] = d * (float)(block->qs[i] >> 4) + m;
        }
    }
}

/* Element i (0..31) of the five-bit formats: nibble and fifth bit. */
static int five_bits(const uint8_t qs[16], const uint8_t qh[4], int i)
{
    int low = i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
    return low | (qh[i / 8] >> (i % 8) & 1) << 4;
}

static void decode_q5_0(const void *blocks, float *out, size_t n_blocks)
{
    const struct pd_block_q5_0 *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block++, out += PD_BLOCK) {
        float d = pd_load_f16(block->d);
        for (int i = 0; i < PD_BLOCK; i++)
            out[i] = d * (float)(five_bits(block->qs, block->qh, i) - 16);
    }
}

static void decode_q5_1(const void *blocks, float *out, size_t n_blocks)
{
    const struct pd_block_q5_1 *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block++, out += PD_BLOCK) {
        float d = pd_load_f16(block->d);
        float m = pd_load_f16(block->m);
        for (int i = 0; i < PD_BLOCK; i++)
            out[i] = d * (float)five_bits(block->qs, block->qh, i) + m;
    }
}

static void decode_q8_0(const void *blocks, float *out, size_t n_blocks)
{
    const struct pd_block_q8_0 *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block++, out += PD_BLOCK) {
        float d = pd_load_f16(block->d);
        for (int i = 0; i < PD_BLOCK; i++)
            out[i] = d * (float)block->qs[i];
    }
}

static void decode_q4_k(const void *blocks, float *out, size_t n_blocks)
{
    const struct pd_block_q4_k *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block++) {
        float d = pd_load_f16(block->d);
        float dmin = pd_load_f16(block->dmin);
        for (int j = 0; j < 8; j++, out += PD_BLOCK) {
            uint8_t scale;
            uint8_t min;
            pd_k_scale_min(block->scales, j, &scale, &min);
            float ds = d * (float)scale;
            float dm = dmin * (float)min;
            const uint8_t *qs = block->qs + PD_BLOCK * (j / 2);
            int shift = 4 * (j % 2);
            for (int i = 0; i < PD_BLOCK; i++)
                out[i] = ds * (float)(qs[i] >> shift & 15) - dm;
        }
    }
}

static void decode_q5_k(const void *blocks, float *out, size_t n_blocks)
{
    const struct pd_block_q5_k *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block++) {
        float d = pd_load_f16(block->d);
        float dmin = pd_load_f16(block->dmin);
        for (int j = 0; j < 8; j++, out += PD_BLOCK) {
            uint8_t scale;
            uint8_t min;
            pd_k_scale_min(block->scales, j, &scale, &min);
            float ds = d * (float)scale;
            float dm = dmin * (float)min;
            const uint8_t *qs = block->qs + PD_BLOCK * (j / 2);
            int shift = 4 * (j % 2);
            for (int i = 0; i < PD_BLOCK; i++) {
                int q = (qs[i] >> shift & 15) | (block->qh[i] >> j & 1) << 4;
                out[i] = ds * (float)q - dm;
            }
        }
    }
}

static void decode_q6_k(const void *blocks, float *out, size_t n_blocks)
{
    const struct pd_block_q6_k *block = blocks;
    for (size_t b = 0; b < n_blocks; b++, block++) {
        float d = pd_load_f16(block->d);
        for (int j = 0; j < 16; j++, out += 16) {
            float ds = d * (float)block->scales[j];
            for (int i = 0; i < 16; i++)
                out[i] = ds * (float)(pd_q6_k_element(block, 16 * j + i) - 32);
        }
    }
}

/* In the order of enum pd_format_id: pd_format_get() indexes it. */
static const struct pd_format formats[PD_FORMATS] = {
    {"F32", PD_F32, 0, 1, 4, false, decode_f32},
    {"F16", PD_F16, 1, 1, 2, false, decode_f16},
    {"BF16", PD_BF16, 30, 1, 2, false, decode_bf16},
    {"Q4_0", PD_Q4_0, 2, PD_BLOCK, sizeof(struct pd_block_q4_0), true, decode_q4_0},
    {"Q4_1", PD_Q4_1, 3, PD_BLOCK, sizeof(struct pd_block_q4_1), true, decode_q4_1},
    {"Q5_0", PD_Q5_0, 6, PD_BLOCK, sizeof(struct pd_block_q5_0), true, decode_q5_0},
    {"Q5_1", PD_Q5_1, 7, PD_BLOCK, sizeof(struct pd_block_q5_1), true, decode_q5_1},
    {"Q8_0", PD_Q8_0, 8, PD_BLOCK, sizeof(struct pd_block_q8_0), true, decode_q8_0},
    {"Q4_K", PD_Q4_K, 12, PD_SUPERBLOCK, sizeof(struct pd_block_q4_k), true, decode_q4_k},
    {"Q5_K", PD_Q5_K, 13, PD_SUPERBLOCK, sizeof(struct pd_block_q5_k), true, decode_q5_k},
    {"Q6_K", PD_Q6_K, 14, PD_SUPERBLOCK, sizeof(struct pd_block_q6_k), true, decode_q6_k},
};

/* Every number that GGUF files have ever carried, withdrawn ones included. */
static const char *const gguf_names[] = {
    "F32",   "F16",        "Q4_0",       "Q4_1",       "Q4_2",     "Q4_3",     "Q5_0",
    "Q5_1",  "Q8_0",       "Q8_1",       "Q2_K",       "Q3_K",     "Q4_K",     "Q5_K",
    "Q6_K",  "Q8_K",       "IQ2_XXS",    "IQ2_XS",     "IQ3_XXS",  "IQ1_S",    "IQ4_NL",
    "IQ3_S", "IQ2_S",      "IQ4_XS",     "I8",         "I16",      "I32",      "I64",
    "F64",   "IQ1_M",      "BF16",       "Q4_0_4_4",   "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",
    "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4",    "NVFP4",    "Q1_0",
};

const struct pd_format *pd_format_get(enum pd_format_id id)
{
    return &formats[id];
}

const struct pd_format *pd_format_from_gguf(uint32_t gguf_type)
{
    for (size_t i = 0; i < PD_FORMATS; i++) {
        if (formats[i].gguf_type == gguf_type)
            return &formats[i];
    }
    return NULL;
}

const char *pd_format_gguf_name(uint32_t gguf_type)
{
    size_t n = sizeof gguf_names / sizeof gguf_names[0];
    return gguf_type < n ? gguf_names[gguf_type] : NULL;
}
