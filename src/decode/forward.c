/* SPDX-License-Identifier: Apache-2.0
 * forward.c - the transformer as a job of the pool: per layer a row of phases, cut into chunks. Matrices are cut by
 * panels, attention by (row, kv head), everything else by rows. Which thread does a chunk changes nothing. */
#include "decode/forward.h"

#include <string.h>

#include "base/os.h"

enum phase {
    NORM,     /* embed or add the last layer's feed-forward; norm and quantise      by rows */
    QKV,      /* query, key and value matrices                                     by panels */
    STORE,    /* finish q, k, v; keys and values to the cache                        by rows */
    ATTEND,   /* attention, and its result quantised                         by row and head */
    OUTPUT,   /* output matrix                                                     by panels */
    FFN_NORM, /* add attention's output; norm and quantise                           by rows */
    GATE_UP,  /* gate and up matrices, activation, product, quantise               by slices */
    DOWN,     /* down matrix                                                       by panels */
    LAYER_PHASES,
    /* behind the last layer */
    HEAD_NORM = 0, /* add its feed-forward; norm and quantise rows that want output      by rows */
    HEAD,          /* output head                                                       by spans */
    HEAD_PHASES
};

/* Outputs of gate and of up that are worked on together: a block of activations. */
enum { FF_SLICE = 32 };

/* So few rows are normed by whoever ends the phase before, sooner than shared out. */
enum { FEW_ROWS = 2 };

/* Matrices with the same input, multiplied in one phase. */
struct product {
    const struct pd_weight *weight;
    float *out;
    int stride;
    int row, n_rows;            /* whose: of the step; out is that of `row` */
    bool is_finished;           /* adapters' parts are added here, not in the phase behind */
    enum pd_layer_tensor which; /* then: of which matrix */
};

enum { MAX_PRODUCTS = 3 + PONDER_MAX_LANES }; /* a phase's matrices; adapters' A beside one */

static int panels_of(const struct product *products, int n_products)
{
    int n = 0;
    for (int i = 0; i < n_products; i++)
        n += products[i].weight->n_panels;
    return n;
}

/* A beside a matrix whose input is only complete now: what gives t, for pd_adapt_projection(). */
static int add_products(const struct pd_decoder *d, int layer, enum pd_layer_tensor which,
                        struct product *products)
{
    const struct pd_lora_pass *pass = &d->low_rank;
    int n = 0;
    for (int i = 0; i < pass->n_runs; i++) {
        const struct pd_lora_run *run = &pass->run[i];
        const struct pd_lora_matrix *m = &run->lora->layer[layer].matrix[which];
        if (m->rank > 0)
            products[n++] = (struct product){.weight = &m->a,
                                             .out = pd_lora_t(pass, run, pd_lora_slot(which)),
                                             .stride = m->padded,
                                             .row = run->first,
                                             .n_rows = run->n};
    }
    return n;
}

/* Chunk `chunk` of the panels of all the products together. */
static void multiply(const struct pd_decoder *d, int layer, const struct product *products,
                     int n_products, const struct pd_act *act, int chunk, int thread)
{
    int panel_rows = d->kernels->panel_rows;
    int begin, end;
    pd_share(panels_of(products, n_products), chunk, d->n_chunks, &begin, &end);
    int base = 0; /* number of the product's first panel */
    for (int i = 0; i < n_products; i++) {
        const struct product *p = &products[i];
        const struct pd_weight *w = p->weight;
        int from = pd_max_int(begin - base, 0);
        int to = pd_min_int(end - base, w->n_panels);
        base += w->n_panels;
        if (from >= to)
            continue;
        struct pd_act rows = pd_act_from(act, p->row, w->cols);
        d->kernels->matmul[w->format](w->panels + (size_t)from * w->panel_bytes, to - from, w->cols,
                                      &rows, p->n_rows, p->out + from * panel_rows,
                                      (size_t)p->stride);
        if (p->is_finished)
            pd_adapt_add(d, layer, p->which, from, to, p->out, p->stride, thread);
    }
}

/* 8-bit form of n numbers of a row of k, from element `first` on; both are multiples of 32. */
static void quantise(const struct pd_decoder *d, const struct pd_act *act, const float *x, int row,
                     int k, int first, int n)
{
    size_t at = (size_t)row * (size_t)k + (size_t)first;
    d->kernels->quantise(x, n, act->q + at, act->d + at / 32, act->dsum + at / 32,
                         act->sum16 + at / 16);
}

static float *row_of(float *buffer, int row, int stride)
{
    return buffer + (size_t)row * (size_t)stride;
}

/* ---- rows ---- */

static void embed(const struct pd_decoder *d, int row)
{
    int n = d->hparams.n_embd;
    float *x = row_of(d->x, row, n);
    pd_weight_row(&d->weights.embedding, d->row[row].token, d->kernels->panel_rows, x);
    if (d->hparams.embedding_scale != 1.0f)
        d->kernels->scale(x, d->hparams.embedding_scale, n);
}

/* Adds the projection to the residual stream, normed first where the family does. */
static void add_projection(const struct pd_decoder *d, int row, const float *post_norm)
{
    int n = d->hparams.n_embd;
    float *y = row_of(d->projection, row, d->embd_stride);
    if (post_norm != NULL)
        d->kernels->rms_norm(y, y, post_norm, n, d->hparams.rms_eps);
    d->kernels->add(row_of(d->x, row, n), y, n);
}

/* Norm of a row of the residual stream to row `to` of what the next matrices read. */
static void norm(const struct pd_decoder *d, int row, int to, const float *weight,
                 bool is_quantised)
{
    int n = d->hparams.n_embd;
    float *out = row_of(d->act.x, to, n);
    d->kernels->rms_norm(out, row_of(d->x, row, n), weight, n, d->hparams.rms_eps);
    if (is_quantised)
        quantise(d, &d->act, out, to, n, 0, n);
}

/* Element i of an optional vector. */
static const float *at(const float *vector, int i)
{
    return vector != NULL ? vector + i : NULL;
}

/* Bias, norm and rotation of n heads. */
static void finish_heads(const struct pd_decoder *d, float *x, int n, const float *bias,
                         const float *weight, const float *angles)
{
    int head_dim = d->hparams.head_dim;
    if (bias != NULL)
        d->kernels->add(x, bias, n * head_dim);
    for (int i = 0; i < n; i++, x += head_dim) {
        if (weight != NULL)
            d->kernels->rms_norm(x, x, weight, head_dim, d->hparams.rms_eps);
        if (angles != NULL)
            (d->family->rope_is_neox ? d->kernels->rope_neox : d->kernels->rope)(x, angles,
                                                                                 d->rope.n_pairs);
    }
}

/* A row's q ready for attention, its k and v in the cache: for n kv heads from `head` on, and the heads that
 * share them. */
static void store(const struct pd_decoder *d, int layer, int row, int head, int n)
{
    const struct pd_hparams *h = &d->hparams;
    const struct pd_row *r = &d->row[row];
    float *const *vector = d->weights.layer[layer].vector;
    const float *angles = pd_rope_angles(&d->rope, pd_layer_is_windowed(h, layer), r->position);
    int group = h->n_heads / h->n_kv_heads;
    int first = head * h->head_dim; /* element of k and v */
    float *q = row_of(d->q, row, d->q_stride) + first * group;
    float *k = row_of(d->k, row, d->kv_stride) + first;
    float *v = row_of(d->v, row, d->kv_stride) + first;
    finish_heads(d, q, n * group, at(vector[PD_ATTN_Q_BIAS], first * group), vector[PD_ATTN_Q_NORM],
                 angles);
    finish_heads(d, k, n, at(vector[PD_ATTN_K_BIAS], first), vector[PD_ATTN_K_NORM], angles);
    finish_heads(d, v, n, at(vector[PD_ATTN_V_BIAS], first), NULL, NULL);
    d->kernels->scale(q, h->attention_scale, n * group * h->head_dim);

    int32_t page_index = d->kv.lane[r->lane].page[r->position / PD_KV_PAGE];
    int slot = r->position % PD_KV_PAGE;
    for (int i = 0; i < n; i++) {
        uint16_t *keys = pd_kv_keys(&d->kv, layer, head + i, page_index);
        uint16_t *values = pd_kv_values(&d->kv, layer, head + i, page_index);
        d->kernels->store_key(keys, slot, k + i * h->head_dim, h->head_dim);
        d->kernels->store_value(values, slot, v + i * h->head_dim, h->head_dim);
    }
}

/* ---- feed-forward ---- */

/* Outputs [first, end) of gate and up: the matrices, then activation, product and what DOWN reads, row by
 * row. first is a multiple of FF_SLICE. */
static void feed_forward(const struct pd_decoder *d, int layer, int first, int end, int thread)
{
    const struct pd_weight *m = d->weights.layer[layer].matrix;
    const struct pd_kernels *kernels = d->kernels;
    int panel = first / kernels->panel_rows;
    int n_panels = pd_div_up(end, kernels->panel_rows) - panel;
    size_t stride = (size_t)d->ff_stride;
    for (int i = 0; i < 2; i++) {
        enum pd_layer_tensor which = i == 0 ? PD_FFN_GATE : PD_FFN_UP;
        const struct pd_weight *w = &m[which];
        float *out = i == 0 ? d->gate : d->up;
        kernels->matmul[w->format](w->panels + (size_t)panel * w->panel_bytes, n_panels, w->cols,
                                   &d->act, d->n_rows, out + first, stride);
        pd_adapt_add(d, layer, which, panel, panel + n_panels, out, d->ff_stride, thread);
    }
    int n = end - first, n_ff = d->hparams.n_ff;
    for (int row = 0; row < d->n_rows; row++) {
        float *gate = row_of(d->gate, row, d->ff_stride) + first;
        const float *up = row_of(d->up, row, d->ff_stride) + first;
        (d->family->activation == PD_GELU ? kernels->gelu_mul : kernels->silu_mul)(gate, up, n);
        if (m[PD_FFN_DOWN].is_quantised || d->low_rank.n_runs > 0)
            quantise(d, &d->act_ff, gate, row, n_ff, first, n);
        if (!m[PD_FFN_DOWN].is_quantised) /* without the padding of gate's rows */
            memcpy(row_of(d->act_ff.x, row, n_ff) + first, gate, (size_t)n * sizeof *gate);
    }
}

/* ---- attention ---- */

/* Rows that attend together: as many as leave two chunks a thread. */
static int attend_rows(const struct pd_decoder *d, int per_row)
{
    int n = d->n_rows * per_row / (2 * pd_pool_threads(d->pool));
    return pd_max_int(1, pd_min_int(n, PD_ATTEND_ROWS));
}

/* Attention of n kv heads from `head` on of some rows, and what OUTPUT reads of it. */
static void attend(const struct pd_decoder *d, int layer, int row, int n_rows, int head, int n,
                   int thread)
{
    const struct pd_hparams *h = &d->hparams;
    int width = h->n_heads / h->n_kv_heads * h->head_dim;
    int k = h->n_heads * h->head_dim;
    for (int i = row; d->lanes_differ && i < row + n_rows; i++)
        store(d, layer, i, head, n);
    for (int i = head; i < head + n; i++)
        pd_attend(d, layer, row, n_rows, i, &d->attend[thread]);
    if (d->weights.layer[layer].matrix[PD_ATTN_OUTPUT].is_quantised || d->low_rank.n_runs > 0)
        for (int i = row; i < row + n_rows; i++)
            quantise(d, &d->act, row_of(d->attention, i, k) + head * width, i, k, head * width,
                     n * width);
}

/* ---- phases ---- */

/* Matrices of a phase; 0: not one that multiplies. */
static int products_of(const struct pd_decoder *d, int layer, enum phase phase,
                       struct product products[MAX_PRODUCTS])
{
    const struct pd_weight *m = d->weights.layer[layer].matrix;
    int n = d->n_rows;
    switch (phase) {
    case QKV:
        products[0] = (struct product){&m[PD_ATTN_Q], d->q, d->q_stride, 0, n, true, PD_ATTN_Q};
        products[1] = (struct product){&m[PD_ATTN_K], d->k, d->kv_stride, 0, n, true, PD_ATTN_K};
        products[2] = (struct product){&m[PD_ATTN_V], d->v, d->kv_stride, 0, n, true, PD_ATTN_V};
        return 3;
    case OUTPUT:
    case DOWN: {
        enum pd_layer_tensor which = phase == OUTPUT ? PD_ATTN_OUTPUT : PD_FFN_DOWN;
        products[0] =
            (struct product){&m[which], d->projection, d->embd_stride, 0, n, false, which};
        return 1 + add_products(d, layer, which, products + 1);
    }
    default:
        return 0;
    }
}

/* Of attention, a chunk is made of kv heads of some rows if their results fill whole blocks of activations, else
 * of rows. */
static int heads_of_item(const struct pd_hparams *h)
{
    return h->n_heads / h->n_kv_heads * h->head_dim % 32 == 0 ? 1 : h->n_kv_heads;
}

static int items_of(const struct pd_decoder *d, int layer, enum phase phase)
{
    struct product products[MAX_PRODUCTS];
    int n_products = products_of(d, layer, phase, products);
    if (n_products > 0)
        return panels_of(products, n_products);
    if (phase == GATE_UP)
        return pd_div_up(d->hparams.n_ff, FF_SLICE);
    if (phase == STORE)
        return d->lanes_differ ? 0
                               : d->n_rows; /* no row reads what another stores: ATTEND does it */
    if (phase == ATTEND) {
        int per_row = d->hparams.n_kv_heads / heads_of_item(&d->hparams);
        return pd_div_up(d->n_rows, attend_rows(d, per_row)) * per_row;
    }
    return d->n_rows;
}

static void run_row(const struct pd_decoder *d, int layer, enum phase phase, int row)
{
    const struct pd_layer_weights *w = &d->weights.layer[layer];
    const struct pd_weight *m = w->matrix;
    switch (phase) {
    case NORM:
        if (layer == 0)
            embed(d, row);
        else
            add_projection(d, row, d->weights.layer[layer - 1].vector[PD_FFN_POST_NORM]);
        norm(d, row, row, w->vector[PD_ATTN_NORM],
             m[PD_ATTN_Q].is_quantised || m[PD_ATTN_K].is_quantised || m[PD_ATTN_V].is_quantised ||
                 d->low_rank.n_runs > 0);
        break;
    case STORE:
        store(d, layer, row, 0, d->hparams.n_kv_heads);
        break;
    case FFN_NORM:
        add_projection(d, row, w->vector[PD_ATTN_POST_NORM]);
        norm(d, row, row, w->vector[PD_FFN_NORM],
             m[PD_FFN_GATE].is_quantised || m[PD_FFN_UP].is_quantised || d->low_rank.n_runs > 0);
        break;
    default:
        break;
    }
}

/* Rows [begin, end) of a phase, with what their adapters do before and behind it. */
static void run_rows(const struct pd_decoder *d, int layer, enum phase phase, int begin, int end,
                     int thread)
{
    static const enum pd_layer_tensor attention[] = {PD_ATTN_Q, PD_ATTN_K, PD_ATTN_V};
    static const enum pd_layer_tensor feed[] = {PD_FFN_GATE, PD_FFN_UP};
    if (phase == NORM && layer > 0)
        pd_adapt_projection(d, layer - 1, PD_FFN_DOWN, begin, end, thread);
    if (phase == FFN_NORM)
        pd_adapt_projection(d, layer, PD_ATTN_OUTPUT, begin, end, thread);
    for (int row = begin; row < end; row++)
        run_row(d, layer, phase, row);
    if (phase == NORM)
        pd_adapt_begin(d, layer, attention, 3, begin, end);
    if (phase == FFN_NORM)
        pd_adapt_begin(d, layer, feed, 2, begin, end);
}

static void run_layer_chunk(const struct pd_decoder *d, int layer, enum phase phase, int chunk,
                            int thread)
{
    struct product products[MAX_PRODUCTS];
    int n_products = products_of(d, layer, phase, products);
    if (n_products > 0) {
        struct pd_act act = phase == DOWN ? d->act_ff : d->act;
        if (phase == OUTPUT)
            act.x = d->attention;
        multiply(d, layer, products, n_products, &act, chunk, thread);
        return;
    }
    int begin, end;
    pd_share(items_of(d, layer, phase), chunk, d->n_chunks, &begin, &end);
    if (phase == GATE_UP) {
        feed_forward(d, layer, begin * FF_SLICE, pd_min_int(end * FF_SLICE, d->hparams.n_ff),
                     thread);
        return;
    }
    if (phase != ATTEND) {
        run_rows(d, layer, phase, begin, end, thread);
        return;
    }
    int n_heads = heads_of_item(&d->hparams);
    int per_row = d->hparams.n_kv_heads / n_heads;
    int n_rows = attend_rows(d, per_row);
    for (int i = begin; i < end; i++) {
        int row = i / per_row * n_rows;
        attend(d, layer, row, pd_min_int(n_rows, d->n_rows - row), i % per_row * n_heads, n_heads,
               thread);
    }
}

static int head_items(const struct pd_decoder *d, enum phase phase)
{
    return phase == HEAD ? d->head.n_spans : d->n_rows;
}

static void run_head_chunk(const struct pd_decoder *d, enum phase phase, int chunk, int thread)
{
    int begin, end;
    pd_share(head_items(d, phase), chunk, d->n_chunks, &begin, &end);
    if (phase == HEAD) {
        pd_head_run(&d->head, d->n_outputs, begin, end, thread);
        return;
    }
    pd_adapt_projection(d, d->hparams.n_layers - 1, PD_FFN_DOWN, begin, end, thread);
    for (int row = begin; row < end; row++) {
        const struct pd_row *r = &d->row[row];
        if (r->output < 0)
            continue;
        add_projection(d, row, d->weights.layer[d->hparams.n_layers - 1].vector[PD_FFN_POST_NORM]);
        norm(d, row, r->output, d->weights.output_norm, false);
        pd_head_set_row(&d->head, r->output, row_of(d->act.x, r->output, d->hparams.n_embd),
                        r->target);
    }
}

static bool is_late(struct pd_decoder *d)
{
    int64_t now = pd_clock_ns();
    if (d->clock_ns != 0 && now - d->clock_ns > d->longest_layer_ns)
        d->longest_layer_ns = now - d->clock_ns;
    d->clock_ns = now;
    return now > d->deadline_ns;
}

static void run(void *context, int index, int chunk, int thread)
{
    const struct pd_decoder *d = context;
    int layer = index / LAYER_PHASES;
    enum phase phase = (enum phase)(index % LAYER_PHASES);
    if (layer == d->hparams.n_layers)
        run_head_chunk(d, phase, chunk, thread);
    else
        run_layer_chunk(d, layer, phase, chunk, thread);
}

/* A phase that is too little to share out is done at once, by the thread that ended the one before. */
static bool is_little(const struct pd_decoder *d, int layer, enum phase phase)
{
    bool is_norm =
        layer == d->hparams.n_layers ? phase == HEAD_NORM : phase == NORM || phase == FFN_NORM;
    return is_norm && d->n_rows <= FEW_ROWS;
}

static int begin(void *context, int index)
{
    struct pd_decoder *d = context;
    int layer = index / LAYER_PHASES;
    enum phase phase = (enum phase)(index % LAYER_PHASES);
    bool is_head = layer == d->hparams.n_layers;
    if (is_head && (d->n_outputs == 0 || (phase == HEAD && d->leaves_head)))
        return PD_JOB_STOP;
    if (!is_head && phase == NORM && d->deadline_ns != 0 && is_late(d)) {
        d->is_aborted = true;
        return PD_JOB_STOP;
    }
    int n_items = is_head ? head_items(d, phase) : items_of(d, layer, phase);
    d->n_chunks = pd_pool_chunks(d->pool, n_items);
    if (!is_little(d, layer, phase))
        return d->n_chunks;
    for (int chunk = 0; chunk < d->n_chunks; chunk++)
        run(d, index, chunk, 0);
    return 0;
}

void pd_forward(struct pd_decoder *d)
{
    const struct pd_job job = {d->hparams.n_layers * LAYER_PHASES + HEAD_PHASES, begin, run};
    pd_pool_run(d->pool, &job, d);
}
