/* SPDX-License-Identifier: Apache-2.0
 * bench.c - `ponder-train bench`: how fast steps are, and what plain products of the same shapes reach in the same run.
 *
 * Both on all threads at once, each thread with single-threaded BLAS. Tokens are counted by the wall clock, products by
 * the processor's time, so that other programs on the machine take less of the comparison. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "adam.h"
#include "base/rng.h"
#include "memory.h"
#include "packs.h"
#include "setup.h"
#include "team.h"
#include "trainer.h"

enum { SEQUENCE = 128, ROUNDS = 5 };

static double seconds_now(void)
{
    return (double)pd_clock_ns() / 1e9;
}

/* Seconds that each thread worked, on average. */
static double worked_now(int n_threads)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return ((double)now.tv_sec + (double)now.tv_nsec / 1e9) / n_threads;
}

/* Sequences of SEQUENCE random tokens, a third of them targets, as in problems with solutions. */
static void fill(const struct tr_model *m, int micro, uint64_t seed, struct tr_batch *b)
{
    for (int i = 0; i < micro; i++) {
        uint64_t random = pd_rng_u64(seed, 0, (uint64_t)i);
        if (i % SEQUENCE == 0)
            b->begin[b->n_sequences++] = i;
        b->position[i] = i % SEQUENCE;
        b->token[i] = (int32_t)(random % (uint64_t)m->hparams.n_vocab);
        if (i % SEQUENCE >= SEQUENCE * 2 / 3) {
            b->target_row[b->n_targets] = i;
            b->target[b->n_targets++] = (int32_t)(random / 7 % (uint64_t)m->hparams.n_vocab);
        }
    }
    b->n = b->begin[b->n_sequences] = micro;
}

/* The three products of training, for each matrix of a layer. */
struct products {
    const struct tr_model *model;
    int n, widest;
    float **x, **out; /* [threads][n][widest] */
    float **dw;
    double flops; /* of one thread */
};

static void multiply(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)thread;
    const struct products *p = context;
    for (int k = 0; k < PD_LAYER_TENSORS; k++) {
        const struct tr_tensor *t = p->model->layer[0][k];
        if (t == NULL || t->rows == 1)
            continue;
        struct tr_shape s = {p->n, t->cols, t->rows, NULL, NULL, NULL, NULL};
        tr_linear(s, p->x[chunk], t->value, p->out[chunk], false);
        tr_linear_dx(s, p->x[chunk], t->value, p->out[chunk], false);
        tr_linear_dw(s, p->x[chunk], p->x[chunk], 1.0f, p->dw[chunk]);
    }
}

/* GFLOP/s of plain products. */
static double measure_products(const struct tr_setup *setup, int micro)
{
    const struct tr_model *m = &setup->model;
    struct products p = {.model = m, .n = micro};
    size_t most = 0;
    for (int k = 0; k < PD_LAYER_TENSORS; k++) {
        const struct tr_tensor *t = m->layer[0][k];
        if (t == NULL || t->rows == 1)
            continue;
        p.widest = pd_max_int(p.widest, pd_max_int(t->rows, t->cols));
        most = tr_area(t->rows, t->cols) > most ? tr_area(t->rows, t->cols) : most;
        p.flops += 6.0 * micro * t->rows * t->cols;
    }
    size_t n = tr_area(micro, p.widest), n_threads = (size_t)setup->n_threads;
    float **blocks = tr_alloc(3 * n_threads, sizeof *blocks);
    p.x = blocks;
    p.out = blocks + n_threads;
    p.dw = blocks + 2 * n_threads;
    for (size_t i = 0; i < n_threads; i++) {
        p.x[i] = tr_new_floats(n);
        p.out[i] = tr_new_floats(n);
        for (size_t k = 0; k < n; k++)
            p.x[i][k] = pd_rng_float(1, i, k) - 0.5f;
        p.dw[i] = tr_new_floats(most);
    }
    pd_pool_run_chunks(setup->pool, setup->n_threads, multiply, &p); /* touches its memory */
    double begin = worked_now(setup->n_threads);
    for (int round = 0; round < ROUNDS; round++)
        pd_pool_run_chunks(setup->pool, setup->n_threads, multiply, &p);
    double work = (worked_now(setup->n_threads) - begin) / ROUNDS;
    for (size_t i = 0; i < n_threads; i++) {
        tr_free_floats(p.x[i], n);
        tr_free_floats(p.out[i], n);
        tr_free_floats(p.dw[i], most);
    }
    free(blocks);
    return p.flops * setup->n_threads / work / 1e9;
}

static void measure_steps(struct tr_setup *setup, int micro)
{
    struct tr_team team;
    struct tr_adam adam;
    struct tr_objective objective = {.language = 1};
    int n = setup->n_threads;
    struct tr_batch *batches = tr_alloc((size_t)n, sizeof *batches);
    tr_team_init(&team, &setup->model, NULL, setup->pool, n,
                 (struct tr_pass_size){micro, SEQUENCE, true, setup->level});
    tr_adam_init(&adam, &setup->model.params);
    for (int i = 0; i < n; i++) {
        tr_batch_init(&batches[i], micro);
        fill(&setup->model, micro, (uint64_t)i, &batches[i]);
    }
    puts("step   tokens/s   GFLOP/s of products   plain products   share   optimiser");
    for (int round = 0; round < ROUNDS; round++) {
        double plain = measure_products(setup, micro);
        double begin = seconds_now(), begin_work = worked_now(n);
        tr_team_run(&team, batches, n, &objective, true);
        double run = seconds_now() - begin, work = worked_now(n) - begin_work;
        struct tr_adam_step step = {1e-4, 0.01, 1, team.grads, n};
        tr_adam_step(&adam, setup->pool, &step);
        tr_packs_renew(&setup->model, setup->pool);
        double all = worked_now(n) - begin_work;
        double gflops = tr_team_take_flops(&team) / work / 1e9;
        printf("%4d %10.0f %21.0f %16.0f %6.0f%% %8.0f ms\n", round, micro * n / run, gflops, plain,
               100 * gflops / plain, 1000 * (all - work));
    }
    for (int i = 0; i < n; i++)
        tr_batch_free(&batches[i]);
    free(batches);
    tr_adam_free(&adam);
    tr_team_free(&team);
}

int tr_bench(const struct tr_settings *settings)
{
    struct tr_setup setup;
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    enum ponder_status status = tr_setup_open(&setup, settings, &err);
    if (status == PONDER_OK) {
        printf("%s, %.1f M parameters, %.2f M trained; sequences of %d, %d tokens a thread, %d "
               "threads, products in %s\n",
               setup.model.family->name, (double)tr_model_size(&setup.model) / 1e6,
               (double)setup.model.params.n_values / 1e6, SEQUENCE, settings->micro,
               setup.n_threads, setup.level != NULL ? setup.level->name : "f32");
        measure_steps(&setup, settings->micro);
    } else {
        tr_say("%s", text);
    }
    tr_setup_close(&setup);
    return ponder_status_exit_code(status);
}
