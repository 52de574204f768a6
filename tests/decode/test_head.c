/* SPDX-License-Identifier: Apache-2.0
 * test_head.c - what the output head keeps of its logits, against the logits of a plain product: the same bits for any
 * instruction set, number of rows and order of work; and draws and scores through the public interface. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/exp.h"
#include "base/base.h"
#include "base/real.h"
#include "base/rng.h"
#include "decode/head.h"
#include "ponder.h"
#include "tests/support/guarded.h"
#include "tests/support/model_file.h"
#include "tests/support/tiny_model.h"
#include "tests/support/weights.h"

/* ---- the documented order, done slowly ---- */

static float sum_tree(float partial[PD_SUM_LANES])
{
    for (int distance = PD_SUM_LANES / 2; distance > 0; distance /= 2)
        for (int i = 0; i < distance; i++)
            partial[i] += partial[i + distance];
    return partial[0];
}

static float slow_exp_sum(const float *x, int n, float max, float inverse_temperature)
{
    float partial[PD_SUM_LANES] = {0};
    for (int i = 0; i < n; i++)
        partial[i % PD_SUM_LANES] += pd_exp((x[i] - max) * inverse_temperature);
    return sum_tree(partial);
}

static float slow_sum(const float *x, int n)
{
    float partial[PD_SUM_LANES] = {0};
    for (int i = 0; i < n; i++)
        partial[i % PD_SUM_LANES] += x[i];
    return sum_tree(partial);
}

static float slow_max(const float *x, int n)
{
    float max = -INFINITY;
    for (int i = 0; i < n; i++)
        if (!isnan(x[i]) && x[i] > max)
            max = x[i];
    return max;
}

static float slow_log_prob(const float *logits, int n_vocab, int32_t token)
{
    float max = slow_max(logits, n_vocab);
    double sum = 0.0;
    for (int i = 0; i < n_vocab; i += 256) {
        int n = n_vocab - i < 256 ? n_vocab - i : 256;
        float span_max = slow_max(logits + i, n);
        sum += (double)slow_exp_sum(logits + i, n, span_max, 1.0f) * (double)pd_exp(span_max - max);
    }
    return logits[token] - max - (float)pd_real_log(sum);
}

/* By the definition: the mean of -log(V p), in units of log V. NAN: a logit is not finite. */
static double slow_certainty(const float *logits, int n_vocab)
{
    double max = (double)slow_max(logits, n_vocab), sum = 0.0, mean = 0.0;
    for (int i = 0; i < n_vocab; i++)
        sum += exp((double)logits[i] - max);
    for (int i = 0; i < n_vocab; i++)
        mean -= (log(n_vocab) + (double)logits[i] - max - log(sum)) / n_vocab;
    return isfinite(mean) && n_vocab > 1 ? mean / log(n_vocab) : (double)NAN;
}

static int32_t slow_likeliest(const float *logits, int n_vocab)
{
    float max = slow_max(logits, n_vocab);
    int32_t token = 0;
    while (logits[token] != max)
        token++;
    return token;
}

/* ---- the head alone ---- */

enum { MAX_ROWS = 16, N_THREADS = 3 };

/* A head of some vocabulary and format, and its plain logits by generic's product. */
struct fixture {
    enum pd_format_id format;
    int n_vocab, k;
    uint8_t *weights;
    float *x;      /* [MAX_ROWS][k] */
    float *logits; /* [MAX_ROWS][n_vocab] */
    /* With one instruction set: */
    struct pd_kernels kernels;
    struct pd_weight weight;
    struct pd_head head;
    void *block;
};

static void *allocate(size_t bytes)
{
    void *block = malloc(bytes);
    assert_non_null(block);
    return block;
}

/* Unavailable instruction sets have no head: false. */
static bool open_head(struct fixture *f, const char *isa)
{
    struct pd_arena a;
    size_t bytes;
    if (!pd_kernels_init(&f->kernels, isa))
        return false;
    const struct pd_format *format = pd_format_get(f->format);
    int panel_rows = f->kernels.panel_rows;
    f->weight = (struct pd_weight){.format = f->format,
                                   .is_quantised = format->is_quantised,
                                   .rows = f->n_vocab,
                                   .cols = f->k,
                                   .n_panels = pd_div_up(f->n_vocab, panel_rows)};
    f->weight.panels = weights_pack(format, f->weights, f->n_vocab, f->k, panel_rows, &bytes);
    f->weight.panel_bytes = bytes / (size_t)f->weight.n_panels;
    pd_arena_init_count(&a);
    pd_head_layout(&f->head, &f->weight, &f->kernels, MAX_ROWS, N_THREADS, &a);
    bytes = pd_arena_block_bytes(&a);
    f->block = allocate(bytes);
    pd_arena_init(&a, f->block, bytes);
    pd_head_layout(&f->head, &f->weight, &f->kernels, MAX_ROWS, N_THREADS, &a);
    assert_false(a.overflowed);
    return true;
}

static void close_head(struct fixture *f)
{
    free(f->weight.panels);
    free(f->block);
}

static void set_rows(const struct fixture *f, int first, int n, int target)
{
    for (int i = 0; i < n; i++)
        pd_head_set_row(&f->head, i, f->x + (size_t)(first + i) * (size_t)f->k,
                        (target + 31 * i) % f->n_vocab);
}

/* All logits at once by the plain product, from rows that the head has quantised. */
static void plain_product(struct fixture *f)
{
    size_t stride = (size_t)(f->weight.n_panels * f->kernels.panel_rows);
    float *y = allocate((size_t)MAX_ROWS * stride * sizeof *y);
    set_rows(f, 0, MAX_ROWS, 0);
    f->kernels.matmul[f->format](f->weight.panels, f->weight.n_panels, f->k, &f->head.act, MAX_ROWS,
                                 y, stride);
    for (int i = 0; i < MAX_ROWS; i++)
        memcpy(f->logits + (size_t)i * (size_t)f->n_vocab, y + (size_t)i * stride,
               (size_t)f->n_vocab * sizeof *y);
    free(y);
}

/* has_odd: some rows of float weights are no numbers, or infinite, whole spans among them. */
static void setup(struct fixture *f, enum pd_format_id format, int n_vocab, int k, bool has_odd)
{
    uint64_t seed = (uint64_t)n_vocab;
    *f = (struct fixture){.format = format, .n_vocab = n_vocab, .k = k};
    f->weights = weights_new(pd_format_get(format), n_vocab, k, 5);
    f->x = allocate((size_t)(MAX_ROWS * k) * sizeof *f->x);
    f->logits = allocate((size_t)(MAX_ROWS * n_vocab) * sizeof *f->logits);
    for (int i = 0; i < MAX_ROWS * k; i++)
        f->x[i] = 0.2f * weights_number(&seed);
    for (int row = 0; has_odd && row < n_vocab; row++) {
        float *weights = (float *)(void *)f->weights + (size_t)row * (size_t)k;
        if (row % 7 == 0 || row % 64 == 0 || (row >= 256 && row < 512))
            weights[row % k] = NAN;
        else if (row % 97 == 5)
            weights[row % k] = row % 2 == 0 ? INFINITY : -INFINITY;
    }
    assert_true(open_head(f, "generic"));
    plain_product(f);
    close_head(f);
}

static void teardown(struct fixture *f)
{
    free(f->weights);
    free(f->x);
    free(f->logits);
}

static void assert_same_float(float a, float b)
{
    assert_memory_equal(&a, &b, sizeof a);
}

/* A row of the head against plain logits. */
static void check_row(const struct fixture *f, int row, const float *logits)
{
    const struct pd_head *h = &f->head;
    const float *block_max = pd_head_row_blocks(h, row);
    const struct pd_head_span *span = pd_head_row_spans(h, row);
    for (int i = 0; i < f->n_vocab; i += 64)
        assert_same_float(block_max[i / 64], slow_max(logits + i, pd_min_int(64, f->n_vocab - i)));
    for (int i = 0; i < f->n_vocab; i += 256) {
        int n = pd_min_int(256, f->n_vocab - i);
        float max = slow_max(logits + i, n);
        assert_same_float(span[i / 256].max, max);
        assert_same_float(span[i / 256].sum, slow_exp_sum(logits + i, n, max, 1.0f));
        if (h->inverse_temperature != 0.0f)
            assert_same_float(span[i / 256].mass,
                              slow_exp_sum(logits + i, n, max, h->inverse_temperature));
        if (h->wants_totals && isfinite(slow_sum(logits + i, n)))
            assert_same_float(span[i / 256].total, slow_sum(logits + i, n));
    }
    if (h->wants_totals) {
        double certainty = (double)pd_head_certainty(h, row);
        double expected = slow_certainty(logits, f->n_vocab);
        assert_true(isnan(expected) ? isnan(certainty)
                                    : fabs(certainty - expected) < 1e-5 * (1.0 + expected));
    }
    float again[256];
    for (int i = 0; i < f->n_vocab; i += 64) {
        int n = pd_head_logits(h, row, i, 64, again);
        assert_int_equal(n, pd_min_int(64, f->n_vocab - i));
        assert_memory_equal(again, logits + i, (size_t)n * sizeof *again);
    }
}

/* Rows [first, first + n), spans from the last to the first, on threads by turns. */
static void check_step(struct fixture *f, int first, int n, float inverse_temperature)
{
    struct pd_head *h = &f->head;
    int target = 17 * n + first;
    h->inverse_temperature = inverse_temperature;
    h->wants_totals = n % 2 == 0;
    set_rows(f, first, n, target);
    for (int end = h->n_spans, share = 1; end > 0; end -= share, share = 1 + (share + n) % 5) {
        share = pd_min_int(share, end);
        pd_head_run(h, n, end - share, end, end % N_THREADS);
    }
    for (int i = 0; i < n; i++) {
        const float *logits = f->logits + (size_t)(first + i) * (size_t)f->n_vocab;
        check_row(f, i, logits);
        assert_same_float(h->target_logit[i], logits[(target + 31 * i) % f->n_vocab]);
    }
}

static void check_format(enum pd_format_id format, int n_vocab, int k, bool has_odd)
{
    struct fixture f;
    const char *isa;
    bool is_available;
    setup(&f, format, n_vocab, k, has_odd);
    for (int level = 0; (isa = pd_kernels_isa(level, &is_available)) != NULL; level++) {
        if (!open_head(&f, isa))
            continue;
        for (int n = 1; n <= MAX_ROWS; n++)
            check_step(&f, (5 * n) % (MAX_ROWS - n + 1), n,
                       n % 3 == 0 ? 1.25f : (float)(n % 3 - 1));
        close_head(&f);
    }
    teardown(&f);
}

static void test_results_are_those_of_the_plain_product(void **state)
{
    (void)state;
    static const int sizes[] = {1, 8, 63, 65, 257, 1021};
    for (size_t i = 0; i < PD_COUNT(sizes); i++) {
        check_format(PD_Q4_0, sizes[i], 64, false);
        check_format(PD_F32, sizes[i], 7, false);
        check_format(PD_F16, sizes[i], 96, false);
        check_format(PD_Q6_K, sizes[i], 256, false);
    }
    check_format(PD_Q8_0, 5000, 32, false);
}

static void test_what_is_no_number_is_left_out(void **state)
{
    (void)state;
    check_format(PD_F32, 1021, 3, true);
}

static void test_kept_row_outlives_the_next_steps(void **state)
{
    (void)state;
    static const enum pd_format_id formats[] = {PD_Q8_0, PD_F16};
    for (size_t i = 0; i < PD_COUNT(formats); i++) {
        struct fixture f;
        setup(&f, formats[i], 700, 64, false);
        assert_true(open_head(&f, NULL));
        check_step(&f, 4, 6, 0.5f);
        pd_head_keep(&f.head, 3);
        check_step(&f, 0, MAX_ROWS, 0.5f);
        check_row(&f, f.head.n_rows, f.logits + (size_t)7 * (size_t)f.n_vocab);
        close_head(&f);
        teardown(&f);
    }
}

static void test_logits_asked_for_go_no_further(void **state)
{
    (void)state;
    static const int sizes[] = {1, 9, 300, 1021};
    for (size_t i = 0; i < PD_COUNT(sizes); i++) {
        struct fixture f;
        const char *isa;
        bool is_available;
        setup(&f, PD_Q5_0, sizes[i], 64, false);
        for (int level = 0; (isa = pd_kernels_isa(level, &is_available)) != NULL; level++) {
            if (!open_head(&f, isa))
                continue;
            size_t bytes = (size_t)(MAX_ROWS * f.n_vocab) * sizeof(float);
            float *zeros = calloc(1, bytes);
            assert_non_null(zeros);
            struct guarded g = guarded_copy(zeros, bytes);
            f.head.logits = (float *)(void *)g.data;
            set_rows(&f, 0, MAX_ROWS, 0);
            pd_head_run(&f.head, MAX_ROWS, 0, f.head.n_spans, 0);
            assert_memory_equal(g.data, f.logits, bytes);
            guarded_free(&g);
            free(zeros);
            close_head(&f);
        }
        teardown(&f);
    }
}

/* ---- through the public interface ---- */

enum { N_TOKENS = 100, N_VOCAB = 1021 };

struct config {
    int n_threads;
    const char *isa;
};

static const struct config configs[] = {{1, "generic"}, {2, NULL}, {3, NULL}, {4, "generic"}};

static void make_model(char path_ret[MODEL_FILE_PATH])
{
    struct tiny_options options;
    tiny_options_default(&options, "llama", PD_Q4_0);
    options.n_vocab = N_VOCAB;
    struct tiny_model *tiny = tiny_model_new(&options);
    assert_non_null(tiny);
    strcpy(path_ret, "/tmp/test_head_XXXXXX");
    int file = mkstemp(path_ret);
    assert_true(file >= 0);
    assert_int_equal(write(file, tiny->bytes, tiny->n_bytes), (ssize_t)tiny->n_bytes);
    close(file);
    tiny_model_free(tiny);
}

static struct ponder *new_engine(const char *path, struct config c)
{
    struct ponder_options options;
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES] = "";
    ponder_options_default(&options);
    options.n_lanes = 5;
    options.n_threads = c.n_threads;
    options.isa = c.isa;
    options.max_prompt_tokens = 128;
    options.max_tokens = 64;
    if (ponder_create(path, &options, 0, &p, err, sizeof err) != PONDER_OK)
        fail_msg("%s", err);
    ponder_reset(p);
    return p;
}

static int new_lane(struct ponder *p)
{
    int lane;
    assert_int_equal(ponder_fork(p, -1, &lane), PONDER_OK);
    return lane;
}

static void random_tokens(int32_t tokens[N_TOKENS], uint64_t seed)
{
    for (uint64_t i = 0; i < N_TOKENS; i++)
        tokens[i] = (int32_t)(pd_rng_u64(seed, 0, i) % N_VOCAB);
}

/* Log-probabilities of each token behind those before it, from logits. */
static void slow_scores(struct ponder *p, const int32_t *tokens, int n, float *log_prob_ret)
{
    float *logits = allocate(N_VOCAB * sizeof *logits);
    int lane = new_lane(p);
    for (int i = 0; i < n; i++) {
        assert_int_equal(ponder_step(p, &tokens[i], &lane, 1, logits), PONDER_OK);
        if (i + 1 < n)
            log_prob_ret[i] = slow_log_prob(logits, N_VOCAB, tokens[i + 1]);
    }
    ponder_prune(p, lane);
    free(logits);
}

static void test_scores_are_those_of_the_logits(void **state)
{
    (void)state;
    char path[MODEL_FILE_PATH];
    int32_t tokens[N_TOKENS];
    float expected[N_TOKENS], got[N_TOKENS];
    make_model(path);
    random_tokens(tokens, 3);
    for (size_t i = 0; i < PD_COUNT(configs); i++) {
        struct ponder *p = new_engine(path, configs[i]);
        if (i == 0)
            slow_scores(p, tokens, N_TOKENS, expected);
        for (int n = 1; n <= N_TOKENS; n += 11) {
            int lane = new_lane(p);
            got[n - 1] = 42.0f; /* beyond what is to be written */
            assert_int_equal(ponder_score(p, lane, tokens, n, got), PONDER_OK);
            assert_memory_equal(got, expected, (size_t)(n - 1) * sizeof *got);
            assert_true(got[n - 1] == 42.0f);
            if (n < N_TOKENS) { /* and on, behind a past; the token between is nobody's */
                int n_more = N_TOKENS - n;
                assert_int_equal(ponder_score(p, lane, tokens + n, n_more, got), PONDER_OK);
                assert_memory_equal(got, expected + n, (size_t)(n_more - 1) * sizeof *got);
            }
            ponder_prune(p, lane);
        }
        ponder_free(p);
    }
    unlink(path);
}

static void test_scores_that_do_not_fit_do_nothing(void **state)
{
    (void)state;
    char path[MODEL_FILE_PATH];
    int32_t tokens[N_TOKENS], bad[2] = {0, N_VOCAB};
    float expected[N_TOKENS], got[N_TOKENS];
    make_model(path);
    random_tokens(tokens, 4);
    struct ponder *p = new_engine(path, configs[1]);
    slow_scores(p, tokens, N_TOKENS, expected);
    int lane = new_lane(p), no_lane = 99;
    assert_int_equal(ponder_score(p, lane, tokens, 60, got), PONDER_OK);
    int32_t *many = calloc(400, sizeof *many);
    float *scores = calloc(400, sizeof *scores);
    assert_true(many != NULL && scores != NULL);
    assert_int_equal(ponder_score(p, lane, many, 400, scores), PONDER_TOO_LONG);
    assert_int_equal(ponder_score(p, lane, bad, 2, scores), PONDER_BAD_ARGUMENT);
    assert_int_equal(ponder_score(p, lane, tokens, 0, scores), PONDER_BAD_ARGUMENT);
    assert_int_equal(ponder_score(p, no_lane, tokens, 2, scores), PONDER_BAD_ARGUMENT);
    for (int i = 0; i < 400; i++)
        assert_true(scores[i] == 0.0f);
    assert_int_equal(ponder_score(p, lane, tokens + 60, 40, got), PONDER_OK);
    assert_memory_equal(got, expected + 60, 39 * sizeof *got);
    free(many);
    free(scores);
    ponder_free(p);
    unlink(path);
}

enum { N_LANES = 5, N_STEPS = 12 };

struct drawn {
    int32_t token[N_STEPS][N_LANES];
    float log_prob[N_STEPS][N_LANES];
};

/* Lanes with a token each go on by themselves; with logits beside them, everything is checked against those. */
static void decode(struct ponder *p, const struct ponder_request *request, bool has_logits,
                   struct drawn *d)
{
    int lanes[N_LANES], twin = -1;
    int32_t tokens[N_LANES] = {1, 20, 300, 4, 1000};
    float *logits = allocate(N_VOCAB * sizeof *logits);
    ponder_reset(p);
    for (int i = 0; i < N_LANES; i++)
        lanes[i] = new_lane(p);
    if (has_logits)
        twin = new_lane(p);
    for (int step = 0; step < N_STEPS; step++) {
        if (has_logits)
            assert_int_equal(ponder_step(p, &tokens[2], &twin, 1, logits), PONDER_OK);
        assert_int_equal(ponder_decode(p, lanes, N_LANES, tokens, request, d->log_prob[step]),
                         PONDER_OK);
        memcpy(d->token[step], tokens, sizeof tokens);
        if (!has_logits)
            continue;
        if (request != NULL && request->temperature < 0.0f)
            assert_int_equal(tokens[2], slow_likeliest(logits, N_VOCAB));
        assert_same_float(d->log_prob[step][2], slow_log_prob(logits, N_VOCAB, tokens[2]));
    }
    free(logits);
}

static void test_decoding_draws_the_same_everywhere(void **state)
{
    (void)state;
    static const struct ponder_request requests[] = {
        {.temperature = -1.0f},
        {.temperature = 1.5f, .top_k = -1, .top_p = 1.0f, .seed = 7},
        {.temperature = 1.0f, .top_k = 40, .top_p = 0.9f, .seed = 8},
        {.temperature = 2.0f, .top_k = -1, .top_p = 1.0f, .min_p = 0.1f, .seed = 9},
    };
    static struct drawn expected[PD_COUNT(requests) + 1];
    struct drawn got;
    char path[MODEL_FILE_PATH];
    make_model(path);
    for (size_t i = 0; i < PD_COUNT(configs); i++) {
        struct ponder *p = new_engine(path, configs[i]);
        for (size_t j = 0; j <= PD_COUNT(requests); j++) {
            const struct ponder_request *request = j < PD_COUNT(requests) ? &requests[j] : NULL;
            if (i == 0)
                decode(p, request, true, &expected[j]);
            decode(p, request, false, &got);
            assert_memory_equal(&got, &expected[j], sizeof got);
        }
        assert_memory_not_equal(&expected[0], &expected[1], sizeof got);
        ponder_free(p);
    }
    unlink(path);
}

/* Two prompts in one call, their rows mixed: as token by token, and only a lane's last row is drawn for. */
static void test_decoding_a_prompt_draws_behind_its_end(void **state)
{
    (void)state;
    enum { N = 5 };
    char path[MODEL_FILE_PATH];
    make_model(path);
    struct ponder *p = new_engine(path, configs[1]);
    const struct ponder_request request = {.temperature = 1.0f, .seed = 5};
    int a = new_lane(p), b = new_lane(p);
    const int lanes[N] = {a, b, a, b, a};
    const int32_t prompt[N] = {1, 20, 300, 4, 1000};
    int32_t together[N];
    float log_prob[N] = {9, 9, 9, 9, 9};
    memcpy(together, prompt, sizeof prompt);
    assert_int_equal(ponder_decode(p, lanes, N, together, &request, log_prob), PONDER_OK);

    ponder_reset(p);
    assert_int_equal(new_lane(p), a);
    assert_int_equal(new_lane(p), b);
    for (int i = 0; i < N; i++) {
        int32_t token = prompt[i];
        float single;
        assert_int_equal(ponder_decode(p, &lanes[i], 1, &token, &request, &single), PONDER_OK);
        bool is_last = i >= N - 2;
        assert_int_equal(together[i], is_last ? token : prompt[i]);
        assert_same_float(log_prob[i], is_last ? single : 9.0f);
    }
    ponder_free(p);
    unlink(path);
}

static void test_decoding_refuses_what_it_cannot_do(void **state)
{
    (void)state;
    char path[MODEL_FILE_PATH];
    make_model(path);
    struct ponder *p = new_engine(path, configs[1]);
    const struct ponder_request penalty = {.repeat_penalty = 1.1f}, hot = {.temperature = NAN};
    int lane = new_lane(p), no_lane = lane + 1;
    int32_t token = 5, bad = -1;
    assert_int_equal(ponder_decode(p, &lane, 1, &token, &penalty, NULL), PONDER_BAD_ARGUMENT);
    assert_int_equal(ponder_decode(p, &lane, 1, &token, &hot, NULL), PONDER_BAD_ARGUMENT);
    assert_int_equal(ponder_decode(p, &lane, 0, &token, NULL, NULL), PONDER_BAD_ARGUMENT);
    assert_int_equal(ponder_decode(p, &no_lane, 1, &token, NULL, NULL), PONDER_BAD_ARGUMENT);
    assert_int_equal(ponder_decode(p, &lane, 1, &bad, NULL, NULL), PONDER_BAD_ARGUMENT);
    assert_int_equal(token, 5);
    assert_int_equal(ponder_decode(p, &lane, 1, &token, NULL, NULL), PONDER_OK);
    ponder_free(p);
    unlink(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_are_those_of_the_plain_product),
        cmocka_unit_test(test_what_is_no_number_is_left_out),
        cmocka_unit_test(test_kept_row_outlives_the_next_steps),
        cmocka_unit_test(test_logits_asked_for_go_no_further),
        cmocka_unit_test(test_scores_are_those_of_the_logits),
        cmocka_unit_test(test_scores_that_do_not_fit_do_nothing),
        cmocka_unit_test(test_decoding_draws_the_same_everywhere),
        cmocka_unit_test(test_decoding_a_prompt_draws_behind_its_end),
        cmocka_unit_test(test_decoding_refuses_what_it_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
