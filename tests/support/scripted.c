/* SPDX-License-Identifier: Apache-2.0
 * scripted.c - see scripted.h. Whatever the driver does wrong with lanes, outputs, tokens or texts fails here. */
#include "tests/support/scripted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

enum { N_PROMPT = 3, PROMPT_TOKEN = 100 };

static uint64_t hash_of(uint64_t seed, const int32_t *tokens, int n)
{
    uint64_t h = pd_rng_mix(seed);
    for (int i = 0; i < n; i++)
        h = pd_rng_mix(h ^ (uint64_t)tokens[i]);
    return h;
}

size_t script_text(int32_t token, char *text_ret, size_t capacity)
{
    static const char *const words[] = {"", "\n", "a ", "b ", "c ", "d "};
    char text[16];
    if (token < SCRIPT_ANSWER)
        snprintf(text, sizeof text, "%s", words[token]);
    else
        snprintf(text, sizeof text, "#### %d", (int)token - SCRIPT_ANSWER);
    size_t n = strlen(text);
    memcpy(text_ret, text, n < capacity ? n : capacity);
    return n;
}

enum { WRONG = SCRIPT_WORD + 3, TRAP = SCRIPT_WORD + 2 }; /* words, where paths mean something */

static bool has_word(const int32_t *tokens, int n, int32_t word)
{
    for (int i = 0; i < n; i++)
        if (tokens[i] == word)
            return true;
    return false;
}

/* Right ways end in answer 0, all others in any other. */
static bool is_right(const int32_t *tokens, int n)
{
    return !has_word(tokens, n, WRONG) && !has_word(tokens, n, TRAP);
}

static int32_t answer_of(const struct script *script, const int32_t *tokens, int n, uint64_t h)
{
    if (script->truth == 0.0f)
        return SCRIPT_ANSWER + (int32_t)(h / 7 % (uint64_t)script->n_answers);
    if (is_right(tokens, n))
        return SCRIPT_ANSWER;
    return SCRIPT_ANSWER + 1 + (int32_t)(h / 7 % (uint64_t)(script->n_answers - 1));
}

/* The first word of a line where paths mean something. */
static int32_t word_of(const struct script *script, uint64_t h)
{
    if ((int)(h / 64 % 1024) < script->chance_trap)
        return TRAP;
    return (int)((h >> 32) % 64) < script->chance_wrong ? WRONG : SCRIPT_WORD + (int32_t)(h / 16 % 2);
}

int32_t script_next(const struct script *script, const int32_t *tokens, int n_before, int n,
                    uint64_t key, bool is_likeliest, float *log_prob_ret)
{
    uint64_t past = hash_of(script->seed, tokens - n_before, n_before + n);
    uint64_t h = is_likeliest ? pd_rng_mix(past) : pd_rng_u64(past, key, (uint64_t)n);
    int32_t last = n > 0 ? tokens[n - 1] : SCRIPT_LINE;
    int n_lines = 0;
    for (int i = 0; i < n; i++)
        n_lines += tokens[i] == SCRIPT_LINE;
    bool is_endless =
        n > 1 && (int)(hash_of(script->seed + 1, tokens, 2) % 16) < script->chance_endless;
    *log_prob_ret = -(float)(h % 64) / 32.0f;
    if (last >= SCRIPT_ANSWER)
        return h % 8 == 0 ? SCRIPT_LINE : SCRIPT_EOS;
    if (script->truth > 0.0f) {
        if (last == SCRIPT_LINE && n_lines == 4)
            return answer_of(script, tokens, n, h);
        return last == SCRIPT_LINE ? word_of(script, h)
               : h % 2 == 0        ? SCRIPT_LINE
                                   : SCRIPT_WORD + (int32_t)(h / 16 % 2);
    }
    if (last == SCRIPT_LINE && n_lines > 0 && !is_endless && (int)(h % 8) < n_lines)
        return answer_of(script, tokens, n, h);
    if (last == SCRIPT_LINE)
        return h % 64 == 0 ? SCRIPT_LINE : SCRIPT_WORD + (int32_t)(h / 16 % 4);
    if (h % 64 == 1 && !is_endless)
        return SCRIPT_EOS; /* without an answer */
    return h % 2 == 0 ? SCRIPT_LINE : SCRIPT_WORD + (int32_t)(h / 16 % 3);
}

float script_score(const struct script *script, const int32_t *tokens, int n)
{
    uint64_t h = hash_of(script->seed + 2, tokens, n);
    if ((int)(h % 16) < script->chance_missing)
        return NAN;
    float noise =
        (float)(h / 16 % (uint64_t)(script->score_steps + 1)) / (float)script->score_steps;
    if (script->truth == 0.0f)
        return noise;
    if (has_word(tokens, n, TRAP))
        return 0.9f + 0.1f * noise;
    return script->truth * (is_right(tokens, n) ? 0.9f : 0.0f) +
           (1.0f - script->truth) * 0.9f * noise;
}

bool script_is_vetoed(const struct script *script, const int32_t *tokens, int n)
{
    return (int)(hash_of(script->seed + 3, tokens, n) % 64) < script->chance_vetoed;
}

/* ---- the policy ---- */

static const int32_t *own(const struct scripted *s, int lane)
{
    return s->lane[lane] + N_PROMPT;
}

static void begin(void *self, const struct pd_sampling *how, bool wants_certainty)
{
    (void)self;
    (void)how;
    (void)wants_certainty;
}

static enum ponder_status fork_lane(void *self, int from, int *lane_ret)
{
    struct scripted *s = self;
    int lane = 0;
    while (lane <= s->search.size.n_lanes && s->lane_is_used[lane])
        lane++;
    if (lane > s->search.size.n_lanes)
        return PONDER_NO_LANE;
    s->lane_is_used[lane] = true;
    s->lane_length[lane] = 0;
    if (from >= 0) {
        assert_true(s->lane_is_used[from]);
        s->lane_length[lane] = s->lane_length[from];
        memcpy(s->lane[lane], s->lane[from], sizeof s->lane[lane]);
    }
    *lane_ret = lane;
    return PONDER_OK;
}

static void prune(void *self, int lane)
{
    struct scripted *s = self;
    assert_true(s->lane_is_used[lane]);
    s->lane_is_used[lane] = false;
}

static void rewind_lane(void *self, int lane, int n)
{
    struct scripted *s = self;
    assert_true(s->lane_is_used[lane] && n <= s->lane_length[lane]);
    s->lane_length[lane] = n;
}

static void forget(void *self, int but)
{
    struct scripted *s = self;
    for (int i = 0; i < SCRIPT_LANES; i++)
        if (i != but)
            s->lane_is_used[i] = false;
}

/* What stands for a hidden state: a number that tells a past from any other. */
static float state_of(const struct scripted *s, int lane, int length)
{
    return (float)(hash_of(9, s->lane[lane], length) % 100003);
}

static enum ponder_status step(void *self, struct pd_row *rows, int n, int64_t deadline_ns)
{
    struct scripted *s = self;
    int n_outputs = 0;
    (void)deadline_ns;
    assert_true(n > 0 && n <= s->search.policy.n_batch);
    s->n_rows += n;
    for (int i = 0; i < n; i++) {
        int lane = rows[i].lane;
        assert_true(s->lane_is_used[lane] && s->lane_length[lane] < SCRIPT_MAX_TOKENS);
        s->lane[lane][s->lane_length[lane]++] = rows[i].token;
        rows[i].output = -1;
        if (!rows[i].wants_output)
            continue;
        rows[i].output = n_outputs;
        s->output_lane[n_outputs] = lane;
        s->output_length[n_outputs] = s->lane_length[lane];
        s->hidden[n_outputs++] = state_of(s, lane, s->lane_length[lane]);
    }
    for (int i = n_outputs; i < SCRIPT_LANES; i++)
        s->output_lane[i] = -1; /* of an earlier step: gone */
    return PONDER_OK;
}

static void keep(void *self, int output)
{
    struct scripted *s = self;
    s->output_lane[SCRIPT_LANES] = s->output_lane[output];
    s->output_length[SCRIPT_LANES] = s->output_length[output];
    s->hidden[SCRIPT_LANES] = s->hidden[output];
}

static void draw(void *self, const struct pd_sampling *how, struct pd_draw *draws, int n)
{
    struct scripted *s = self;
    for (int i = 0; i < n; i++) {
        int lane = s->output_lane[draws[i].row], length = s->output_length[draws[i].row];
        int n_own = (int)draws[i].position;
        assert_true(lane >= 0 && length >= N_PROMPT);
        int n_all = length - N_PROMPT;
        if (how->temperature <= 0.0f && draws[i].recent == NULL)
            n_own = n_all; /* forced: the draw does not say */
        assert_true(n_own <= n_all);
        draws[i].token = script_next(&s->script, own(s, lane) + n_all - n_own, n_all - n_own, n_own,
                                     draws[i].sample, how->temperature <= 0.0f, &draws[i].log_prob);
    }
    if (++s->n_draws == s->cancel_at)
        s->cancel = 1;
}

/* Of a past, like all else. */
static float certainty_of(const struct scripted *s, int lane, int length)
{
    return (float)(hash_of(11, s->lane[lane], length) % 64) / 32.0f;
}

static float certainty(void *self, int output)
{
    const struct scripted *s = self;
    assert_true(s->output_lane[output] >= 0);
    return certainty_of(s, s->output_lane[output], s->output_length[output]);
}

static const float *hidden(void *self, int output)
{
    struct scripted *s = self;
    return &s->hidden[output];
}

static size_t text(void *self, int32_t token, char *text_ret, size_t capacity)
{
    (void)self;
    return script_text(token, text_ret, capacity);
}

static bool ends_text(void *self, int32_t token)
{
    (void)self;
    return token == SCRIPT_EOS;
}

/* ---- the verifiers ---- */

/* The item must say the same in tokens, text, lane and hidden state. */
static void check_item(struct scripted *s, const struct pd_verify_item *item)
{
    char whole[4096];
    size_t bytes = 0, step_begin = 0;
    for (int i = 0; i < item->n_tokens; i++) {
        if (i == item->step_first_token)
            step_begin = bytes;
        bytes += script_text(item->token[i], whole + bytes, sizeof whole - bytes);
    }
    if (item->step_first_token == item->n_tokens)
        step_begin = bytes;
    assert_int_equal(item->text_bytes, bytes);
    assert_memory_equal(item->text, whole, bytes);
    assert_int_equal(item->step_begin, step_begin);
    /* The lane's end, which may lack the last token; and the state that the step's end was drawn from. */
    int n = s->lane_length[item->lane];
    bool ended_by_token = item->is_answer && item->token[item->n_tokens - 1] != SCRIPT_LINE;
    int n_past = item->n_tokens - (ended_by_token ? 0 : 1);
    assert_true(s->lane_is_used[item->lane]);
    assert_true(n_past <= n - N_PROMPT);
    assert_memory_equal(s->lane[item->lane] + n - n_past, item->token,
                        (size_t)n_past * sizeof *item->token);
    assert_non_null(item->hidden);
    assert_true(*item->hidden == state_of(s, item->lane, n));
    double sum = 0.0;
    for (int i = 0; i < item->n_tokens; i++)
        sum += (double)certainty_of(s, item->lane, n - n_past + i);
    assert_true(item->mean_certainty == (item->n_tokens > 0 ? sum / item->n_tokens : 0.0));
}

static enum ponder_status say_scores(void *self, const struct pd_verify_item *items, int n,
                                     int64_t deadline_ns, float *score_ret)
{
    struct scripted *s = self;
    (void)deadline_ns;
    s->n_score_calls++;
    s->n_items += n;
    for (int i = 0; i < n; i++) {
        check_item(s, &items[i]);
        score_ret[i] = script_score(&s->script, items[i].token, items[i].n_tokens);
    }
    return PONDER_OK;
}

static enum ponder_status say_vetoes(void *self, const struct pd_verify_item *items, int n,
                                     int64_t deadline_ns, float *score_ret)
{
    struct scripted *s = self;
    (void)deadline_ns;
    for (int i = 0; i < n; i++)
        score_ret[i] = script_is_vetoed(&s->script, items[i].token, items[i].n_tokens) ? 0.0f : NAN;
    return PONDER_OK;
}

static const struct pd_verifier scoring = {.name = "scripted",
                                           .when = PD_VERIFY_STEP,
                                           .wants_hidden = true,
                                           .wants_certainty = true,
                                           .is_calibrated = true,
                                           .score = say_scores};
static const struct pd_verifier scoring_roughly = {.name = "rough",
                                                   .when = PD_VERIFY_STEP,
                                                   .wants_hidden = true,
                                                   .wants_certainty = true,
                                                   .score = say_scores};
static const struct pd_verifier vetoing = {
    .name = "veto", .when = PD_VERIFY_STEP, .vetoes = true, .score = say_vetoes};

/* ---- a search ---- */

struct scripted *scripted_new(const struct script *script, int n_lanes, int max_tokens)
{
    struct scripted *s = calloc(1, sizeof *s);
    struct pd_arena a;
    assert_non_null(s);
    s->script = *script;
    s->scores = (struct pd_verifier_use){&scoring, s};
    s->rough = (struct pd_verifier_use){&scoring_roughly, s};
    s->vetoes = (struct pd_verifier_use){&vetoing, s};
    const struct pd_policy policy = {.self = s,
                                     .n_batch = n_lanes < 8 ? 8 : n_lanes,
                                     .n_embd = 1,
                                     .kept_output = SCRIPT_LANES,
                                     .begin = begin,
                                     .fork = fork_lane,
                                     .prune = prune,
                                     .rewind = rewind_lane,
                                     .forget = forget,
                                     .step = step,
                                     .keep = keep,
                                     .draw = draw,
                                     .certainty = certainty,
                                     .hidden = hidden,
                                     .text = text,
                                     .ends_text = ends_text};
    const struct pd_search_size size = {n_lanes, N_PROMPT, max_tokens, 64};
    struct pd_search counted = {0};
    pd_arena_init_count(&a);
    pd_search_layout_around(&counted, &policy, size, &a);
    size_t bytes = pd_arena_block_bytes(&a);
    s->block = malloc(bytes);
    assert_non_null(s->block);
    pd_arena_init(&a, s->block, bytes);
    pd_search_layout_around(&s->search, &policy, size, &a);
    assert_false(a.overflowed);
    for (int i = 0; i < N_PROMPT; i++)
        s->search.prompt[i] = PROMPT_TOKEN;
    s->search.n_prompt = N_PROMPT;
    s->search.revision[0] = SCRIPT_LINE;
    s->search.revision[1] = SCRIPT_WORD;
    s->search.revision[2] = SCRIPT_LINE;
    s->search.n_revision = 3;
    return s;
}

void scripted_free(struct scripted *s)
{
    free(s->block);
    free(s);
}

struct pd_task scripted_task(struct scripted *s, int n_samples)
{
    return (struct pd_task){.n_samples = n_samples,
                            .max_tokens = s->search.size.max_tokens,
                            .width = 1,
                            .n_chains = 1,
                            .how = {.temperature = 1.0f, .top_p = 1.0f, .repeat_penalty = 1.0f},
                            .confidence = 2.0,
                            .wants_answer = true,
                            .question = "?",
                            .question_bytes = 1,
                            .cancel = &s->cancel};
}
