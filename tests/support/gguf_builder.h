/* SPDX-License-Identifier: Apache-2.0
 * gguf_builder.h - makes GGUF files in memory, and remembers where each field of them lies.
 *
 *     struct gguf_builder *b = gguf_new(3, 32);
 *     gguf_add_string(b, "general.architecture", "llama");
 *     gguf_add_u32(b, "llama.block_count", 2);
 *     gguf_add_tensor(b, "output_norm.weight", 0, 1, (uint64_t[]){64}, values, sizeof values);
 *     unsigned char *bytes = gguf_finish(b, &n_bytes);   the caller frees it
 *     gguf_free(b);
 *
 * Writes what it is told, sensible or not: nothing is checked but memory. */
#ifndef GGUF_BUILDER_H
#define GGUF_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/gguf.h"

struct gguf_builder;

/* alignment 32 is what a file without general.alignment has; any other value adds that key. */
struct gguf_builder *gguf_new(uint32_t version, uint32_t alignment);
void gguf_free(struct gguf_builder *b);

void gguf_add_u32(struct gguf_builder *b, const char *key, uint32_t value);
void gguf_add_f32(struct gguf_builder *b, const char *key, float value);
void gguf_add_bool(struct gguf_builder *b, const char *key, bool value);
void gguf_add_string(struct gguf_builder *b, const char *key, const char *value);

/* A number of any type; value points at one of the type's own size. */
void gguf_add_number(struct gguf_builder *b, const char *key, enum pd_gguf_type type,
                     const void *value);

/* n numbers of any type, one after the other at elements. */
void gguf_add_array(struct gguf_builder *b, const char *key, enum pd_gguf_type type,
                    const void *elements, size_t n);

void gguf_add_string_array(struct gguf_builder *b, const char *key, const char *const *texts,
                           size_t n);

/* A value written byte for byte after its type: for what the other functions cannot say. */
void gguf_add_raw(struct gguf_builder *b, const char *key, uint32_t type, const void *bytes,
                  size_t n_bytes);

/* ne: n_dims numbers, innermost first. Data is copied, and placed at the next multiple of the alignment. */
void gguf_add_tensor(struct gguf_builder *b, const char *name, uint32_t gguf_type, uint32_t n_dims,
                     const uint64_t *ne, const void *data, size_t n_bytes);

/* The whole file, in memory of exactly its size that the caller frees. No padding after the last tensor. */
unsigned char *gguf_finish(struct gguf_builder *b, size_t *n_bytes_ret);

/* False if the file cannot be written. */
bool gguf_write(const char *path, const unsigned char *bytes, size_t n_bytes);

/* What a span of the finished file is. */
enum gguf_field_kind {
    GGUF_FIELD_MAGIC,
    GGUF_FIELD_VERSION,
    GGUF_FIELD_N_TENSORS,
    GGUF_FIELD_N_KV,
    GGUF_FIELD_KEY_LENGTH,
    GGUF_FIELD_KEY,
    GGUF_FIELD_TYPE,
    GGUF_FIELD_NUMBER,
    GGUF_FIELD_STRING_LENGTH,
    GGUF_FIELD_STRING,
    GGUF_FIELD_ARRAY_TYPE,
    GGUF_FIELD_ARRAY_COUNT,
    GGUF_FIELD_ARRAY_NUMBERS,
    GGUF_FIELD_RAW,
    GGUF_FIELD_NAME_LENGTH,
    GGUF_FIELD_NAME,
    GGUF_FIELD_N_DIMS,
    GGUF_FIELD_DIM,
    GGUF_FIELD_TENSOR_TYPE,
    GGUF_FIELD_OFFSET,
    GGUF_FIELD_PADDING,
    GGUF_FIELD_DATA,
    GGUF_FIELD_KINDS
};

struct gguf_field {
    enum gguf_field_kind kind;
    enum pd_gguf_type type; /* of the value, for NUMBER and ARRAY_NUMBERS */
    char owner[64];         /* key or tensor name it belongs to; "" in the header */
    size_t offset, bytes;
};

/* Fields of the file that gguf_finish() made, in file order and without gaps; live as long as the builder. */
const struct gguf_field *gguf_fields(const struct gguf_builder *b, size_t *n_ret);

/* The field of this kind that belongs to owner, or NULL. */
const struct gguf_field *gguf_find_field(const struct gguf_builder *b, enum gguf_field_kind kind,
                                         const char *owner);

/* Bytes of one number of this type; 0 for strings, arrays and nonsense. */
size_t gguf_type_bytes(enum pd_gguf_type type);

#endif
