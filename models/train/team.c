/* SPDX-License-Identifier: Apache-2.0
 * team.c - see team.h. */
#include "team.h"

#include <stdlib.h>

#include "memory.h"

/* Angles of positions 0..n - 1, in memory of their own. */
static void *new_rope(struct pd_rope *rope, const struct tr_model *m, int n, struct pd_pool *pool)
{
    struct pd_arena a;
    struct pd_rope_fill fill;
    pd_arena_init_count(&a);
    pd_rope_layout(rope, &m->hparams, n, &a);
    size_t bytes = pd_arena_block_bytes(&a);
    void *block = tr_alloc(1, bytes);
    pd_arena_init(&a, block, bytes);
    pd_rope_layout(rope, &m->hparams, n, &a);
    struct pd_pool_task task =
        pd_rope_fill_task(&fill, rope, &m->hparams, m->rope_freqs ? m->rope_freqs->value : NULL);
    pd_pool_run_tasks(pool, &task, 1);
    return block;
}

void tr_team_init(struct tr_team *t, const struct tr_model *model, const struct tr_model *teacher,
                  struct pd_pool *pool, int n, struct tr_pass_size size)
{
    *t = (struct tr_team){.pool = pool, .model = model, .teacher = teacher, .n = n};
    t->pass = tr_alloc((size_t)n, sizeof *t->pass);
    t->grads = tr_alloc((size_t)n, sizeof *t->grads);
    t->tables = new_rope(&t->rope, model, size.max_sequence, pool);
    for (int i = 0; i < n; i++) {
        tr_pass_init(&t->pass[i], model, &t->rope, size);
        if (size.keeps) {
            t->grads[i] = tr_new_floats(model->params.n_values);
            t->pass[i].grads = t->grads[i];
        }
    }
    if (teacher == NULL)
        return;
    struct tr_pass_size looks = {size.max_tokens, size.max_sequence, false, size.level};
    t->teacher_pass = tr_alloc((size_t)n, sizeof *t->teacher_pass);
    t->teacher_tables = new_rope(&t->teacher_rope, teacher, size.max_sequence, pool);
    for (int i = 0; i < n; i++)
        tr_pass_init(&t->teacher_pass[i], teacher, &t->teacher_rope, looks);
}

void tr_team_free(struct tr_team *t)
{
    for (int i = 0; i < t->n; i++) {
        tr_pass_free(&t->pass[i]);
        if (t->teacher_pass != NULL)
            tr_pass_free(&t->teacher_pass[i]);
        if (t->grads[i] != NULL)
            tr_free_floats(t->grads[i], t->model->params.n_values);
    }
    free(t->pass);
    free(t->teacher_pass);
    free(t->grads);
    free(t->tables);
    free(t->teacher_tables);
    *t = (struct tr_team){.n = 0};
}

struct job {
    struct tr_team *team;
    const struct tr_batch *batches;
    int n;
    const struct tr_objective *objective;
    float language_scale, head_scale; /* 0: no gradients */
    struct tr_losses *losses;         /* [team->n] */
};

static void run_batch(const struct job *job, int i, const struct tr_batch *b)
{
    struct tr_pass *p = &job->team->pass[i];
    struct tr_losses *losses = &job->losses[i];
    const struct tr_objective *o = job->objective;
    bool trains = job->language_scale != 0 || job->head_scale != 0;
    tr_pass_forward(p, b);
    if (trains)
        tr_pass_begin_back(p, b);
    if (o->distils) {
        tr_pass_forward(&job->team->teacher_pass[i], b);
        losses->language += tr_pass_distil(p, &job->team->teacher_pass[i], b, job->language_scale);
    } else if (o->language > 0) {
        losses->language += tr_pass_language(p, b, job->language_scale);
    }
    if (o->head > 0)
        losses->head += tr_pass_head(p, b, o->kind, job->head_scale);
    if (trains)
        tr_pass_back(p, b);
}

static void run_share(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)thread;
    const struct job *job = context;
    for (int i = chunk; i < job->n; i += job->team->n)
        run_batch(job, chunk, &job->batches[i]);
}

struct tr_losses tr_team_run(struct tr_team *t, const struct tr_batch *batches, int n,
                             const struct tr_objective *objective, bool trains)
{
    struct tr_losses sum = {0};
    struct tr_losses *losses = tr_alloc((size_t)t->n, sizeof *losses);
    for (int i = 0; i < n; i++) {
        sum.n_targets += batches[i].n_targets;
        sum.n_labels += batches[i].n_labels;
        sum.n_tokens += batches[i].n;
    }
    struct job job = {
        .team = t, .batches = batches, .n = n, .objective = objective, .losses = losses};
    if (trains && sum.n_targets > 0)
        job.language_scale = objective->language / (float)sum.n_targets;
    if (trains && sum.n_labels > 0)
        job.head_scale = objective->head / (float)sum.n_labels;
    pd_pool_run_chunks(t->pool, t->n, run_share, &job);
    for (int i = 0; i < t->n; i++) {
        sum.language += losses[i].language;
        sum.head += losses[i].head;
    }
    free(losses);
    return sum;
}

double tr_team_take_flops(struct tr_team *t)
{
    double flops = 0;
    for (int i = 0; i < t->n; i++) {
        flops += t->pass[i].flops;
        t->pass[i].flops = 0;
        if (t->teacher_pass != NULL) {
            flops += t->teacher_pass[i].flops;
            t->teacher_pass[i].flops = 0;
        }
    }
    return flops;
}

double tr_objective_value(const struct tr_objective *objective, const struct tr_losses *losses)
{
    double value = 0;
    if (losses->n_targets > 0)
        value += (double)objective->language * losses->language / (double)losses->n_targets;
    if (losses->n_labels > 0)
        value += (double)objective->head * losses->head / (double)losses->n_labels;
    return value;
}
