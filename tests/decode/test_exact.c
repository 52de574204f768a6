/* SPDX-License-Identifier: Apache-2.0
 * test_exact.c - the promise of exactness, through the public interface: the same bits for any number of threads
 * and lanes, any instruction set, any cut of a prompt into batches, any way to a lane's past. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/rng.h"
#include "ponder.h"
#include "tests/support/model_file.h"

enum { N_TOKENS = 40, MAX_TEXT = 4096 };

/* One family each, and a format of each kind: two with blocks of 32, one with blocks of 256, one of floats. */
static const struct {
    const char *family;
    enum pd_format_id format;
} tinies[] = {{"llama", PD_Q4_0}, {"qwen2", PD_Q5_1}, {"qwen3", PD_Q4_K}, {"gemma3", PD_F16}};

static const char real_model[] = "smollm2-135m";
static const char question[] =
    "Ann has 3 apples and buys 4 more. How many apples has she?\nAnswer:";

struct config {
    int n_threads, n_lanes;
    const char *isa;
};

static struct ponder *new_engine(const char *path, struct config c)
{
    struct ponder_options options;
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES] = "";
    ponder_options_default(&options);
    options.n_lanes = c.n_lanes;
    options.n_threads = c.n_threads;
    options.isa = c.isa;
    options.max_prompt_tokens = 128;
    options.max_tokens = 48;
    if (ponder_create(path, &options, 0, &p, err, sizeof err) != PONDER_OK)
        fail_msg("%s", err);
    ponder_reset(p);
    return p;
}

static void make_tiny(size_t i, char path[MODEL_FILE_PATH])
{
    assert_true(model_file_tiny(tinies[i].family, tinies[i].format, path));
}

/* ---- answers ---- */

/* What must be the same, whatever the machine and the driver's order. */
struct outcome {
    enum ponder_status status;
    char answer[256], text[MAX_TEXT];
    size_t text_bytes;
    double confidence;
    int n_tokens, n_samples; /* of runs that nothing cuts short */
};

static struct outcome solve(struct ponder *p, const struct ponder_request *request)
{
    struct ponder_answer a;
    struct outcome o;
    memset(&o, 0, sizeof o);
    o.status = ponder_solve(p, question, strlen(question), request, &a);
    if (o.status != PONDER_OK && o.status != PONDER_NO_ANSWER)
        fail_msg("%s", ponder_status_text(o.status));
    snprintf(o.answer, sizeof o.answer, "%s", a.answer);
    assert_true(a.text_bytes < sizeof o.text);
    memcpy(o.text, a.text, a.text_bytes);
    o.text_bytes = a.text_bytes;
    o.confidence = a.confidence;
    if (request->confidence >= 1.0 || strcmp(a.strategy, "majority") != 0) {
        o.n_tokens = a.n_tokens;
        o.n_samples = a.n_samples;
    }
    return o;
}

static void check_same(const struct outcome *o, const struct outcome *expected,
                       const struct ponder_request *request, struct config c)
{
    if (o->status == expected->status && strcmp(o->answer, expected->answer) == 0 &&
        o->text_bytes == expected->text_bytes &&
        memcmp(o->text, expected->text, o->text_bytes) == 0 &&
        o->confidence == expected->confidence && o->n_tokens == expected->n_tokens &&
        o->n_samples == expected->n_samples)
        return;
    fail_msg("%s, seed %d, %d threads, %d lanes, %s: \"%s\" (%.17g, %d tokens), expected \"%s\" "
             "(%.17g, %d tokens)",
             request->strategy, (int)request->seed, c.n_threads, c.n_lanes, c.isa ? c.isa : "best",
             o->answer, o->confidence, o->n_tokens, expected->answer, expected->confidence,
             expected->n_tokens);
}

/* Ways to think: each with other samplers, stopping early or not. */
static void make_requests(struct ponder_request request[4], int n_samples, int max_tokens)
{
    for (int i = 0; i < 4; i++) {
        ponder_request_default(&request[i]);
        request[i].raw = true;
        request[i].n_samples = n_samples;
        request[i].max_tokens = max_tokens;
        request[i].seed = (uint64_t)(5 + i);
    }
    request[0].strategy = "greedy";
    request[1].strategy = "majority"; /* hot, so that random weights end now and then */
    request[1].temperature = 2.0f;
    request[1].top_k = -1;
    request[1].top_p = 1.0f;
    request[1].confidence = 1.0;
    request[2] = request[1];
    request[2].confidence = 0.7;
    request[2].seed = 9;
    request[3].strategy = "best-of-n";
    request[3].verifier = "self-certainty,agreement";
    request[3].repeat_penalty = 1.3f;
    request[3].min_p = 0.001f;
    request[3].top_p = 0.99f;
}

/* Solves with the first configuration, and checks the others against it. Returns how many answers there were. */
static int check_configs(const char *path, const struct config *config, size_t n_configs,
                         int n_samples, int max_tokens)
{
    struct ponder_request request[4];
    static struct outcome expected[4];
    int n_answers = 0;
    make_requests(request, n_samples, max_tokens);
    for (size_t i = 0; i < n_configs; i++) {
        struct ponder *p = new_engine(path, config[i]);
        for (int j = 0; j < 4; j++) {
            struct outcome o = solve(p, &request[j]);
            if (i == 0)
                expected[j] = o;
            check_same(&o, &expected[j], &request[j], config[i]);
            n_answers += o.answer[0] != '\0';
        }
        /* And again: an engine remembers nothing. */
        struct outcome o = solve(p, &request[1]);
        check_same(&o, &expected[1], &request[1], config[i]);
        ponder_free(p);
    }
    return n_answers;
}

static void test_answers_are_the_same_for_all_threads_and_lanes(void **state)
{
    (void)state;
    static const struct config configs[] = {
        {1, 1, NULL},  {2, 1, NULL},  {1, 4, NULL},  {2, 4, NULL}, {4, 4, NULL},
        {1, 16, NULL}, {2, 16, NULL}, {4, 16, NULL}, {2, 5, NULL}, {1, 16, "generic"},
    };
    char path[MODEL_FILE_PATH];
    make_tiny(0, path);
    assert_true(check_configs(path, configs, PD_COUNT(configs), 16, 40) > 0);
    unlink(path);
}

static void test_answers_are_the_same_for_all_families(void **state)
{
    (void)state;
    static const struct config configs[] = {
        {1, 1, NULL}, {2, 4, NULL}, {3, 16, NULL}, {1, 4, "generic"}};
    for (size_t i = 1; i < PD_COUNT(tinies); i++) {
        char path[MODEL_FILE_PATH];
        make_tiny(i, path);
        assert_true(check_configs(path, configs, PD_COUNT(configs), 12, 24) > 0);
        unlink(path);
    }
}

/* Trees want as many lanes as samples; threads and instruction sets change nothing in them. */
static void test_trees_are_the_same_for_all_threads(void **state)
{
    (void)state;
    static const struct config configs[] = {
        {1, 8, NULL}, {2, 8, NULL}, {4, 8, NULL}, {1, 8, "generic"}};
    static const char *const trees[] = {
        "best-of-n-weighted", "beam", "lookahead", "dvts", "rebase", "halving"};
    static struct outcome expected[PD_COUNT(trees)];
    char path[MODEL_FILE_PATH];
    make_tiny(0, path);
    for (size_t i = 0; i < PD_COUNT(configs); i++) {
        struct ponder *p = new_engine(path, configs[i]);
        for (size_t j = 0; j < PD_COUNT(trees); j++) {
            struct ponder_request request;
            ponder_request_default(&request);
            request.strategy = trees[j];
            request.raw = true;
            request.n_samples = 8;
            request.width = 3;
            request.score = j % 2 == 0 ? "mean" : NULL;
            request.verifier = j % 2 == 0 ? "self-certainty" : NULL;
            request.seed = 3;
            request.temperature = 2.0f;
            request.top_k = -1;
            request.top_p = 1.0f;
            request.confidence = 1.0;
            struct outcome o = solve(p, &request);
            if (i == 0)
                expected[j] = o;
            check_same(&o, &expected[j], &request, configs[i]);
            assert_true(o.n_tokens > 8);
        }
        ponder_free(p);
    }
    unlink(path);
}

static void test_answers_of_a_real_model_are_the_same(void **state)
{
    (void)state;
    static const struct config configs[] = {{1, 3, NULL}, {2, 2, NULL}};
    char path[MODEL_FILE_PATH];
    if (!model_file_real(real_model, path))
        skip();
    assert_true(check_configs(path, configs, PD_COUNT(configs), 3, 8) > 0);
}

/* ---- logits ---- */

/* A random prompt, and its logits as the simplest engine gives them: generic, one thread, token by token. */
struct sequence {
    int n_vocab, n;
    int32_t token[N_TOKENS];
    float *logits; /* [n][n_vocab] */
};

static int new_lane(struct ponder *p, int from)
{
    int lane;
    assert_int_equal(ponder_fork(p, from, &lane), PONDER_OK);
    return lane;
}

static const float *logits_at(const struct sequence *s, int position)
{
    return s->logits + (size_t)position * (size_t)s->n_vocab;
}

static void check_logits(const struct sequence *s, int position, const float *logits,
                         const char *what)
{
    if (memcmp(logits, logits_at(s, position), (size_t)s->n_vocab * sizeof *logits) != 0)
        fail_msg("%s: position %d", what, position);
}

/* Feeds tokens [from, from + n) to a lane in one batch and checks their logits. */
static void feed(struct ponder *p, const struct sequence *s, int lane, int from, int n,
                 const char *what)
{
    int lanes[N_TOKENS];
    size_t bytes = (size_t)n * (size_t)s->n_vocab * sizeof(float);
    float *logits = malloc(bytes);
    assert_non_null(logits);
    for (int i = 0; i < n; i++)
        lanes[i] = lane;
    assert_int_equal(ponder_step(p, s->token + from, lanes, n, logits), PONDER_OK);
    for (int i = 0; i < n; i++)
        check_logits(s, from + i, logits + (size_t)i * (size_t)s->n_vocab, what);
    free(logits);
}

static struct sequence new_sequence(const char *path, uint64_t seed, int n)
{
    struct ponder *p = new_engine(path, (struct config){1, 1, "generic"});
    struct ponder_info info;
    ponder_describe(p, &info);
    struct sequence s = {.n_vocab = info.n_vocab, .n = n};
    s.logits = malloc((size_t)n * (size_t)s.n_vocab * sizeof *s.logits);
    assert_non_null(s.logits);
    int lane = new_lane(p, -1);
    for (int i = 0; i < n; i++) {
        s.token[i] = (int32_t)(pd_rng_u64(seed, 0, (uint64_t)i) % (uint64_t)s.n_vocab);
        assert_int_equal(
            ponder_step(p, &s.token[i], &lane, 1, s.logits + (size_t)i * (size_t)s.n_vocab),
            PONDER_OK);
    }
    ponder_free(p);
    return s;
}

/* Any cut into batches; without asking for logits of all but the last, too. */
static void check_cuts(struct ponder *p, const struct sequence *s)
{
    int whole = new_lane(p, -1);
    feed(p, s, whole, 0, s->n, "one batch");
    ponder_prune(p, whole);
    for (uint64_t cut = 0; cut < 6; cut++) {
        int lane = new_lane(p, -1);
        for (int done = 0, n; done < s->n; done += n) {
            n = 1 + (int)(pd_rng_u64(cut, 1, (uint64_t)done) % 19);
            n = n < s->n - done ? n : s->n - done;
            feed(p, s, lane, done, n, "random cut");
        }
        ponder_prune(p, lane);
    }
    int lanes[N_TOKENS];
    int lane = new_lane(p, -1);
    for (int i = 0; i < s->n; i++)
        lanes[i] = lane;
    assert_int_equal(ponder_step(p, s->token, lanes, s->n - 1, NULL), PONDER_OK);
    feed(p, s, lane, s->n - 1, 1, "behind a silent batch");
    ponder_prune(p, lane);
}

/* Rows of two sequences by turns, in one batch. */
static void check_mixture(struct ponder *p, const struct sequence *a, const struct sequence *b)
{
    enum { N = 30 };
    int32_t tokens[2 * N];
    int lanes[2 * N], lane_a = new_lane(p, -1), lane_b = new_lane(p, -1);
    float *logits = malloc((size_t)(2 * N) * (size_t)a->n_vocab * sizeof *logits);
    assert_non_null(logits);
    for (int i = 0; i < N; i++) {
        tokens[2 * i] = a->token[i];
        tokens[2 * i + 1] = b->token[i];
        lanes[2 * i] = lane_a;
        lanes[2 * i + 1] = lane_b;
    }
    assert_int_equal(ponder_step(p, tokens, lanes, 2 * N, logits), PONDER_OK);
    for (int i = 0; i < 2 * N; i++)
        check_logits(i % 2 == 0 ? a : b, i / 2, logits + (size_t)i * (size_t)a->n_vocab, "mixture");
    free(logits);
    feed(p, a, lane_a, N, a->n - N, "after a mixture");
    ponder_prune(p, lane_a);
    ponder_prune(p, lane_b);
}

/* A fork has all of the past; it goes on as if fed by itself, while the others go other ways. */
static void check_forks(struct ponder *p, const struct sequence *a, const struct sequence *b)
{
    static const int points[] = {1, 7, 15, 16, 17, 31, 32, 33};
    for (size_t i = 0; i < PD_COUNT(points); i++) {
        int at = points[i];
        int trunk = new_lane(p, -1);
        feed(p, a, trunk, 0, at, "trunk");
        int fork = new_lane(p, trunk), stray = new_lane(p, fork);
        for (int j = 0; j < 6; j++) /* goes elsewhere, over the others' shared page */
            assert_int_equal(ponder_step(p, &b->token[j], &stray, 1, NULL), PONDER_OK);
        feed(p, a, fork, at, a->n - at, "fork");
        ponder_prune(p, stray);
        feed(p, a, trunk, at, 3, "trunk after its fork");
        ponder_prune(p, fork);
        feed(p, a, trunk, at + 3, a->n - at - 3, "trunk without its fork");
        ponder_prune(p, trunk);
    }
}

static void check_steps(const char *path, int n_tokens, const struct config *config,
                        size_t n_configs)
{
    struct sequence a = new_sequence(path, 1, n_tokens), b = new_sequence(path, 2, n_tokens);
    for (size_t i = 0; i < n_configs; i++) {
        struct ponder *p = new_engine(path, config[i]);
        check_cuts(p, &a);
        check_mixture(p, &a, &b);
        check_forks(p, &a, &b);
        ponder_free(p);
    }
    free(a.logits);
    free(b.logits);
}

static void test_logits_are_the_same_however_they_are_reached(void **state)
{
    (void)state;
    static const struct config configs[] = {
        {1, 4, NULL}, {2, 16, NULL}, {4, 3, NULL}, {2, 4, "generic"}};
    for (size_t i = 0; i < PD_COUNT(tinies); i++) {
        char path[MODEL_FILE_PATH];
        make_tiny(i, path);
        check_steps(path, N_TOKENS, configs, i == 0 ? PD_COUNT(configs) : 2);
        unlink(path);
    }
}

static void test_logits_of_a_real_model_are_the_same(void **state)
{
    (void)state;
    char path[MODEL_FILE_PATH];
    if (!model_file_real(real_model, path))
        skip();
    struct sequence s = new_sequence(path, 1, 10);
    struct ponder *p = new_engine(path, (struct config){2, 4, NULL});
    int trunk = new_lane(p, -1);
    feed(p, &s, trunk, 0, 6, "trunk");
    int fork = new_lane(p, trunk);
    feed(p, &s, fork, 6, 4, "fork");
    feed(p, &s, trunk, 6, 1, "trunk after its fork");
    ponder_free(p);
    free(s.logits);
}

/* ---- what a step or a question leaves behind ---- */

static void test_step_that_does_not_fit_does_nothing(void **state)
{
    (void)state;
    char path[MODEL_FILE_PATH];
    make_tiny(0, path);
    struct sequence s = new_sequence(path, 3, N_TOKENS);
    struct ponder *p = new_engine(path, (struct config){1, 2, NULL});
    float *logits = malloc((size_t)64 * (size_t)s.n_vocab * sizeof *logits);
    assert_non_null(logits);
    int full = new_lane(p, -1), other = new_lane(p, -1), lanes[64];
    int32_t tokens[64];
    int room = 0; /* of a lane: fill one up */
    while (ponder_step(p, &s.token[0], &full, 1, NULL) == PONDER_OK)
        room++;
    assert_true(room >= 128 + 48);
    assert_int_equal(ponder_step(p, &s.token[0], &full, 1, NULL), PONDER_TOO_LONG);

    /* A batch that needs several passes for its logits, and fails for its last row only. */
    for (int i = 0; i < 11; i++) {
        tokens[i] = s.token[i];
        lanes[i] = i < 10 ? other : full;
    }
    assert_int_equal(ponder_step(p, tokens, lanes, 11, logits), PONDER_TOO_LONG);
    assert_int_equal(ponder_step(p, tokens, lanes, 11, NULL), PONDER_TOO_LONG);
    feed(p, &s, other, 0, N_TOKENS, "after a step that failed");
    free(logits);
    free(s.logits);
    ponder_free(p);
    unlink(path);
}

static void test_old_lanes_do_not_reach_into_the_next_question(void **state)
{
    (void)state;
    char path[MODEL_FILE_PATH];
    struct ponder_request request[4];
    make_tiny(0, path);
    make_requests(request, 4, 12);
    struct ponder *p = new_engine(path, (struct config){1, 4, NULL});
    struct outcome expected = solve(p, &request[1]);
    int32_t token = 7;
    for (int lane = -2; lane < 8; lane++) { /* numbers from before the question, or made up */
        ponder_prune(p, lane);
        assert_int_equal(ponder_step(p, &token, &lane, 1, NULL), PONDER_BAD_ARGUMENT);
        struct outcome o = solve(p, &request[1]);
        check_same(&o, &expected, &request[1], (struct config){1, 4, NULL});
    }
    ponder_free(p);
    unlink(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_are_the_same_for_all_threads_and_lanes),
        cmocka_unit_test(test_answers_are_the_same_for_all_families),
        cmocka_unit_test(test_trees_are_the_same_for_all_threads),
        cmocka_unit_test(test_answers_of_a_real_model_are_the_same),
        cmocka_unit_test(test_logits_are_the_same_however_they_are_reached),
        cmocka_unit_test(test_logits_of_a_real_model_are_the_same),
        cmocka_unit_test(test_step_that_does_not_fit_does_nothing),
        cmocka_unit_test(test_old_lanes_do_not_reach_into_the_next_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
