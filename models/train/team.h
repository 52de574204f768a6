/* SPDX-License-Identifier: Apache-2.0
 * team.h - the batches of one step, dealt out to passes that run side by side.
 *
 * Each pass has gradients of its own and takes every n-th batch, whichever thread runs it, and nobody waits for anybody
 * within a step: so sums have one order for a given number of passes, and a core that another program takes costs its
 * share only. BLAS has to run on the calling thread (openblas_set_num_threads(1)). */
#ifndef TRAIN_TEAM_H
#define TRAIN_TEAM_H

#include "base/pool.h"
#include "pass.h"

/* What is trained for: a weight for the language loss (of targets), and for a head's (of labels). */
struct tr_objective {
    float language, head;
    enum tr_head_kind kind;
    bool distils; /* the language loss is the divergence from the teacher */
};

struct tr_losses {
    double language, head; /* sums over rows */
    int64_t n_targets, n_labels, n_tokens;
};

struct tr_team {
    struct pd_pool *pool;                   /* the caller's */
    const struct tr_model *model, *teacher; /* teacher: NULL, or whose distribution is learned */
    struct pd_rope rope, teacher_rope;
    int n; /* passes */
    struct tr_pass *pass, *teacher_pass;
    float **grads;                 /* [n] flat blocks, zero between steps */
    void *tables, *teacher_tables; /* of rope */
};

/* teacher: NULL, or a model of the same vocabulary. Ends the program when there is no memory. */
void tr_team_init(struct tr_team *t, const struct tr_model *model, const struct tr_model *teacher,
                  struct pd_pool *pool, int n, struct tr_pass_size size);
void tr_team_free(struct tr_team *t);

/* Losses of batches[0..n), and their gradients in t->grads if `trains`: of the means over all rows. */
struct tr_losses tr_team_run(struct tr_team *t, const struct tr_batch *batches, int n,
                             const struct tr_objective *objective, bool trains);

/* Products done since the last call, in floating-point operations. */
double tr_team_take_flops(struct tr_team *t);

/* The objective's value: means, weighted. */
double tr_objective_value(const struct tr_objective *objective, const struct tr_losses *losses);

#endif
