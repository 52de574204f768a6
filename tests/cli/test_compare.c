/* SPDX-License-Identifier: Apache-2.0
 * test_compare.c - statistics of evaluations: intervals of paired shares, time at an accuracy, factors of time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "cli/compare.h"

static void assert_near(double value, double wanted, double within)
{
    if (!(fabs(value - wanted) <= within))
        fail_msg("%.9f is not %.9f", value, wanted);
}

/* By hand: b = 20, c = 8, n = 100: (12 / 102) +- 1.959964 sqrt((29/102 - (12/102)^2) / 102). */
static void a_paired_interval_is_as_computed_by_hand(void **state)
{
    (void)state;
    struct interval interval = stats_paired(20, 8, 100);
    double half = 1.959963984540054 * sqrt((29.0 / 102 - 12.0 / 102 * 12 / 102) / 102);
    assert_near(interval.low, 12.0 / 102 - half, 1e-12);
    assert_near(interval.high, 12.0 / 102 + half, 1e-12);
}

static void a_paired_interval_of_no_differences_is_around_none(void **state)
{
    (void)state;
    struct interval interval = stats_paired(0, 0, 50);
    assert_near(interval.low, -interval.high, 1e-12);
    assert_true(interval.high > 0.01 && interval.high < 0.1);
    assert_true(stats_paired(0, 0, 5000).high < 0.001);
    assert_near(stats_paired(0, 0, 0).low, -1, 0);
    assert_near(stats_paired(3, 0, 3).high, 1, 0);
    for (size_t lost = 0; lost < 10; lost++) {
        struct interval a = stats_paired(4, lost, 20), b = stats_paired(lost, 4, 20);
        assert_near(a.low, -b.high, 1e-12);
        assert_near(a.high, -b.low, 1e-12);
    }
}

/* Of two fair coins the interval has the truth, no difference, 95 times of 100, within what 2,000 draws allow. */
static void a_paired_interval_covers_the_truth(void **state)
{
    (void)state;
    uint64_t random = 1;
    int n_covered = 0;
    for (int i = 0; i < 2000; i++) {
        size_t gained = 0, lost = 0;
        for (int j = 0; j < 60; j++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            int coins = (int)(random >> 62);
            gained += coins == 1;
            lost += coins == 2;
        }
        struct interval interval = stats_paired(gained, lost, 60);
        n_covered += interval.low <= 0 && interval.high >= 0;
    }
    assert_in_range(n_covered, 1880, 1930);
}

static const struct curve three = {3, {{100, 0.2}, {400, 0.4}, {1600, 0.5}}};

static void time_goes_straight_in_its_logarithm_between_points(void **state)
{
    (void)state;
    assert_near(curve_ms(&three, 0.2), 100, 1e-9);
    assert_near(curve_ms(&three, 0.3), 200, 1e-9);
    assert_near(curve_ms(&three, 0.4), 400, 1e-9);
    assert_near(curve_ms(&three, 0.45), 800, 1e-9);
    assert_near(curve_ms(&three, 0.5), 1600, 1e-9);
}

static void time_beyond_a_curve_is_its_first_points_or_infinite(void **state)
{
    (void)state;
    assert_near(curve_ms(&three, 0.1), 100, 1e-9);
    assert_true(isinf(curve_ms(&three, 0.51)));
    assert_true(isinf(curve_ms(&(struct curve){.n = 0}, 0.1)));
}

static void the_first_time_counts_where_a_curve_falls_again(void **state)
{
    (void)state;
    struct curve curve = {4, {{400, 0.4}, {100, 0.2}, {800, 0.3}, {1600, 0.6}}};
    curve_sort(&curve);
    assert_near(curve.points[0].ms, 100, 0);
    assert_near(curve_ms(&curve, 0.3), 200, 1e-9);
    /* It reaches 0.5 between the last two points. */
    assert_near(curve_ms(&curve, 0.5), 800 * pow(2, 2.0 / 3), 1e-6);
}

enum { N = 40, POINTS = 2 };

/* Of 40 questions right_low are right at the first point, right_high at the second, in 100 and 400 times `scale` ms. */
struct made {
    double ms[POINTS * N];
    bool is_right[POINTS * N];
};

static struct curve_answers make(struct made *made, size_t right_low, size_t right_high,
                                 double scale)
{
    for (size_t i = 0; i < N; i++) {
        made->ms[i] = 100 * scale;
        made->ms[N + i] = 400 * scale;
        made->is_right[i] = i < right_low;
        made->is_right[N + i] = i < right_high;
    }
    return (struct curve_answers){
        .n_points = POINTS, .n = N, .ms = made->ms, .is_right = made->is_right};
}

static void twice_as_slow_is_twice_as_slow_in_every_resample(void **state)
{
    (void)state;
    struct made a, b;
    struct factors factors;
    struct curve_answers slow = make(&a, 10, 30, 2), fast = make(&b, 10, 30, 1);
    compare_curves(&slow, &fast, 7, &factors);
    assert_int_equal(factors.n, COMPARE_ACCURACIES);
    assert_near(factors.at[0].accuracy, 0.25, 1e-12);
    assert_near(factors.at[COMPARE_ACCURACIES - 1].accuracy, 0.75, 1e-12);
    for (int i = 0; i < factors.n; i++)
        assert_near(factors.at[i].factor, 2, 1e-9);
    /* The highest accuracy is out of both curves' reach in about half the resamples. */
    assert_int_equal(factors.at[0].n_resamples, COMPARE_RESAMPLES);
    assert_in_range(factors.at[COMPARE_ACCURACIES - 1].n_resamples, 400, 700);
    assert_near(factors.largest.factor, 2, 1e-9);
    assert_near(factors.largest.interval.low, 2, 1e-9);
    assert_near(factors.largest.interval.high, 2, 1e-9);
}

static void factors_are_those_of_the_curves(void **state)
{
    (void)state;
    struct made a, b;
    struct factors factors;
    struct curve_answers slow = make(&a, 10, 20, 1), fast = make(&b, 10, 30, 1);
    compare_curves(&slow, &fast, 7, &factors);
    /* Common: 0.25 to 0.5; at 0.5 the slow one takes 400 ms, the fast one 200. */
    assert_near(factors.at[0].factor, 1, 1e-9);
    assert_near(factors.at[COMPARE_ACCURACIES - 1].accuracy, 0.5, 1e-12);
    assert_near(factors.at[COMPARE_ACCURACIES - 1].factor, 2, 1e-9);
    assert_near(factors.largest.factor, 2, 1e-9);
    assert_near(factors.largest.accuracy, 0.5, 1e-12);
    struct interval interval = factors.at[2].interval; /* at 0.375 */
    assert_true(interval.low <= factors.at[2].factor && factors.at[2].factor <= interval.high);
    assert_true(interval.low < interval.high);
}

static void resamples_depend_on_the_seed_alone(void **state)
{
    (void)state;
    struct made a, b;
    struct factors first, second, other;
    struct curve_answers slow = make(&a, 10, 20, 1), fast = make(&b, 12, 30, 1);
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    memset(&other, 0, sizeof other);
    compare_curves(&slow, &fast, 7, &first);
    compare_curves(&slow, &fast, 7, &second);
    compare_curves(&slow, &fast, 8, &other);
    assert_memory_equal(&first, &second, sizeof first);
    assert_near(other.largest.factor, first.largest.factor, 0);
    assert_true(memcmp(&first.largest.interval, &other.largest.interval,
                       sizeof first.largest.interval) != 0);
}

static void curves_without_a_common_accuracy_have_no_factor(void **state)
{
    (void)state;
    struct made a, b;
    struct factors factors;
    struct curve_answers low = make(&a, 4, 8, 1), high = make(&b, 10, 20, 1);
    compare_curves(&low, &high, 0, &factors);
    assert_int_equal(factors.n, 0);
    compare_curves(&(struct curve_answers){.n = 0}, &(struct curve_answers){.n = 0}, 0, &factors);
    assert_int_equal(factors.n, 0);
    struct curve_answers flat = make(&a, 10, 10, 1);
    compare_curves(&flat, &high, 0, &factors);
    assert_int_equal(factors.n, 1);
    assert_near(factors.at[0].factor, 1, 1e-9);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paired_interval_is_as_computed_by_hand),
        cmocka_unit_test(a_paired_interval_of_no_differences_is_around_none),
        cmocka_unit_test(a_paired_interval_covers_the_truth),
        cmocka_unit_test(time_goes_straight_in_its_logarithm_between_points),
        cmocka_unit_test(time_beyond_a_curve_is_its_first_points_or_infinite),
        cmocka_unit_test(the_first_time_counts_where_a_curve_falls_again),
        cmocka_unit_test(twice_as_slow_is_twice_as_slow_in_every_resample),
        cmocka_unit_test(factors_are_those_of_the_curves),
        cmocka_unit_test(resamples_depend_on_the_seed_alone),
        cmocka_unit_test(curves_without_a_common_accuracy_have_no_factor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
