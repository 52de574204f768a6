/* SPDX-License-Identifier: Apache-2.0
 * decoder.c - see decoder.h. */
#include "decode/decoder.h"

#include <string.h>

#include "decode/forward.h"

static int pad(int n, int to)
{
    return pd_div_up(n, to) * to;
}

static size_t area(int rows, int columns)
{
    return (size_t)rows * (size_t)columns;
}

/* Activations of n rows of up to k numbers. */
static void act_layout(struct pd_act *act, int n, int k, bool has_floats, struct pd_arena *a)
{
    int padded = pad(k, 32);
    *act = (struct pd_act){.x = has_floats ? PD_NEW(a, float, area(n, padded)) : NULL,
                           .q = PD_NEW(a, int8_t, area(n, padded)),
                           .d = PD_NEW(a, float, area(n, padded / 32)),
                           .dsum = PD_NEW(a, float, area(n, padded / 32)),
                           .sum16 = PD_NEW(a, int32_t, area(n, padded / 16))};
}

static bool down_is_quantised(const struct pd_model *model)
{
    for (int i = 0; i < model->hparams.n_layers; i++)
        if (!model->layer[i].tensor[PD_FFN_DOWN].format->is_quantised)
            return false;
    return true;
}

static void attend_layout(struct pd_decoder *d, struct pd_arena *a)
{
    const struct pd_hparams *h = &d->hparams;
    int n_rows = pd_min_int(PD_ATTEND_ROWS, d->size.n_batch);
    int n_queries = n_rows * (h->n_heads / h->n_kv_heads);
    d->attend = PD_NEW(a, struct pd_attend_scratch, d->size.n_threads);
    for (int i = 0; i < d->size.n_threads; i++) {
        struct pd_attend_scratch unplaced;
        struct pd_attend_scratch *s = d->attend != NULL ? &d->attend[i] : &unplaced;
        s->q = PD_NEW(a, float, area(n_queries, h->head_dim));
        s->out = PD_NEW(a, float, area(n_queries, h->head_dim));
        s->scores = PD_NEW(a, float, area(n_queries, d->score_stride));
        s->inverse = PD_NEW(a, float, n_queries);
    }
}

void pd_decoder_layout(struct pd_decoder *d, const struct pd_decoder_source *source,
                       const struct pd_kernels *kernels, struct pd_decoder_size size,
                       struct pd_arena *a, struct pd_arena *panels,
                       struct pd_decoder_bytes *bytes_ret)
{
    const struct pd_model *model = source->model;
    const struct pd_hparams *h = &model->hparams;
    int panel_rows = kernels->panel_rows;
    *d = (struct pd_decoder){
        .kernels = kernels,
        .family = model->family,
        .hparams = *h,
        .size = size,
        .n_adapters = source->n_adapters,
    };
    size_t start = a->used;
    pd_weights_layout(&d->weights, model, panel_rows, a, panels);
    pd_rope_layout(&d->rope, h, size.max_tokens, a);
    bytes_ret->weights = a->used - start;

    start = a->used;
    for (int i = 0; i < source->n_adapters; i++)
        pd_lora_layout(&d->lora[i], source->adapter[i], panel_rows, a);
    pd_lora_pass_layout(&d->low_rank, source->adapter, source->n_adapters, kernels, size.n_batch,
                        size.n_threads, a);
    bytes_ret->adapters = a->used - start;

    start = a->used;
    pd_kv_layout(&d->kv, h, (struct pd_kv_size){size.n_lanes, size.max_tokens, size.n_pages}, a);
    bytes_ret->kv = a->used - start;

    start = a->used;
    int n = size.n_batch;
    int attention = h->n_heads * h->head_dim;
    d->q_stride = pad(attention, panel_rows);
    d->kv_stride = pad(h->n_kv_heads * h->head_dim, panel_rows);
    d->ff_stride = pad(h->n_ff, panel_rows);
    d->embd_stride = pad(h->n_embd, panel_rows);
    d->score_stride = pad(size.max_tokens, PD_KV_PAGE);
    d->x = PD_NEW(a, float, area(n, h->n_embd));
    act_layout(&d->act, n, pd_max_int(h->n_embd, attention), true, a);
    act_layout(&d->act_ff, n, h->n_ff, !down_is_quantised(model), a);
    d->q = PD_NEW(a, float, area(n, d->q_stride));
    d->k = PD_NEW(a, float, area(n, d->kv_stride));
    d->v = PD_NEW(a, float, area(n, d->kv_stride));
    d->attention = PD_NEW(a, float, area(n, attention));
    d->gate = PD_NEW(a, float, area(n, d->ff_stride));
    d->up = PD_NEW(a, float, area(n, d->ff_stride));
    d->projection = PD_NEW(a, float, area(n, d->embd_stride));
    d->kept_hidden = PD_NEW(a, float, h->n_embd);
    attend_layout(d, a);
    bytes_ret->activations = a->used - start;

    start = a->used;
    pd_head_layout(&d->head, d->weights.output, kernels, n, size.n_threads, a);
    bytes_ret->logits = a->used - start;
}

int pd_decoder_load_tasks(struct pd_decoder_load *load, struct pd_decoder *d,
                          const struct pd_decoder_source *source, struct pd_pool *pool,
                          const struct pd_map *map, bool is_packed,
                          struct pd_pool_task tasks_ret[PD_DECODER_TASKS])
{
    const struct pd_model *model = source->model;
    int n = 0;
    d->pool = pool;
    tasks_ret[n++] = pd_rope_fill_task(&load->rope, &d->rope, &d->hparams, model->rope_freqs.data);
    if (!is_packed)
        tasks_ret[n++] =
            pd_weights_pack_task(&load->pack, &d->weights, model, d->kernels->panel_rows, map);
    tasks_ret[n++] = pd_weights_copy_task(&load->copy, &d->weights, model, map);
    for (int i = 0; i < d->n_adapters; i++)
        tasks_ret[n++] = pd_lora_pack_task(&load->lora[i], &d->lora[i], source->adapter[i],
                                           d->kernels->panel_rows);
    return n;
}

enum ponder_status pd_decoder_loaded(const struct pd_decoder *d, const struct pd_error *err)
{
    for (int i = 0; i < d->n_adapters; i++)
        PD_TRY(pd_lora_check(&d->lora[i], err));
    return PONDER_OK;
}

/* Neighbouring rows whose lanes have the same adapter, as runs. */
static void find_runs(struct pd_decoder *d, const struct pd_row *rows, int n)
{
    struct pd_lora_pass *pass = &d->low_rank;
    pass->n_runs = 0;
    for (int i = 0, adapter = 0; i < n && d->n_adapters > 0; i++) {
        int before = i > 0 ? adapter : 0;
        adapter = d->kv.lane[rows[i].lane].adapter;
        PD_ASSERT(adapter <= d->n_adapters);
        if (adapter == 0)
            continue;
        if (adapter == before)
            pass->run[pass->n_runs - 1].n++;
        else
            pass->run[pass->n_runs++] = (struct pd_lora_run){i, 1, &d->lora[adapter - 1]};
    }
}

/* Rows before `row` on the same lane. */
static int rows_before(const struct pd_row *rows, int row)
{
    int n = 0;
    for (int i = 0; i < row; i++)
        n += rows[i].lane == rows[row].lane;
    return n;
}

enum ponder_status pd_decoder_reserve(struct pd_decoder *d, const struct pd_row *rows, int n)
{
    struct pd_kv *kv = &d->kv;
    for (int i = 0; i < n; i++) {
        enum ponder_status status = pd_kv_reserve(kv, rows[i].lane, rows_before(rows, i) + 1);
        if (status == PONDER_OK)
            continue;
        for (int j = 0; j < i; j++) /* what was reserved goes back */
            pd_kv_rewind(kv, rows[j].lane, kv->lane[rows[j].lane].n_tokens);
        return status;
    }
    return PONDER_OK;
}

enum ponder_status pd_decoder_step(struct pd_decoder *d, struct pd_row *rows, int n,
                                   int64_t deadline_ns)
{
    PD_ASSERT(n > 0 && n <= d->size.n_batch);
    PD_TRY(pd_decoder_reserve(d, rows, n));
    d->n_outputs = 0;
    d->lanes_differ = true;
    for (int i = 0; i < n; i++) {
        int n_before = rows_before(rows, i);
        rows[i].position = d->kv.lane[rows[i].lane].n_tokens + n_before;
        d->lanes_differ = d->lanes_differ && n_before == 0;
        rows[i].output = rows[i].wants_output ? d->n_outputs++ : -1;
    }
    find_runs(d, rows, n);
    d->row = rows;
    d->n_rows = n;
    d->deadline_ns = deadline_ns;
    d->is_aborted = false;
    d->clock_ns = 0;
    pd_forward(d);
    if (d->is_aborted)
        return PONDER_NO_TIME;
    for (int i = 0; i < n; i++)
        d->kv.lane[rows[i].lane].n_tokens++;
    return PONDER_OK;
}

void pd_decoder_keep(struct pd_decoder *d, int output)
{
    pd_head_keep(&d->head, output);
    memcpy(d->kept_hidden, pd_decoder_hidden(d, output),
           (size_t)d->hparams.n_embd * sizeof *d->kept_hidden);
}
