/* SPDX-License-Identifier: Apache-2.0
 * weights.h - the model's tensors in the arena: matrices as panels (or those in a mapped sidecar), vectors as floats.
 *
 * One copy of everything: a tied embedding is also the output head, and its rows are read back out of the
 * panels. */
#ifndef PD_WEIGHTS_H
#define PD_WEIGHTS_H

#include "arch/kernels.h"
#include "base/arena.h"
#include "base/os.h"
#include "base/pool.h"
#include "model/model.h"

struct pd_weight {
    uint8_t *panels;
    size_t panel_bytes;
    enum pd_format_id format;
    bool is_quantised;
    int rows, cols; /* rows 0: the model has none */
    int n_panels;   /* of kernels->panel_rows rows each, the last one padded */
};

struct pd_layer_weights {
    struct pd_weight matrix[PD_LAYER_TENSORS]; /* those that multiply */
    float *vector[PD_LAYER_TENSORS];           /* norms and biases; NULL: none */
};

struct pd_weights {
    struct pd_weight embedding; /* [n_vocab][n_embd] */
    struct pd_weight *output;   /* &embedding, or &untied_output */
    struct pd_weight untied_output;
    float *output_norm;
    struct pd_layer_weights *layer; /* [n_layers] */
};

/* Places all of it, the panels in an arena that may be another (a sidecar's) or the same; pointers are NULL while
 * counting. */
void pd_weights_layout(struct pd_weights *w, const struct pd_model *model, int panel_rows,
                       struct pd_arena *a, struct pd_arena *panels);

/* Two tasks, for as long as their `pack` lives. map: the file, whose pages are given back behind them. One fills the
 * panels; the other the vectors, and is best run last: they lie between panels, and so in memory that the first has
 * by then asked of the system, on all threads. */
struct pd_weights_pack {
    const struct pd_weights *weights;
    const struct pd_model *model;
    const struct pd_map *map;
    int panel_rows;
    int n_units, n_chunks;
};
struct pd_pool_task pd_weights_copy_task(struct pd_weights_pack *pack, const struct pd_weights *w,
                                         const struct pd_model *model, const struct pd_map *map);
struct pd_pool_task pd_weights_pack_task(struct pd_weights_pack *pack, const struct pd_weights *w,
                                         const struct pd_model *model, int panel_rows,
                                         const struct pd_map *map);

/* Floats of a row, as the format's decoder gives them. */
void pd_weight_row(const struct pd_weight *w, int row, int panel_rows, float *out);

#endif
