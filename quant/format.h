/* SPDX-License-Identifier: Apache-2.0
 * format.h - THE table of tensor formats: one row per GGUF tensor type that we read. */
#ifndef PD_FORMAT_H
#define PD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pd_format_id {
    PD_F32,
    PD_F16,
    PD_BF16,
    PD_Q4_0,
    PD_Q4_1,
    PD_Q5_0,
    PD_Q5_1,
    PD_Q8_0,
    PD_Q4_K,
    PD_Q5_K,
    PD_Q6_K,
    PD_FORMATS
};

struct pd_format {
    const char *name;       /* as people write it: "Q4_0" */
    enum pd_format_id id;   /* this row's index */
    uint32_t gguf_type;     /* ggml_type in the file */
    uint16_t block_elements;
    uint16_t block_bytes;
    bool is_quantised;      /* multiplied in integers, against 8-bit activations */
    /* n_blocks blocks to block_elements * n_blocks floats. Reads at any alignment. */
    void (*decode)(const void *blocks, float *out, size_t n_blocks);
};

/* The row of a format. */
const struct pd_format *pd_format_get(enum pd_format_id id);

/* The row of a GGUF tensor type from a file, or NULL: a type that we don't have (or nonsense). */
const struct pd_format *pd_format_from_gguf(uint32_t gguf_type);

/* The name of any GGUF tensor type that was ever given out, for error texts; NULL if none. */
const char *pd_format_gguf_name(uint32_t gguf_type);

/* Bytes of n elements, n a multiple of block_elements. */
static inline size_t pd_format_row_bytes(const struct pd_format *format, size_t n)
{
    return n / format->block_elements * format->block_bytes;
}

#endif
