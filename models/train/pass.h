/* SPDX-License-Identifier: Apache-2.0
 * pass.h - a batch through the model and back, on one thread, in one block of memory that every batch uses again.
 *
 *   | each layer: x q k v attention x_middle gate up ... | one layer's work | rows of logits |
 *
 * What a layer's way back needs is kept, less what a pass over the row makes again: normed inputs, the attention's
 * probabilities, the gated product. For looking only (keeps false) all layers use the same place. */
#ifndef TRAIN_PASS_H
#define TRAIN_PASS_H

#include "base/arena.h"
#include "batch.h"
#include "decode/rope.h"
#include "model.h"

struct tr_kept; /* activations of a layer */

struct tr_pass {
    const struct tr_model *model;
    const struct pd_rope *rope; /* angles of all positions that batches have */
    int max_tokens, max_sequence;
    bool keeps;
    float *grads; /* a flat block of the model's params; NULL: none are wanted */
    double flops; /* floating-point operations in products, summed up; the caller's to reset */
    /* Sees the inputs x[n][w->cols] of every product with a matrix before it; NULL: nobody looks. */
    void (*watch)(void *user, const struct tr_tensor *w, const float *x, int n);
    void *watch_user;

    struct tr_kept *kept; /* [n_layers], or [1] */
    float *x, *inverse;   /* [max_tokens][n_embd] what comes out of the layers; [max_tokens] */
    float *hidden;        /* the same after the last norm */
    float *dx;            /* gradient of the residual stream */
    float *input,
        *dinput; /* [max_tokens][n_embd] of a block: normed; its output's gradient where it has a norm */
    float *dq, *dk, *dv, *dattention;
    float *wide;             /* [max_tokens][n_ff] */
    float *narrow, *dnarrow; /* [max_tokens][rank] of an adapter */
    float *scores, *dscores;
    float *gathered, *dgathered; /* [max_tokens][n_embd] rows with targets */
    float *logits;               /* [logit_rows][n_vocab] */
    int logit_rows;
    const struct tr_product_level *level; /* of products in bfloat16, or NULL: floats */
    uint32_t *words;                      /* its scratch */
    void *block;
    size_t block_bytes;
};

struct tr_pass_size {
    int max_tokens;                       /* of a batch */
    int max_sequence;                     /* of a sequence in it */
    bool keeps;                           /* for tr_pass_back() */
    const struct tr_product_level *level; /* products in bfloat16 by it, or NULL: floats */
};

void tr_pass_init(struct tr_pass *p, const struct tr_model *model, const struct pd_rope *rope,
                  struct tr_pass_size size);
void tr_pass_free(struct tr_pass *p);

/* What that takes, without taking it. */
size_t tr_pass_bytes(const struct tr_model *model, struct tr_pass_size size);

/* Leaves the rows after the last norm in p->hidden. */
void tr_pass_forward(struct tr_pass *p, const struct tr_batch *b);

/* One layer alone, not to be kept: x[n][n_embd], what goes in and what comes out. */
void tr_pass_layer(struct tr_pass *p, const struct tr_batch *b, int layer, float *x);

/* The losses of a batch that went forward; each returns its sum over rows. `scale` times its gradient goes to p->dx
 * (zero it before: tr_pass_begin_back()) and, of what it is trained, to p->grads; scale 0: only the loss. */
void tr_pass_begin_back(struct tr_pass *p, const struct tr_batch *b);
double tr_pass_language(struct tr_pass *p, const struct tr_batch *b, float scale);
/* teacher: the same batch went through it; its vocabulary is the same. */
double tr_pass_distil(struct tr_pass *p, struct tr_pass *teacher, const struct tr_batch *b,
                      float scale);
double tr_pass_head(struct tr_pass *p, const struct tr_batch *b, enum tr_head_kind kind,
                    float scale);

/* From p->dx, the gradient of p->hidden, down to the tokens; adds to p->grads. The kept activations are spoiled. */
void tr_pass_back(struct tr_pass *p, const struct tr_batch *b);

/* Logits of rows of p->hidden: out[n][n_vocab]. */
void tr_pass_logits(struct tr_pass *p, const float *hidden, int n, float *out);

#endif
