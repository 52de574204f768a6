/* SPDX-License-Identifier: Apache-2.0
 * calibrate.c - see calibrate.h. */
#include "quant/quantize/calibrate.h"

#include <math.h>
#include <stdlib.h>

#include "decode/rope.h"
#include "models/train/batch.h"
#include "models/train/memory.h"
#include "models/train/model.h"
#include "models/train/ops.h"
#include "models/train/pass.h"
#include "quant/quantize/convert.h"
#include "quant/quantize/gptq.h"
#include "quant/quantize/inputs.h"
#include "quant/quantize/tool.h"

/* Matrices that read the same input. The output head, at the end, is one of its own. */
enum group { QKV, OUTPUT, GATE_UP, DOWN, GROUPS };
static const struct {
    enum pd_layer_tensor watched; /* its product is the first with that input */
    int n;
    enum pd_layer_tensor member[3];
} groups[GROUPS] = {
    [QKV] = {PD_ATTN_Q, 3, {PD_ATTN_Q, PD_ATTN_K, PD_ATTN_V}},
    [OUTPUT] = {PD_ATTN_OUTPUT, 1, {PD_ATTN_OUTPUT}},
    [GATE_UP] = {PD_FFN_GATE, 2, {PD_FFN_GATE, PD_FFN_UP}},
    [DOWN] = {PD_FFN_DOWN, 1, {PD_FFN_DOWN}},
};

enum { BATCH_TOKENS = 2048 };

struct state {
    struct calibration *c;
    struct tr_model model; /* floats; rounded tensors become what their blocks decode to */
    struct pd_rope rope;
    void *rope_block;
    struct tr_pass pass;
    struct tr_batch batch;
    float *x; /* [n_tokens][n_embd] of all texts, before the layer at hand */
    struct tr_tensor *watched[GROUPS];
    struct inputs inputs[GROUPS];
};

static void watch(void *user, const struct tr_tensor *w, const float *x, int n)
{
    struct state *s = user;
    for (int group = 0; group < GROUPS; group++)
        if (s->watched[group] == w)
            inputs_add(&s->inputs[group], x, n);
}

static void prepare_angles(struct state *s)
{
    const struct tr_model *m = &s->model;
    struct pd_rope_fill fill;
    struct pd_arena arena;
    pd_arena_init_count(&arena);
    pd_rope_layout(&s->rope, &m->hparams, SEQUENCE_TOKENS, &arena);
    size_t bytes = pd_arena_block_bytes(&arena);
    s->rope_block = tr_alloc(1, bytes);
    pd_arena_init(&arena, s->rope_block, bytes);
    pd_rope_layout(&s->rope, &m->hparams, SEQUENCE_TOKENS, &arena);
    struct pd_pool_task task = pd_rope_fill_task(&fill, &s->rope, &m->hparams,
                                                 m->rope_freqs ? m->rope_freqs->value : NULL);
    pd_pool_run_tasks(s->c->pool, &task, 1);
}

/* The sequences from the first on that fit a batch; returns the first one behind them. */
static int fill_batch(struct state *s, int first)
{
    const struct sequences *all = s->c->sequences;
    struct tr_batch *b = &s->batch;
    int i = first;
    tr_batch_clear(b);
    for (; i < all->n && all->begin[i + 1] - all->begin[first] <= BATCH_TOKENS; i++) {
        for (int t = all->begin[i]; t < all->begin[i + 1]; t++) {
            b->token[b->n] = all->token[t];
            b->position[b->n++] = t - all->begin[i];
        }
        b->begin[++b->n_sequences] = b->n;
    }
    return i;
}

static float *rows_of(const struct state *s, int sequence)
{
    return s->x + tr_area(s->c->sequences->begin[sequence], s->model.hparams.n_embd);
}

static void embed(struct state *s)
{
    const struct pd_hparams *h = &s->model.hparams;
    const struct sequences *all = s->c->sequences;
    s->x = tr_alloc((size_t)all->n_tokens, (size_t)h->n_embd * sizeof *s->x);
    tr_embed(all->n_tokens, h->n_embd, h->embedding_scale, all->token, s->model.token_embd->value,
             s->x);
}

/* All texts through a layer. Looking on: the inputs of its matrices are added up, and the activations stay. */
static enum ponder_status run_layer(struct state *s, int layer, bool looks_on,
                                    const struct pd_error *err)
{
    float *scratch = tr_alloc(BATCH_TOKENS, (size_t)s->model.hparams.n_embd * sizeof *scratch);
    enum ponder_status status = PONDER_OK;
    s->pass.watch = looks_on ? watch : NULL;
    s->pass.watch_user = s;
    for (int first = 0; first < s->c->sequences->n && status == PONDER_OK;) {
        float *x = rows_of(s, first);
        first = fill_batch(s, first);
        if (looks_on) {
            memcpy(scratch, x, tr_area(s->batch.n, s->model.hparams.n_embd) * sizeof *x);
            x = scratch;
        }
        tr_pass_layer(&s->pass, &s->batch, layer, x);
        status = check_signals(err);
    }
    free(scratch);
    return status;
}

/* The factor of the inputs for gptq_round(); NULL where it is not to be used, or cannot be had. */
static float *factor_of(const struct state *s, const struct inputs *inputs)
{
    if (!s->c->makes_up)
        return NULL;
    float *u = tr_alloc((size_t)inputs->cols * (size_t)inputs->cols, sizeof *u);
    if (gptq_factor(inputs->sum, inputs->cols, s->c->damping, u))
        return u;
    free(u);
    return NULL;
}

/* Rounds a matrix, writes it, and puts in the model what became of it. u: see factor_of(). */
static enum ponder_status round_matrix(struct state *s, struct tr_tensor *w, const float *u,
                                       const float *importance, const struct pd_error *err)
{
    const struct calibration *c = s->c;
    const struct pd_gguf_tensor *t = pd_gguf_find_tensor(&c->source->gguf, w->name);
    int index = (int)(t - c->source->gguf.tensor);
    const struct pd_format *format = pd_format_get(c->formats[index]);
    struct rounding rounding = {.importance = importance};
    if (!format->is_quantised || format == t->format)
        return PONDER_OK; /* nothing to choose: whoever writes the rest does it */
    size_t n = tr_area(w->rows, w->cols);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(w->value[i]))
            return pd_fail(err, PONDER_BAD_FILE, "tensor '%s' holds NaN or infinity", w->name);
    void *blocks = tr_alloc(1, pd_format_row_bytes(format, n));
    if (u) {
        gptq_round(c->pool, w->value, w->rows, w->cols, u, format->id, blocks);
    } else {
        convert_floats(c->pool, w->value, w->rows, w->cols, format->id, rounding, blocks);
        format->decode(blocks, w->value, n / format->block_elements);
    }
    enum ponder_status status =
        writer_put(c->writer, index, 0, blocks, pd_format_row_bytes(format, n), err);
    free(blocks);
    c->is_done[index] = true;
    return status;
}

static enum ponder_status round_group(struct state *s, const struct inputs *inputs,
                                      struct tr_tensor *const *member, int n,
                                      const struct pd_error *err)
{
    float *importance = tr_alloc((size_t)inputs->cols, sizeof *importance);
    float *u = factor_of(s, inputs);
    enum ponder_status status = PONDER_OK;
    inputs_importance(inputs, importance);
    for (int i = 0; i < n && status == PONDER_OK; i++) {
        status = round_matrix(s, member[i], u, importance, err);
        if (status == PONDER_OK)
            status = check_signals(err);
    }
    free(u);
    free(importance);
    return status;
}

static enum ponder_status round_layer(struct state *s, int layer, const struct pd_error *err)
{
    struct tr_tensor **w = s->model.layer[layer];
    for (int g = 0; g < GROUPS; g++) {
        s->watched[g] = w[groups[g].watched];
        inputs_init(&s->inputs[g], s->watched[g]->cols);
    }
    enum ponder_status status = run_layer(s, layer, true, err);
    for (int g = 0; g < GROUPS; g++) {
        struct tr_tensor *member[3];
        for (int i = 0; i < groups[g].n; i++)
            member[i] = w[groups[g].member[i]];
        if (status == PONDER_OK)
            status = round_group(s, &s->inputs[g], member, groups[g].n, err);
        inputs_free(&s->inputs[g]);
    }
    return status == PONDER_OK ? run_layer(s, layer, false, err) : status;
}

/* The output head reads what the last norm makes of the activations. */
static enum ponder_status round_head(struct state *s, const struct pd_error *err)
{
    const struct pd_hparams *h = &s->model.hparams;
    int n = s->c->sequences->n_tokens;
    struct inputs inputs;
    float *inverse = tr_alloc((size_t)n, sizeof *inverse);
    inputs_init(&inputs, h->n_embd);
    tr_norm(n, h->n_embd, h->rms_eps, s->x, s->model.output_norm->value, s->x, inverse);
    inputs_add(&inputs, s->x, n);
    enum ponder_status status = round_group(s, &inputs, &s->model.output, 1, err);
    inputs_free(&inputs);
    free(inverse);
    return status;
}

static enum ponder_status round_model(struct state *s, const struct pd_error *err)
{
    int n_layers = s->model.hparams.n_layers;
    embed(s);
    for (int layer = 0; layer < n_layers; layer++) {
        if (s->c->shows_progress)
            progress_show("layers", layer, n_layers);
        PD_TRY(round_layer(s, layer, err));
    }
    return round_head(s, err);
}

enum ponder_status calibrate(struct calibration *c, const struct pd_error *err)
{
    struct state s = {.c = c};
    PD_TRY(tr_model_read(&s.model, &c->source->gguf, err));
    prepare_angles(&s);
    tr_batch_init(&s.batch, BATCH_TOKENS);
    tr_pass_init(
        &s.pass, &s.model, &s.rope,
        (struct tr_pass_size){.max_tokens = BATCH_TOKENS, .max_sequence = SEQUENCE_TOKENS});
    enum ponder_status status = round_model(&s, err);
    free(s.x);
    tr_pass_free(&s.pass);
    tr_batch_free(&s.batch);
    free(s.rope_block);
    tr_model_free(&s.model);
    return status;
}
