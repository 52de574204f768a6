/* SPDX-License-Identifier: Apache-2.0
 * decoder.h - tokens in, logits out: one pass over the weights for a batch of rows of any lanes.
 *
 * A row is one token appended to one lane. A prompt is many rows of one lane, a decode step one row of each
 * lane; both are the same code, and a row's result does not depend on the rows beside it. Lanes of different
 * adapters may be in one batch: the base's matrices multiply all rows at once; rows of an adapter do best side by side. */
#ifndef PD_DECODER_H
#define PD_DECODER_H

#include "arch/kernels.h"
#include "base/arena.h"
#include "base/pool.h"
#include "decode/head.h"
#include "decode/kv.h"
#include "decode/lora.h"
#include "decode/rope.h"
#include "decode/weights.h"
#include "model/model.h"

struct pd_decoder_size {
    int n_lanes;    /* kv lanes */
    int n_batch;    /* rows of a step at most */
    int max_tokens; /* of one lane */
    int n_pages;    /* of 16 tokens, all lanes together */
    int n_threads;
};

enum { PD_MAX_ADAPTERS = 3 };

/* What a decoder is made of: a model, and adapters for it, number 1 first. */
struct pd_decoder_source {
    const struct pd_model *model;
    const struct pd_adapter *adapter[PD_MAX_ADAPTERS];
    int n_adapters;
};

struct pd_row {
    int32_t token;
    int32_t lane;
    bool wants_output; /* of the head */
    int32_t target;    /* then: the token whose logit is kept */
    int32_t position;  /* filled in by pd_decoder_step() */
    int32_t output;    /* its row of the head, or -1; filled in too */
};

enum { PD_ATTEND_ROWS = 8 }; /* rows that attend together, at most */

/* What a thread attends with: queries of PD_ATTEND_ROWS rows, of the heads that share one kv head. */
struct pd_attend_scratch {
    float *q, *out; /* [queries][head_dim] */
    float *scores;  /* [queries][score_stride] */
    float *inverse; /* [queries] 1 / the sum of the scores */
};

struct pd_decoder {
    const struct pd_kernels *kernels;
    const struct pd_family *family;
    struct pd_hparams hparams;
    struct pd_decoder_size size;
    struct pd_pool *pool;
    struct pd_weights weights;
    struct pd_kv kv;
    struct pd_rope rope;
    struct pd_head head;
    struct pd_lora lora[PD_MAX_ADAPTERS]; /* adapter 1 is lora[0] */
    int n_adapters;
    struct pd_lora_pass low_rank;
    bool leaves_head; /* steps end at the hidden states of outputs: the caller's to set and to take back */

    /* Activations of a batch; row strides are the padded numbers of rows of the weights. */
    float *x;             /* [n_batch][n_embd] the residual stream */
    struct pd_act act;    /* what the next matrices multiply; x is the normed stream */
    struct pd_act act_ff; /* what the down matrix multiplies; x only where one is of floats */
    float *q, *k, *v;     /* [n_batch][q_stride, kv_stride] */
    float *attention;     /* [n_batch][n_heads * head_dim] */
    float *gate, *up;     /* [n_batch][ff_stride] */
    float *projection;    /* [n_batch][embd_stride] outputs of attention and feed-forward */
    float *kept_hidden;   /* [n_embd] of the row that pd_decoder_keep() kept */
    struct pd_attend_scratch *attend; /* [n_threads] */
    int q_stride, kv_stride, ff_stride, embd_stride, score_stride;

    /* The step that runs. */
    struct pd_row *row; /* the caller's */
    int n_rows, n_outputs;
    bool lanes_differ;   /* no two rows are of the same lane */
    int n_chunks;        /* of the phase that runs */
    int64_t deadline_ns; /* 0: none */
    int64_t clock_ns;    /* when the clock was last read */
    bool is_aborted;
    int64_t
        longest_layer_ns; /* between two looks at the clock, of steps with a deadline; the caller's to reset */
};

/* Bytes of each part, for the memory plan. */
struct pd_decoder_bytes {
    size_t weights, adapters, kv, activations, logits;
};

/* Places it all; adds to *bytes_ret what each part took of `a`. panels: weights.h. */
void pd_decoder_layout(struct pd_decoder *d, const struct pd_decoder_source *source,
                       const struct pd_kernels *kernels, struct pd_decoder_size size,
                       struct pd_arena *a, struct pd_arena *panels,
                       struct pd_decoder_bytes *bytes_ret);

/* Gives the decoder its pool; the tasks, to be run before the first step and while `load` lives, fill weights and
 * tables from the model's file. map: the file. is_packed: the panels are there already. */
enum { PD_DECODER_TASKS = 3 + PD_MAX_ADAPTERS };
struct pd_decoder_load {
    struct pd_weights_pack pack, copy;
    struct pd_rope_fill rope;
    struct pd_lora_pack lora[PD_MAX_ADAPTERS];
};
int pd_decoder_load_tasks(struct pd_decoder_load *load, struct pd_decoder *d,
                          const struct pd_decoder_source *source, struct pd_pool *pool,
                          const struct pd_map *map, bool is_packed,
                          struct pd_pool_task tasks_ret[PD_DECODER_TASKS]);

/* Makes room for rows[0..n), as a step does: for those who take them in several. On failure no lane has
 * changed. TOO_LONG, NO_MEMORY: pd_kv_reserve(). */
enum ponder_status pd_decoder_reserve(struct pd_decoder *d, const struct pd_row *rows, int n);

/* What the tasks found: BAD_FILE if an adapter holds what is no number. */
enum ponder_status pd_decoder_loaded(const struct pd_decoder *d, const struct pd_error *err);

/* Appends rows[0..n) to their lanes and leaves the outputs of those that want them in d->head, which says
 * what it is to make of them. On failure no lane has changed. TOO_LONG, NO_MEMORY: pd_kv_reserve(). NO_TIME:
 * the clock passed deadline_ns (0: none)
 * before the last layer began; it is read once a layer. */
enum ponder_status pd_decoder_step(struct pd_decoder *d, struct pd_row *rows, int n,
                                   int64_t deadline_ns);

/* The hidden state [n_embd] that an output of the last step was made of, behind the last norm: until the next step. It
 * has been computed anyway. output head.n_rows: the kept one. */
static inline const float *pd_decoder_hidden(const struct pd_decoder *d, int output)
{
    if (output == d->head.n_rows)
        return d->kept_hidden;
    return d->act.x + (size_t)output * (size_t)d->hparams.n_embd;
}

/* Copies an output and its hidden state to output head.n_rows, where they outlive the next steps. */
void pd_decoder_keep(struct pd_decoder *d, int output);

#endif
