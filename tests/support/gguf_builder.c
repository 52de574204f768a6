/* SPDX-License-Identifier: Apache-2.0
 * gguf_builder.c - makes GGUF files in memory. */
#include "tests/support/gguf_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct buffer {
    unsigned char *data;
    size_t bytes, capacity;
};

struct field_list {
    struct gguf_field *field;
    size_t n, capacity;
};

struct gguf_builder {
    uint32_t version;
    uint32_t alignment;
    uint64_t n_kv, n_tensors;
    struct buffer kv, infos,
        data; /* the three parts after the header; offsets of fields are in the part */
    struct field_list kv_fields, info_fields, data_fields;
    struct field_list all; /* filled in by gguf_finish() */
};

static const unsigned char type_bytes[PD_GGUF_TYPES] = {
    [PD_GGUF_U8] = 1,  [PD_GGUF_I8] = 1,  [PD_GGUF_U16] = 2, [PD_GGUF_I16] = 2,
    [PD_GGUF_U32] = 4, [PD_GGUF_I32] = 4, [PD_GGUF_F32] = 4, [PD_GGUF_BOOL] = 1,
    [PD_GGUF_U64] = 8, [PD_GGUF_I64] = 8, [PD_GGUF_F64] = 8,
};

size_t gguf_type_bytes(enum pd_gguf_type type)
{
    return (unsigned)type < PD_GGUF_TYPES ? type_bytes[type] : 0;
}

static void *grow(void *block, size_t bytes)
{
    void *grown = realloc(block, bytes ? bytes : 1);
    if (!grown) {
        fprintf(stderr, "gguf_builder: out of memory\n");
        exit(1);
    }
    return grown;
}

static void append(struct buffer *b, const void *bytes, size_t n_bytes)
{
    if (b->bytes + n_bytes > b->capacity) {
        b->capacity = 2 * (b->bytes + n_bytes);
        b->data = grow(b->data, b->capacity);
    }
    if (n_bytes)
        memcpy(b->data + b->bytes, bytes, n_bytes);
    b->bytes += n_bytes;
}

static void push_field(struct field_list *list, struct gguf_field field)
{
    if (list->n == list->capacity) {
        list->capacity = 2 * list->capacity + 16;
        list->field = grow(list->field, list->capacity * sizeof *list->field);
    }
    list->field[list->n++] = field;
}

/* Appends bytes to a part of the file and remembers what they are. */
static void add_field(struct buffer *part, struct field_list *list, enum gguf_field_kind kind,
                      enum pd_gguf_type type, const char *owner, const void *bytes, size_t n_bytes)
{
    struct gguf_field field = {.kind = kind, .type = type, .offset = part->bytes, .bytes = n_bytes};
    snprintf(field.owner, sizeof field.owner, "%s", owner);
    push_field(list, field);
    append(part, bytes, n_bytes);
}

static void store(unsigned char *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (unsigned char)(value >> 8 * i);
}

static void add_uint(struct buffer *part, struct field_list *list, enum gguf_field_kind kind,
                     const char *owner, uint64_t value, size_t bytes)
{
    unsigned char le[8];
    store(le, value, bytes);
    add_field(part, list, kind, PD_GGUF_U64, owner, le, bytes);
}

static void add_text(struct buffer *part, struct field_list *list, enum gguf_field_kind length_kind,
                     const char *owner, const char *text)
{
    size_t bytes = strlen(text);
    add_uint(part, list, length_kind, owner, bytes, 8);
    add_field(part, list, (enum gguf_field_kind)(length_kind + 1), PD_GGUF_STRING, owner, text,
              bytes);
}

static void begin_kv(struct gguf_builder *b, const char *key, uint32_t type)
{
    add_text(&b->kv, &b->kv_fields, GGUF_FIELD_KEY_LENGTH, key, key);
    add_uint(&b->kv, &b->kv_fields, GGUF_FIELD_TYPE, key, type, 4);
    b->n_kv++;
}

static void begin_array(struct gguf_builder *b, const char *key, enum pd_gguf_type type, size_t n)
{
    begin_kv(b, key, PD_GGUF_ARRAY);
    add_uint(&b->kv, &b->kv_fields, GGUF_FIELD_ARRAY_TYPE, key, (uint64_t)type, 4);
    add_uint(&b->kv, &b->kv_fields, GGUF_FIELD_ARRAY_COUNT, key, n, 8);
}

struct gguf_builder *gguf_new(uint32_t version, uint32_t alignment)
{
    struct gguf_builder *b = grow(NULL, sizeof *b);
    *b = (struct gguf_builder){.version = version, .alignment = alignment};
    if (alignment != 32)
        gguf_add_u32(b, "general.alignment", alignment);
    return b;
}

void gguf_free(struct gguf_builder *b)
{
    if (!b)
        return;
    void *const blocks[] = {b->kv.data,         b->infos.data,        b->data.data,
                            b->kv_fields.field, b->info_fields.field, b->data_fields.field,
                            b->all.field};
    for (size_t i = 0; i < PD_COUNT(blocks); i++)
        free(blocks[i]);
    free(b);
}

void gguf_add_number(struct gguf_builder *b, const char *key, enum pd_gguf_type type,
                     const void *value)
{
    begin_kv(b, key, (uint32_t)type);
    add_field(&b->kv, &b->kv_fields, GGUF_FIELD_NUMBER, type, key, value, gguf_type_bytes(type));
}

void gguf_add_u32(struct gguf_builder *b, const char *key, uint32_t value)
{
    gguf_add_number(b, key, PD_GGUF_U32, &value);
}

void gguf_add_f32(struct gguf_builder *b, const char *key, float value)
{
    gguf_add_number(b, key, PD_GGUF_F32, &value);
}

void gguf_add_bool(struct gguf_builder *b, const char *key, bool value)
{
    gguf_add_number(b, key, PD_GGUF_BOOL, &(unsigned char){value});
}

void gguf_add_string(struct gguf_builder *b, const char *key, const char *value)
{
    begin_kv(b, key, PD_GGUF_STRING);
    add_text(&b->kv, &b->kv_fields, GGUF_FIELD_STRING_LENGTH, key, value);
}

void gguf_add_array(struct gguf_builder *b, const char *key, enum pd_gguf_type type,
                    const void *elements, size_t n)
{
    begin_array(b, key, type, n);
    add_field(&b->kv, &b->kv_fields, GGUF_FIELD_ARRAY_NUMBERS, type, key, elements,
              n * gguf_type_bytes(type));
}

void gguf_add_string_array(struct gguf_builder *b, const char *key, const char *const *texts,
                           size_t n)
{
    begin_array(b, key, PD_GGUF_STRING, n);
    for (size_t i = 0; i < n; i++)
        add_text(&b->kv, &b->kv_fields, GGUF_FIELD_STRING_LENGTH, key, texts[i]);
}

void gguf_add_raw(struct gguf_builder *b, const char *key, uint32_t type, const void *bytes,
                  size_t n_bytes)
{
    begin_kv(b, key, type);
    add_field(&b->kv, &b->kv_fields, GGUF_FIELD_RAW, PD_GGUF_U8, key, bytes, n_bytes);
}

/* Zeros up to the next multiple of the alignment, counted from the start of the file or of the data. */
static void pad(struct buffer *part, struct field_list *list, uint32_t alignment)
{
    static const unsigned char zero[64];
    size_t n = alignment ? (alignment - part->bytes % alignment) % alignment : 0;
    while (n > 0) {
        size_t piece = pd_min_size(n, sizeof zero);
        add_field(part, list, GGUF_FIELD_PADDING, PD_GGUF_U8, "", zero, piece);
        n -= piece;
    }
}

void gguf_add_tensor(struct gguf_builder *b, const char *name, uint32_t gguf_type, uint32_t n_dims,
                     const uint64_t *ne, const void *data, size_t n_bytes)
{
    pad(&b->data, &b->data_fields, b->alignment);
    add_text(&b->infos, &b->info_fields, GGUF_FIELD_NAME_LENGTH, name, name);
    add_uint(&b->infos, &b->info_fields, GGUF_FIELD_N_DIMS, name, n_dims, 4);
    for (uint32_t i = 0; i < n_dims; i++)
        add_uint(&b->infos, &b->info_fields, GGUF_FIELD_DIM, name, ne[i], 8);
    add_uint(&b->infos, &b->info_fields, GGUF_FIELD_TENSOR_TYPE, name, gguf_type, 4);
    add_uint(&b->infos, &b->info_fields, GGUF_FIELD_OFFSET, name, b->data.bytes, 8);
    add_field(&b->data, &b->data_fields, GGUF_FIELD_DATA, PD_GGUF_U8, name, data, n_bytes);
    b->n_tensors++;
}

/* Appends a part of the file, and its fields moved to where the part now lies. */
static void join(struct buffer *file, struct field_list *all, const struct buffer *part,
                 const struct field_list *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        struct gguf_field field = fields->field[i];
        field.offset += file->bytes;
        push_field(all, field);
    }
    append(file, part->data, part->bytes);
}

unsigned char *gguf_finish(struct gguf_builder *b, size_t *n_bytes_ret)
{
    struct buffer file = {0};
    b->all.n = 0;
    add_field(&file, &b->all, GGUF_FIELD_MAGIC, PD_GGUF_U8, "", "GGUF", 4);
    add_uint(&file, &b->all, GGUF_FIELD_VERSION, "", b->version, 4);
    add_uint(&file, &b->all, GGUF_FIELD_N_TENSORS, "", b->n_tensors, 8);
    add_uint(&file, &b->all, GGUF_FIELD_N_KV, "", b->n_kv, 8);
    join(&file, &b->all, &b->kv, &b->kv_fields);
    join(&file, &b->all, &b->infos, &b->info_fields);
    if (b->n_tensors)
        pad(&file, &b->all, b->alignment);
    join(&file, &b->all, &b->data, &b->data_fields);
    *n_bytes_ret = file.bytes;
    return grow(file.data, file.bytes);
}

bool gguf_write(const char *path, const unsigned char *bytes, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    bool is_written = fwrite(bytes, 1, n_bytes, file) == n_bytes;
    return fclose(file) == 0 && is_written;
}

const struct gguf_field *gguf_fields(const struct gguf_builder *b, size_t *n_ret)
{
    *n_ret = b->all.n;
    return b->all.field;
}

const struct gguf_field *gguf_find_field(const struct gguf_builder *b, enum gguf_field_kind kind,
                                         const char *owner)
{
    for (size_t i = 0; i < b->all.n; i++)
        if (b->all.field[i].kind == kind && strcmp(b->all.field[i].owner, owner) == 0)
            return &b->all.field[i];
    return NULL;
}
