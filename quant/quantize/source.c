/* SPDX-License-Identifier: Apache-2.0
 * source.c - see source.h. */
#include "quant/quantize/source.h"

#include <stdlib.h>

#include "models/train/memory.h"
#include "quant/quantize/tool.h"

/* The text of an error about a file's inside does not name the file. */
static enum ponder_status name_file(const char *path, enum ponder_status status, const char *text,
                                    const struct pd_error *err)
{
    return status == PONDER_OK ? PONDER_OK : pd_fail(err, status, "%s: %s", path, text);
}

static enum ponder_status open_directory(struct source *source, const struct pd_error *err)
{
    size_t bytes;
    struct pd_arena scratch;
    PD_TRY(pd_gguf_scratch_bytes(source->map.data, source->map.bytes, &bytes, err));
    source->directory = tr_alloc(1, bytes);
    pd_arena_init(&scratch, source->directory, bytes);
    PD_TRY(pd_gguf_open(&source->gguf, source->map.data, source->map.bytes, &scratch, err));
    for (int i = 0; i < source->gguf.n_tensors; i++) {
        const struct pd_gguf_tensor *t = &source->gguf.tensor[i];
        char name[PD_SHOW_BYTES];
        if (!t->format)
            return pd_fail(err, PONDER_UNSUPPORTED,
                           "tensor '%s' is in format %s, which cannot be read",
                           pd_string_show(t->name, name), pd_format_gguf_name(t->gguf_type));
    }
    return PONDER_OK;
}

enum ponder_status source_open(struct source *source, const char *path, const struct pd_error *err)
{
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error inner = {text, sizeof text};
    *source = (struct source){.directory = NULL};
    PD_TRY(pd_map_open(&source->map, path, err));
    enum ponder_status status = open_directory(source, &inner);
    if (status != PONDER_OK)
        source_close(source);
    return name_file(path, status, text, err);
}

void source_close(struct source *source)
{
    free(source->layers);
    free(source->directory);
    pd_map_close(&source->map);
    *source = (struct source){.directory = NULL};
}

enum ponder_status source_model(struct source *source, const char *path, const struct pd_error *err)
{
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error inner = {text, sizeof text};
    struct pd_arena scratch;
    size_t bytes = pd_model_scratch_bytes(&source->gguf);
    source->layers = tr_alloc(1, bytes);
    pd_arena_init(&scratch, source->layers, bytes);
    return name_file(path, pd_model_open(&source->model, &source->gguf, &scratch, &inner), text,
                     err);
}

size_t tensor_rows(const struct pd_gguf_tensor *t)
{
    return (size_t)(t->ne[1] * t->ne[2] * t->ne[3]);
}
