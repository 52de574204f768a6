/* SPDX-License-Identifier: Apache-2.0
 * test_vote.c - the certainty of a vote against its integral, the tally against a slow count. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "search/vote.h"

/* ---- certainty ---- */

/* Probability that p > 1/2 where p has the density p^a (1 - p)^b over [0, 1], by Simpson's rule. */
static double integral_certainty(int a, int b)
{
    enum { N = 4000 };
    double below = 0.0, above = 0.0, peak = (double)a / (a + b > 0 ? a + b : 1);
    for (int half = 0; half < 2; half++) {
        double *sum = half == 0 ? &below : &above;
        for (int i = 0; i <= N; i++) {
            double p = 0.5 * half + 0.5 * i / N;
            double weight = i == 0 || i == N ? 1.0 : i % 2 == 1 ? 4.0 : 2.0;
            double log_density = 0.0; /* over that of the peak, so that nothing underflows */
            if (a > 0)
                log_density += a * (log(p) - log(peak));
            if (b > 0)
                log_density += b * (log1p(-p) - log1p(-peak));
            *sum += weight * exp(log_density);
        }
    }
    return above / (above + below);
}

static void test_certainty_is_the_integral(void **state)
{
    (void)state;
    for (int a = 0; a <= 40; a++)
        for (int b = 0; b <= 40; b++)
            if (!(fabs(pd_vote_certainty(a, b) - integral_certainty(a, b)) < 1e-9))
                fail_msg("%d to %d: %.12f, expected %.12f", a, b, pd_vote_certainty(a, b),
                         integral_certainty(a, b));
    static const int large[][2] = {{256, 0}, {200, 56}, {128, 128}, {130, 126}, {0, 256}};
    for (size_t i = 0; i < PD_COUNT(large); i++)
        assert_true(fabs(pd_vote_certainty(large[i][0], large[i][1]) -
                         integral_certainty(large[i][0], large[i][1])) < 1e-6);
}

static void test_certainty_of_known_votes(void **state)
{
    (void)state;
    assert_true(pd_vote_certainty(4, 0) == 0.96875); /* 1 - 1/32, exact in binary */
    assert_true(pd_vote_certainty(3, 0) == 0.9375);
    assert_true(pd_vote_certainty(0, 0) == 0.5);
    assert_true(pd_vote_certainty(5, 1) == 0.9375); /* 120 of 128 */
    for (int n = 0; n <= PD_MAX_SAMPLES / 2; n++)
        assert_true(fabs(pd_vote_certainty(n, n) - 0.5) < 1e-12);
    for (int a = 0; a < 100; a++)
        for (int b = 0; b < 100; b++) {
            assert_true(pd_vote_certainty(a + 1, b) > pd_vote_certainty(a, b) ||
                        pd_vote_certainty(a, b) > 1.0 - 1e-12);
            assert_true(pd_vote_certainty(a, b) <= 1.0 + 1e-12);
        }
}

/* ---- tally ---- */

enum { N_MAX = 40 };

static struct pd_path paths[N_MAX];

/* The first n samples counted from nothing, by the words of vote.h. */
static void check_tally(const struct pd_tally *tally, const struct pd_search *s, int n)
{
    int votes[N_MAX] = {0}, first[N_MAX], n_voters = 0, winner = PD_NO_GROUP, second = 0;
    double weight[N_MAX] = {0.0};
    for (int i = n - 1; i >= 0; i--) {
        if (paths[i].scores.is_vetoed && !tally->counts_vetoed)
            continue;
        n_voters += paths[i].state == PD_PATH_ENDED || paths[i].state == PD_PATH_FORCED;
        if (paths[i].group != PD_NO_GROUP)
            first[paths[i].group] = i;
    }
    for (int i = 0; i < n; i++) {
        if (paths[i].group == PD_NO_GROUP || (paths[i].scores.is_vetoed && !tally->counts_vetoed))
            continue;
        votes[paths[i].group]++;
        if (paths[i].n_drawn > 0)
            weight[paths[i].group] += exp(paths[i].sum_log_prob / paths[i].n_drawn);
        else
            weight[paths[i].group] += 1.0;
    }
    for (int g = 0; g < s->n_groups; g++) {
        if (votes[g] == 0)
            continue;
        if (winner == PD_NO_GROUP || votes[g] > votes[winner]) {
            winner = g;
            continue;
        }
        if (votes[g] < votes[winner])
            continue;
        bool is_level = fabs(weight[g] - weight[winner]) < 1e-12;
        if (is_level ? first[g] < first[winner] : weight[g] > weight[winner])
            winner = g;
    }
    for (int g = 0; g < s->n_groups; g++)
        if (g != winner && votes[g] > second)
            second = votes[g];
    assert_int_equal(tally->n_counted, n);
    assert_int_equal(tally->n_voters, n_voters);
    assert_int_equal(tally->winner, winner);
    assert_int_equal(tally->n_top, winner == PD_NO_GROUP ? 0 : votes[winner]);
    assert_int_equal(tally->n_second, second);
}

static void test_tally_is_a_slow_count(void **state)
{
    (void)state;
    int n_ties = 0, n_none = 0;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        struct pd_search s = {.path = paths, .n_paths = 1 + (int)(seed % N_MAX)};
        s.n_groups = 1 + (int)(pd_rng_u64(seed, 0, 0) % 6);
        for (uint64_t i = 0; i < (uint64_t)s.n_paths; i++) {
            int group = (int)(pd_rng_u64(seed, 1, i) % (uint64_t)(s.n_groups + 1)) - 1;
            /* Weights of 1, which tie as votes do, or of no two alike. */
            int n_drawn = seed % 2 == 0 ? 0 : 1 + (int)(pd_rng_u64(seed, 2, i) % 4);
            paths[i] = (struct pd_path){
                .state = (enum pd_path_state)(PD_PATH_RUNNING + pd_rng_u64(seed, 3, i) % 5),
                .n_drawn = n_drawn,
                .sum_log_prob = -2.0 * n_drawn * (double)pd_rng_float(seed, 4, i),
                .group = group,
                .scores.is_vetoed = pd_rng_u64(seed, 5, i) % 4 == 0,
            };
        }
        static struct pd_tally tally;
        pd_tally_init(&tally, seed % 3 == 0);
        check_tally(&tally, &s, 0);
        for (int i = 0; i < s.n_paths; i++) {
            pd_tally_add(&tally, &s, i);
            check_tally(&tally, &s, i + 1);
            n_ties += tally.n_top > 0 && tally.n_top == tally.n_second;
            n_none += tally.winner == PD_NO_GROUP;
        }
    }
    assert_true(n_ties > 1000 && n_none > 100); /* the cases that the test is about did come */
}

static void test_equal_votes_go_to_the_surer_paths(void **state)
{
    (void)state;
    struct pd_search s = {.path = paths, .n_paths = 4, .n_groups = 2};
    static const double sums[] = {-4.0, -1.0, -4.0, -1.0};
    static struct pd_tally tally;
    pd_tally_init(&tally, false);
    for (int i = 0; i < 4; i++) {
        paths[i] = (struct pd_path){
            .state = PD_PATH_ENDED, .n_drawn = 2, .sum_log_prob = sums[i], .group = i % 2};
        pd_tally_add(&tally, &s, i);
    }
    assert_int_equal(tally.winner, 1);
    assert_int_equal(tally.n_top, 2);
    assert_int_equal(tally.n_second, 2);
}

/* A model with wild weights: a mean log-probability that no exponential holds is a vote all the same. */
static void test_impossible_paths_still_vote(void **state)
{
    (void)state;
    static const double sums[] = {-1e5, -1e300, -INFINITY, NAN};
    struct pd_search s = {.path = paths, .n_paths = 4, .n_groups = 1};
    static struct pd_tally tally;
    pd_tally_init(&tally, false);
    for (int i = 0; i < 4; i++) {
        paths[i] = (struct pd_path){.state = PD_PATH_ENDED, .n_drawn = 1, .sum_log_prob = sums[i]};
        pd_tally_add(&tally, &s, i);
    }
    assert_int_equal(tally.winner, 0);
    assert_int_equal(tally.n_top, 4);
    assert_true(tally.group[0].weight == 0.0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certainty_is_the_integral),
        cmocka_unit_test(test_certainty_of_known_votes),
        cmocka_unit_test(test_tally_is_a_slow_count),
        cmocka_unit_test(test_equal_votes_go_to_the_surer_paths),
        cmocka_unit_test(test_impossible_paths_still_vote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
