/* SPDX-License-Identifier: Apache-2.0
 * source.h - the GGUF file that is read: mapped, its directory checked, and its model if it is one. */
#ifndef QUANTIZE_SOURCE_H
#define QUANTIZE_SOURCE_H

#include "base/os.h"
#include "model/model.h"

struct source {
    struct pd_map map;
    struct pd_gguf gguf;
    struct pd_model model; /* after source_model() */
    void *directory, *layers;
};

/* Any file whose tensors are all in formats that we read. NO_FILE, BAD_FILE, UNSUPPORTED with a text that names the
 * file. */
enum ponder_status source_open(struct source *source, const char *path, const struct pd_error *err);
void source_close(struct source *source);

/* Finds the model in it. The same errors. */
enum ponder_status source_model(struct source *source, const char *path,
                                const struct pd_error *err);

/* Rows and columns of a tensor, all its outer dimensions as rows. */
size_t tensor_rows(const struct pd_gguf_tensor *t);
static inline size_t tensor_cols(const struct pd_gguf_tensor *t)
{
    return (size_t)t->ne[0];
}

#endif
