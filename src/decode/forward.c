/* SPDX-License-Identifier: Apache-2.0
 * forward.c - the transformer, phase by phase. Between phases all threads meet; within one, matrices are
 * split by panels, attention by (row, kv head), everything else by rows. */
#include "decode/forward.h"

#include "base/os.h"

/* One thread's view of a step. */
struct pass {
    struct pd_decoder *d;
    int thread, n_threads;
    int begin, end; /* this thread's rows */
};

/* Matrices with the same input, multiplied in one phase. */
struct product {
    const struct pd_weight *weight;
    float *out;
    int stride;
};

static void multiply(const struct pass *p, const struct product *products, int n_products,
                     const struct pd_act *act, int n_rows)
{
    int panel_rows = p->d->kernels->panel_rows;
    int n_panels = 0, begin, end;
    for (int i = 0; i < n_products; i++)
        n_panels += products[i].weight->n_panels;
    pd_share(n_panels, p->thread, p->n_threads, &begin, &end);
    int base = 0; /* number of the product's first panel */
    for (int i = 0; i < n_products; i++) {
        const struct pd_weight *w = products[i].weight;
        int from = pd_max_int(begin - base, 0);
        int to = pd_min_int(end - base, w->n_panels);
        if (from < to)
            p->d->kernels->matmul[w->format](
                w->panels + (size_t)from * w->panel_bytes, to - from, w->cols, act, n_rows,
                products[i].out + from * panel_rows, (size_t)products[i].stride);
        base += w->n_panels;
    }
}

/* 8-bit form of a row of what the next matrices read. */
static void quantise(const struct pass *p, const float *x, int k, int row)
{
    const struct pd_act *act = &p->d->act;
    size_t elements = (size_t)row * (size_t)k;
    p->d->kernels->quantise(x, k, act->q + elements, act->d + elements / 32,
                            act->dsum + elements / 32, act->sum16 + elements / 16);
}

static void norm_rows(const struct pass *p, const float *weight, bool is_quantised)
{
    const struct pd_decoder *d = p->d;
    int n = d->hparams.n_embd;
    for (int row = p->begin; row < p->end; row++) {
        float *out = d->act.x + (size_t)row * (size_t)n;
        d->kernels->rms_norm(out, d->x + (size_t)row * (size_t)n, weight, n, d->hparams.rms_eps);
        if (is_quantised)
            quantise(p, out, n, row);
    }
}

static void embed_rows(const struct pass *p)
{
    const struct pd_decoder *d = p->d;
    int n = d->hparams.n_embd;
    for (int row = p->begin; row < p->end; row++) {
        float *x = d->x + (size_t)row * (size_t)n;
        pd_weight_row(&d->weights.embedding, d->row[row].token, d->kernels->panel_rows, x);
        if (d->hparams.embedding_scale != 1.0f)
            d->kernels->scale(x, d->hparams.embedding_scale, n);
    }
}

/* Adds the projection to the residual stream, normed first where the family does. */
static void add_projection(const struct pass *p, const float *post_norm)
{
    const struct pd_decoder *d = p->d;
    int n = d->hparams.n_embd;
    for (int row = p->begin; row < p->end; row++) {
        float *y = d->projection + (size_t)row * (size_t)d->embd_stride;
        if (post_norm != NULL)
            d->kernels->rms_norm(y, y, post_norm, n, d->hparams.rms_eps);
        d->kernels->add(d->x + (size_t)row * (size_t)n, y, n);
    }
}

/* Bias, norm and rotation of n_heads heads of a row. */
static void finish_heads(const struct pd_decoder *d, float *x, int n_heads, const float *bias,
                         const float *norm, const float *angles)
{
    int head_dim = d->hparams.head_dim;
    if (bias != NULL)
        d->kernels->add(x, bias, n_heads * head_dim);
    for (int i = 0; i < n_heads; i++, x += head_dim) {
        if (norm != NULL)
            d->kernels->rms_norm(x, x, norm, head_dim, d->hparams.rms_eps);
        if (angles != NULL)
            (d->family->rope_is_neox ? d->kernels->rope_neox : d->kernels->rope)(x, angles,
                                                                                 d->rope.n_pairs);
    }
}

/* q ready for attention; k and v in the cache. */
static void finish_qkv(const struct pass *p, int layer)
{
    struct pd_decoder *d = p->d;
    const struct pd_hparams *h = &d->hparams;
    float *const *vector = d->weights.layer[layer].vector;
    bool is_local = pd_layer_is_windowed(h, layer);
    for (int row = p->begin; row < p->end; row++) {
        const struct pd_row *r = &d->row[row];
        const float *angles = pd_rope_angles(&d->rope, is_local, r->position);
        float *q = d->q + (size_t)row * (size_t)d->q_stride;
        float *k = d->k + (size_t)row * (size_t)d->kv_stride;
        float *v = d->v + (size_t)row * (size_t)d->kv_stride;
        finish_heads(d, q, h->n_heads, vector[PD_ATTN_Q_BIAS], vector[PD_ATTN_Q_NORM], angles);
        finish_heads(d, k, h->n_kv_heads, vector[PD_ATTN_K_BIAS], vector[PD_ATTN_K_NORM], angles);
        finish_heads(d, v, h->n_kv_heads, vector[PD_ATTN_V_BIAS], NULL, NULL);
        d->kernels->scale(q, h->attention_scale, h->n_heads * h->head_dim);

        int32_t page_index = d->kv.lane[r->lane].page[r->position / PD_KV_PAGE];
        int slot = r->position % PD_KV_PAGE;
        for (int head = 0; head < h->n_kv_heads; head++) {
            uint16_t *page = pd_kv_page(&d->kv, layer, head, page_index);
            d->kernels->store_key(page, slot, k + head * h->head_dim, h->head_dim);
            d->kernels->store_value(pd_kv_values(&d->kv, page), slot, v + head * h->head_dim,
                                    h->head_dim);
        }
    }
}

static void attend(const struct pass *p, int layer)
{
    const struct pd_decoder *d = p->d;
    int n_kv_heads = d->hparams.n_kv_heads;
    int group = d->hparams.n_heads / n_kv_heads;
    float *scores = d->scores + (size_t)p->thread * (size_t)group * (size_t)d->score_stride;
    int begin, end;
    pd_share(d->n_rows * n_kv_heads, p->thread, p->n_threads, &begin, &end);
    for (int i = begin; i < end; i++)
        pd_attend(d, layer, i / n_kv_heads, i % n_kv_heads, scores);
}

static void attention_block(const struct pass *p, int layer)
{
    struct pd_decoder *d = p->d;
    const struct pd_hparams *h = &d->hparams;
    const struct pd_layer_weights *w = &d->weights.layer[layer];
    const struct pd_weight *m = w->matrix;
    norm_rows(p, w->vector[PD_ATTN_NORM],
              m[PD_ATTN_Q].is_quantised || m[PD_ATTN_K].is_quantised || m[PD_ATTN_V].is_quantised);
    pd_pool_barrier(d->pool);
    const struct product qkv[] = {{&m[PD_ATTN_Q], d->q, d->q_stride},
                                  {&m[PD_ATTN_K], d->k, d->kv_stride},
                                  {&m[PD_ATTN_V], d->v, d->kv_stride}};
    multiply(p, qkv, 3, &d->act, d->n_rows);
    pd_pool_barrier(d->pool);
    finish_qkv(p, layer);
    pd_pool_barrier(d->pool);
    attend(p, layer);
    pd_pool_barrier(d->pool);
    int k = h->n_heads * h->head_dim;
    if (m[PD_ATTN_OUTPUT].is_quantised) {
        for (int row = p->begin; row < p->end; row++)
            quantise(p, d->attention + (size_t)row * (size_t)k, k, row);
        pd_pool_barrier(d->pool);
    }
    struct pd_act act = d->act;
    act.x = d->attention;
    const struct product output = {&m[PD_ATTN_OUTPUT], d->projection, d->embd_stride};
    multiply(p, &output, 1, &act, d->n_rows);
    pd_pool_barrier(d->pool);
    add_projection(p, w->vector[PD_ATTN_POST_NORM]);
}

static void feed_forward_block(const struct pass *p, int layer)
{
    struct pd_decoder *d = p->d;
    int n_ff = d->hparams.n_ff;
    const struct pd_layer_weights *w = &d->weights.layer[layer];
    const struct pd_weight *m = w->matrix;
    norm_rows(p, w->vector[PD_FFN_NORM], m[PD_FFN_GATE].is_quantised || m[PD_FFN_UP].is_quantised);
    pd_pool_barrier(d->pool);
    const struct product gate_up[] = {{&m[PD_FFN_GATE], d->gate, d->ff_stride},
                                      {&m[PD_FFN_UP], d->up, d->ff_stride}};
    multiply(p, gate_up, 2, &d->act, d->n_rows);
    pd_pool_barrier(d->pool);
    /* The hidden rows go where the normed stream was: no longer needed, and without row padding. */
    for (int row = p->begin; row < p->end; row++) {
        float *gate = d->gate + (size_t)row * (size_t)d->ff_stride;
        const float *up = d->up + (size_t)row * (size_t)d->ff_stride;
        (d->family->activation == PD_GELU ? d->kernels->gelu_mul : d->kernels->silu_mul)(gate, up,
                                                                                         n_ff);
        if (m[PD_FFN_DOWN].is_quantised)
            quantise(p, gate, n_ff, row);
        else
            for (int i = 0; i < n_ff; i++)
                d->act.x[(size_t)row * (size_t)n_ff + (size_t)i] = gate[i];
    }
    pd_pool_barrier(d->pool);
    const struct product down = {&m[PD_FFN_DOWN], d->projection, d->embd_stride};
    multiply(p, &down, 1, &d->act, d->n_rows);
    pd_pool_barrier(d->pool);
    add_projection(p, w->vector[PD_FFN_POST_NORM]);
}

/* The norm and the output head of the rows that want logits, gathered. */
static void head(const struct pass *p)
{
    struct pd_decoder *d = p->d;
    int n = d->hparams.n_embd;
    const struct pd_weight *output = d->weights.output;
    for (int row = p->begin; row < p->end; row++) {
        int index = d->row[row].logits;
        if (index < 0)
            continue;
        float *out = d->act.x + (size_t)index * (size_t)n;
        d->kernels->rms_norm(out, d->x + (size_t)row * (size_t)n, d->weights.output_norm, n,
                             d->hparams.rms_eps);
        if (output->is_quantised)
            quantise(p, out, n, index);
    }
    pd_pool_barrier(d->pool);
    const struct product logits = {output, d->logits, d->vocab_stride};
    multiply(p, &logits, 1, &d->act, d->n_logits);
}

/* Thread 0 looks at the clock; all threads learn the result at the barrier that follows. */
static bool is_out_of_time(const struct pass *p)
{
    struct pd_decoder *d = p->d;
    if (d->deadline_ns == 0)
        return false;
    if (p->thread == 0 && pd_clock_ns() > d->deadline_ns)
        atomic_store(&d->is_aborted, true);
    pd_pool_barrier(d->pool);
    return atomic_load(&d->is_aborted);
}

void pd_forward(void *decoder, int thread, int n_threads)
{
    struct pd_decoder *d = decoder;
    struct pass p = {.d = d, .thread = thread, .n_threads = n_threads};
    pd_share(d->n_rows, thread, n_threads, &p.begin, &p.end);
    embed_rows(&p);
    for (int layer = 0; layer < d->hparams.n_layers; layer++) {
        if (is_out_of_time(&p))
            return;
        attention_block(&p, layer);
        feed_forward_block(&p, layer);
    }
    if (d->n_logits > 0)
        head(&p);
}
