/* SPDX-License-Identifier: Apache-2.0
 * test_sampler.c - the sampler against a slow one in doubles that sorts everything, in all combinations of
 * its settings; draws come as often as their probabilities say; odd logits do no harm. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/rng.h"
#include "decode/sampler.h"

enum { MAX_VOCAB = 9001, N_ISAS = 2 };

/* Heads that multiply a column of weights, the logits, by one: with the best table of this CPU and with generic's. */
struct fixture {
    struct pd_kernels kernels[N_ISAS];
    struct pd_weight weight[N_ISAS];
    struct pd_head head[N_ISAS];
    struct pd_sampler sampler[N_ISAS];
    void *block;
    float logits[MAX_VOCAB];
    float panels[MAX_VOCAB + PD_PANEL_MAX_ROWS];
    int n_vocab;
};

static void layout(struct fixture *f, struct pd_arena *a)
{
    for (int i = 0; i < N_ISAS; i++) {
        pd_head_layout(&f->head[i], &f->weight[i], &f->kernels[i], 1, 1, a);
        pd_sampler_layout(&f->sampler[i], &f->head[i], a);
    }
}

static void setup(struct fixture *f, int n_vocab)
{
    struct pd_arena a;
    f->n_vocab = n_vocab;
    assert_true(pd_kernels_init(&f->kernels[0], NULL));
    assert_true(pd_kernels_init(&f->kernels[1], "generic"));
    memset(f->panels, 0, sizeof f->panels);
    for (int i = 0; i < N_ISAS; i++) {
        int panel_rows = f->kernels[i].panel_rows;
        f->weight[i] = (struct pd_weight){.panels = (uint8_t *)f->panels,
                                          .panel_bytes = (size_t)panel_rows * sizeof(float),
                                          .format = PD_F32,
                                          .rows = n_vocab,
                                          .cols = 1,
                                          .n_panels = pd_div_up(n_vocab, panel_rows)};
    }
    pd_arena_init_count(&a);
    layout(f, &a);
    size_t bytes = pd_arena_block_bytes(&a);
    f->block = malloc(bytes);
    assert_non_null(f->block);
    pd_arena_init(&a, f->block, bytes);
    layout(f, &a);
}

static void teardown(struct fixture *f)
{
    free(f->block);
}

/* The step before a draw. */
static void step(struct fixture *f, const struct pd_sampling *how)
{
    const float one = 1.0f;
    memcpy(f->panels, f->logits, (size_t)f->n_vocab * sizeof f->logits[0]);
    for (int i = 0; i < N_ISAS; i++) {
        f->head[i].inverse_temperature = pd_sampling_inverse_temperature(how, f->n_vocab);
        pd_head_set_row(&f->head[i], 0, &one, 0);
        pd_head_run(&f->head[i], 1, 0, f->head[i].n_spans, 0);
    }
}

/* Samples with both tables, which must agree. */
static int32_t sample(struct fixture *f, const struct pd_sampling *how, const struct pd_draw *draw,
                      float *log_prob_ret)
{
    struct pd_draw result[N_ISAS];
    step(f, how);
    for (int i = 0; i < N_ISAS; i++) {
        result[i] = *draw;
        pd_sample(&f->sampler[i], &f->head[i], how, &result[i]);
    }
    assert_int_equal(result[0].token, result[1].token);
    assert_memory_equal(&result[0].log_prob, &result[1].log_prob, sizeof result[0].log_prob);
    assert_in_range(result[0].token, 0, f->n_vocab - 1);
    if (log_prob_ret != NULL)
        *log_prob_ret = result[0].log_prob;
    return result[0].token;
}

/* ---- the slow one ---- */

struct slow {
    int n; /* candidates that are left, likeliest first; in ascending order if nothing chooses them */
    int token[MAX_VOCAB];
    double logit[MAX_VOCAB];
    double probability[MAX_VOCAB]; /* of being drawn */
    bool is_close; /* a bound was met so nearly that float rounding may decide otherwise */
};

static struct slow *sorting;

static int by_logit(const void *a, const void *b)
{
    int i = *(const int *)a, j = *(const int *)b;
    if (sorting->logit[i] != sorting->logit[j])
        return sorting->logit[i] > sorting->logit[j] ? -1 : 1;
    return i - j;
}

static bool is_near(double a, double b)
{
    return a != b && fabs(a - b) < 2e-5 * fabs(b);
}

static void slow_sort(struct slow *s, const float *logits, int n_vocab)
{
    static double sorted[MAX_VOCAB];
    s->n = 0;
    for (int i = 0; i < n_vocab; i++) {
        s->logit[i] = (double)logits[i];
        if (!isnan(logits[i]))
            s->token[s->n++] = i;
    }
    sorting = s;
    qsort(s->token, (size_t)s->n, sizeof s->token[0], by_logit);
    for (int i = 0; i < s->n; i++)
        sorted[i] = s->logit[s->token[i]];
    memcpy(s->logit, sorted, sizeof sorted);
}

static double slow_weight(const struct slow *s, int i, double temperature)
{
    return exp((s->logit[i] - s->logit[0]) / temperature);
}

static void slow_cut(struct slow *s, const struct pd_sampling *how, bool has_top_k)
{
    double total = 0.0, mass = 0.0;
    if (has_top_k && s->n > PD_MAX_KEPT)
        s->n = PD_MAX_KEPT;
    if (has_top_k && how->top_k < s->n)
        s->n = how->top_k;
    for (int i = 0; i < s->n; i++)
        total += slow_weight(s, i, 1.0);
    if (s->n > PD_MAX_KEPT)
        s->n = PD_MAX_KEPT;
    int keep = s->n;
    if (how->top_p < 1.0f) {
        for (keep = 0; keep < s->n && mass < (double)how->top_p * total; keep++) {
            mass += slow_weight(s, keep, 1.0);
            /* An exact hit is exact in doubles only. */
            s->is_close |= fabs(mass - (double)how->top_p * total) < 2e-5 * total;
        }
        keep = keep > 0 ? keep : 1;
    }
    s->n = keep;
    for (keep = 1; keep < s->n && slow_weight(s, keep, 1.0) >= (double)how->min_p; keep++)
        s->is_close |= is_near(slow_weight(s, keep, 1.0), (double)how->min_p);
    if (keep < s->n)
        s->is_close |= is_near(slow_weight(s, keep, 1.0), (double)how->min_p);
    s->n = keep;
}

/* All of them, in ascending order. */
static void slow_unsort(struct slow *s, const float *logits, int n_vocab)
{
    s->n = 0;
    for (int i = 0; i < n_vocab; i++) {
        if (isnan(logits[i]))
            continue;
        s->token[s->n] = i;
        s->logit[s->n++] = (double)logits[i];
    }
}

static void slow_distribution(struct slow *s, const float *logits, int n_vocab,
                              const struct pd_sampling *how)
{
    double total = 0.0;
    s->is_close = false;
    slow_sort(s, logits, n_vocab);
    if (how->temperature <= 0.0f) {
        s->n = 1;
        s->probability[0] = 1.0;
        return;
    }
    bool has_top_k = how->top_k > 0 && how->top_k < n_vocab;
    double largest = s->logit[0];
    if (has_top_k || how->top_p < 1.0f || how->min_p > 0.0f)
        slow_cut(s, how, has_top_k);
    else
        slow_unsort(s, logits, n_vocab);
    for (int i = 0; i < s->n; i++)
        total += s->probability[i] = exp((s->logit[i] - largest) / (double)how->temperature);
    for (int i = 0; i < s->n; i++)
        s->probability[i] /= total;
}

static int slow_draw(struct slow *s, double u)
{
    double sum = 0.0;
    int i = 0;
    for (; i < s->n - 1; i++) {
        sum += s->probability[i];
        s->is_close |= s->probability[i + 1] > 0.0 && fabs(sum - u) < 2e-5;
        if (u < sum)
            break;
    }
    return s->token[i];
}

static void slow_penalise(float *logits, int n_vocab, const struct pd_sampling *how,
                          const struct pd_draw *draw)
{
    for (int token = 0; token < n_vocab; token++) {
        bool is_recent = false;
        for (int i = 0; i < draw->n_recent; i++)
            is_recent = is_recent || draw->recent[i] == token;
        if (is_recent && logits[token] > 0.0f)
            logits[token] /= how->repeat_penalty;
        else if (is_recent)
            logits[token] *= how->repeat_penalty;
    }
}

static double slow_log_prob(const float *logits, int n_vocab, int token)
{
    double total = 0.0;
    for (int i = 0; i < n_vocab; i++)
        if (!isnan(logits[i]))
            total += exp((double)logits[i] - (double)logits[token]);
    return -log(total);
}

/* ---- the same token as the slow one ---- */

static float pick_float(uint64_t seed, uint64_t what, const float *from, int n)
{
    return from[pd_rng_u64(seed, 100, what) % (uint64_t)n];
}

static struct pd_sampling random_settings(uint64_t seed, int n_vocab)
{
    static const float temperatures[] = {0.8f, 1.0f, 0.1f, 2.0f, 25.0f, 0.0f, -1.0f};
    static const float top_ps[] = {1.0f, 1.0f, 0.95f, 0.5f, 0.1f, 1e-6f, 2.0f};
    static const float min_ps[] = {0.0f, 0.0f, 0.0f, 0.05f, 0.5f, 1.0f, 1e-30f};
    static const float penalties[] = {1.0f, 1.0f, 1.3f, 0.7f, 8.0f};
    const int top_ks[] = {-1, 0, 1, 2, 5, 40, 300, n_vocab - 1, n_vocab, n_vocab + 1};
    return (struct pd_sampling){
        .temperature = pick_float(seed, 0, temperatures, (int)PD_COUNT(temperatures)),
        .top_p = pick_float(seed, 1, top_ps, (int)PD_COUNT(top_ps)),
        .min_p = pick_float(seed, 2, min_ps, (int)PD_COUNT(min_ps)),
        .repeat_penalty = pick_float(seed, 3, penalties, (int)PD_COUNT(penalties)),
        .top_k = top_ks[pd_rng_u64(seed, 100, 4) % PD_COUNT(top_ks)],
        .seed = seed,
    };
}

/* Spread out or close together, with ties in every third, without some in every fourth. */
static void random_logits(struct fixture *f, uint64_t seed)
{
    static const float scales[] = {0.5f, 4.0f, 20.0f, 150.0f};
    float scale = pick_float(seed, 5, scales, (int)PD_COUNT(scales));
    for (int i = 0; i < f->n_vocab; i++) {
        float x = scale * (2.0f * pd_rng_float(seed, 101, (uint64_t)i) - 1.0f);
        f->logits[i] = seed % 3 == 0 ? nearbyintf(x) : x;
        if (seed % 4 == 0 && i != 7 && pd_rng_u64(seed, 102, (uint64_t)i) % 8 == 0)
            f->logits[i] = i % 2 == 0 ? NAN : -INFINITY;
    }
}

static void test_token_is_that_of_the_slow_sampler(void **state)
{
    (void)state;
    static const int sizes[] = {8, 9, 50, 320, 1000, MAX_VOCAB};
    static struct fixture f;
    static struct slow slow;
    int n_close = 0, n_checked = 0;
    for (size_t i = 0; i < PD_COUNT(sizes); i++) {
        setup(&f, sizes[i]);
        uint64_t n_seeds = sizes[i] < MAX_VOCAB ? 3000 : 600;
        for (uint64_t seed = 0; seed < n_seeds; seed++) {
            struct pd_sampling how = random_settings(seed, f.n_vocab);
            float log_prob;
            static float changed[MAX_VOCAB];
            int32_t recent[PD_REPEAT_WINDOW];
            struct pd_draw draw = {.recent = recent,
                                   .n_recent = (int)(seed % (PD_REPEAT_WINDOW + 1)),
                                   .sample = seed / 7,
                                   .position = seed};
            random_logits(&f, seed);
            for (int j = 0; j < draw.n_recent; j++) /* some twice, some that are no tokens */
                recent[j] = (int32_t)(pd_rng_u64(seed, 103, (uint64_t)j) %
                                      (uint64_t)(seed % 2 == 0 ? 30 : f.n_vocab + 4)) -
                            2;
            memcpy(changed, f.logits, sizeof changed);
            slow_penalise(changed, f.n_vocab, &how, &draw);
            slow_distribution(&slow, changed, f.n_vocab, &how);
            int expected = slow_draw(&slow, (double)pd_rng_float(seed, draw.sample, draw.position));
            int32_t token = sample(&f, &how, &draw, &log_prob);
            n_checked++;
            if (slow.is_close) {
                n_close++;
                continue;
            }
            if (token != expected)
                fail_msg("vocabulary %d, seed %d: token %d, expected %d", f.n_vocab, (int)seed,
                         (int)token, expected);
            double exact = slow_log_prob(f.logits, f.n_vocab, token);
            if (!(fabs((double)log_prob - exact) <= 1e-5 + 1e-6 * fabs(exact)))
                fail_msg("vocabulary %d, seed %d: log-probability %g, expected %g", f.n_vocab,
                         (int)seed, (double)log_prob, exact);
        }
        teardown(&f);
    }
    assert_true(n_close < n_checked / 20);
}

static void test_ties_go_to_the_lower_token(void **state)
{
    (void)state;
    static struct fixture f;
    const struct pd_sampling greedy = {.temperature = -1.0f, .repeat_penalty = 1.0f};
    const struct pd_sampling first = {
        .temperature = 1.0f, .top_k = 1, .top_p = 1.0f, .repeat_penalty = 1.0f};
    const struct pd_sampling half = {
        .temperature = 1.0f, .top_k = -1, .top_p = 0.4f, .repeat_penalty = 1.0f};
    const struct pd_draw draw = {0};
    setup(&f, 20);
    for (int low = 0; low < 19; low++) {
        for (int i = 0; i < 20; i++)
            f.logits[i] = i >= low ? 3.0f : -20.0f;
        assert_int_equal(sample(&f, &greedy, &draw, NULL), low);
        assert_int_equal(sample(&f, &first, &draw, NULL), low);
    }
    for (int i = 0; i < 18; i++)
        f.logits[i] = -20.0f; /* left: two equal ones, of which 0.4 of the mass needs the first */
    for (uint64_t i = 0; i < 50; i++)
        assert_int_equal(sample(&f, &half, &(struct pd_draw){.position = i}, NULL), 18);
    teardown(&f);
}

/* Every kept token is about as likely at this temperature, so that the largest random numbers draw the last. Blocks have
 * one likely token each, so that all are multiplied before the others' turn comes. */
static void test_limit_of_what_is_kept_is_reached(void **state)
{
    (void)state;
    static const int top_ks[] = {PD_MAX_KEPT - 1, PD_MAX_KEPT, PD_MAX_KEPT + 1, -1};
    static struct fixture f;
    struct pd_draw draw = {0};
    while (pd_rng_float(0, 0, draw.position) < 1.0f - 0.5f / (float)PD_MAX_KEPT)
        draw.position++;
    setup(&f, MAX_VOCAB);
    for (int i = 0; i < MAX_VOCAB; i++)
        f.logits[i] = i % PD_HEAD_BLOCK == 0 ? 1.0f : -1e-3f * (float)i;
    for (size_t i = 0; i < PD_COUNT(top_ks); i++) {
        const struct pd_sampling how = {.temperature = 1e4f,
                                        .top_k = top_ks[i],
                                        .top_p = 1.0f,
                                        .min_p = 1e-30f,
                                        .repeat_penalty = 1.0f};
        int n = top_ks[i] == PD_MAX_KEPT - 1 ? PD_MAX_KEPT - 1 : PD_MAX_KEPT;
        int last = n - 1 - f.head[0].n_blocks; /* of the unlikely ones */
        int expected = last / (PD_HEAD_BLOCK - 1) * PD_HEAD_BLOCK + 1 + last % (PD_HEAD_BLOCK - 1);
        assert_int_equal(sample(&f, &how, &draw, NULL), expected);
    }
    teardown(&f);
}

/* ---- as often as their probabilities say ---- */

static void check_frequencies(struct fixture *f, const struct pd_sampling *how)
{
    enum { N_DRAWS = 100000 };
    static struct slow slow;
    static int n_drawn[MAX_VOCAB];
    double chi_square = 0.0, rare = 0.0;
    int n_rare = 0, n_cells = 0;
    slow_distribution(&slow, f->logits, f->n_vocab, how);
    memset(n_drawn, 0, sizeof n_drawn);
    step(f, how);
    for (uint64_t i = 0; i < N_DRAWS; i++) {
        struct pd_draw draw = {.sample = i % 16, .position = i / 16};
        pd_sample(&f->sampler[0], &f->head[0], how, &draw);
        n_drawn[draw.token]++;
    }
    int n_seen = 0;
    for (int i = 0; i < slow.n; i++) {
        double expected = slow.probability[i] * N_DRAWS;
        int n = n_drawn[slow.token[i]];
        n_seen += n;
        if (expected < 10.0) {
            rare += expected;
            n_rare += n;
            continue;
        }
        chi_square += (n - expected) * (n - expected) / expected;
        n_cells++;
    }
    assert_int_equal(n_seen, N_DRAWS); /* nothing that was cut off */
    assert_true(fabs(n_rare - rare) <= 5.0 * sqrt(rare) + 5.0);
    double bound = n_cells + 5.0 * sqrt(2.0 * n_cells) + 5.0; /* five standard deviations */
    if (chi_square > bound)
        fail_msg("chi-square %g of %d cells", chi_square, n_cells);
    assert_true(n_cells >= 3);
}

static void test_tokens_come_as_often_as_they_should(void **state)
{
    (void)state;
    static const struct pd_sampling settings[] = {
        {.temperature = 1.0f, .top_k = -1, .top_p = 1.0f, .repeat_penalty = 1.0f},
        {.temperature = 0.5f, .top_k = 20, .top_p = 1.0f, .repeat_penalty = 1.0f, .seed = 1},
        {.temperature = 2.0f, .top_k = -1, .top_p = 0.8f, .repeat_penalty = 1.0f, .seed = 2},
        {.temperature = 1.5f, .top_k = -1, .top_p = 1.0f, .min_p = 0.1f, .repeat_penalty = 1.0f},
        {.temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .repeat_penalty = 1.0f, .seed = 42},
    };
    static struct fixture f;
    setup(&f, 60);
    for (int i = 0; i < f.n_vocab; i++)
        f.logits[i] = 6.0f * pd_rng_float(5, 0, (uint64_t)i);
    f.logits[11] = -INFINITY;
    f.logits[12] = NAN;
    for (size_t i = 0; i < PD_COUNT(settings); i++)
        check_frequencies(&f, &settings[i]);
    teardown(&f);
}

static void test_draw_depends_on_its_key_alone(void **state)
{
    (void)state;
    static struct fixture f;
    const struct pd_sampling how = {
        .temperature = 1.0f, .top_k = 40, .top_p = 0.95f, .repeat_penalty = 1.0f, .seed = 8};
    struct pd_sampling other = how;
    int32_t forward[200];
    int n_other_seed = 0, n_other_sample = 0;
    other.seed = 9;
    setup(&f, 100);
    for (int i = 0; i < f.n_vocab; i++)
        f.logits[i] = 4.0f * pd_rng_float(6, 0, (uint64_t)i);
    for (uint64_t i = 0; i < 200; i++)
        forward[i] = sample(&f, &how, &(struct pd_draw){.sample = 3, .position = i}, NULL);
    for (uint64_t i = 200; i-- > 0;) {
        const struct pd_draw draw = {.sample = 3, .position = i};
        assert_int_equal(sample(&f, &how, &draw, NULL), forward[i]);
        n_other_seed += sample(&f, &other, &draw, NULL) != forward[i];
        n_other_sample +=
            sample(&f, &how, &(struct pd_draw){.sample = 4, .position = i}, NULL) != forward[i];
    }
    assert_true(n_other_seed > 150 && n_other_sample > 150);
    teardown(&f);
}

static void test_order_of_the_vocabulary_does_not_matter(void **state)
{
    (void)state;
    static const struct pd_sampling settings[] = {
        {.temperature = 0.9f, .top_k = 40, .top_p = 0.9f, .min_p = 0.02f, .repeat_penalty = 1.0f},
        {.temperature = 1.0f, .top_k = -1, .top_p = 1.0f, .min_p = 0.05f, .repeat_penalty = 1.0f},
        {.temperature = -1.0f, .top_k = -1, .top_p = 1.0f, .repeat_penalty = 1.0f},
    };
    enum { N = 97 };
    static struct fixture f;
    setup(&f, N);
    for (uint64_t round = 0; round < 200; round++) {
        float straight[N];
        int step = 1 + (int)(round % (N - 1)); /* token i becomes i * step modulo a prime */
        const struct pd_draw draw = {.sample = round, .position = 5};
        for (uint64_t i = 0; i < N; i++)
            straight[i] = 5.0f * pd_rng_float(round, 1, i);
        for (size_t j = 0; j < PD_COUNT(settings); j++) {
            memcpy(f.logits, straight, sizeof straight);
            int32_t token = sample(&f, &settings[j], &draw, NULL);
            for (int i = 0; i < N; i++)
                f.logits[i * step % N] = straight[i];
            assert_int_equal(sample(&f, &settings[j], &draw, NULL), token * step % N);
        }
    }
    teardown(&f);
}

/* ---- odd logits ---- */

static const struct pd_sampling all_ways[] = {
    {.temperature = -1.0f, .top_k = -1, .top_p = 1.0f, .repeat_penalty = 1.0f},
    {.temperature = 0.8f, .top_k = 5, .top_p = 1.0f, .repeat_penalty = 1.0f},
    {.temperature = 0.8f, .top_k = 5, .top_p = 0.9f, .min_p = 0.1f, .repeat_penalty = 1.0f},
    {.temperature = 0.8f, .top_k = -1, .top_p = 1.0f, .repeat_penalty = 1.0f},
    {.temperature = 0.8f, .top_k = -1, .top_p = 0.9f, .repeat_penalty = 1.0f},
    {.temperature = 0.8f, .top_k = -1, .top_p = 1.0f, .min_p = 0.1f, .repeat_penalty = 1.0f},
    {.temperature = 0.8f, .top_k = -1, .top_p = 0.9f, .min_p = 0.1f, .repeat_penalty = 1.2f},
};

/* One token stands out among others that are all `rest`: every way picks it, with a sound log-probability. */
static void check_picked(struct fixture *f, float value, float rest)
{
    const int32_t recent[] = {2};
    for (size_t i = 0; i < PD_COUNT(all_ways); i++) {
        for (int at = 0; at < f->n_vocab; at++) {
            const struct pd_draw draw = {.recent = recent, .n_recent = 1, .position = (uint64_t)at};
            float log_prob;
            for (int j = 0; j < f->n_vocab; j++)
                f->logits[j] = j == at ? value : rest;
            int32_t token = sample(f, &all_ways[i], &draw, &log_prob);
            if (token != at)
                fail_msg("way %zu: token %d, expected %d", i, (int)token, at);
            assert_true(log_prob <= 0.0f && log_prob > -1e-3f);
        }
    }
}

static void test_what_is_no_number_is_not_picked(void **state)
{
    (void)state;
    static struct fixture f;
    setup(&f, 19);
    check_picked(&f, 1.0f, NAN);
    check_picked(&f, -1e30f, NAN);
    check_picked(&f, -1e30f, -INFINITY);
    check_picked(&f, 3.0f, -INFINITY);
    teardown(&f);
}

static void test_infinity_is_picked(void **state)
{
    (void)state;
    static struct fixture f;
    setup(&f, 19);
    check_picked(&f, INFINITY, 1.0f);
    check_picked(&f, INFINITY, NAN);
    check_picked(&f, INFINITY, -INFINITY);
    check_picked(&f, INFINITY, 3e38f);
    teardown(&f);
}

static void test_nothing_to_choose_from_is_survived(void **state)
{
    (void)state;
    static const float values[] = {NAN, -INFINITY, INFINITY, 0.0f, 3e38f, -3e38f};
    static struct fixture f;
    for (int n_vocab = 1; n_vocab < 40; n_vocab += 6) {
        setup(&f, n_vocab);
        for (size_t v = 0; v < PD_COUNT(values); v++) {
            for (int i = 0; i < n_vocab; i++)
                f.logits[i] = values[v];
            for (size_t i = 0; i < PD_COUNT(all_ways); i++) {
                float log_prob;
                sample(&f, &all_ways[i], &(struct pd_draw){.position = i}, &log_prob);
                assert_true(log_prob <= 0.0f && log_prob >= -5.0f);
            }
        }
        teardown(&f);
    }
}

/* What rounding leaves of the mass at the very end must not go to a token without any. */
static void test_impossible_tokens_are_never_drawn(void **state)
{
    (void)state;
    const struct pd_sampling how = {
        .temperature = 1.0f, .top_k = 40, .top_p = 1.0f, .repeat_penalty = 1.0f, .seed = 1};
    static struct fixture f;
    struct pd_draw draw = {0};
    float most = 0.0f;
    for (uint64_t i = 0; i < 4000000; i++) {
        float u = pd_rng_float(how.seed, 0, i);
        if (u > most) {
            most = u;
            draw.position = i;
        }
    }
    setup(&f, 60); /* fewer than top_k are possible */
    for (uint64_t round = 0; round < 500; round++) {
        for (int i = 0; i < f.n_vocab; i++)
            f.logits[i] = i % 2 == 0 ? -INFINITY : 2.0f * pd_rng_float(round, 2, (uint64_t)i);
        assert_int_not_equal(sample(&f, &how, &draw, NULL) % 2, 0);
    }
    teardown(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_is_that_of_the_slow_sampler),
        cmocka_unit_test(test_ties_go_to_the_lower_token),
        cmocka_unit_test(test_limit_of_what_is_kept_is_reached),
        cmocka_unit_test(test_tokens_come_as_often_as_they_should),
        cmocka_unit_test(test_draw_depends_on_its_key_alone),
        cmocka_unit_test(test_order_of_the_vocabulary_does_not_matter),
        cmocka_unit_test(test_what_is_no_number_is_not_picked),
        cmocka_unit_test(test_infinity_is_picked),
        cmocka_unit_test(test_nothing_to_choose_from_is_survived),
        cmocka_unit_test(test_impossible_tokens_are_never_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
