/* SPDX-License-Identifier: Apache-2.0
 * test_planner.c - strategy auto: which plan it takes, by a slow reference; that it does just what the plan says; when it
 * goes on; and what samples in waves and a budget of tokens save. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "search/strategy.h"
#include "tests/support/scripted.h"

static double unit(uint64_t seed, uint64_t what)
{
    return (double)(pd_rng_u64(seed, 5, what) % 1000) / 1000.0;
}

static const struct pd_cost flat_cost = {
    .n_points = 1, .lanes = {1}, .step_ns = {1e6}, .prompt_row_ns = 1e5, .pace = 1.0};

/* Plans with random worth; some are alike but for their samples. */
static void random_table(struct pd_table *t, uint64_t seed)
{
    static const char *const names[] = {"majority", "best-of-n-weighted", "beam", "greedy"};
    *t = (struct pd_table){.n_plans = 1 + (int)(pd_rng_u64(seed, 1, 0) % 12),
                           .n_bins = 1 + (int)(pd_rng_u64(seed, 1, 1) % 5)};
    for (int i = 0; i + 1 < t->n_bins; i++)
        t->edge[i] = (i + 1.0) / t->n_bins;
    for (int i = 0; i < t->n_plans; i++)
        t->plan[i] = (struct pd_plan){.strategy = names[pd_rng_u64(seed, 2, (uint64_t)i) % 4],
                                      .n_samples = 1 << pd_rng_u64(seed, 3, (uint64_t)i) % 6};
    for (int b = 0; b < t->n_bins; b++)
        for (int i = 0; i < t->n_plans; i++) {
            uint64_t what = (uint64_t)(b * 100 + i);
            t->cell[b][i] = (struct pd_cell){.right = unit(seed, what * 3),
                                             .n_steps = 1.0 + 50.0 * unit(seed, what * 3 + 1),
                                             .other_ns = 1e6 * unit(seed, what * 3 + 2)};
            t->cell[b][i].n_tokens = t->cell[b][i].n_steps;
        }
}

static bool is_flat_name(const char *name)
{
    return strcmp(name, "beam") != 0;
}

/* What a plan still takes, or INFINITY if it is no choice. */
static double slow_ns(const struct pd_table *t, const struct pd_plan_query *q, int i)
{
    double ns = t->cell[q->bin][i].n_steps * 1e6 + t->cell[q->bin][i].other_ns;
    if (q->from < 0)
        return ns;
    const struct pd_plan *from = &t->plan[q->from], *to = &t->plan[i];
    double done = t->cell[q->bin][q->from].n_steps * 1e6 + t->cell[q->bin][q->from].other_ns;
    if (!is_flat_name(from->strategy) || i == q->from)
        return INFINITY;
    if (!is_flat_name(to->strategy))
        return from->n_samples + to->n_samples <= PD_MAX_SAMPLES ? ns : INFINITY;
    return to->n_samples <= from->n_samples ? INFINITY : ns > done ? ns - done : 0.0;
}

static int slow_best(const struct pd_table *t, const struct pd_plan_query *q)
{
    int best = -1;
    double best_ns = INFINITY;
    for (int i = 0; i < t->n_plans; i++) {
        double ns = slow_ns(t, q, i), value = t->cell[q->bin][i].right - q->price * ns;
        bool is_choice = ns <= q->left_ns && ns < INFINITY;
        for (int j = 0; j < t->n_plans && is_choice; j++) {
            double other = slow_ns(t, q, j);
            if (other <= q->left_ns && other < INFINITY &&
                t->cell[q->bin][j].right - q->price * other > value + PD_PLAN_TOLERANCE)
                is_choice = false;
        }
        if (is_choice && ns < best_ns) {
            best = i;
            best_ns = ns;
        }
    }
    if (best < 0 || q->from < 0)
        return best;
    double most = -INFINITY;
    for (int i = 0; i < t->n_plans; i++) {
        double ns = slow_ns(t, q, i);
        if (ns <= q->left_ns && ns < INFINITY && t->cell[q->bin][i].right - q->price * ns > most)
            most = t->cell[q->bin][i].right - q->price * ns;
    }
    return most > t->cell[q->bin][q->from].right + PD_PLAN_TOLERANCE ? best : -1;
}

static void test_the_best_plan_is_that_of_the_slow_reference(void **state)
{
    (void)state;
    static struct pd_table t;
    int n_none = 0, n_from = 0;
    for (uint64_t seed = 0; seed < 5000; seed++) {
        random_table(&t, seed);
        struct pd_plan_query q = {
            .bin = (int)(pd_rng_u64(seed, 4, 0) % (uint64_t)t.n_bins),
            .left_ns = seed % 3 == 0 ? INFINITY : 60e6 * unit(seed, 9000),
            .price = seed % 4 == 0 ? 1e-8 * unit(seed, 9001) : 0.0,
            .from = seed % 2 == 0 ? (int)(pd_rng_u64(seed, 4, 1) % (uint64_t)t.n_plans) : -1};
        int best = pd_planner_best(&t, &flat_cost, &q);
        if (best != slow_best(&t, &q))
            fail_msg("seed %d: plan %d, not %d", (int)seed, best, slow_best(&t, &q));
        n_none += best < 0;
        n_from += best >= 0 && q.from >= 0;
    }
    assert_true(n_none > 100 && n_from > 100);
}

/* At the price found the mean is at most what was asked, and at a price a little lower it is not. */
static void test_the_price_keeps_to_the_average(void **state)
{
    (void)state;
    static struct pd_table t;
    int n_paid = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        random_table(&t, seed);
        double average = 1e6 + 40e6 * unit(seed, 9100), sum[2] = {0}, least = 0.0;
        double price = pd_planner_price(&t, &flat_cost, average, 0.0);
        for (int b = 0; b < t.n_bins; b++) {
            double fastest = INFINITY;
            for (int i = 0; i < t.n_plans; i++)
                fastest = fmin(fastest, pd_table_plan_ns(&t, &flat_cost, b, i, 0.0));
            least += fastest;
            for (int is_lower = 0; is_lower < 2; is_lower++) {
                struct pd_plan_query q = {.bin = b,
                                          .left_ns = INFINITY,
                                          .price = is_lower ? 0.999 * price : price,
                                          .from = -1};
                sum[is_lower] +=
                    pd_table_plan_ns(&t, &flat_cost, b, pd_planner_best(&t, &flat_cost, &q), 0.0);
            }
        }
        assert_true(sum[0] <= average * t.n_bins || fabs(sum[0] - least) < 1.0);
        if (price > 0.0 && sum[0] <= average * t.n_bins) {
            assert_true(sum[1] >= sum[0]);
            n_paid++;
        }
    }
    assert_true(n_paid > 50);
}

static void test_samples_correct_the_head(void **state)
{
    (void)state;
    assert_true(isnan(pd_planner_chance((double)NAN, 0, 0)));
    assert_true(pd_planner_chance(0.3, 0, 0) == 0.3);
    assert_true(pd_planner_chance((double)NAN, 3, 4) == 0.75);
    assert_true(fabs(pd_planner_chance(0.5, 4, 4) - 0.75) < 1e-12);
    assert_true(fabs(pd_planner_chance(1.0, 0, 16) - 0.2) < 1e-12);
}

/* ---- with the driver ---- */

/* A table of three bins: by what the head would say, and by how samples agree. */
static void two_plans(struct pd_table *t, const char *second, int n_first, int n_second)
{
    *t = (struct pd_table){.n_plans = 2, .n_bins = 3, .edge = {0.5, 0.9}};
    t->plan[0] = (struct pd_plan){.strategy = "majority", .n_samples = n_first};
    t->plan[1] = (struct pd_plan){.strategy = second, .n_samples = n_second};
    for (int b = 0; b < 3; b++)
        for (int i = 0; i < 2; i++)
            t->cell[b][i] = (struct pd_cell){
                .right = b == 0 && i == 0 ? 0.1 : 0.9, .n_steps = 10.0 + i, .n_tokens = 20.0};
}

struct came {
    struct pd_outcome outcome;
    char text[2048], answer[PD_ANSWER_BYTES], words[PD_PLAN_WORDS_BYTES];
    int n_started, n_tokens, n_top, n_voters;
};

static struct came run(const struct script *script, const struct pd_table *table,
                       const struct pd_strategy *strategy, int n_samples, double confidence,
                       int max_total_tokens)
{
    struct came came;
    struct scripted *s = scripted_new(script, 16, 60);
    struct pd_task task = scripted_task(s, n_samples);
    task.max_samples = strategy->plans ? 0 : n_samples;
    task.temperature = task.how.temperature;
    task.confidence = confidence;
    task.max_total_tokens = max_total_tokens;
    if (table != NULL)
        s->search.planner.table = *table;
    s->search.cost = flat_cost;
    assert_int_equal(pd_search_run(&s->search, &task, strategy, 0, &came.outcome), PONDER_OK);
    assert_true(came.outcome.text_bytes < sizeof came.text);
    memcpy(came.text, s->search.text, came.outcome.text_bytes);
    snprintf(came.answer, sizeof came.answer, "%s", came.outcome.answer);
    snprintf(came.words, sizeof came.words, "%s", s->search.planner.words);
    came.n_started = s->search.n_started;
    came.n_tokens = s->search.n_tokens;
    int votes[PD_MAX_PATHS] = {0};
    came.n_top = came.n_voters = 0;
    for (int i = 0; i < s->search.n_paths; i++) {
        const struct pd_path *path = &s->search.path[i];
        came.n_voters += pd_path_is_finished(path);
        if (pd_path_is_over(path) && path->group >= 0 && ++votes[path->group] > came.n_top)
            came.n_top = votes[path->group];
    }
    scripted_free(s);
    return came;
}

static bool are_same(const struct came *a, const struct came *b)
{
    return strcmp(a->answer, b->answer) == 0 && a->n_started == b->n_started &&
           a->outcome.text_bytes == b->outcome.text_bytes &&
           memcmp(a->text, b->text, a->outcome.text_bytes) == 0 &&
           a->outcome.confidence == b->outcome.confidence;
}

/* Where four samples agree it is majority of 4, where they do not, majority of 16: to the letter. */
static void test_it_goes_on_where_samples_disagree(void **state)
{
    (void)state;
    static struct pd_table t;
    int n_went_on = 0;
    two_plans(&t, "majority", 4, 16);
    for (uint64_t seed = 0; seed < 400; seed++) {
        const struct script script = {
            .seed = seed, .n_answers = 1 + (int)(seed % 6), .score_steps = 4};
        struct came few = run(&script, NULL, &pd_strategy_majority, 4, 2.0, 0);
        struct came many = run(&script, NULL, &pd_strategy_majority, 16, 2.0, 0);
        struct came chosen = run(&script, &t, &pd_strategy_auto, 0, 2.0, 0);
        bool goes_on = few.n_voters > 0 && few.n_top < 0.5 * few.n_voters;
        if (!are_same(&chosen, goes_on ? &many : &few))
            fail_msg("seed %d: '%s' by %s, not '%s'", (int)seed, chosen.answer, chosen.words,
                     goes_on ? many.answer : few.answer);
        assert_string_equal(chosen.words, goes_on ? "majority 4, majority 16" : "majority 4");
        n_went_on += goes_on;
    }
    assert_true(n_went_on > 20);
}

/* Another strategy's paths come beside the samples, and are others. */
static void test_a_search_may_follow_samples(void **state)
{
    (void)state;
    static struct pd_table t;
    int n_went_on = 0;
    two_plans(&t, "beam", 4, 8);
    for (uint64_t seed = 0; seed < 200; seed++) {
        const struct script script = {.seed = seed, .n_answers = 6, .score_steps = 4};
        struct came few = run(&script, NULL, &pd_strategy_majority, 4, 2.0, 0);
        struct came chosen = run(&script, &t, &pd_strategy_auto, 0, 2.0, 0);
        bool goes_on = strcmp(chosen.words, "majority 4, beam 8") == 0;
        assert_true(goes_on || are_same(&few, &chosen));
        assert_int_equal(goes_on, few.n_voters > 0 && few.n_top < 0.5 * few.n_voters);
        if (goes_on)
            assert_int_equal(chosen.n_started, 12);
        n_went_on += goes_on;
    }
    assert_true(n_went_on > 20);
}

/* Where all agree four votes are enough for 95%; the answer is that of all 16 at once. */
static void test_waves_save_samples(void **state)
{
    (void)state;
    static struct pd_table t;
    int n_samples = 0, n_all = 0, n_fewer = 0;
    two_plans(&t, "majority", 16, 16);
    t.n_plans = 1;
    for (uint64_t seed = 0; seed < 300; seed++) {
        const struct script script = {
            .seed = seed, .n_answers = 1 + (int)(seed % 4), .score_steps = 4};
        struct came all = run(&script, NULL, &pd_strategy_majority, 16, 0.95, 0);
        struct came waves = run(&script, &t, &pd_strategy_auto, 0, 0.95, 0);
        if (strcmp(all.answer, waves.answer) != 0 ||
            all.outcome.confidence != waves.outcome.confidence)
            fail_msg("seed %d: '%s', not '%s'", (int)seed, waves.answer, all.answer);
        assert_true(waves.n_started <= 16);
        n_fewer += waves.n_started < all.n_started;
        n_samples += waves.n_started;
        n_all += all.n_started;
    }
    assert_true(n_fewer > 100 && n_samples < 0.85 * n_all);
}

static void test_a_budget_of_tokens_is_kept(void **state)
{
    (void)state;
    const struct script script = {.seed = 3, .n_answers = 3, .score_steps = 4};
    struct came all = run(&script, NULL, &pd_strategy_majority, 16, 2.0, 0);
    for (int n = 1; n <= all.n_tokens + 5;
         n++) { /* what is left may be too little to begin another sample */
        struct came some = run(&script, NULL, &pd_strategy_majority, 16, 2.0, n);
        assert_true(some.n_tokens <= n && some.n_tokens > 0);
        assert_true(some.outcome.finish == PONDER_DEADLINE || n >= all.n_tokens);
    }
    struct came enough = run(&script, NULL, &pd_strategy_majority, 16, 2.0, 2 * all.n_tokens);
    assert_true(are_same(&all, &enough));
}

/* Without a table: a vote in waves. */
static void test_without_a_table(void **state)
{
    (void)state;
    const struct script script = {.seed = 3, .n_answers = 1, .score_steps = 4};
    struct came came = run(&script, NULL, &pd_strategy_auto, 0, 0.95, 0);
    assert_string_equal(came.words, "majority 16");
    assert_int_equal(came.n_started, 4);
    assert_string_equal(came.answer, "0");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_best_plan_is_that_of_the_slow_reference),
        cmocka_unit_test(test_the_price_keeps_to_the_average),
        cmocka_unit_test(test_samples_correct_the_head),
        cmocka_unit_test(test_it_goes_on_where_samples_disagree),
        cmocka_unit_test(test_a_search_may_follow_samples),
        cmocka_unit_test(test_waves_save_samples),
        cmocka_unit_test(test_a_budget_of_tokens_is_kept),
        cmocka_unit_test(test_without_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
