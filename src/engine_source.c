/* SPDX-License-Identifier: Apache-2.0
 * engine_source.c - see engine_source.h. */
#include "engine_source.h"

#include <stdio.h>
#include <string.h>

#include "model/judge.h"

enum ponder_status pd_source_blame(const char *path, enum ponder_status status,
                                   const struct pd_error *err)
{
    char text[PONDER_ERROR_BYTES];
    if (status == PONDER_OK || status == PONDER_NO_MEMORY || err == NULL || err->text == NULL)
        return status;
    snprintf(text, sizeof text, "%s", err->text);
    return pd_fail(err, status, "%s: %s", path, text);
}

static enum ponder_status open_adapters(struct pd_source *source,
                                        const struct ponder_options *options,
                                        const struct pd_error *err)
{
    const char *const path[PD_ROLES] = {
        [PD_POLICY] = options->lora,
        [PD_REVISER] = options->reviser,
        [PD_VERIFIER] = options->verifier,
    };
    for (int role = 0; role < PD_ROLES; role++) {
        struct pd_source_adapter *adapter = &source->adapter[source->n_files];
        if (path[role] == NULL)
            continue;
        PD_TRY(pd_map_open(&adapter->file.map, path[role], err)); /* which names the file */
        adapter->path = path[role];
        source->adapter_of[role] = source->n_adapters = ++source->n_files;
        if (role == PD_VERIFIER)
            source->verifier = adapter;
    }
    return PONDER_OK;
}

enum ponder_status pd_source_open(struct pd_source *source, const char *path,
                                  const struct ponder_options *options, const struct pd_error *err)
{
    *source = (struct pd_source){.has_sidecar = options->sidecar != NULL};
    PD_TRY(pd_map_open(&source->file.map, path, err));
    enum ponder_status status = open_adapters(source, options, err);
    if (status == PONDER_OK && source->has_sidecar)
        status = pd_sidecar_open(&source->sidecar, options->sidecar, err);
    if (status != PONDER_OK)
        pd_source_close(source);
    return status;
}

void pd_source_close(struct pd_source *source)
{
    pd_sidecar_close(&source->sidecar);
    pd_pages_free(source->pages, source->pages_bytes);
    for (int i = 0; i < source->n_files; i++)
        pd_map_close(&source->adapter[i].file.map);
    pd_map_close(&source->file.map);
}

static enum ponder_status read_file(struct pd_source_file *file, bool is_read, struct pd_arena *a,
                                    const struct pd_error *err)
{
    const struct pd_gguf first = file->gguf;
    if (is_read)
        return pd_gguf_copy(&file->gguf, &first, a, err);
    return pd_gguf_open(&file->gguf, file->map.data, file->map.bytes, a, err);
}

/* A verifier that is a model of its own. */
static enum ponder_status read_verifier(struct pd_source *source, struct pd_arena *a,
                                        const struct pd_error *err)
{
    const struct pd_gguf *gguf = &source->verifier->file.gguf;
    source->verifier_is_model = true;
    source->n_adapters = source->n_files - 1;
    source->adapter_of[PD_VERIFIER] = 0;
    PD_TRY(pd_model_open(&source->verifier_model, gguf, a, err));
    return pd_judge_check_vocabulary(&source->file.gguf, gguf, err);
}

enum ponder_status pd_source_read(struct pd_source *source, struct pd_arena *a,
                                  const struct pd_error *err)
{
    PD_TRY(read_file(&source->file, source->is_read, a, err));
    PD_TRY(pd_model_open(&source->model, &source->file.gguf, a, err));
    for (int i = 0; i < source->n_files; i++) {
        struct pd_source_adapter *adapter = &source->adapter[i];
        const struct pd_gguf *gguf = &adapter->file.gguf;
        PD_TRY(pd_source_blame(adapter->path, read_file(&adapter->file, source->is_read, a, err),
                               err));
        if (adapter == source->verifier && !pd_adapter_is_one(gguf))
            PD_TRY(pd_source_blame(adapter->path, read_verifier(source, a, err), err));
        else
            PD_TRY(pd_source_blame(adapter->path,
                                   pd_adapter_open(&adapter->adapter, gguf, &source->model, a, err),
                                   err));
    }
    return PONDER_OK;
}

static enum ponder_status scratch_bytes(const struct pd_source *source, size_t *bytes_ret,
                                        const struct pd_error *err)
{
    const struct pd_map *map = &source->file.map;
    size_t bytes, total;
    PD_TRY(pd_gguf_scratch_bytes(map->data, map->bytes, &total, err));
    total += (size_t)PD_MAX_LAYERS * sizeof(struct pd_layer) + (size_t)3 * PD_ARENA_ALIGN;
    for (int i = 0; i < source->n_files; i++) {
        map = &source->adapter[i].file.map;
        PD_TRY(pd_source_blame(source->adapter[i].path,
                               pd_gguf_scratch_bytes(map->data, map->bytes, &bytes, err), err));
        total +=
            bytes + (size_t)3 * PD_ARENA_ALIGN +
            (size_t)PD_MAX_LAYERS * (sizeof(struct pd_adapted_layer) + sizeof(struct pd_layer));
    }
    *bytes_ret = total;
    return PONDER_OK;
}

enum ponder_status pd_source_read_in_pages(struct pd_source *source, size_t *directory_ret,
                                           const struct pd_error *err)
{
    size_t bytes;
    struct pd_arena a;
    PD_TRY(scratch_bytes(source, &bytes, err));
    source->pages = pd_pages_alloc(bytes);
    source->pages_bytes = bytes;
    if (source->pages == NULL)
        return pd_fail(err, PONDER_NO_MEMORY, "no memory to read the model's header");
    pd_arena_init(&a, source->pages, bytes);
    PD_TRY(pd_source_read(source, &a, err));
    source->is_read = true;
    *directory_ret = a.used;
    return PONDER_OK;
}

struct pd_decoder_source pd_source_of_decoder(const struct pd_source *source)
{
    struct pd_decoder_source of = {.model = &source->model, .n_adapters = source->n_adapters};
    for (int i = 0; i < source->n_adapters; i++)
        of.adapter[i] = &source->adapter[i].adapter;
    return of;
}

struct pd_decoder_source pd_source_of_verifier(const struct pd_source *source)
{
    return (struct pd_decoder_source){.model = &source->verifier_model};
}
