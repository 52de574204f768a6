/* SPDX-License-Identifier: Apache-2.0
 * engine_pack.c - ponder_pack(), ponder_check(): a model's panels to a sidecar, and a sidecar against its model. */
#include "base/checksum.h"
#include "engine.h"

/* What it takes to pack a model, and to check a sidecar, in pages of its own. */
struct packer {
    struct pd_source source;
    void *pages;
    size_t pages_bytes;
    struct pd_kernels kernels;
    struct pd_pool *pool;
    bool is_started;
    struct pd_weights weights;
    unsigned char *panels;
    size_t panel_bytes;
};

/* Counts, which says panel_bytes too, and then places; without panels a sidecar is checked. */
static void layout_packer(struct packer *packer, int n_threads, bool has_panels, struct pd_arena *a)
{
    struct pd_arena panels;
    bool is_counting = pd_arena_is_counting(a);
    packer->pool = pd_pool_layout(a, n_threads);
    pd_arena_init_count(&panels);
    if (has_panels && !is_counting) {
        packer->panels = pd_arena_alloc(a, 1, packer->panel_bytes);
        pd_arena_init(&panels, packer->panels, packer->panel_bytes);
    }
    pd_weights_layout(&packer->weights, &packer->source.model, packer->kernels.panel_rows, a,
                      &panels);
    if (!is_counting)
        return;
    packer->panel_bytes = panels.overflowed ? SIZE_MAX : panels.used;
    if (has_panels)
        pd_arena_alloc(a, 1, packer->panel_bytes);
}

static enum ponder_status open_packer(struct packer *packer, const struct ponder_options *options,
                                      bool has_panels, const struct pd_error *err)
{
    struct pd_arena a;
    size_t directory;
    int n_threads = options->n_threads != 0 ? options->n_threads
                                            : pd_min_int(pd_core_count(), PONDER_MAX_THREADS);
    PD_TRY(pd_engine_check_range("the number of threads", n_threads, 1, PONDER_MAX_THREADS, err));
    PD_TRY(pd_engine_choose_kernels(&packer->kernels, options->isa, err));
    PD_TRY(pd_source_read_in_pages(&packer->source, &directory, err));
    pd_arena_init_count(&a);
    layout_packer(packer, n_threads, has_panels, &a);
    packer->pages_bytes = pd_arena_block_bytes(&a);
    packer->pages = packer->pages_bytes < SIZE_MAX ? pd_pages_alloc(packer->pages_bytes) : NULL;
    if (packer->pages == NULL)
        return pd_fail(err, PONDER_NO_MEMORY, "the system has no memory for the packed weights");
    pd_arena_init(&a, packer->pages, packer->pages_bytes);
    layout_packer(packer, n_threads, has_panels, &a);
    PD_TRY(pd_pool_start(packer->pool, err));
    packer->is_started = true;
    return PONDER_OK;
}

static void close_packer(struct packer *packer)
{
    if (packer->is_started)
        pd_pool_stop(packer->pool);
    pd_pages_free(packer->pages, packer->pages_bytes);
    pd_source_close(&packer->source);
}

static enum ponder_status pack(struct packer *packer, pd_write_fn *write, void *user,
                               const struct pd_error *err)
{
    enum { PIECE_BYTES = 1 << 20 };
    const struct pd_map *map = &packer->source.file.map;
    unsigned char bytes[PD_SIDECAR_HEADER_BYTES];
    struct pd_weights_pack packing;
    struct pd_pool_task task = pd_weights_pack_task(
        &packing, &packer->weights, &packer->source.model, packer->kernels.panel_rows, map);
    pd_pool_run_tasks(packer->pool, &task, 1);
    struct pd_sidecar_header header = {
        .panel_rows = (uint32_t)packer->kernels.panel_rows,
        .panel_bytes = packer->panel_bytes,
        .panel_sum = pd_checksum(packer->pool, packer->panels, packer->panel_bytes),
        .model_bytes = map->bytes,
        .model_sum = pd_checksum(packer->pool, map->data, map->bytes),
    };
    if (pd_map_is_settled(map))
        header.model_id = map->id;
    pd_sidecar_write(&header, bytes);
    bool is_written = write(user, bytes, sizeof bytes, packer->panel_bytes);
    for (size_t done = 0; done < packer->panel_bytes && is_written;) {
        size_t n = pd_min_size(PIECE_BYTES, packer->panel_bytes - done);
        is_written = write(user, packer->panels + done, n, packer->panel_bytes - done - n);
        done += n;
    }
    return is_written ? PONDER_OK
                      : pd_fail(err, PONDER_CANCELLED, "the packed weights were not taken");
}

enum ponder_status pd_engine_pack(const char *path, const struct ponder_options *options,
                                  pd_write_fn *write, void *user, const struct pd_error *err)
{
    struct packer packer = {.pages = NULL};
    const struct ponder_options model_only = {.sidecar = NULL};
    PD_TRY(pd_source_open(&packer.source, path, &model_only, err));
    enum ponder_status status = open_packer(&packer, options, true, err);
    if (status == PONDER_OK)
        status = pack(&packer, write, user, err);
    close_packer(&packer);
    return status;
}

static enum ponder_status check_whole(const struct packer *packer, const struct pd_error *err)
{
    struct pd_sidecar_check check;
    struct pd_pool_task task[PD_SIDECAR_TASKS];
    int n = pd_sidecar_begin_check(&check, &packer->source.sidecar, &packer->source.file.map, true,
                                   task);
    pd_pool_run_tasks(packer->pool, task, n);
    return pd_sidecar_end_check(&check, err);
}

enum ponder_status pd_engine_check(const char *path, const struct ponder_options *options,
                                   const struct pd_error *err)
{
    struct packer packer = {.pages = NULL};
    const struct pd_source *source = &packer.source;
    const struct ponder_options both = {.sidecar = options->sidecar};
    PD_TRY(pd_source_open(&packer.source, path, &both, err));
    enum ponder_status status = open_packer(&packer, options, false, err);
    if (status == PONDER_OK)
        status = pd_sidecar_fits(&source->sidecar, packer.kernels.panel_rows, packer.panel_bytes,
                                 &source->file.map, err);
    if (status == PONDER_OK)
        status = check_whole(&packer, err);
    close_packer(&packer);
    return status;
}
