/* SPDX-License-Identifier: Apache-2.0
 * weights.c - see weights.h. */
#include "decode/weights.h"

#include <string.h>

#include "arch/panel.h"

static bool is_matrix(enum pd_layer_tensor which)
{
    switch (which) {
    case PD_ATTN_Q:
    case PD_ATTN_K:
    case PD_ATTN_V:
    case PD_ATTN_OUTPUT:
    case PD_FFN_GATE:
    case PD_FFN_UP:
    case PD_FFN_DOWN:
        return true;
    default:
        return false;
    }
}

static void matrix_layout(struct pd_weight *w, const struct pd_tensor *t, int panel_rows,
                          struct pd_arena *a)
{
    *w = (struct pd_weight){0};
    if (t->data == NULL)
        return;
    w->format = t->format->id;
    w->is_quantised = t->format->is_quantised;
    w->rows = t->rows;
    w->cols = t->cols;
    w->n_panels = pd_div_up(t->rows, panel_rows);
    w->panel_bytes = pd_panel_bytes(w->format, w->cols, panel_rows);
    w->panels = pd_arena_alloc(a, (size_t)w->n_panels, w->panel_bytes);
}

static float *vector_layout(const struct pd_tensor *t, struct pd_arena *a)
{
    return t->data != NULL ? PD_NEW(a, float, t->cols) : NULL;
}

void pd_weights_layout(struct pd_weights *w, const struct pd_model *model, int panel_rows,
                       struct pd_arena *a, struct pd_arena *panels)
{
    *w = (struct pd_weights){0};
    w->layer = PD_NEW(a, struct pd_layer_weights, model->hparams.n_layers);
    matrix_layout(&w->embedding, &model->token_embd, panel_rows, panels);
    w->output = &w->embedding;
    if (model->output.data != model->token_embd.data) {
        w->output = &w->untied_output;
        matrix_layout(w->output, &model->output, panel_rows, panels);
    }
    w->output_norm = vector_layout(&model->output_norm, a);
    for (int i = 0; i < model->hparams.n_layers; i++) {
        struct pd_layer_weights unplaced; /* while counting there is no layer[i] to write to */
        struct pd_layer_weights *layer = w->layer != NULL ? &w->layer[i] : &unplaced;
        *layer = (struct pd_layer_weights){0};
        for (int t = 0; t < PD_LAYER_TENSORS; t++) {
            const struct pd_tensor *tensor = &model->layer[i].tensor[t];
            if (is_matrix((enum pd_layer_tensor)t))
                matrix_layout(&layer->matrix[t], tensor, panel_rows, panels);
            else
                layer->vector[t] = vector_layout(tensor, a);
        }
    }
}

struct pack {
    struct pd_weights *weights;
    const struct pd_model *model;
    int panel_rows;
    int n_chunks; /* of each matrix */
};

static void pack_matrix(const struct pack *p, struct pd_weight *w, const struct pd_tensor *t,
                        int chunk)
{
    int begin, end;
    size_t row_bytes = pd_format_row_bytes(t->format, (size_t)t->cols);
    pd_share(w->n_panels, chunk, p->n_chunks, &begin, &end);
    for (int i = begin; i < end; i++) {
        int first = i * p->panel_rows;
        pd_panel_pack(w->format, (const uint8_t *)t->data + (size_t)first * row_bytes, row_bytes,
                      pd_min_int(p->panel_rows, w->rows - first), w->cols, p->panel_rows,
                      w->panels + (size_t)i * w->panel_bytes);
    }
}

static void copy_vector(float *out, const struct pd_tensor *t)
{
    if (out != NULL)
        t->format->decode(t->data, out, (size_t)(t->cols / t->format->block_elements));
}

void pd_weights_copy_vectors(struct pd_weights *w, const struct pd_model *model)
{
    copy_vector(w->output_norm, &model->output_norm);
    for (int i = 0; i < model->hparams.n_layers; i++)
        for (int t = 0; t < PD_LAYER_TENSORS; t++)
            copy_vector(w->layer[i].vector[t], &model->layer[i].tensor[t]);
}

/* Phase 0: the embedding and the output head; phase i: layer i - 1. */
static int begin_pack(void *context, int phase)
{
    (void)phase;
    return ((const struct pack *)context)->n_chunks;
}

static void run_pack(void *context, int phase, int chunk, int thread)
{
    (void)thread;
    const struct pack *p = context;
    struct pd_weights *w = p->weights;
    if (phase == 0) {
        pack_matrix(p, &w->embedding, &p->model->token_embd, chunk);
        if (w->output != &w->embedding)
            pack_matrix(p, w->output, &p->model->output, chunk);
        return;
    }
    struct pd_layer_weights *layer = &w->layer[phase - 1];
    const struct pd_tensor *tensor = p->model->layer[phase - 1].tensor;
    for (int t = 0; t < PD_LAYER_TENSORS; t++) {
        if (layer->matrix[t].rows > 0)
            pack_matrix(p, &layer->matrix[t], &tensor[t], chunk);
    }
}

void pd_weights_pack(struct pd_weights *w, const struct pd_model *model, int panel_rows,
                     struct pd_pool *pool)
{
    struct pack p = {w, model, panel_rows, pd_pool_chunks(pool, PD_MAX_CHUNKS)};
    const struct pd_job job = {model->hparams.n_layers + 1, begin_pack, run_pack};
    pd_pool_run(pool, &job, &p);
}

void pd_weight_row(const struct pd_weight *w, int row, int panel_rows, float *out)
{
    pd_panel_row(w->format, w->panels + (size_t)(row / panel_rows) * w->panel_bytes,
                 row % panel_rows, w->cols, panel_rows, out);
}
