/* SPDX-License-Identifier: Apache-2.0
 * gguf_out.c - see gguf_out.h. Little-endian machines only, as everywhere here. */
#include "gguf_out.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "ops.h"
#include "quant/encode.h"

enum { ALIGNMENT = 32 }; /* of files that do not say otherwise */

void gguf_out_begin(struct gguf_out *g)
{
    *g = (struct gguf_out){.n_kv = 0};
}

void gguf_out_free(struct gguf_out *g)
{
    free(g->kv);
    free(g->tensor);
    gguf_out_begin(g);
}

static void append(struct gguf_out *g, const void *bytes, size_t n)
{
    if (g->kv_bytes + n > g->kv_capacity) {
        g->kv_capacity = 2 * (g->kv_bytes + n);
        g->kv = tr_grow(g->kv, g->kv_capacity, 1);
    }
    memcpy(g->kv + g->kv_bytes, bytes, n);
    g->kv_bytes += n;
}

static void append_text(struct gguf_out *g, const char *text, size_t bytes)
{
    uint64_t length = bytes;
    append(g, &length, sizeof length);
    append(g, text, bytes);
}

static void begin_kv(struct gguf_out *g, const char *key, size_t key_bytes, enum pd_gguf_type type)
{
    uint32_t number = (uint32_t)type;
    append_text(g, key, key_bytes);
    append(g, &number, sizeof number);
    g->n_kv++;
}

void gguf_out_u32(struct gguf_out *g, const char *key, uint32_t value)
{
    begin_kv(g, key, strlen(key), PD_GGUF_U32);
    append(g, &value, sizeof value);
}

void gguf_out_f32(struct gguf_out *g, const char *key, float value)
{
    begin_kv(g, key, strlen(key), PD_GGUF_F32);
    append(g, &value, sizeof value);
}

void gguf_out_bool(struct gguf_out *g, const char *key, bool value)
{
    unsigned char byte = value;
    begin_kv(g, key, strlen(key), PD_GGUF_BOOL);
    append(g, &byte, 1);
}

void gguf_out_string(struct gguf_out *g, const char *key, const char *value)
{
    begin_kv(g, key, strlen(key), PD_GGUF_STRING);
    append_text(g, value, strlen(value));
}

static void begin_array(struct gguf_out *g, enum pd_gguf_type type, uint64_t n)
{
    uint32_t number = (uint32_t)type;
    append(g, &number, sizeof number);
    append(g, &n, sizeof n);
}

void gguf_out_floats(struct gguf_out *g, const char *key, const float *values, size_t n)
{
    begin_kv(g, key, strlen(key), PD_GGUF_ARRAY);
    begin_array(g, PD_GGUF_F32, n);
    append(g, values, n * sizeof *values);
}

void gguf_out_copy(struct gguf_out *g, const struct pd_gguf_kv *kv)
{
    begin_kv(g, kv->key.data, kv->key.bytes, kv->type);
    if (kv->type == PD_GGUF_ARRAY)
        begin_array(g, kv->element_type, kv->n);
    append(g, kv->data, (size_t)(kv->end - kv->data));
}

void gguf_out_tensor(struct gguf_out *g, const char *name, int rows, int cols, const float *value,
                     enum pd_format_id format)
{
    if (g->n_tensors == g->capacity) {
        g->capacity = 2 * g->capacity + 64;
        g->tensor = tr_grow(g->tensor, (size_t)g->capacity, sizeof *g->tensor);
    }
    if (rows == 1)
        format = PD_F32;
    else if (cols % pd_format_get(format)->block_elements != 0)
        format = PD_F16;
    struct gguf_out_tensor *t = &g->tensor[g->n_tensors++];
    *t = (struct gguf_out_tensor){.rows = rows, .cols = cols, .value = value, .format = format};
    snprintf(t->name, sizeof t->name, "%s", name);
}

static size_t tensor_bytes(const struct gguf_out_tensor *t)
{
    return pd_format_row_bytes(pd_format_get(t->format), tr_area(t->rows, t->cols));
}

static size_t padding(size_t bytes)
{
    return (ALIGNMENT - bytes % ALIGNMENT) % ALIGNMENT;
}

static void put(FILE *file, const void *bytes, size_t n)
{
    fwrite(bytes, 1, n, file); /* replace_end() looks at the file's errors */
}

static void put_infos(FILE *file, const struct gguf_out *g)
{
    uint64_t offset = 0;
    for (int i = 0; i < g->n_tensors; i++) {
        const struct gguf_out_tensor *t = &g->tensor[i];
        uint64_t length = strlen(t->name), ne[2] = {(uint64_t)t->cols, (uint64_t)t->rows};
        uint32_t n_dims = t->rows > 1 ? 2 : 1, type = pd_format_get(t->format)->gguf_type;
        put(file, &length, sizeof length);
        put(file, t->name, length);
        put(file, &n_dims, sizeof n_dims);
        put(file, ne, n_dims * sizeof *ne);
        put(file, &type, sizeof type);
        put(file, &offset, sizeof offset);
        offset += tensor_bytes(t) + padding(tensor_bytes(t));
    }
}

static void put_tensor(FILE *file, const struct gguf_out_tensor *t)
{
    static const char zeros[ALIGNMENT];
    const struct pd_format *format = pd_format_get(t->format);
    size_t row_bytes = pd_format_row_bytes(format, (size_t)t->cols);
    void *blocks = tr_alloc(1, row_bytes);
    for (int row = 0; row < t->rows; row++) {
        pd_encode(t->format, t->value + tr_area(row, t->cols), blocks,
                  (size_t)t->cols / format->block_elements);
        put(file, blocks, row_bytes);
    }
    put(file, zeros, padding(tensor_bytes(t)));
    free(blocks);
}

enum ponder_status gguf_out_write(const struct gguf_out *g, const char *path,
                                  const struct pd_error *err)
{
    static const char zeros[ALIGNMENT];
    struct replacement r;
    PD_TRY(replace_begin(&r, path, err));
    uint32_t version = 3;
    uint64_t counts[2] = {(uint64_t)g->n_tensors, g->n_kv};
    put(r.file, "GGUF", 4);
    put(r.file, &version, sizeof version);
    put(r.file, counts, sizeof counts);
    put(r.file, g->kv, g->kv_bytes);
    put_infos(r.file, g);
    long at = ftell(r.file);
    put(r.file, zeros, at > 0 ? padding((size_t)at) : 0);
    for (int i = 0; i < g->n_tensors; i++)
        put_tensor(r.file, &g->tensor[i]);
    return replace_end(&r, err);
}
