/* SPDX-License-Identifier: Apache-2.0
 * adam.h - AdamW (Loshchilov, Hutter 2019) with clipping by the norm of all gradients, on all threads. */
#ifndef TRAIN_ADAM_H
#define TRAIN_ADAM_H

#include "base/pool.h"
#include "params.h"

struct tr_adam {
    const struct tr_params *params;
    float *first, *second; /* moments: flat blocks */
    int64_t n_steps;
    struct tr_adam_piece *piece; /* [n_pieces] what the threads take one by one */
    int n_pieces;
};

struct tr_adam_step {
    double rate, weight_decay;
    double clip;   /* the norm that gradients are scaled down to; 0: never */
    float **grads; /* [n_grads] flat blocks, summed up into the first; left zero */
    int n_grads;
};

void tr_adam_init(struct tr_adam *a, const struct tr_params *params);
void tr_adam_free(struct tr_adam *a);

/* Returns the norm of the gradients before clipping. Not a number: nothing was changed but the gradients. */
double tr_adam_step(struct tr_adam *a, struct pd_pool *pool, const struct tr_adam_step *step);

#endif
