/* SPDX-License-Identifier: Apache-2.0
 * trainer.c - see trainer.h. */
#include "trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "log.h"
#include "memory.h"
#include "packs.h"
#include "setup.h"
#include "team.h"

enum outcome { FINISHED, STOPPED, DIVERGED, BROKEN };

struct trainer {
    const struct tr_settings *settings;
    const volatile sig_atomic_t *stop;
    struct tr_setup setup;
    struct tr_data data, eval_data;
    struct tr_feed feed;
    struct tr_team team;
    struct tr_adam adam;
    struct tr_log log;
    struct tr_state state;
    struct tr_objective objective;
    int micro;              /* tokens of a batch */
    int n_batches;          /* of a step */
    struct tr_batch *batch; /* [n_batches] */
    int n_eval_batches;
    struct tr_batch *eval_batch;
    char run[TR_RUN_BYTES]; /* what it is, for checkpoints */
    char *checkpoint;       /* path */
    double checkpoint_at;   /* seconds of the run */
    bool out_is_missing;    /* OUT could not be written */
    char text[PONDER_ERROR_BYTES];
    struct pd_error err;
};

/* --- setting up --- */

static void choose_sizes(struct trainer *t)
{
    const struct tr_settings *o = t->settings;
    int context = pd_min_int(o->context, t->setup.model.hparams.n_ctx_train);
    int share = pd_max_int(context, pd_div_up(o->batch, t->setup.n_threads));
    t->micro = pd_max_int(context, pd_min_int(o->micro, share));
    t->n_batches = pd_div_up(o->batch, t->micro);
    t->data.max_tokens = t->eval_data.max_tokens = context;
}

static void choose_objective(struct trainer *t)
{
    const struct tr_settings *o = t->settings;
    enum tr_head_kind head = tr_setup_head(o);
    t->objective = (struct tr_objective){
        .language = head == TR_HEADS ? 1 : (float)o->language_weight,
        .head = head == TR_HEADS ? 0 : 1,
        .kind = head == TR_HEADS ? TR_HEAD_VALUE : head,
        .distils = o->task == TR_DISTILL,
    };
}

static enum ponder_status load_data(struct trainer *t)
{
    const struct tr_settings *o = t->settings;
    struct tr_data *both[2] = {&t->data, &t->eval_data};
    for (int i = 0; i < 2; i++) {
        both[i]->tokenizer = t->setup.tokenizer;
        both[i]->task = o->task;
        both[i]->has_calculator = o->has_calculator;
        both[i]->seed = o->seed;
    }
    for (int i = 0; i < o->n_data; i++)
        PD_TRY(tr_data_load(&t->data, o->data[i].path, o->data[i].weight, &t->err));
    return o->eval ? tr_data_load(&t->eval_data, o->eval, 1, &t->err) : PONDER_OK;
}

static struct tr_batch *new_batches(int n, int micro)
{
    struct tr_batch *batches = tr_alloc((size_t)n, sizeof *batches);
    for (int i = 0; i < n; i++)
        tr_batch_init(&batches[i], micro);
    return batches;
}

/* The held-out batches are the same ones all the time. */
static void make_eval_batches(struct trainer *t)
{
    struct tr_feed feed;
    int n = pd_div_up(t->settings->eval_tokens, t->micro);
    tr_feed_init(&feed, &t->eval_data, 1, 0, 0);
    t->eval_batch = new_batches(n, t->micro);
    for (int i = 0; i < n; i++) {
        tr_feed_fill(&feed, t->micro, true, &t->eval_batch[i]);
        t->n_eval_batches += t->eval_batch[i].n > 0;
    }
    tr_feed_free(&feed);
}

static void describe_run(struct trainer *t)
{
    const struct tr_settings *o = t->settings;
    const struct tr_params *p = &t->setup.model.params;
    snprintf(t->run, sizeof t->run,
             "objective=%s parameters=%zu arrays=%d lora=%d head-only=%d seed=%llu batch=%d "
             "micro=%d threads=%d examples=%d tokens=%zu lr=%g weight-decay=%g clip=%g warmup=%d "
             "language=%g calculator=%d precision=%s",
             tr_task_name(o->task), p->n_values, p->n, o->lora_rank, o->head_only,
             (unsigned long long)o->seed, o->batch, t->micro, t->setup.n_threads,
             t->data.n_examples, t->data.n_tokens, o->rate, o->weight_decay, o->clip, o->warmup,
             o->language_weight, o->has_calculator, t->setup.level != NULL ? "bf16" : "f32");
}

static enum ponder_status resume(struct trainer *t)
{
    bool is_there = false;
    t->state = (struct tr_state){.best_eval = INFINITY, .best_mean = INFINITY};
    if (!t->settings->resumes)
        return PONDER_OK;
    enum ponder_status status =
        tr_checkpoint_read(t->checkpoint, t->run, &t->state, &t->adam, &is_there, &t->err);
    if (status != PONDER_OK && is_there)
        return status;
    if (is_there) {
        tr_packs_renew(&t->setup.model, t->setup.pool);
        tr_say("going on from step %lld of %s", (long long)t->state.step, t->checkpoint);
    }
    return PONDER_OK;
}

static void introduce(const struct trainer *t)
{
    const struct tr_model *m = &t->setup.model;
    struct tr_pass_size size = {t->micro, t->data.max_tokens, true, t->setup.level};
    if (t->settings->is_quiet)
        return;
    tr_say("%s, %.1f M parameters, %.2f M of them or beside them are trained; %d examples of %zu "
           "tokens; %d batches of %d tokens a step on %d threads, products in %s; %.0f MiB",
           m->family->name, (double)tr_model_size(m) / 1e6, (double)m->params.n_values / 1e6,
           t->data.n_examples, t->data.n_tokens, t->n_batches, t->micro, t->team.n,
           t->setup.level != NULL ? t->setup.level->name : "f32",
           ((double)tr_pass_bytes(m, size) * t->team.n +
            4.0 * ((double)m->n_values + (double)m->n_packs +
                   (double)(t->team.n + 2) * (double)m->params.n_values)) /
               1048576);
}

static enum ponder_status begin(struct trainer *t)
{
    const struct tr_settings *o = t->settings;
    PD_TRY(tr_setup_open(&t->setup, o, &t->err));
    choose_sizes(t);
    choose_objective(t);
    PD_TRY(load_data(t));
    t->checkpoint = tr_alloc(strlen(o->out) + 6, 1);
    snprintf(t->checkpoint, strlen(o->out) + 6, "%s.ckpt", o->out);
    describe_run(t);
    tr_adam_init(&t->adam, &t->setup.model.params);
    PD_TRY(resume(t));
    tr_team_init(&t->team, &t->setup.model, o->teacher ? &t->setup.teacher : NULL, t->setup.pool,
                 t->setup.n_threads,
                 (struct tr_pass_size){t->micro, t->data.max_tokens, true, t->setup.level});
    tr_feed_init(&t->feed, &t->data, o->seed, t->state.epoch, (int)t->state.next);
    t->batch = new_batches(t->n_batches, t->micro);
    if (o->eval)
        make_eval_batches(t);
    t->checkpoint_at = t->state.seconds + o->checkpoint_seconds;
    PD_TRY(tr_log_begin(&t->log, o->out, t->state.step, o->is_quiet, &t->err));
    introduce(t);
    return PONDER_OK;
}

static void end(struct trainer *t)
{
    tr_log_end(&t->log);
    for (int i = 0; t->batch != NULL && i < t->n_batches; i++)
        tr_batch_free(&t->batch[i]);
    for (int i = 0; t->eval_batch != NULL && i < pd_div_up(t->settings->eval_tokens, t->micro); i++)
        tr_batch_free(&t->eval_batch[i]);
    free(t->batch);
    free(t->eval_batch);
    tr_feed_free(&t->feed);
    tr_team_free(&t->team);
    tr_adam_free(&t->adam);
    tr_data_free(&t->data);
    tr_data_free(&t->eval_data);
    free(t->checkpoint);
    tr_setup_close(&t->setup);
}

/* --- the loop --- */

/* 0..1: how far the run is by whichever limit is nearest. */
static double progress(const struct trainer *t)
{
    const struct tr_settings *o = t->settings;
    double done = 0;
    if (o->steps > 0)
        done = fmax(done, (double)t->state.step / o->steps);
    if (o->epochs > 0)
        done = fmax(done, tr_feed_epochs(&t->feed) / o->epochs);
    if (o->seconds > 0)
        done = fmax(done, t->state.seconds / o->seconds);
    return fmin(done, 1);
}

/* Up in a line, down along half a cosine to a tenth. */
static double rate_at(const struct trainer *t, double done)
{
    static const double pi = 3.14159265358979323846;
    double rise =
        t->settings->warmup > 0 ? fmin(1, (double)(t->state.step + 1) / t->settings->warmup) : 1;
    return t->settings->rate * rise * (0.1 + 0.9 * 0.5 * (1 + cos(pi * done)));
}

static void save(struct trainer *t)
{
    tr_log_clear(&t->log);
    t->out_is_missing = tr_setup_save(&t->setup, &t->err) != PONDER_OK;
    if (t->out_is_missing)
        tr_say("%s", t->text);
}

/* A loss this far above the best it was will not come back. */
static bool is_diverging(const struct trainer *t)
{
    return !isfinite(t->state.mean) || t->state.mean > 1.5 * t->state.best_mean + 0.5;
}

static void write_checkpoint(struct trainer *t)
{
    t->checkpoint_at = t->state.seconds + t->settings->checkpoint_seconds;
    t->state.epoch = t->feed.epoch;
    t->state.next = t->feed.next;
    if (tr_checkpoint_write(t->checkpoint, t->run, &t->state, &t->adam, &t->err) != PONDER_OK) {
        tr_log_clear(&t->log);
        tr_say("%s; the last checkpoint stays", t->text);
    }
}

static double evaluate(struct trainer *t)
{
    struct tr_losses losses =
        tr_team_run(&t->team, t->eval_batch, t->n_eval_batches, &t->objective, false);
    double value = tr_objective_value(&t->objective, &losses);
    if (value < t->state.best_eval) {
        t->state.best_eval = value;
        save(t);
    }
    return value;
}

/* One step. Its row of the log comes back but for the held-out loss. */
static struct tr_log_row step(struct trainer *t)
{
    const struct tr_settings *o = t->settings;
    double rate = rate_at(t, progress(t));
    for (int i = 0; i < t->n_batches; i++)
        tr_feed_fill(&t->feed, t->micro, false, &t->batch[i]);
    struct tr_losses losses = tr_team_run(&t->team, t->batch, t->n_batches, &t->objective, true);
    struct tr_adam_step adam = {rate, o->weight_decay, o->clip, t->team.grads, t->team.n};
    double norm = tr_adam_step(&t->adam, t->setup.pool, &adam);
    tr_packs_renew(&t->setup.model, t->setup.pool);
    double loss = tr_objective_value(&t->objective, &losses);
    t->state.step++;
    t->state.tokens += losses.n_tokens;
    t->state.mean = t->state.step == 1 ? loss : 0.95 * t->state.mean + 0.05 * loss;
    if (t->state.step >= 20 && t->state.mean < t->state.best_mean)
        t->state.best_mean = t->state.mean;
    return (struct tr_log_row){.state = &t->state,
                               .loss = isfinite(norm) ? loss : NAN,
                               .eval = NAN,
                               .rate = rate,
                               .norm = norm,
                               .tokens_per_second = (double)losses.n_tokens};
}

static enum outcome loop(struct trainer *t)
{
    const struct tr_settings *o = t->settings;
    while (progress(t) < 1) {
        int64_t begin_ns = pd_clock_ns();
        struct tr_log_row row = step(t);
        double step_seconds = (double)(pd_clock_ns() - begin_ns) / 1e9;
        row.tokens_per_second /= step_seconds;
        row.gflops = tr_team_take_flops(&t->team) / step_seconds / 1e9;
        t->state.seconds += step_seconds;
        if (!isfinite(row.loss) || is_diverging(t))
            return DIVERGED;
        row.progress = progress(t);
        row.epochs = tr_feed_epochs(&t->feed);
        int64_t n_evals = (int64_t)(row.progress * o->n_evals);
        if (o->eval && n_evals > t->state.n_evals) {
            t->state.n_evals = n_evals;
            row.eval = evaluate(t);
            tr_team_take_flops(&t->team);
            t->state.seconds += (double)(pd_clock_ns() - begin_ns) / 1e9 - step_seconds;
        }
        tr_log_step(&t->log, &row);
        if (*t->stop)
            return STOPPED;
        if (t->state.seconds >= t->checkpoint_at) {
            write_checkpoint(t);
            tr_log_draw(&t->log);
        }
    }
    return FINISHED;
}

static int finish(struct trainer *t, enum outcome outcome)
{
    const struct tr_settings *o = t->settings;
    tr_log_clear(&t->log);
    tr_log_draw(&t->log);
    if (outcome == DIVERGED) {
        tr_say("the loss diverged at step %lld; %s%s; try a lower --lr", (long long)t->state.step,
               isfinite(t->state.best_eval) ? "the best model so far is "
                                            : "nothing was written to ",
               o->out);
        return TR_EXIT_DIVERGED;
    }
    write_checkpoint(t);
    if (outcome == STOPPED) {
        tr_say("stopped at step %lld; --resume goes on from %s", (long long)t->state.step,
               t->checkpoint);
        return 128 + (int)*t->stop;
    }
    if (!o->eval)
        save(t);
    if (t->out_is_missing)
        return TR_EXIT_FILE;
    if (!o->is_quiet)
        tr_say("%s: %lld steps, %.2f M tokens, %.0f s; loss %.4f%s", o->out,
               (long long)t->state.step, (double)t->state.tokens / 1e6, t->state.seconds,
               t->state.mean, o->eval ? "; the best held-out loss is in the log" : "");
    return TR_EXIT_OK;
}

int tr_train(const struct tr_settings *settings, const volatile sig_atomic_t *stop)
{
    struct trainer t = {.settings = settings, .stop = stop};
    t.err = (struct pd_error){t.text, sizeof t.text};
    enum ponder_status status = begin(&t);
    int code = ponder_status_exit_code(status);
    if (status != PONDER_OK)
        tr_say("%s", t.text[0] ? t.text : ponder_status_text(status));
    else if (progress(&t) >= 1)
        tr_say("%s is finished already: %lld steps; a higher limit goes on", settings->out,
               (long long)t.state.step);
    else
        code = finish(&t, loop(&t));
    end(&t);
    return code;
}
