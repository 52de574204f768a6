/* SPDX-License-Identifier: Apache-2.0
 * gguf_out.h - writes GGUF version 3: metadata as it comes, then the tensors, a row at a time, so that no second copy
 * of a model is in memory.
 *
 * The file appears under its name when it is whole and on the disk, never before: whatever was there stays until then. */
#ifndef TRAIN_GGUF_OUT_H
#define TRAIN_GGUF_OUT_H

#include "model/gguf.h"
#include "replace.h"

struct gguf_out_tensor {
    char name[80];
    int rows, cols; /* rows 1: a vector */
    const float *value;
    enum pd_format_id format;
};

struct gguf_out {
    unsigned char *kv;
    size_t kv_bytes, kv_capacity;
    uint64_t n_kv;
    struct gguf_out_tensor *tensor;
    int n_tensors, capacity;
};

void gguf_out_begin(struct gguf_out *g);
void gguf_out_free(struct gguf_out *g);

void gguf_out_u32(struct gguf_out *g, const char *key, uint32_t value);
void gguf_out_f32(struct gguf_out *g, const char *key, float value);
void gguf_out_bool(struct gguf_out *g, const char *key, bool value);
void gguf_out_string(struct gguf_out *g, const char *key, const char *value);
void gguf_out_floats(struct gguf_out *g, const char *key, const float *values, size_t n);
/* A value of another file, as it is. */
void gguf_out_copy(struct gguf_out *g, const struct pd_gguf_kv *kv);

/* The values must stay where they are until the file is written. A row that is no multiple of the format's block is
 * stored in F16, a vector in F32. */
void gguf_out_tensor(struct gguf_out *g, const char *name, int rows, int cols, const float *value,
                     enum pd_format_id format);

/* NO_FILE: it cannot be written; err says why. */
enum ponder_status gguf_out_write(const struct gguf_out *g, const char *path,
                                  const struct pd_error *err);

#endif
