/* SPDX-License-Identifier: Apache-2.0
 * search.c - see search.h. */
#include "search/search.h"

#include <string.h>

#include "base/os.h"
#include "base/utf8.h"
#include "search/deadline.h"
#include "search/force.h"
#include "search/path.h"
#include "search/prompt.h"
#include "search/strategy.h"

void pd_search_layout_around(struct pd_search *s, const struct pd_policy *policy,
                             struct pd_search_size size, struct pd_arena *a)
{
    int n_own_tokens = size.max_tokens + PD_FORCED_TOKENS;
    size_t n_lanes = (size_t)size.n_lanes + 1; /* and the trunk */
    s->policy = *policy;
    s->mark = "";
    s->size = size;
    s->text_capacity = 16 * (size_t)n_own_tokens + 1024;
    s->lead_capacity = n_own_tokens;
    s->prompt = PD_NEW(a, int32_t, size.max_prompt_tokens);
    s->question = pd_arena_alloc(a, 1, size.max_text_bytes);
    s->cached = PD_NEW(a, int32_t, size.max_prompt_tokens);
    s->forced = PD_NEW(a, int32_t, PD_FORCED_TOKENS);
    s->revision = PD_NEW(a, int32_t, PD_REVISION_TOKENS);
    s->path = PD_NEW(a, struct pd_path, PD_MAX_PATHS);
    s->group = PD_NEW(a, struct pd_group, PD_MAX_PATHS);
    int32_t *tokens =
        pd_arena_alloc(a, (size_t)PD_MAX_PATHS * (size_t)n_own_tokens, sizeof *tokens);
    s->running = PD_NEW(a, int, size.n_lanes);
    s->texts = pd_arena_alloc(a, n_lanes, s->text_capacity);
    s->leads = pd_arena_alloc(a, n_lanes * (size_t)s->lead_capacity, sizeof *s->leads);
    s->hidden = pd_arena_alloc(a, n_lanes * (size_t)policy->n_embd, sizeof *s->hidden);
    s->row = PD_NEW(a, struct pd_row, policy->n_batch);
    s->draw = PD_NEW(a, struct pd_draw, policy->n_batch);
    s->text = pd_arena_alloc(a, 1, s->text_capacity);
    s->state = pd_arena_alloc(a, 1, pd_strategy_state_bytes());
    s->scratch_bytes = pd_tokenizer_scratch_bytes(size.max_text_bytes);
    s->scratch = pd_arena_alloc(a, 1, s->scratch_bytes);
    if (pd_arena_is_counting(a) || a->overflowed)
        return;
    for (int i = 0; i < PD_MAX_PATHS; i++)
        s->path[i] = (struct pd_path){.token = tokens + (size_t)i * (size_t)n_own_tokens};
    s->trunk = -1;
}

void pd_search_layout(struct pd_search *s, struct pd_decoder *d, const struct pd_tokenizer *t,
                      struct pd_search_size size, struct pd_arena *a)
{
    *s = (struct pd_search){.tokenizer = t};
    pd_policy_model_layout(&s->model, d, t, a);
    struct pd_policy policy = pd_policy_of_model(&s->model);
    pd_search_layout_around(s, &policy, size, a);
}

/* ---- all lanes ---- */

/* True if a running path can draw: all that comes before is through. */
static bool is_ready(const struct pd_path *path)
{
    return pd_path_pending(path) == 0;
}

/* Rows to put through next: of every path its last token, then what there is to take in before, as far as a batch holds.
 * row_ret: where those of each path begin, by place in s->running. */
static int collect_rows(struct pd_search *s, int *row_ret)
{
    int n = 0;
    for (int i = 0; i < s->n_running; i++) {
        const struct pd_path *path = &s->path[s->running[i]];
        int n_left = s->n_running - 1 - i; /* a row for each of them at least */
        row_ret[i] = n;
        if (!is_ready(path))
            n += pd_path_rows(s, path, s->row + n, s->policy.n_batch - n - n_left);
    }
    row_ret[s->n_running] = n;
    return n;
}

/* Puts rows through the model; paths that had none to put through keep their output. */
static enum ponder_status step_lanes(struct pd_search *s, int n_rows, const int *row)
{
    int64_t start = pd_clock_ns();
    PD_TRY(s->policy.step(s->policy.self, s->row, n_rows, 0));
    pd_deadline_note_step(s, pd_clock_ns() - start, n_rows);
    s->n_steps++;
    for (int i = 0; i < s->n_running; i++) {
        int n = row[i + 1] - row[i];
        if (n > 0)
            pd_path_fed(&s->path[s->running[i]], n, s->row[row[i + 1] - 1].output);
    }
    return PONDER_OK;
}

/* A token for every path that is ready and looks ahead, or every one that does not. */
static void draw_some(struct pd_search *s, bool is_ahead, const struct pd_sampling *how)
{
    int n = 0;
    for (int i = 0; i < s->n_running; i++) {
        const struct pd_path *path = &s->path[s->running[i]];
        if (!is_ready(path) || path->is_ahead != is_ahead)
            continue;
        int n_recent = pd_min_int(path->n_tokens, PD_REPEAT_WINDOW);
        s->draw[n++] = (struct pd_draw){.row = path->output,
                                        .recent = path->token + path->n_tokens - n_recent,
                                        .n_recent = n_recent,
                                        .sample = path->key,
                                        .position = (uint64_t)path->n_tokens};
    }
    if (n == 0)
        return;
    s->policy.draw(s->policy.self, how, s->draw, n);
    for (int i = 0, drawn = 0; i < s->n_running; i++) {
        struct pd_path *path = &s->path[s->running[i]];
        if (!is_ready(path) || path->is_ahead != is_ahead)
            continue;
        path->next = s->draw[drawn].token;
        path->next_log_prob = s->draw[drawn++].log_prob;
        path->next_certainty = pd_search_certainty(s, path->output);
    }
}

/* Draws a token for every path that is ready, takes it in, and drops the paths that have stopped from the running. */
static void draw_and_accept(struct pd_search *s)
{
    const struct pd_sampling likeliest = {.temperature = 0.0f, .repeat_penalty = 1.0f};
    draw_some(s, false, &s->task.how);
    draw_some(s, true, &likeliest);
    if (s->first_token_ns == 0)
        s->first_token_ns = pd_clock_ns();
    int n_left = 0;
    for (int i = 0; i < s->n_running; i++) {
        struct pd_path *path = &s->path[s->running[i]];
        if (is_ready(path))
            pd_path_accept(s, path);
        if (path->state == PD_PATH_RUNNING)
            s->running[n_left++] = s->running[i];
    }
    s->n_running = n_left;
}

/* A token for every path that runs is within what may be written. */
static bool allows_tokens(const struct pd_search *s)
{
    return s->task.max_total_tokens == 0 || s->n_tokens + s->n_running <= s->task.max_total_tokens;
}

static void begin_strategy(struct pd_search *s)
{
    pd_search_begin_verifiers(s);
    s->halts_at_steps =
        s->strategy->takes_steps || (s->task.n_verifiers > 0 && s->task.combine != PD_COMBINE_LAST);
    if (s->strategy->begin != NULL)
        s->strategy->begin(s);
}

/* Rounds until the strategy is done or has decided, or time is up. */
static enum ponder_status think(struct pd_search *s, enum ponder_finish *finish_ret)
{
    for (;;) {
        int row[PONDER_MAX_LANES + 1];
        enum pd_verdict verdict = s->strategy->advance(s);
        if (verdict == PD_DONE && pd_planner_goes_on(s)) {
            begin_strategy(s);
            continue;
        }
        if (verdict != PD_GO_ON) {
            *finish_ret = verdict == PD_DONE ? PONDER_COMPLETE : PONDER_EARLY_STOP;
            return PONDER_OK;
        }
        if (pd_search_is_cancelled(s)) {
            *finish_ret = PONDER_INTERRUPTED;
            return PONDER_CANCELLED;
        }
        *finish_ret = PONDER_DEADLINE;
        int n_rows = collect_rows(s, row);
        if (s->n_running == 0 || !allows_tokens(s) ||
            (n_rows > 0 && !pd_deadline_allows_step(s, n_rows)))
            return PONDER_OK;
        if (n_rows > 0)
            PD_TRY(step_lanes(s, n_rows, row));
        if (!pd_deadline_allows_draw(s))
            return PONDER_OK;
        draw_and_accept(s);
    }
}

/* ---- the result ---- */

/* The text of a path's tokens, into s->text; its length. */
static size_t render(struct pd_search *s, const struct pd_path *path)
{
    size_t bytes = 0;
    for (int i = 0; i < path->n_tokens; i++) {
        size_t room = s->text_capacity - bytes;
        bytes += pd_min_size(s->policy.text(s->policy.self, path->token[i], s->text + bytes, room),
                             room);
    }
    return bytes;
}

/* When no path has a finished answer, an unfinished one may hold a number all the same: the longest that does. */
static void choose_unfinished(struct pd_search *s, struct pd_outcome *outcome)
{
    int most = -1;
    for (int i = 0; i < s->n_paths; i++) {
        struct pd_path *path = &s->path[i];
        char answer[PD_ANSWER_BYTES];
        if (path->state == PD_PATH_FREE || path->n_tokens <= most ||
            !pd_prompt_find_answer(s, s->text, render(s, path), answer, sizeof answer))
            continue;
        most = path->n_tokens;
        path->group = pd_search_group(s, answer);
        outcome->path = i;
        outcome->answer = s->group[path->group].answer;
    }
}

/* The first path there is. */
static int first_path(const struct pd_search *s)
{
    for (int i = 0; i < s->n_paths; i++)
        if (s->path[i].state != PD_PATH_FREE)
            return i;
    return PD_NO_PATH;
}

static void conclude(struct pd_search *s, struct pd_outcome *outcome)
{
    struct pd_choice choice = s->strategy->choose(s);
    if (choice.path >= 0) {
        outcome->path = choice.path;
        outcome->confidence = choice.confidence;
        outcome->answer = s->group[s->path[choice.path].group].answer;
    } else if (s->task.wants_answer) {
        choose_unfinished(s, outcome);
    }
    if (outcome->path < 0)
        outcome->path = first_path(s); /* no answer in any: show what the first one wrote */
    for (int i = 0; i < s->n_paths; i++)
        outcome->n_ended += pd_path_is_finished(&s->path[i]);
    if (outcome->path >= 0) {
        const struct pd_path *path = &s->path[outcome->path];
        size_t bytes = render(s, path);
        outcome->text_bytes =
            pd_utf8_complete_bytes(s->text, pd_search_before_stop(s, s->text, bytes));
        pd_search_tell(s, path,
                       (struct ponder_event){.kind = "choose",
                                             .text = s->text,
                                             .text_bytes = outcome->text_bytes,
                                             .answer = outcome->answer,
                                             .score = outcome->confidence,
                                             .note = s->strategy->name});
    }
}

static void begin(struct pd_search *s, const struct pd_task *task,
                  const struct pd_strategy *strategy, int64_t start_ns)
{
    s->task = *task;
    s->strategy = strategy;
    s->start_ns = start_ns;
    s->first_token_ns = s->longest_step_ns = s->passes_ns = 0;
    s->expected_ns = 0.0;
    for (int i = 0; i < s->n_paths; i++)
        s->path[i].state = PD_PATH_FREE;
    s->n_paths = s->n_created = s->n_started = s->first_root = s->n_groups = 0;
    s->planner.is_on = false;
    s->wants_certainty = strategy->plans; /* what it will choose is not known yet */
    for (int i = 0; i < task->n_verifiers; i++)
        s->wants_certainty = s->wants_certainty || task->verifier[i].type->wants_certainty;
    s->n_running = s->n_lanes_used = s->n_steps = s->n_tokens = 0;
}

enum ponder_status pd_search_run(struct pd_search *s, const struct pd_task *task,
                                 const struct pd_strategy *strategy, int64_t start_ns,
                                 struct pd_outcome *outcome_ret)
{
    *outcome_ret = (struct pd_outcome){.path = PD_NO_PATH, .answer = ""};
    begin(s, task, strategy, start_ns);
    PD_TRY(pd_search_prefill(s, outcome_ret));
    if (strategy->plans)
        pd_planner_begin(s);
    begin_strategy(s);
    enum ponder_status status = task->given != NULL
                                    ? pd_judge_text(s, task->given, task->given_bytes)
                                    : think(s, &outcome_ret->finish);
    if (status == PONDER_OK && outcome_ret->finish == PONDER_DEADLINE && task->wants_answer &&
        s->n_groups == 0)
        pd_force_answers(s);
    conclude(s, outcome_ret);
    if (s->planner.is_on)
        pd_planner_end(s, (double)(pd_clock_ns() - start_ns));
    if (task->given != NULL && outcome_ret->path >= 0)
        outcome_ret->confidence = s->path[outcome_ret->path].scores.is_vetoed
                                      ? 0.0
                                      : pd_path_score(s, &s->path[outcome_ret->path]);
    if (status == PONDER_OK && s->n_tokens == 0 && outcome_ret->finish == PONDER_DEADLINE) {
        outcome_ret->needed_ns = (double)(pd_clock_ns() - start_ns) + pd_deadline_forcing_ns(s, 1);
        return PONDER_NO_TIME;
    }
    return status;
}
