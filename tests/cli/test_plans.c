/* SPDX-License-Identifier: Apache-2.0
 * test_plans.c - what a table of plans says of questions that it did not see, made up ones, of which the truth is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "cli/plans.h"

#include <cmocka.h>

enum { N = 400, N_PLANS = 6 };

static const double budgets_ms[] = {10, 100};
static const struct plans_budgets budgets = {budgets_ms, 2};

/* Right by chance; the plan in place 5 takes long. right(chance, plan): how likely. */
static void make(struct asked *asked, double (*right)(double chance, int plan))
{
    for (int i = 0; i < N; i++) {
        asked[i].chance = (double)pd_rng_float(3, 0, (uint64_t)i);
        for (int k = 0; k < N_PLANS; k++)
            asked[i].try[k] =
                (struct try){.is_right = (double)pd_rng_float(4, (uint64_t)i, (uint64_t)k) <
                                         right(asked[i].chance, k),
                             .ms = k == 5 ? 50 : 1 + k};
    }
}

/* Plan 3 is 15 points better than all others, on all questions. */
static double alike(double chance, int plan)
{
    return 0.8 * chance + (plan == 3 ? 0.15 : 0.0);
}

/* Plan 1 for the hard half, plan 2 for the easy one. */
static double apart(double chance, int plan)
{
    return plan == (chance < 0.5 ? 1 : 2) ? 0.8 : 0.3;
}

/* Only what takes long is good. */
static double slow(double chance, int plan)
{
    (void)chance;
    return plan == 5 ? 0.9 : 0.2;
}

static struct asked *new_asked(double (*right)(double chance, int plan))
{
    struct asked *asked = calloc(N, sizeof *asked);
    assert_non_null(asked);
    make(asked, right);
    return asked;
}

static void test_leans_where_bins_are_alike(void **state)
{
    (void)state;
    struct asked *asked = new_asked(alike);
    struct plans p;
    plans_fill(&p, asked, N, N_PLANS, &budgets);
    assert_int_equal(p.n_bins, MAX_BINS);
    assert_true(p.lean >= 30);
    for (int bin = 0; bin < p.n_bins; bin++)
        assert_int_equal(plans_best(&p, bin, 10), 3);
    free(asked);
}

static void test_follows_bins_where_they_differ(void **state)
{
    (void)state;
    struct asked *asked = new_asked(apart);
    struct plans p;
    plans_fill(&p, asked, N, N_PLANS, &budgets);
    assert_true(p.lean < 1000);
    assert_int_equal(plans_best(&p, 0, 10), 1);
    assert_int_equal(plans_best(&p, p.n_bins - 1, 10), 2);
    struct mean mean[2];
    plans_cross_validate(asked, N, N_PLANS, &budgets, mean);
    assert_int_equal(mean[0].n, N);
    assert_true(mean[0].right > 0.68 && mean[0].right < 0.85); /* a bin lies on both sides */
    free(asked);
}

static void test_keeps_to_the_budget(void **state)
{
    (void)state;
    struct asked *asked = new_asked(slow);
    struct mean mean[2];
    struct plans p;
    plans_cross_validate(asked, N, N_PLANS, &budgets, mean);
    assert_true(mean[0].right < 0.3 && mean[0].ms <= 10);
    assert_true(mean[1].right > 0.85 && mean[1].ms == 50);
    plans_fill(&p, asked, N, N_PLANS, &budgets);
    assert_int_equal(plans_best(&p, 0, 100), 5);
    assert_int_equal(plans_best(&p, 0, 0.5), 0); /* nothing fits: the fastest */
    free(asked);
}

static void test_makes_do_with_one_question(void **state)
{
    (void)state;
    struct asked *asked = new_asked(slow);
    struct plans p;
    struct mean mean[2];
    plans_fill(&p, asked, 1, N_PLANS, &budgets);
    assert_int_equal(p.n_bins, 1);
    plans_cross_validate(asked, 1, N_PLANS, &budgets, mean);
    assert_int_equal(mean[0].n, 1);
    free(asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leans_where_bins_are_alike),
        cmocka_unit_test(test_follows_bins_where_they_differ),
        cmocka_unit_test(test_keeps_to_the_budget),
        cmocka_unit_test(test_makes_do_with_one_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
