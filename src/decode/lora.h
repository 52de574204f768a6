/* SPDX-License-Identifier: Apache-2.0
 * lora.h - LoRA adapters in the arena, and their part of a pass: y += factor B (A x), for the rows of lanes that have one.
 *
 * The base's matrices multiply all rows of a step, whatever their adapters; then each run (rows side by side with the same
 * adapter) gets its low-rank part. A and B are held as panels of 8-bit blocks, so the same kernels multiply
 * them, against the activations that the base has quantised anyway, with the same bits on every machine; what A gives
 * is quantised for B. Before they become blocks, A and B are scaled by powers of two, exactly, so that
 * blocks' half-float scales are none of the small ones; the factor takes that back.
 *
 *   t = factor (A x)   [row][padded rank]   by the phase before the matrix, or beside it
 *   y += B t                                with the matrix, or in the phase behind it
 *
 * The rank is padded to blocks of 32: ranks below cost as much as 32. */
#ifndef PD_LORA_H
#define PD_LORA_H

#include "arch/kernels.h"
#include "decode/weights.h"
#include "model/adapter.h"

struct pd_lora_matrix {
    struct pd_weight a; /* [rank][cols] */
    struct pd_weight b; /* [rows][padded] */
    int rank;           /* 0: this matrix is not adapted */
    int padded;
    float factor;
};

struct pd_lora_layer {
    struct pd_lora_matrix matrix[PD_LAYER_TENSORS];
};

/* One adapter. */
struct pd_lora {
    int n_layers;
    struct pd_lora_layer *layer; /* [n_layers] */
};

/* Places it. */
void pd_lora_layout(struct pd_lora *l, const struct pd_adapter *adapter, int panel_rows,
                    struct pd_arena *a);

/* A task that fills the panels, while `pack` lives. */
struct pd_lora_pack {
    const struct pd_lora *lora;
    const struct pd_adapter *adapter;
    int panel_rows, n_chunks;
};
struct pd_pool_task pd_lora_pack_task(struct pd_lora_pack *pack, const struct pd_lora *l,
                                      const struct pd_adapter *adapter, int panel_rows);

/* BAD_FILE: what was packed holds what is no number. */
enum ponder_status pd_lora_check(const struct pd_lora *l, const struct pd_error *err);

/* ---- a pass ---- */

struct pd_lora_run {
    int first, n;               /* rows */
    const struct pd_lora *lora; /* never NULL */
};

/* What a pass works with. A row's t lies in one of three slots, as matrices that are at work at once need. */
enum { PD_LORA_SLOTS = 3 };
struct pd_lora_pass {
    const struct pd_kernels *kernels;
    int n_batch, stride;     /* of t: the largest padded rank; 0: there are no adapters */
    float *t;                /* [PD_LORA_SLOTS][n_batch][stride] */
    struct pd_act act;       /* the same, quantised */
    float *tile;             /* [n_threads][n_batch][TILE] */
    struct pd_lora_run *run; /* [n_batch] of this step */
    int n_runs;
};

void pd_lora_pass_layout(struct pd_lora_pass *pass, const struct pd_adapter *const *adapters,
                         int n_adapters, const struct pd_kernels *kernels, int n_batch,
                         int n_threads, struct pd_arena *a);

/* The slot that a matrix' t lies in. */
int pd_lora_slot(enum pd_layer_tensor which);

/* Where t of a run's first row lies, its rows `padded` apart: what A's panels are to be multiplied into. */
float *pd_lora_t(const struct pd_lora_pass *pass, const struct pd_lora_run *run, int slot);

/* Rows [row, row + n) of a run: what A gave, ready for B. */
void pd_lora_finish(const struct pd_lora_pass *pass, const struct pd_lora_matrix *m,
                    const struct pd_lora_run *run, int slot, int row, int n);

/* Adds B t to panels [from, to) of the rows' outputs; out: those of row 0 of the step, from panel 0 on. */
void pd_lora_add(const struct pd_lora_pass *pass, const struct pd_lora_matrix *m,
                 const struct pd_lora_run *run, int slot, int row, int n, int from, int to,
                 float *out, int stride, int thread);

/* Activations from row `row` on, k numbers each. */
static inline struct pd_act pd_act_from(const struct pd_act *act, int row, int k)
{
    size_t at = (size_t)row * (size_t)k;
    return (struct pd_act){.x = act->x != NULL ? act->x + at : NULL,
                           .q = act->q + at,
                           .d = act->d + at / 32,
                           .dsum = act->dsum + at / 32,
                           .sum16 = act->sum16 + at / 16};
}

#endif
