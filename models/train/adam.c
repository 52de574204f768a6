/* SPDX-License-Identifier: Apache-2.0
 * adam.c - see adam.h.
 *
 *   m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2
 *   x -= rate (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + decay x) */
#include "adam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "ops.h"

/* Values usual for language models; nothing here was sensitive to them. */
#define BETA_1  0.9f
#define BETA_2  0.95f
#define EPSILON 1e-8f

struct tr_adam_piece {
    int param;
    size_t begin, n; /* in the parameter */
    double square;   /* of the summed gradient */
};

void tr_adam_init(struct tr_adam *a, const struct tr_params *params)
{
    enum { PIECE = 1 << 17, SHARES = 2048 };
    size_t piece = params->n_values / SHARES > PIECE ? params->n_values / SHARES : PIECE;
    *a = (struct tr_adam){.params = params,
                          .first = tr_new_floats(params->n_values),
                          .second = tr_new_floats(params->n_values)};
    a->piece = tr_alloc((size_t)params->n + params->n_values / piece, sizeof *a->piece);
    for (int i = 0; i < params->n; i++)
        for (size_t at = 0; at < params->param[i].n; at += piece)
            a->piece[a->n_pieces++] = (struct tr_adam_piece){
                .param = i, .begin = at, .n = pd_min_size(piece, params->param[i].n - at)};
    PD_ASSERT(a->n_pieces <= PD_MAX_CHUNKS);
}

void tr_adam_free(struct tr_adam *a)
{
    if (a->params != NULL) {
        tr_free_floats(a->first, a->params->n_values);
        tr_free_floats(a->second, a->params->n_values);
    }
    free(a->piece);
    *a = (struct tr_adam){.n_pieces = 0};
}

struct job {
    struct tr_adam *adam;
    const struct tr_adam_step *step;
    float clip; /* factor of the gradient */
    float rate, decay, first_unbias, second_unbias;
};

static void sum_piece(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)thread;
    const struct job *job = context;
    struct tr_adam_piece *piece = &job->adam->piece[chunk];
    size_t at = job->adam->params->param[piece->param].at + piece->begin;
    float *sum = job->step->grads[0] + at;
    for (int i = 1; i < job->step->n_grads; i++) {
        float *grad = job->step->grads[i] + at;
        tr_add(piece->n, 1.0f, grad, sum);
        memset(grad, 0, piece->n * sizeof *grad);
    }
    piece->square = tr_square(piece->n, sum);
}

static void move(const struct job *job, size_t n, float decay, float *restrict grad,
                 float *restrict m, float *restrict v, float *restrict x)
{
    for (size_t i = 0; i < n; i++) {
        float g = job->clip * grad[i];
        m[i] = BETA_1 * m[i] + (1.0f - BETA_1) * g;
        v[i] = BETA_2 * v[i] + (1.0f - BETA_2) * g * g;
        float step = m[i] * job->first_unbias / (sqrtf(v[i] * job->second_unbias) + EPSILON);
        x[i] -= job->rate * (step + decay * x[i]);
        grad[i] = 0;
    }
}

static void move_piece(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)thread;
    const struct job *job = context;
    const struct tr_adam_piece *piece = &job->adam->piece[chunk];
    const struct tr_param *param = &job->adam->params->param[piece->param];
    size_t at = param->at + piece->begin;
    move(job, piece->n, param->decays ? job->decay : 0, job->step->grads[0] + at,
         job->adam->first + at, job->adam->second + at, param->value + piece->begin);
}

double tr_adam_step(struct tr_adam *a, struct pd_pool *pool, const struct tr_adam_step *step)
{
    struct job job = {.adam = a, .step = step, .clip = 1};
    double square = 0;
    pd_pool_run_chunks(pool, a->n_pieces, sum_piece, &job);
    for (int i = 0; i < a->n_pieces; i++)
        square += a->piece[i].square;
    double norm = sqrt(square);
    if (!isfinite(norm)) {
        memset(step->grads[0], 0, a->params->n_values * sizeof(float));
        return NAN;
    }
    if (step->clip > 0 && norm > step->clip)
        job.clip = (float)(step->clip / norm);
    a->n_steps++;
    job.rate = (float)step->rate;
    job.decay = (float)step->weight_decay;
    job.first_unbias = (float)(1 / (1 - pow((double)BETA_1, (double)a->n_steps)));
    job.second_unbias = (float)(1 / (1 - pow((double)BETA_2, (double)a->n_steps)));
    pd_pool_run_chunks(pool, a->n_pieces, move_piece, &job);
    return norm;
}
