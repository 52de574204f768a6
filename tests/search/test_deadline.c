/* SPDX-License-Identifier: Apache-2.0
 * test_deadline.c - what the driver concludes from time that has gone by. Deadlines lie a day away, before or
 * behind, so that no clock decides a test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/os.h"
#include "search/deadline.h"
#include "search/force.h"

#define DAY_NS INT64_C(86400000000000)

/* A search that has taken a prompt and a step of four lanes: 1 ms a row, and 16 ms a pass besides. */
static struct pd_search new_search(int64_t deadline_ns)
{
    struct pd_search s = {.n_prompt = 100, .n_forced = 5, .n_running = 4};
    s.task.deadline_ns = deadline_ns;
    pd_deadline_note(&s, 64000000, 64);
    pd_deadline_note(&s, 20000000, 4);
    return s;
}

/* The same work again and again. */
static void note_often(struct pd_search *s, int64_t ns, int n)
{
    for (int i = 0; i < 200; i++)
        pd_deadline_note(s, ns, n);
}

static bool is_about(double value, double expected)
{
    return value > 0.999 * expected && value < 1.001 * expected;
}

static void test_without_a_deadline_everything_is_allowed(void **state)
{
    (void)state;
    struct pd_search s = new_search(0);
    s.task.wants_answer = true;
    pd_deadline_note(&s, DAY_NS, 4);
    assert_true(pd_deadline_allows(&s, 1e30));
    assert_true(pd_deadline_allows_draw(&s));
    assert_true(pd_deadline_allows_step(&s, 4));
}

static void test_behind_the_deadline_nothing_is_allowed(void **state)
{
    (void)state;
    struct pd_search s = new_search(pd_clock_ns() - 1);
    assert_false(pd_deadline_allows(&s, 0.0));
    assert_false(pd_deadline_allows_draw(&s));
    assert_false(pd_deadline_allows_step(&s, 4));
}

static void test_what_ends_in_time_is_allowed(void **state)
{
    (void)state;
    struct pd_search s = new_search(pd_clock_ns() + DAY_NS);
    assert_true(pd_deadline_allows(&s, 0.9 * (double)DAY_NS));
    assert_false(pd_deadline_allows(&s, (double)DAY_NS));
    assert_true(pd_deadline_allows_step(&s, 4));
    note_often(&s, 2 * DAY_NS, 4);
    assert_true(pd_deadline_allows_draw(&s));
    assert_false(pd_deadline_allows_step(&s, 4));
}

/* Time to force an answer is kept back as long as one is wanted and none is there. */
static void test_forcing_is_kept_back_until_there_is_an_answer(void **state)
{
    (void)state;
    struct pd_search s = new_search(pd_clock_ns() + DAY_NS);
    note_often(&s, DAY_NS / 3, 4); /* one fits; not the few that forcing takes */
    assert_true(pd_deadline_allows_draw(&s));
    assert_true(pd_deadline_allows_step(&s, 4));
    s.task.wants_answer = true;
    assert_false(pd_deadline_allows_draw(&s));
    assert_false(pd_deadline_allows_step(&s, 4));
    s.n_groups = 1;
    assert_true(pd_deadline_allows_draw(&s));
    assert_true(pd_deadline_allows_step(&s, 4));
}

static void test_estimates_follow_what_was_measured(void **state)
{
    (void)state;
    struct pd_search s = new_search(0);
    assert_true(is_about(pd_deadline_pass_ns(&s, 4), 20e6));
    assert_true(is_about(pd_deadline_pass_ns(&s, 30), 46e6));
    note_often(&s, 60000000, 4); /* slower passes; rows are as they were */
    assert_true(is_about(pd_deadline_pass_ns(&s, 4), 60e6));
    assert_true(is_about(pd_deadline_pass_ns(&s, 5), 61e6));
    note_often(&s, 20000000, 4);
    assert_true(is_about(pd_deadline_pass_ns(&s, 4), 20e6));
    note_often(&s, 32000000, 64); /* faster rows */
    assert_true(is_about(pd_deadline_pass_ns(&s, 24) - pd_deadline_pass_ns(&s, 4), 10e6));
    assert_int_equal(s.longest_step_ns, 0); /* none of them a step */
    pd_deadline_note_step(&s, 30000000, 4);
    pd_deadline_note_step(&s, 20000000, 4);
    assert_int_equal(s.longest_step_ns, 30000000);
    assert_true(pd_deadline_pass_ns(&s, 4) > 20e6); /* it counts for the estimate too */
}

/* Before anything small was measured there is a guess, and it is no less than the rows. */
static void test_first_estimate_is_a_guess(void **state)
{
    (void)state;
    struct pd_search s = {.n_forced = 5};
    pd_deadline_note(&s, 64000000, 64);
    assert_true(pd_deadline_pass_ns(&s, 1) > 1e6);
    assert_true(pd_deadline_pass_ns(&s, 8) > 8e6);
    struct pd_search small = {.n_forced = 5}; /* a prompt of a few rows only */
    pd_deadline_note(&small, 8000000, 4);
    assert_true(pd_deadline_pass_ns(&small, 4) >= 8e6);
}

static void test_forcing_takes_a_batch_and_its_steps(void **state)
{
    (void)state;
    struct pd_search s = new_search(0);
    double last = 0.0;
    for (int n = 1; n <= PD_FORCE_MAX_LANES; n++) {
        double ns = pd_deadline_forcing_ns(&s, n);
        double work = pd_deadline_pass_ns(&s, n * 6) + PD_FORCE_STEPS * pd_deadline_pass_ns(&s, n);
        assert_true(ns >= work && ns <= 2.0 * work);
        assert_true(ns > last);
        last = ns;
    }
}

static void test_needed_budget_counts_the_rows_that_are_left(void **state)
{
    (void)state;
    struct pd_search s = new_search(0);
    double none_done = pd_deadline_needed_ns(&s, 5e6, 0);
    double most_done = pd_deadline_needed_ns(&s, 5e6, 90);
    double later = pd_deadline_needed_ns(&s, 105e6, 90);
    assert_true(most_done >= 5e6 + 10 * 1e6 + pd_deadline_forcing_ns(&s, 1));
    assert_true(is_about(none_done - most_done, 90e6));
    assert_true(is_about(later - most_done, 100e6));
}

static void test_lanes_are_as_many_as_can_answer_in_time(void **state)
{
    (void)state;
    struct pd_search s = new_search(0); /* a pass of n lanes: 16 + n ms */
    s.size.n_lanes = 8;
    s.task.wants_answer = true;
    assert_int_equal(pd_deadline_lanes(&s), 8);
    s.task.deadline_ns = pd_clock_ns() - 1;
    assert_int_equal(pd_deadline_lanes(&s), 0);
    s.task.deadline_ns = pd_clock_ns() + DAY_NS;
    assert_int_equal(pd_deadline_lanes(&s), 8);
    /* Samples so long that only some of the lanes fit into a day: 1.25 x tokens x (16 + n) ms. */
    s.usual_tokens = (double)DAY_NS / (1.25 * 20.5 * 1e6);
    assert_int_equal(pd_deadline_lanes(&s), 4);
    s.usual_tokens = (double)DAY_NS / (1.25 * 16.5 * 1e6);
    assert_int_equal(pd_deadline_lanes(&s), 0);
    s.task.wants_answer = false; /* nothing to be in time with */
    assert_int_equal(pd_deadline_lanes(&s), 8);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes_are_as_many_as_can_answer_in_time),
        cmocka_unit_test(test_without_a_deadline_everything_is_allowed),
        cmocka_unit_test(test_behind_the_deadline_nothing_is_allowed),
        cmocka_unit_test(test_what_ends_in_time_is_allowed),
        cmocka_unit_test(test_forcing_is_kept_back_until_there_is_an_answer),
        cmocka_unit_test(test_estimates_follow_what_was_measured),
        cmocka_unit_test(test_first_estimate_is_a_guess),
        cmocka_unit_test(test_forcing_takes_a_batch_and_its_steps),
        cmocka_unit_test(test_needed_budget_counts_the_rows_that_are_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
