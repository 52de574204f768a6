/* SPDX-License-Identifier: Apache-2.0
 * weights.c - see weights.h. */
#include "decode/weights.h"

#include <string.h>

#include "arch/panel.h"

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
            if (pd_layer_tensor_is_matrix((enum pd_layer_tensor)t))
                matrix_layout(&layer->matrix[t], tensor, panel_rows, panels);
            else
                layer->vector[t] = vector_layout(tensor, a);
        }
    }
}

static void copy_vector(const struct pd_weights_pack *p, float *out, const struct pd_tensor *t)
{
    if (out == NULL)
        return;
    size_t n_blocks = (size_t)(t->cols / t->format->block_elements);
    t->format->decode(t->data, out, n_blocks);
    pd_map_release(p->map, t->data, n_blocks * t->format->block_bytes);
}

static void copy_vectors(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)chunk, (void)thread;
    const struct pd_weights_pack *p = context;
    copy_vector(p, p->weights->output_norm, &p->model->output_norm);
    for (int i = 0; i < p->model->hparams.n_layers; i++)
        for (int t = 0; t < PD_LAYER_TENSORS; t++)
            copy_vector(p, p->weights->layer[i].vector[t], &p->model->layer[i].tensor[t]);
}

struct pd_pool_task pd_weights_copy_task(struct pd_weights_pack *pack, const struct pd_weights *w,
                                         const struct pd_model *model, const struct pd_map *map)
{
    *pack = (struct pd_weights_pack){.weights = w, .model = model, .map = map};
    return (struct pd_pool_task){1, copy_vectors, pack};
}

enum { UNIT_BYTES = 1 << 19 };

/* A matrix and where it comes from. */
struct source {
    const struct pd_weight *weight;
    const struct pd_tensor *tensor;
};

/* Matrix number i: the embedding, the output head, those of the layers; rows 0 where the model has none. False
 * behind the last. */
static bool matrix_at(const struct pd_weights_pack *p, int i, struct source *source_ret)
{
    static const struct pd_weight none;
    const struct pd_weights *w = p->weights;
    if (i >= 2) {
        int layer = (i - 2) / PD_LAYER_TENSORS, t = (i - 2) % PD_LAYER_TENSORS;
        if (layer == p->model->hparams.n_layers)
            return false;
        *source_ret =
            (struct source){&w->layer[layer].matrix[t], &p->model->layer[layer].tensor[t]};
    } else if (i == 1) {
        *source_ret =
            (struct source){w->output != &w->embedding ? w->output : &none, &p->model->output};
    } else {
        *source_ret = (struct source){&w->embedding, &p->model->token_embd};
    }
    return true;
}

static size_t source_bytes(const struct source *source)
{
    const struct pd_tensor *t = source->tensor;
    return source->weight->rows > 0
               ? (size_t)t->rows * pd_format_row_bytes(t->format, (size_t)t->cols)
               : 0;
}

/* Pieces to pack a matrix in: of about as much memory of the file as lies ready at once. */
static int n_units(const struct source *source)
{
    size_t n = source_bytes(source) / UNIT_BYTES;
    return source->weight->rows > 0 ? pd_max_int(1, pd_min_int((int)n, source->weight->n_panels))
                                    : 0;
}

static void pack_unit(const struct pd_weights_pack *p, const struct source *source, int unit, int n)
{
    const struct pd_weight *w = source->weight;
    const struct pd_tensor *t = source->tensor;
    int begin, end;
    size_t row_bytes = pd_format_row_bytes(t->format, (size_t)t->cols);
    size_t panel_bytes = (size_t)p->panel_rows * row_bytes; /* in the file */
    pd_share(w->n_panels, unit, n, &begin, &end);
    const uint8_t *data = (const uint8_t *)t->data + (size_t)begin * panel_bytes;
    size_t bytes =
        (size_t)(pd_min_int(end * p->panel_rows, w->rows) - begin * p->panel_rows) * row_bytes;
    for (int i = begin; i < end; i++)
        pd_panel_pack(w->format, data + (size_t)(i - begin) * panel_bytes, row_bytes,
                      pd_min_int(p->panel_rows, w->rows - i * p->panel_rows), w->cols,
                      p->panel_rows, w->panels + (size_t)i * w->panel_bytes);
    pd_map_release(p->map, data, bytes);
}

static void run_pack(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)thread;
    const struct pd_weights_pack *p = context;
    struct source source;
    int begin, end, first = 0; /* units; of this matrix */
    pd_share(p->n_units, chunk, p->n_chunks, &begin, &end);
    for (int i = 0; first < end && matrix_at(p, i, &source); i++) {
        int n = n_units(&source);
        for (int unit = pd_max_int(begin - first, 0); unit < pd_min_int(end - first, n); unit++)
            pack_unit(p, &source, unit, n);
        first += n;
    }
}

struct pd_pool_task pd_weights_pack_task(struct pd_weights_pack *pack, const struct pd_weights *w,
                                         const struct pd_model *model, int panel_rows,
                                         const struct pd_map *map)
{
    struct source source;
    *pack = (struct pd_weights_pack){w, model, map, panel_rows, 0, 0};
    for (int i = 0; matrix_at(pack, i, &source); i++)
        pack->n_units += n_units(&source);
    pack->n_chunks = pd_min_int(pack->n_units, PD_MAX_TASK_CHUNKS);
    return (struct pd_pool_task){pack->n_chunks, run_pack, pack};
}

void pd_weight_row(const struct pd_weight *w, int row, int panel_rows, float *out)
{
    pd_panel_row(w->format, w->panels + (size_t)(row / panel_rows) * w->panel_bytes,
                 row % panel_rows, w->cols, panel_rows, out);
}
