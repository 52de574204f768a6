/* SPDX-License-Identifier: Apache-2.0
 * search.c - see search.h. */
#include "search/search.h"

#include <string.h>

#include "base/os.h"
#include "base/utf8.h"
#include "search/deadline.h"
#include "search/force.h"
#include "search/lane.h"
#include "search/prompt.h"
#include "search/strategy.h"

void pd_search_layout(struct pd_search *s, struct pd_decoder *d, const struct pd_tokenizer *t,
                      struct pd_search_size size, struct pd_arena *a)
{
    *s = (struct pd_search){.decoder = d, .tokenizer = t, .size = size, .mark = ""};
    int n_sample_tokens = size.max_tokens + PD_FORCED_TOKENS;
    s->text_capacity = 16 * (size_t)n_sample_tokens + 1024;
    s->prompt = PD_NEW(a, int32_t, size.max_prompt_tokens);
    s->cached = PD_NEW(a, int32_t, size.max_prompt_tokens);
    s->question = pd_arena_alloc(a, 1, size.max_text_bytes);
    s->forced = PD_NEW(a, int32_t, PD_FORCED_TOKENS);
    s->sample = PD_NEW(a, struct pd_sample, PD_MAX_SAMPLES);
    s->group = PD_NEW(a, struct pd_group, PD_MAX_SAMPLES);
    int32_t *tokens =
        pd_arena_alloc(a, (size_t)PD_MAX_SAMPLES * (size_t)n_sample_tokens, sizeof *tokens);
    s->run = PD_NEW(a, struct pd_run, size.n_lanes);
    char *texts = pd_arena_alloc(a, (size_t)size.n_lanes, s->text_capacity);
    s->row = PD_NEW(a, struct pd_row, d->size.n_batch);
    s->draw = PD_NEW(a, struct pd_draw, d->size.n_batch);
    s->sampler = PD_NEW(a, struct pd_sampler, d->size.n_threads);
    for (int i = 0; i < d->size.n_threads; i++) {
        struct pd_sampler unplaced;
        pd_sampler_layout(s->sampler != NULL ? &s->sampler[i] : &unplaced, &d->head, a);
    }
    s->text = pd_arena_alloc(a, 1, s->text_capacity);
    s->scratch_bytes = pd_tokenizer_scratch_bytes(size.max_text_bytes);
    s->scratch = pd_arena_alloc(a, 1, s->scratch_bytes);
    if (pd_arena_is_counting(a) || a->overflowed)
        return;
    for (int i = 0; i < PD_MAX_SAMPLES; i++)
        s->sample[i].token = tokens + (size_t)i * (size_t)n_sample_tokens;
    for (int i = 0; i < size.n_lanes; i++)
        s->run[i].text = texts + (size_t)i * s->text_capacity;
    s->trunk = -1;
}

/* ---- one sample ---- */

/* Bytes of the text without the stop text that it may end with. */
static size_t before_stop(const struct pd_search *s, const char *text, size_t bytes)
{
    size_t stop_bytes = s->task.stop != NULL ? strlen(s->task.stop) : 0;
    if (stop_bytes == 0 || stop_bytes > bytes ||
        memcmp(text + bytes - stop_bytes, s->task.stop, stop_bytes) != 0)
        return bytes;
    return bytes - stop_bytes;
}

/* Takes in the token that was drawn for a run. True if the sample has ended, in *state_ret. */
static bool accept_token(struct pd_search *s, struct pd_run *run, enum pd_sample_state *state_ret)
{
    *state_ret = PD_SAMPLE_ENDED;
    if (pd_tokenizer_ends_text(s->tokenizer, run->next))
        return true;
    bool fits = pd_search_append_drawn(s, run);
    size_t kept_bytes = before_stop(s, run->text, run->text_bytes);
    if (kept_bytes < run->text_bytes) {
        run->text_bytes = kept_bytes;
        return true;
    }
    if (s->task.wants_answer && pd_prompt_answer_is_final(s, run->text, run->text_bytes))
        return true;
    *state_ret = PD_SAMPLE_CUT;
    return !fits || s->sample[run->sample].n_tokens >= s->task.max_tokens;
}

/* ---- all lanes ---- */

static bool is_cancelled(const struct pd_search *s)
{
    return s->task.cancel != NULL && *s->task.cancel;
}

/* Starts samples on free lanes: each has the prompt's past, and draws its first token from its output. With a
 * deadline only as many run as can write an answer in time; the first one in any case. */
static enum ponder_status fill_lanes(struct pd_search *s)
{
    int n_lanes = pd_deadline_lanes(s);
    if (s->n_samples == 0)
        n_lanes = pd_max_int(n_lanes, 1);
    while (s->n_running < n_lanes && s->n_samples < s->task.n_samples) {
        struct pd_run *run = &s->run[s->n_running];
        PD_TRY(pd_kv_fork(&s->decoder->kv, s->trunk, &run->lane));
        run->sample = s->n_samples;
        run->text_bytes = 0;
        run->output = s->decoder->head.n_rows;
        struct pd_sample *sample = &s->sample[s->n_samples++];
        *sample = (struct pd_sample){.token = sample->token, .group = PD_NO_GROUP};
        s->n_running++;
    }
    return PONDER_OK;
}

/* A token for every run. */
static void draw(struct pd_search *s)
{
    for (int i = 0; i < s->n_running; i++) {
        const struct pd_sample *sample = &s->sample[s->run[i].sample];
        int n_recent = pd_min_int(sample->n_tokens, PD_REPEAT_WINDOW);
        s->draw[i] = (struct pd_draw){.row = s->run[i].output,
                                      .recent = sample->token + sample->n_tokens - n_recent,
                                      .n_recent = n_recent,
                                      .sample = (uint64_t)s->run[i].sample,
                                      .position = (uint64_t)sample->n_tokens};
    }
    pd_sample_all(s->sampler, &s->decoder->head, s->decoder->pool, &s->task.how, s->draw,
                  s->n_running);
    for (int i = 0; i < s->n_running; i++) {
        s->run[i].next = s->draw[i].token;
        s->run[i].next_log_prob = s->draw[i].log_prob;
    }
}

/* Draws a token for every run, takes it in, and drops the runs that have ended. True if any has. */
static bool draw_and_accept(struct pd_search *s)
{
    draw(s);
    if (s->first_token_ns == 0)
        s->first_token_ns = pd_clock_ns();
    int n_left = 0;
    for (int i = 0; i < s->n_running; i++) {
        enum pd_sample_state state;
        if (accept_token(s, &s->run[i], &state)) {
            pd_search_end_sample(s, &s->run[i], state);
            continue;
        }
        struct pd_run kept = s->run[i]; /* a swap, not a copy: text buffers stay with their runs */
        s->run[i] = s->run[n_left];
        s->run[n_left++] = kept;
    }
    bool has_ended = n_left < s->n_running;
    s->n_running = n_left;
    return has_ended;
}

/* Puts the last token of every run through the model. */
static enum ponder_status step_lanes(struct pd_search *s)
{
    for (int i = 0; i < s->n_running; i++) {
        const struct pd_sample *sample = &s->sample[s->run[i].sample];
        s->row[i] = (struct pd_row){.token = sample->token[sample->n_tokens - 1],
                                    .lane = s->run[i].lane,
                                    .wants_output = true};
    }
    int64_t start = pd_clock_ns();
    PD_TRY(pd_decoder_step(s->decoder, s->row, s->n_running, 0));
    pd_deadline_note_step(s, pd_clock_ns() - start, s->n_running);
    s->n_steps++;
    for (int i = 0; i < s->n_running; i++)
        s->run[i].output = s->row[i].output;
    return PONDER_OK;
}

/* Makes the trunk lane hold as much of the new prompt as it still has from the last one; a row's result does not
 * depend on when it was computed. At least the last token is left to do, for its output. */
static enum ponder_status rewind_trunk(struct pd_search *s, int *n_kept_ret)
{
    struct pd_kv *kv = &s->decoder->kv;
    for (int i = 0; i < kv->n_lanes; i++)
        if (kv->lane[i].is_used && i != s->trunk)
            pd_kv_prune(kv, i);
    int n = 0;
    if (s->trunk < 0)
        PD_TRY(pd_kv_fork(kv, -1, &s->trunk));
    while (n < s->n_cached && n < s->n_prompt - 1 && s->cached[n] == s->prompt[n])
        n++;
    pd_kv_rewind(kv, s->trunk, n);
    s->n_cached = n;
    *n_kept_ret = n;
    return PONDER_OK;
}

/* The prompt into the trunk lane, in batches; its last output is kept for every sample to start from. */
static enum ponder_status prefill(struct pd_search *s, struct pd_outcome *outcome)
{
    struct pd_decoder *d = s->decoder;
    int done;
    d->head.logits = NULL;
    d->head.inverse_temperature =
        pd_sampling_inverse_temperature(&s->task.how, d->hparams.n_vocab);
    PD_TRY(rewind_trunk(s, &done));
    while (done < s->n_prompt) {
        int n = pd_min_int(s->n_prompt - done, d->size.n_batch);
        for (int i = 0; i < n; i++)
            s->row[i] = (struct pd_row){.token = s->prompt[done + i],
                                        .lane = s->trunk,
                                        .wants_output = done + i == s->n_prompt - 1};
        int64_t start = pd_clock_ns();
        enum ponder_status status = pd_decoder_step(d, s->row, n, s->task.deadline_ns);
        if (status == PONDER_NO_TIME) {
            outcome->finish = PONDER_DEADLINE;
            outcome->needed_ns = pd_deadline_needed_ns(s, (double)(start - s->start_ns), done);
        }
        PD_TRY(status);
        pd_deadline_note(s, pd_clock_ns() - start, n);
        memcpy(s->cached + done, s->prompt + done, (size_t)n * sizeof *s->cached);
        done += n;
        s->n_cached = done;
        if (is_cancelled(s)) {
            outcome->finish = PONDER_INTERRUPTED;
            return PONDER_CANCELLED;
        }
    }
    pd_decoder_keep(d, 0);
    return PONDER_OK;
}

void pd_search_forget(struct pd_search *s)
{
    pd_kv_reset(&s->decoder->kv);
    s->trunk = -1;
    s->n_cached = 0;
}

enum ponder_status pd_search_warm(struct pd_search *s)
{
    struct pd_outcome ignored;
    s->task = (struct pd_task){0};
    if (s->n_prompt == 0)
        return PONDER_OK;
    return prefill(s, &ignored);
}

/* Rounds until a strategy has decided, all samples have ended, or time is up. */
static enum ponder_status think(struct pd_search *s, enum ponder_finish *finish_ret)
{
    for (;;) {
        *finish_ret = PONDER_DEADLINE;
        PD_TRY(fill_lanes(s));
        if (s->n_running == 0 || !pd_deadline_allows_draw(s))
            return PONDER_OK;
        if (draw_and_accept(s)) {
            bool is_last = s->n_running == 0 && s->n_samples == s->task.n_samples;
            bool is_decided = s->strategy->is_decided(s);
            if (is_last || is_decided) {
                *finish_ret = is_last ? PONDER_COMPLETE : PONDER_EARLY_STOP;
                return PONDER_OK;
            }
        }
        if (is_cancelled(s)) {
            *finish_ret = PONDER_INTERRUPTED;
            return PONDER_CANCELLED;
        }
        if (!pd_deadline_allows_step(s))
            return PONDER_OK;
        if (s->n_running > 0)
            PD_TRY(step_lanes(s));
    }
}

/* ---- the result ---- */

/* The text of a sample's tokens, into s->text; its length. */
static size_t render(struct pd_search *s, const struct pd_sample *sample)
{
    size_t bytes = 0;
    for (int i = 0; i < sample->n_tokens; i++) {
        size_t room = s->text_capacity - bytes;
        bytes += pd_min_size(
            pd_token_text(s->tokenizer, sample->token[i], false, s->text + bytes, room), room);
    }
    return bytes;
}

/* When no sample has a finished answer, an unfinished one may hold a number all the same: the longest that does. */
static void choose_unfinished(struct pd_search *s, struct pd_outcome *outcome)
{
    int most = -1;
    for (int i = 0; i < s->n_samples; i++) {
        struct pd_sample *sample = &s->sample[i];
        char answer[PD_ANSWER_BYTES];
        if (sample->n_tokens <= most ||
            !pd_prompt_find_answer(s, s->text, render(s, sample), answer, sizeof answer))
            continue;
        most = sample->n_tokens;
        sample->group = pd_search_group(s, answer);
        outcome->sample = i;
        outcome->answer = s->group[sample->group].answer;
    }
}

static void conclude(struct pd_search *s, struct pd_outcome *outcome)
{
    struct pd_choice choice = s->strategy->choose(s);
    if (choice.sample >= 0) {
        outcome->sample = choice.sample;
        outcome->confidence = choice.confidence;
        outcome->answer = s->group[s->sample[choice.sample].group].answer;
    } else if (s->task.wants_answer) {
        choose_unfinished(s, outcome);
    }
    if (outcome->sample < 0 && s->n_samples > 0)
        outcome->sample = 0; /* no answer in any: show what the first one wrote */
    for (int i = 0; i < s->n_samples; i++)
        outcome->n_ended += pd_sample_is_finished(&s->sample[i]);
    if (outcome->sample >= 0) {
        size_t bytes = render(s, &s->sample[outcome->sample]);
        outcome->text_bytes = pd_utf8_complete_bytes(s->text, before_stop(s, s->text, bytes));
    }
}

enum ponder_status pd_search_run(struct pd_search *s, const struct pd_task *task,
                                 const struct pd_strategy *strategy, int64_t start_ns,
                                 struct pd_outcome *outcome_ret)
{
    *outcome_ret = (struct pd_outcome){.sample = -1, .answer = ""};
    s->task = *task;
    s->strategy = strategy;
    s->start_ns = start_ns;
    s->first_token_ns = 0;
    s->longest_step_ns = s->decoder->longest_layer_ns = 0;
    s->n_samples = s->n_groups = s->n_running = s->n_steps = s->n_tokens = 0;

    PD_TRY(prefill(s, outcome_ret));
    enum ponder_status status = think(s, &outcome_ret->finish);
    if (status == PONDER_OK && outcome_ret->finish == PONDER_DEADLINE && task->wants_answer &&
        s->n_groups == 0)
        pd_force_answers(s);
    conclude(s, outcome_ret);
    if (status == PONDER_OK && s->n_tokens == 0 && outcome_ret->finish == PONDER_DEADLINE) {
        outcome_ret->needed_ns = (double)(pd_clock_ns() - start_ns) + pd_deadline_forcing_ns(s, 1);
        return PONDER_NO_TIME;
    }
    return status;
}
