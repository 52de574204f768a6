/* SPDX-License-Identifier: Apache-2.0
 * test_prm.c - process reward models: scores of steps by the row that they are judged by and no other, for every kind of
 * head, from an adapter on the policy's model or from a model of its own; the same bits alone and in a batch, step by step
 * and at once, on every instruction set; and judges that cannot be are refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine.h"
#include "tests/support/model_file.h"
#include "tests/support/tiny_adapter.h"

enum { N_PROMPT = 9, N_STEPS = 4, STEP_TOKENS = 5, N_EMBD = 64, N_PATHS = 16, MAX_SEQUENCE = 96 };

enum kind {
    ADAPTER_VALUE,
    MODEL_VALUE,
    MODEL_SCALAR,
    MODEL_TWO,
    MODEL_DENSE,
    MODEL_TOKENS,
    MODEL_STEP,
    ADAPTER_TWO,
    KINDS
};

static bool is_adapter(enum kind kind)
{
    return kind == ADAPTER_VALUE || kind == ADAPTER_TWO;
}

static float weight(uint64_t which, int i)
{
    return 0.4f * (2 * pd_rng_float(77, which, (uint64_t)i) - 1);
}

static void add_floats(struct gguf_builder *b, const char *name, uint64_t which, int cols, int rows)
{
    float *values = malloc((size_t)(cols * rows) * sizeof *values);
    for (int i = 0; i < cols * rows; i++)
        values[i] = weight(which, i);
    gguf_add_tensor(b, name, 0, rows > 1 ? 2 : 1, (uint64_t[]){(uint64_t)cols, (uint64_t)rows},
                    values, (size_t)(cols * rows) * sizeof *values);
    free(values);
}

static void add_head(void *user, struct gguf_builder *b)
{
    static const char *const labels[2] = {"+", "-"};
    float value[N_EMBD];
    enum kind kind = *(enum kind *)user;
    switch (kind) {
    case ADAPTER_VALUE:
    case MODEL_VALUE:
        for (int i = 0; i < N_EMBD; i++)
            value[i] = weight(1, i);
        gguf_add_array(b, "ponder.head.value", PD_GGUF_F32, value, N_EMBD);
        gguf_add_f32(b, "ponder.head.value.bias", 0.25f);
        break;
    case MODEL_SCALAR:
    case MODEL_STEP:
        add_floats(b, "cls.weight", 1, N_EMBD, 1);
        gguf_add_f32(b, "ponder.verifier.scale", 0.5f);
        gguf_add_f32(b, "ponder.verifier.shift", -0.25f);
        if (kind == MODEL_STEP)
            gguf_add_string(b, "ponder.verifier.step", "<|im_end|>");
        break;
    case MODEL_DENSE:
        add_floats(b, "cls.weight", 2, N_EMBD, N_EMBD);
        add_floats(b, "cls.bias", 3, N_EMBD, 1);
        add_floats(b, "cls.output.weight", 1, N_EMBD, 1);
        break;
    case MODEL_TWO:
    case ADAPTER_TWO:
        if (kind == ADAPTER_TWO)
            break; /* an adapter's file has adapted tensors only: see the test of what is refused */
        add_floats(b, "cls.output.weight", 1, N_EMBD, 2);
        add_floats(b, "cls.output.bias", 4, 2, 1);
        break;
    case MODEL_TOKENS:
        gguf_add_string_array(b, "ponder.verifier.tokens", labels, 2);
        break;
    case KINDS:
        break;
    }
}

/* A policy, and a verifier for it. */
struct files {
    struct tiny_options policy, model;
    enum kind kind;
    char path[MODEL_FILE_PATH], verifier[MODEL_FILE_PATH];
};

static void make_files(struct files *f, enum kind kind, enum pd_format_id format)
{
    *f = (struct files){.kind = kind};
    tiny_options_default(&f->policy, "llama", format);
    assert_int_equal(f->policy.n_embd, N_EMBD);
    assert_true(model_file_of(&f->policy, f->path));
    f->model = f->policy;
    f->model.seed = 9;
    f->model.n_layers = 3;
    f->model.add_keys = add_head;
    f->model.user = &f->kind;
    if (!is_adapter(kind)) {
        assert_true(model_file_of(&f->model, f->verifier));
        return;
    }
    struct tiny_adapter_options options;
    tiny_adapter_default(&options, &f->policy);
    options.add_keys = add_head;
    options.user = &f->kind;
    struct tiny_adapter *adapter = tiny_adapter_new(&options);
    assert_true(model_file_bytes(adapter->bytes, adapter->n_bytes, f->verifier));
    tiny_adapter_free(adapter);
}

static void remove_files(const struct files *f)
{
    unlink(f->path);
    unlink(f->verifier);
}

static struct ponder *new_engine(const char *path, const char *verifier, int n_threads, int n_lanes,
                                 const char *isa)
{
    struct ponder_options options;
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES] = "";
    ponder_options_default(&options);
    options.n_lanes = n_lanes;
    options.n_threads = n_threads;
    options.isa = isa;
    options.max_prompt_tokens = options.max_tokens = 48;
    options.verifier = verifier;
    if (ponder_create(path, &options, 0, &p, err, sizeof err) != PONDER_OK)
        fail_msg("%s", err);
    ponder_reset(p);
    return p;
}

/* ---- paths ---- */

static int32_t line_end(struct ponder *p)
{
    int32_t token;
    size_t n;
    assert_int_equal(ponder_tokenize(p, "\n", 1, false, false, &token, 1, &n), PONDER_OK);
    assert_int_equal(n, 1);
    return token;
}

/* Steps of a few tokens each with a line end behind; paths 2i and 2i + 1 begin alike. */
struct path {
    int32_t token[N_STEPS * (STEP_TOKENS + 1)];
};

struct paths {
    int32_t prompt[N_PROMPT];
    struct path path[N_PATHS];
};

static void make_paths(struct ponder *p, struct paths *paths)
{
    int32_t end = line_end(p);
    for (int i = 0; i < N_PROMPT; i++)
        paths->prompt[i] = 60 + i;
    for (int i = 0; i < N_PATHS; i++)
        for (int k = 0; k < N_STEPS * (STEP_TOKENS + 1); k++) {
            uint64_t key = k < 2 * (STEP_TOKENS + 1) ? (uint64_t)(i / 2) : (uint64_t)(100 + i);
            int32_t token = 40 + (int32_t)(pd_rng_u64(5, key, (uint64_t)k) % 50);
            paths->path[i].token[k] = k % (STEP_TOKENS + 1) == STEP_TOKENS ? end : token;
        }
}

/* A path behind its n-th step; the last one just ends, without a line end. */
static struct pd_verify_item item_of(const struct paths *paths, int path, int n_steps)
{
    bool is_last = n_steps == N_STEPS;
    return (struct pd_verify_item){.lane = path,
                                   .token = paths->path[path].token,
                                   .n_tokens = n_steps * (STEP_TOKENS + 1) - is_last,
                                   .text = "",
                                   .is_answer = is_last};
}

static void begin(struct ponder *p, const struct paths *paths)
{
    const struct pd_verify_question question = {
        .text = "", .token = paths->prompt, .n_tokens = N_PROMPT};
    assert_int_equal(p->search.known[0].type->begin(&p->prm, &question), PONDER_OK);
}

static void score(struct ponder *p, const struct pd_verify_item *items, int n, float *scores)
{
    assert_int_equal(p->search.known[0].type->score(&p->prm, items, n, 0, scores), PONDER_OK);
}

/* ---- what scores should be ---- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double dot(uint64_t which, const float *x, int row)
{
    double sum = 0;
    for (int i = 0; i < N_EMBD; i++)
        sum += (double)weight(which, row * N_EMBD + i) * (double)x[i];
    return sum;
}

/* By the hidden state and the logits of a row. */
static double expected_score(enum kind kind, struct ponder *judge, const float *x,
                             const float *logits)
{
    double sum = 0;
    int32_t labels[2];
    size_t n;
    switch (kind) {
    case ADAPTER_VALUE:
    case MODEL_VALUE:
        return sigmoid(dot(1, x, 0) + 0.25);
    case MODEL_SCALAR:
    case MODEL_STEP:
        return sigmoid(0.5 * dot(1, x, 0) - 0.25);
    case MODEL_DENSE:
        for (int i = 0; i < N_EMBD; i++)
            sum += (double)weight(1, i) * tanh(dot(2, x, i) + (double)weight(3, i));
        return sigmoid(sum);
    case MODEL_TWO: {
        double bad = exp(dot(1, x, 0) + (double)weight(4, 0));
        double good = exp(dot(1, x, 1) + (double)weight(4, 1));
        return good / (good + bad);
    }
    case MODEL_TOKENS: {
        for (int i = 0; i < 2; i++)
            assert_int_equal(
                ponder_tokenize(judge, i == 0 ? "+" : "-", 1, false, false, &labels[i], 1, &n),
                PONDER_OK);
        double good = exp((double)logits[labels[0]]), bad = exp((double)logits[labels[1]]);
        return good / (good + bad);
    }
    case ADAPTER_TWO:
    case KINDS:
        break;
    }
    return NAN;
}

/* The score of a path behind n steps, `shift` rows to the right of the row it should be judged by: by an engine whose
 * model is the judge. */
static double reference(const struct files *f, struct ponder *judge, const struct paths *paths,
                        int path, int n_steps, int shift)
{
    static float logits[MAX_SEQUENCE * TINY_MIN_VOCAB];
    int32_t sequence[MAX_SEQUENCE];
    int lane, lanes[MAX_SEQUENCE], n = 0, at;
    int32_t end = line_end(judge), step = end;
    if (f->kind == MODEL_STEP)
        step = pd_tokenizer_special(judge->tokenizer, "<|im_end|>");
    assert_true(step >= 0);
    for (int i = 0; i < N_PROMPT; i++)
        sequence[n++] = paths->prompt[i];
    for (int i = 0; i < n_steps * (STEP_TOKENS + 1); i++) {
        int32_t token = paths->path[path].token[i];
        sequence[n++] = token == end ? step : token;
    }
    sequence[n] = 50;
    bool is_value = f->kind == ADAPTER_VALUE || f->kind == MODEL_VALUE;
    at = n - 1 - is_value + shift;
    assert_int_equal(
        ponder_lane(judge, is_adapter(f->kind) ? PONDER_VERIFIER : PONDER_POLICY, &lane),
        PONDER_OK);
    for (int i = 0; i <= at; i++)
        lanes[i] = lane;
    assert_int_equal(ponder_step(judge, sequence, lanes, at + 1, logits), PONDER_OK);
    double score = expected_score(f->kind, judge, pd_decoder_hidden(&judge->decoder, at),
                                  logits + at * TINY_MIN_VOCAB);
    ponder_prune(judge, lane);
    return score;
}

static struct ponder *new_reference(const struct files *f)
{
    return is_adapter(f->kind) ? new_engine(f->path, f->verifier, 1, 2, "generic")
                               : new_engine(f->verifier, NULL, 1, 2, "generic");
}

static void test_a_step_is_judged_by_its_row_and_no_other(void **state)
{
    (void)state;
    for (int kind = 0; kind < ADAPTER_TWO; kind++) {
        struct files f;
        struct paths paths;
        make_files(&f, (enum kind)kind, PD_Q8_0);
        struct ponder *p = new_engine(f.path, f.verifier, 1, N_PATHS, NULL);
        struct ponder *judge = new_reference(&f);
        make_paths(p, &paths);
        for (int path = 0; path < N_PATHS; path += 5) {
            begin(p, &paths);
            for (int n = 1; n <= N_STEPS; n++) {
                struct pd_verify_item item = item_of(&paths, path, n);
                float got;
                score(p, &item, 1, &got);
                double want = reference(&f, judge, &paths, path, n, 0);
                if (!(fabs((double)got - want) < 1e-5))
                    fail_msg("kind %d, path %d, step %d: %g, not %g", kind, path, n, (double)got,
                             want);
                for (int shift = -1; shift <= 1; shift += 2)
                    assert_true(fabs((double)got - reference(&f, judge, &paths, path, n, shift)) >
                                1e-4);
            }
        }
        ponder_free(judge);
        ponder_free(p);
        remove_files(&f);
    }
}

/* ---- the same bits ---- */

/* Scores of all steps of all paths, `together` at a time, in turn forwards and backwards. */
static void score_all(struct ponder *p, const struct paths *paths, int together,
                      float scores[N_STEPS][N_PATHS])
{
    begin(p, paths);
    for (int n = 1; n <= N_STEPS; n++)
        for (int first = 0; first < N_PATHS; first += together) {
            struct pd_verify_item items[N_PATHS];
            float got[N_PATHS];
            for (int i = 0; i < together; i++)
                items[i] = item_of(paths, n % 2 == 1 ? first + i : first + together - 1 - i, n);
            score(p, items, together, got);
            for (int i = 0; i < together; i++)
                scores[n - 1][items[i].lane] = got[i];
        }
}

static void test_one_at_a_time_is_as_sixteen_together(void **state)
{
    (void)state;
    static const enum kind kinds[] = {ADAPTER_VALUE, MODEL_TWO, MODEL_TOKENS, MODEL_STEP};
    for (size_t k = 0; k < PD_COUNT(kinds); k++) {
        struct files f;
        struct paths paths;
        float want[N_STEPS][N_PATHS], got[N_STEPS][N_PATHS];
        const char *isa;
        bool is_available;
        make_files(&f, kinds[k], k % 2 == 0 ? PD_Q4_0 : PD_F16);
        for (int level = 0; (isa = pd_kernels_isa(level, &is_available)) != NULL; level++) {
            static const int together[] = {1, 16, 4, 2};
            for (int i = 0; is_available && i < 4; i++) {
                struct ponder *p = new_engine(f.path, f.verifier, 1 + i % 3, N_PATHS, isa);
                make_paths(p, &paths);
                score_all(p, &paths, together[i], level + i == 0 ? want : got);
                if (level + i > 0)
                    assert_memory_equal(got, want, sizeof want);
                score_all(p, &paths, together[3 - i],
                          got); /* and again: a judge remembers nothing */
                assert_memory_equal(got, want, sizeof want);
                ponder_free(p);
            }
        }
        assert_true(want[0][0] == want[0][1]); /* which begin alike */
        assert_true(want[3][0] != want[3][1]);
        remove_files(&f);
    }
}

static void test_only_new_tokens_are_read(void **state)
{
    (void)state;
    for (int kind = 0; kind < MODEL_SCALAR; kind++) {
        struct files f;
        struct paths paths;
        float got[2];
        make_files(&f, (enum kind)kind, PD_Q8_0);
        struct ponder *p = new_engine(f.path, f.verifier, 1, 4, NULL);
        make_paths(p, &paths);
        begin(p, &paths);
        for (int n = 1; n <= N_STEPS; n++) {
            struct pd_verify_item item = item_of(&paths, 0, n);
            score(p, &item, 1, got);
            /* The row before the last step's end was the last one that was read. */
            int first = n == 1 ? N_PROMPT : N_PROMPT + (n - 1) * (STEP_TOKENS + 1) - 1;
            assert_int_equal(p->prm.row[0].position, first);
        }
        /* A path that leaves it after the second step shares what is before. */
        struct pd_verify_item items[2] = {item_of(&paths, 1, 3), item_of(&paths, 0, 4)};
        score(p, items, 2, got);
        int n_rows = 0;
        for (int i = 0; i < 32 && p->prm.row[i].lane == p->prm.row[0].lane; i++)
            n_rows++;
        assert_true(n_rows <= 2 * (STEP_TOKENS + 1));
        ponder_free(p);
        remove_files(&f);
    }
}

static void test_lanes_taken_away_change_nothing(void **state)
{
    (void)state;
    struct files f;
    struct paths paths;
    make_files(&f, ADAPTER_VALUE, PD_Q8_0);
    struct ponder *p = new_engine(f.path, f.verifier, 1, 4, NULL);
    struct pd_verify_item item;
    float want, got;
    int lane;
    make_paths(p, &paths);
    begin(p, &paths);
    item = item_of(&paths, 3, 2);
    score(p, &item, 1, &want);
    ponder_reset(p);              /* all lanes, the verifier's too */
    for (int i = 0; i < 5; i++) { /* the policy has them now, with the same tokens */
        assert_int_equal(ponder_fork(p, -1, &lane), PONDER_OK);
        for (int k = 0; k < N_PROMPT + item.n_tokens; k++) {
            int32_t token = k < N_PROMPT ? paths.prompt[k] : item.token[k - N_PROMPT];
            assert_int_equal(ponder_step(p, &token, &lane, 1, NULL), PONDER_OK);
        }
    }
    score(p, &item, 1, &got);
    assert_true(got == want);
    begin(p, &paths);
    score(p, &item, 1, &got);
    assert_true(got == want);
    ponder_free(p);
    remove_files(&f);
}

static void test_a_deadline_interrupts_and_nothing_is_lost(void **state)
{
    (void)state;
    struct files f;
    struct paths paths;
    make_files(&f, MODEL_TWO, PD_Q8_0);
    struct ponder *p = new_engine(f.path, f.verifier, 1, 4, NULL);
    struct pd_verify_item item;
    float want, got;
    make_paths(p, &paths);
    item = item_of(&paths, 3, 2);
    begin(p, &paths);
    assert_int_equal(p->search.known[0].type->score(&p->prm, &item, 1, 1, &got), PONDER_NO_TIME);
    assert_true(isnan(got));
    score(p, &item, 1, &want);
    begin(p, &paths);
    score(p, &item, 1, &got);
    assert_true(got == want);
    ponder_free(p);
    remove_files(&f);
}

/* ---- in a search ---- */

static void test_a_search_goes_by_it(void **state)
{
    (void)state;
    static const enum kind kinds[] = {ADAPTER_VALUE, MODEL_TOKENS};
    static const char *const strategies[] = {"beam", "best-of-n-weighted", "rebase"};
    for (size_t k = 0; k < PD_COUNT(kinds); k++) {
        struct files f;
        make_files(&f, kinds[k], PD_Q8_0);
        for (size_t s = 0; s < PD_COUNT(strategies); s++) {
            char want[4096] = "";
            for (int i = 0; i < 3; i++) {
                int n_lanes = s == 1 && i == 2 ? 3 : 8; /* in turn, on lanes that others had */
                struct ponder *p = new_engine(f.path, f.verifier, 1 + i, n_lanes, NULL);
                struct ponder_request request;
                struct ponder_answer answer;
                ponder_request_default(&request);
                request.strategy = strategies[s];
                request.verifier = "model";
                request.n_samples = 8;
                request.raw = true;
                request.temperature = 2.0f;
                request.confidence = 1.0;
                for (int again = 0; again < 2; again++) {
                    enum ponder_status status = ponder_solve(p, "2 + 2 =", 7, &request, &answer);
                    if (status != PONDER_OK && status != PONDER_NO_ANSWER)
                        fail_msg("%s: %s", strategies[s], ponder_status_text(status));
                    assert_string_equal(answer.note, "");
                    char got[4096];
                    snprintf(got, sizeof got, "%s|%.*s|%.9g", answer.answer, (int)answer.text_bytes,
                             answer.text, answer.confidence);
                    if (i + again == 0)
                        memcpy(want, got, sizeof want);
                    assert_string_equal(got, want);
                }
                ponder_free(p);
            }
        }
        remove_files(&f);
    }
}

/* ---- what cannot be ---- */

struct refused {
    void (*change)(struct tiny_options *model);
    enum ponder_status status;
    const char *says;
};

static void add_nothing(void *user, struct gguf_builder *b)
{
    (void)user, (void)b;
}

static void without_head(struct tiny_options *model)
{
    model->add_keys = add_nothing;
}

static void with_other_vocabulary(struct tiny_options *model)
{
    model->vocab = TINY_SENTENCEPIECE;
}

static void add_nan(void *user, struct gguf_builder *b)
{
    (void)user;
    float values[N_EMBD] = {0};
    values[3] = NAN;
    gguf_add_tensor(b, "cls.output.weight", 0, 1, (uint64_t[]){N_EMBD}, values, sizeof values);
}

static void with_nan(struct tiny_options *model)
{
    model->add_keys = add_nan;
}

static void add_three(void *user, struct gguf_builder *b)
{
    (void)user;
    add_floats(b, "cls.output.weight", 1, N_EMBD, 3);
}

static void with_three_classes(struct tiny_options *model)
{
    model->add_keys = add_three;
}

static void add_step(void *user, struct gguf_builder *b)
{
    (void)user;
    add_floats(b, "cls.weight", 1, N_EMBD, 1);
    gguf_add_string(b, "ponder.verifier.step", "<extra_0>");
}

static void with_unknown_step(struct tiny_options *model)
{
    model->add_keys = add_step;
}

static void add_same_labels(void *user, struct gguf_builder *b)
{
    static const char *const labels[2] = {"+", "+"};
    (void)user;
    gguf_add_string_array(b, "ponder.verifier.tokens", labels, 2);
}

static void with_same_labels(struct tiny_options *model)
{
    model->add_keys = add_same_labels;
}

static void with_short_context(struct tiny_options *model)
{
    model->n_ctx_train = 64;
}

static void test_judges_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {without_head, PONDER_UNSUPPORTED, "no head to judge with"},
        {with_other_vocabulary, PONDER_OTHER_BASE, "vocabulary"},
        {with_nan, PONDER_BAD_FILE, "no number"},
        {with_three_classes, PONDER_BAD_FILE, "one output or two"},
        {with_unknown_step, PONDER_OTHER_BASE, "'<extra_0>', which is no token"},
        {with_same_labels, PONDER_BAD_FILE, "the same"},
        {with_short_context, PONDER_OTHER_BASE, "context"},
    };
    struct files f;
    make_files(&f, MODEL_TWO, PD_Q8_0);
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        struct ponder_options options;
        struct ponder *p = NULL;
        char err[PONDER_ERROR_BYTES] = "";
        struct tiny_options model = f.model;
        cases[i].change(&model);
        unlink(f.verifier);
        assert_true(model_file_of(&model, f.verifier));
        ponder_options_default(&options);
        options.max_prompt_tokens = options.max_tokens = 48;
        options.verifier = f.verifier;
        enum ponder_status status = ponder_create(f.path, &options, 0, &p, err, sizeof err);
        if (status != cases[i].status || strstr(err, cases[i].says) == NULL)
            fail_msg("case %d: %s, '%s' does not say '%s'", (int)i, ponder_status_text(status), err,
                     cases[i].says);
        assert_int_equal(ponder_status_exit_code(status), 3);
        assert_non_null(strstr(err, f.verifier)); /* which file it is about */
    }
    remove_files(&f);
    make_files(&f, ADAPTER_TWO, PD_Q8_0); /* an adapter without a head */
    struct ponder_options options;
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES] = "";
    ponder_options_default(&options);
    options.max_prompt_tokens = options.max_tokens = 48;
    options.verifier = f.verifier;
    assert_int_equal(ponder_create(f.path, &options, 0, &p, err, sizeof err), PONDER_UNSUPPORTED);
    assert_non_null(strstr(err, "no head to judge with"));
    remove_files(&f);
}

static void test_memory_is_exactly_what_was_said(void **state)
{
    (void)state;
    for (int kind = 0; kind <= MODEL_TWO; kind++) {
        struct files f;
        struct ponder_options options;
        struct ponder_plan plan;
        struct ponder *p = NULL;
        char err[PONDER_ERROR_BYTES] = "";
        make_files(&f, (enum kind)kind, PD_Q8_0);
        ponder_options_default(&options);
        options.n_threads = 1;
        options.max_prompt_tokens = options.max_tokens = 48;
        options.verifier = f.verifier;
        assert_int_equal(ponder_measure(f.path, &options, &plan, err, sizeof err), PONDER_OK);
        size_t sum = 0, verifier = 0;
        for (int i = 0; i < plan.n_sections; i++) {
            sum += plan.sections[i].bytes;
            if (strcmp(plan.sections[i].name, "verifier") == 0)
                verifier = plan.sections[i].bytes;
        }
        assert_int_equal(sum, plan.total_bytes);
        assert_true(verifier > 0);
        void *block = malloc(plan.total_bytes);
        assert_int_equal(
            ponder_init(block, plan.total_bytes - 1, f.path, &options, &p, err, sizeof err),
            PONDER_NO_MEMORY);
        assert_int_equal(
            ponder_init(block, plan.total_bytes, f.path, &options, &p, err, sizeof err), PONDER_OK);
        assert_int_equal(p->info.memory_bytes, plan.total_bytes);
        ponder_free(p);
        free(block);
        remove_files(&f);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_step_is_judged_by_its_row_and_no_other),
        cmocka_unit_test(test_one_at_a_time_is_as_sixteen_together),
        cmocka_unit_test(test_only_new_tokens_are_read),
        cmocka_unit_test(test_lanes_taken_away_change_nothing),
        cmocka_unit_test(test_a_deadline_interrupts_and_nothing_is_lost),
        cmocka_unit_test(test_a_search_goes_by_it),
        cmocka_unit_test(test_judges_that_cannot_be_are_refused),
        cmocka_unit_test(test_memory_is_exactly_what_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
