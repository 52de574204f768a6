/* SPDX-License-Identifier: Apache-2.0
 * ponder.c - the facade of ponder.h: checks what callers say and passes it on; no algorithm in it. */
#include "ponder.h"

#include <math.h>
#include <string.h>

#include "base/os.h"
#include "base/utf8.h"
#include "decode/limits.h"
#include "engine.h"
#include "search/prompt.h"
#include "search/setup.h"

const char *ponder_version(void)
{
    return "0.1.0";
}

const char *ponder_finish_text(enum ponder_finish finish)
{
    static const char *const texts[] = {[PONDER_COMPLETE] = "complete",
                                        [PONDER_EARLY_STOP] = "early_stop",
                                        [PONDER_DEADLINE] = "deadline",
                                        [PONDER_INTERRUPTED] = "interrupted"};
    return (size_t)finish < PD_COUNT(texts) ? texts[finish] : "unknown";
}

const char *ponder_strategy(int i, const char **summary_ret)
{
    const struct pd_strategy *strategy = pd_strategy_get(i);
    if (strategy != NULL && summary_ret != NULL)
        *summary_ret = strategy->summary;
    return strategy != NULL ? strategy->name : NULL;
}

const char *ponder_verifier(const struct ponder *p, int i, const char **summary_ret)
{
    const struct pd_verifier *verifier = pd_setup_verifier(p != NULL ? &p->search : NULL, i);
    if (verifier != NULL && summary_ret != NULL)
        *summary_ret = verifier->summary;
    return verifier != NULL ? verifier->name : NULL;
}

void ponder_options_default(struct ponder_options *options)
{
    *options = (struct ponder_options){.n_lanes = 8};
}

void ponder_request_default(struct ponder_request *request)
{
    *request = (struct ponder_request){.temperature = 0.8f,
                                       .top_k = 40,
                                       .top_p = 0.95f,
                                       .repeat_penalty = 1.0f,
                                       .confidence = 0.95};
}

/* ---- life ---- */

/* Sees to it that a path and options are there at all. */
static enum ponder_status check_call(const char *path, const struct ponder_options *options,
                                     struct ponder_options *options_ret, const struct pd_error *err)
{
    if (path == NULL || path[0] == '\0')
        return pd_fail(err, PONDER_BAD_ARGUMENT, "no model file was named");
    if (options != NULL)
        *options_ret = *options;
    else
        ponder_options_default(options_ret);
    return PONDER_OK;
}

enum ponder_status ponder_measure(const char *path, const struct ponder_options *options,
                                  struct ponder_plan *plan_ret, char *err_text, size_t err_bytes)
{
    const struct pd_error err = {err_text, err_bytes};
    struct ponder_options o;
    *plan_ret = (struct ponder_plan){0};
    PD_TRY(check_call(path, options, &o, &err));
    return pd_engine_measure(path, &o, plan_ret, &err);
}

enum ponder_status ponder_init(void *block, size_t block_bytes, const char *path,
                               const struct ponder_options *options, struct ponder **p_ret,
                               char *err_text, size_t err_bytes)
{
    const struct pd_error err = {err_text, err_bytes};
    struct ponder_options o;
    *p_ret = NULL;
    PD_TRY(check_call(path, options, &o, &err));
    return pd_engine_open(block, block_bytes, path, &o, p_ret, &err);
}

enum ponder_status ponder_create(const char *path, const struct ponder_options *options,
                                 size_t memory_limit_bytes, struct ponder **p_ret, char *err_text,
                                 size_t err_bytes)
{
    const struct pd_error err = {err_text, err_bytes};
    struct ponder_options o;
    *p_ret = NULL;
    PD_TRY(check_call(path, options, &o, &err));
    return pd_engine_create(path, &o, memory_limit_bytes, p_ret, &err);
}

void ponder_free(struct ponder *p)
{
    if (p != NULL)
        pd_engine_close(p);
}

void ponder_warm(struct ponder *p)
{
    /* A prompt that leaves no room for the common part has none to warm. */
    if (pd_prompt_set_common(&p->search, p->solve_chat, PD_PROMPT_SOLVE) == PONDER_OK)
        pd_search_warm(&p->search);
}

enum ponder_status ponder_pack(const char *path, const struct ponder_options *options,
                               bool (*write)(void *user, const void *data, size_t bytes,
                                             size_t bytes_left),
                               void *user, char *err_text, size_t err_bytes)
{
    const struct pd_error err = {err_text, err_bytes};
    struct ponder_options o;
    PD_TRY(check_call(path, options, &o, &err));
    return pd_engine_pack(path, &o, write, user, &err);
}

enum ponder_status ponder_check(const char *path, const struct ponder_options *options,
                                char *err_text, size_t err_bytes)
{
    const struct pd_error err = {err_text, err_bytes};
    struct ponder_options o;
    PD_TRY(check_call(path, options, &o, &err));
    if (o.sidecar == NULL)
        return pd_fail(&err, PONDER_BAD_ARGUMENT, "no sidecar was named");
    return pd_engine_check(path, &o, &err);
}

void ponder_describe(const struct ponder *p, struct ponder_info *info_ret)
{
    *info_ret = p->info;
}

enum ponder_status ponder_probe_limits(struct ponder *p, const void *memory, size_t bytes,
                                       struct ponder_limits *limits_ret)
{
    *limits_ret = (struct ponder_limits){0};
    if (memory == NULL || bytes < PD_LIMITS_MIN_BYTES)
        return PONDER_BAD_ARGUMENT;
    pd_limits_probe(&p->decoder, memory, bytes, limits_ret);
    return PONDER_OK;
}

enum ponder_status ponder_measure_cost(struct ponder *p, struct ponder_cost *cost_ret)
{
    PD_TRY(pd_search_measure_cost(&p->search));
    const struct pd_cost *c = &p->search.cost;
    *cost_ret = (struct ponder_cost){
        .prompt_row_ns = c->prompt_row_ns, .position_ns = c->position_ns, .n_points = c->n_points};
    for (int i = 0; i < c->n_points; i++) {
        cost_ret->lanes[i] = c->lanes[i];
        cost_ret->step_ns[i] = c->step_ns[i];
    }
    return PONDER_OK;
}

enum ponder_status ponder_use_table(struct ponder *p, const char *json, size_t bytes,
                                    bool *is_other_ret, char *err_text, size_t err_bytes)
{
    const struct pd_error err = {err_text, err_bytes};
    const struct pd_planner_device device = {p->info.isa, p->info.n_threads};
    PD_TRY(pd_planner_use(&p->search, json, bytes, &device, &err));
    if (is_other_ret != NULL)
        *is_other_ret = bytes > 0 && strcmp(p->search.planner.table.model, p->info.name) != 0;
    return PONDER_OK;
}

/* ---- questions ---- */

/* A request's numbers with the defaults in place; false: out of range. */
static bool read_request(const struct ponder *p, const struct ponder_request *request,
                         struct ponder_request *r)
{
    ponder_request_default(r);
    if (request != NULL) {
        struct ponder_request defaults = *r;
        *r = *request;
        r->temperature = r->temperature != 0.0f ? r->temperature : defaults.temperature;
        r->top_k = r->top_k != 0 ? r->top_k : defaults.top_k;
        r->top_p = r->top_p != 0.0f ? r->top_p : defaults.top_p;
        r->repeat_penalty = r->repeat_penalty != 0.0f ? r->repeat_penalty : defaults.repeat_penalty;
        r->confidence = r->confidence != 0.0 ? r->confidence : defaults.confidence;
    }
    bool is_auto = r->strategy != NULL && strcmp(r->strategy, pd_strategy_auto.name) == 0;
    r->n_samples = r->n_samples != 0 || is_auto ? r->n_samples : p->options.n_lanes;
    r->max_tokens = r->max_tokens != 0 ? r->max_tokens : p->options.max_tokens;
    return r->budget_ms >= 0.0 && r->budget_ms < 1e12 && r->n_samples >= !is_auto &&
           r->n_samples <= PD_MAX_SAMPLES && r->max_tokens >= 1 &&
           r->max_tokens <= p->options.max_tokens && isfinite(r->temperature) && r->top_p > 0.0f &&
           r->min_p >= 0.0f && r->min_p <= 1.0f && r->repeat_penalty > 0.0f &&
           r->confidence > 0.0 && r->average_ms >= 0.0 && r->average_ms < 1e12 &&
           r->budget_tokens >= 0;
}

static struct pd_sampling sampling_of(const struct ponder_request *r)
{
    return (struct pd_sampling){.temperature = r->temperature,
                                .top_k = r->top_k,
                                .top_p = r->top_p,
                                .min_p = r->min_p,
                                .repeat_penalty = r->repeat_penalty,
                                .seed = r->seed};
}

/* A text for the engine. */
struct text {
    const char *data;
    size_t bytes;
};

/* given: to be judged, instead of one that the model writes; NULL: none. */
static enum ponder_status ask(struct ponder *p, struct text text, const struct text *given,
                              const struct ponder_request *request, enum pd_prompt_kind kind,
                              struct ponder_answer *answer_ret)
{
    int64_t start_ns = pd_clock_ns();
    struct ponder_request r;
    bool wants_answer = kind == PD_PROMPT_SOLVE;
    *answer_ret = (struct ponder_answer){.answer = "", .text = "", .strategy = "", .note = ""};
    if (!read_request(p, request, &r))
        return PONDER_BAD_ARGUMENT;
    struct pd_search *s = &p->search;
    struct pd_task task;
    const struct pd_strategy *strategy;
    PD_TRY(pd_setup(s, &r, &task, &strategy));
    kind = r.raw ? PD_PROMPT_RAW : kind;
    const struct pd_chat *chat = wants_answer ? p->solve_chat : p->chat;
    PD_TRY(pd_prompt_set(&p->search, chat, kind, text.data, text.bytes));
    if (r.begin != NULL)
        PD_TRY(pd_prompt_append(&p->search, r.begin, strlen(r.begin)));
    if (strategy->is_greedy)
        r.temperature = -1.0f;

    task.max_tokens = r.max_tokens;
    task.max_total_tokens = r.budget_tokens;
    task.average_ns = r.average_ms * 1e6;
    task.has_waves = false;
    task.temperature = r.temperature;
    task.how = sampling_of(&r);
    task.confidence = r.confidence < 1.0 ? r.confidence : 2.0;
    task.deadline_ns = r.budget_ms > 0.0 ? start_ns + (int64_t)(r.budget_ms * 1e6) : 0;
    task.wants_answer = wants_answer;
    task.cuts_hopeless = wants_answer && given == NULL;
    task.stop = pd_prompt_stop(chat, kind);
    task.given = given != NULL ? given->data : NULL;
    task.given_bytes = given != NULL ? given->bytes : 0;
    task.has_calculator = task.has_calculator && given == NULL;
    task.question = text.data;
    task.question_bytes = text.bytes;
    task.cancel = r.cancel;
    task.on_text = r.on_text;
    task.on_event = r.on_event;
    task.user = r.user;
    struct pd_outcome outcome;
    enum ponder_status status = pd_search_run(s, &task, strategy, start_ns, &outcome);
    *answer_ret = (struct ponder_answer){
        .answer = outcome.answer,
        .text = outcome.path >= 0 ? s->text : "",
        .text_bytes = outcome.text_bytes,
        .confidence = outcome.confidence,
        .finish = outcome.finish,
        .strategy = strategy->name,
        .plan = strategy->plans && status != PONDER_NO_TIME ? s->planner.words : "",
        .difficulty = strategy->plans && s->planner.is_on ? s->planner.chance : (double)NAN,
        .ms_planned = strategy->plans && s->planner.is_on ? s->planner.planned_ns / 1e6 : 0.0,
        .note = s->note,
        .n_samples = outcome.n_ended,
        .n_steps = s->n_steps,
        .n_tokens = s->n_tokens,
        .n_prompt_tokens = s->n_prompt,
        .ms_first_token =
            s->first_token_ns > 0 ? (double)(s->first_token_ns - start_ns) / 1e6 : 0.0,
        .ms_passes = (double)s->passes_ns / 1e6,
        .ms_expected = s->expected_ns / 1e6,
        .ms_step = (double)(s->longest_step_ns > p->decoder.longest_layer_ns
                                ? s->longest_step_ns
                                : p->decoder.longest_layer_ns) /
                   1e6,
        .ms_needed = outcome.needed_ns / 1e6,
        .seed = r.seed,
    };
    answer_ret->ms_total = (double)(pd_clock_ns() - start_ns) / 1e6;
    if (status == PONDER_OK && wants_answer && outcome.answer[0] == '\0')
        return PONDER_NO_ANSWER;
    return status;
}

enum ponder_status ponder_solve(struct ponder *p, const char *question, size_t question_bytes,
                                const struct ponder_request *request,
                                struct ponder_answer *answer_ret)
{
    return ask(p, (struct text){question, question_bytes}, NULL, request, PD_PROMPT_SOLVE,
               answer_ret);
}

enum ponder_status ponder_judge(struct ponder *p, const char *question, size_t question_bytes,
                                const char *solution, size_t solution_bytes,
                                const struct ponder_request *request,
                                struct ponder_answer *answer_ret)
{
    const struct text given = {solution, solution_bytes};
    struct ponder_request one = {0};
    if (request != NULL)
        one = *request;
    one.n_samples = 1;
    one.strategy = one.verifier != NULL ? "best-of-n" : "best-of-n-weighted";
    if (!pd_utf8_is_valid(solution, solution_bytes) || solution_bytes > p->options.max_text_bytes) {
        *answer_ret = (struct ponder_answer){.answer = "", .text = "", .strategy = "", .note = ""};
        return solution_bytes > p->options.max_text_bytes ? PONDER_TOO_LONG : PONDER_BAD_INPUT;
    }
    return ask(p, (struct text){question, question_bytes}, &given, &one, PD_PROMPT_SOLVE,
               answer_ret);
}

enum ponder_status ponder_generate(struct ponder *p, const char *prompt, size_t prompt_bytes,
                                   const struct ponder_request *request,
                                   struct ponder_answer *answer_ret)
{
    struct ponder_request one = {0};
    if (request != NULL)
        one = *request;
    one.n_samples = 1;
    if (one.strategy == NULL)
        one.strategy = one.temperature < 0.0f ? "greedy" : "best-of-n";
    return ask(p, (struct text){prompt, prompt_bytes}, NULL, &one, PD_PROMPT_CHAT, answer_ret);
}

bool ponder_answer_equal(const char *a, const char *b)
{
    return pd_answer_equal(a, b);
}

/* ---- tokens and lanes ---- */

static bool is_token(const struct ponder *p, int32_t token)
{
    return token >= 0 && token < p->info.n_vocab;
}

enum ponder_status ponder_tokenize(struct ponder *p, const char *text, size_t text_bytes,
                                   bool add_bos, bool parse_special, int32_t *tokens_ret,
                                   size_t capacity, size_t *n_ret)
{
    *n_ret = 0;
    if (text_bytes > p->options.max_text_bytes)
        return PONDER_TOO_LONG;
    struct pd_tokenize how = {.add_bos = add_bos, .parse_special = parse_special};
    return pd_tokenize(p->tokenizer, text, text_bytes, how, p->search.scratch,
                       p->search.scratch_bytes, tokens_ret, capacity, n_ret);
}

size_t ponder_token_text(const struct ponder *p, int32_t token, char *text_ret, size_t capacity)
{
    if (!is_token(p, token))
        return 0;
    return pd_token_text(p->tokenizer, token, false, text_ret, capacity);
}

void ponder_reset(struct ponder *p)
{
    pd_search_forget(&p->search);
    if (p->has_prm)
        pd_prm_forget(&p->prm);
}

/* One of the caller's: not the trunk that keeps the prompt. */
static bool is_lane(const struct ponder *p, int lane)
{
    const struct pd_kv *kv = &p->decoder.kv;
    return lane >= 0 && lane < kv->n_lanes && kv->lane[lane].is_used && lane != p->search.trunk;
}

/* What a step may take. */
static bool are_rows(const struct ponder *p, const int32_t *tokens, const int *lanes, int n)
{
    bool are = n >= 1 && n <= p->info.n_batch;
    for (int i = 0; are && i < n; i++)
        are = is_token(p, tokens[i]) && is_lane(p, lanes[i]);
    return are;
}

enum ponder_status ponder_lane(struct ponder *p, enum ponder_role role, int *lane_ret)
{
    if ((unsigned)role >= PD_ROLES)
        return PONDER_BAD_ARGUMENT;
    PD_TRY(pd_kv_fork(&p->decoder.kv, -1, lane_ret));
    pd_kv_set_adapter(&p->decoder.kv, *lane_ret, p->adapter_of[role]);
    return PONDER_OK;
}

enum ponder_status ponder_fork(struct ponder *p, int from, int *lane_ret)
{
    if (from == -1)
        return ponder_lane(p, PONDER_POLICY, lane_ret);
    if (!is_lane(p, from))
        return PONDER_BAD_ARGUMENT;
    return pd_kv_fork(&p->decoder.kv, from, lane_ret);
}

void ponder_prune(struct ponder *p, int lane)
{
    if (is_lane(p, lane))
        pd_kv_prune(&p->decoder.kv, lane);
}

enum ponder_status ponder_step(struct ponder *p, const int32_t *tokens, const int *lanes, int n,
                               float *logits_ret)
{
    if (!are_rows(p, tokens, lanes, n))
        return PONDER_BAD_ARGUMENT;
    struct pd_row *row = p->search.row;
    for (int i = 0; i < n; i++)
        row[i] = (struct pd_row){
            .token = tokens[i], .lane = lanes[i], .wants_output = logits_ret != NULL};
    p->decoder.head.logits = logits_ret;
    return pd_decoder_step(&p->decoder, row, n, 0);
}

static bool is_last_of_lane(const int *lanes, int n, int i)
{
    for (int j = i + 1; j < n; j++)
        if (lanes[j] == lanes[i])
            return false;
    return true;
}

enum ponder_status ponder_decode(struct ponder *p, const int *lanes, int n, int32_t *tokens,
                                 const struct ponder_request *request, float *log_prob_ret)
{
    struct ponder_request r;
    if (!read_request(p, request, &r) || r.repeat_penalty != 1.0f || !are_rows(p, tokens, lanes, n))
        return PONDER_BAD_ARGUMENT;
    struct pd_search *s = &p->search;
    struct pd_head *head = &p->decoder.head;
    const struct pd_sampling how = sampling_of(&r);
    int n_draws = 0;
    for (int i = 0; i < n; i++)
        s->row[i] = (struct pd_row){
            .token = tokens[i], .lane = lanes[i], .wants_output = is_last_of_lane(lanes, n, i)};
    head->logits = NULL;
    head->inverse_temperature = pd_sampling_inverse_temperature(&how, head->n_vocab);
    PD_TRY(pd_decoder_step(&p->decoder, s->row, n, 0));
    for (int i = 0; i < n; i++)
        if (s->row[i].wants_output)
            s->draw[n_draws++] = (struct pd_draw){.row = s->row[i].output,
                                                  .sample = (uint64_t)lanes[i],
                                                  .position = (uint64_t)s->row[i].position + 1};
    pd_sample_all(s->model.sampler, head, p->pool, &how, s->draw, n_draws);
    for (int i = 0; i < n; i++) {
        if (!s->row[i].wants_output)
            continue;
        const struct pd_draw *draw = &s->draw[s->row[i].output];
        tokens[i] = draw->token;
        if (log_prob_ret != NULL)
            log_prob_ret[i] = draw->log_prob;
    }
    return PONDER_OK;
}

enum ponder_status ponder_score(struct ponder *p, int lane, const int32_t *tokens, int n,
                                float *log_prob_ret)
{
    struct pd_row *row = p->search.row;
    struct pd_head *head = &p->decoder.head;
    if (n < 1 || !is_lane(p, lane))
        return PONDER_BAD_ARGUMENT;
    for (int i = 0; i < n; i++)
        if (!is_token(p, tokens[i]))
            return PONDER_BAD_ARGUMENT;
    PD_TRY(pd_kv_reserve(&p->decoder.kv, lane, n)); /* all or nothing */
    head->logits = NULL;
    head->inverse_temperature = 0.0f;
    for (int done = 0; done < n;) {
        int n_rows = pd_min_int(n - done, p->info.n_batch);
        for (int i = 0; i < n_rows; i++) {
            bool is_last = done + i == n - 1;
            row[i] = (struct pd_row){.token = tokens[done + i],
                                     .lane = lane,
                                     .wants_output = !is_last,
                                     .target = is_last ? 0 : tokens[done + i + 1]};
        }
        PD_TRY(pd_decoder_step(&p->decoder, row, n_rows, 0));
        for (int i = 0; i < n_rows && done + i < n - 1; i++)
            log_prob_ret[done + i] = pd_head_score(head, i);
        done += n_rows;
    }
    return PONDER_OK;
}
