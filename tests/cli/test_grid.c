/* SPDX-License-Identifier: Apache-2.0
 * test_grid.c - lists of strategies and budgets, and the order in which their pairs ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/grid.h"

static void lists_are_read_and_budgets_put_in_order(void **state)
{
    (void)state;
    struct grid grid;
    assert_int_equal(grid_parse(&grid, "majority:16,greedy,majority", "none,1.5s,250ms,1min"), 0);
    assert_int_equal(grid.n_strategies, 3);
    assert_int_equal(grid.n_budgets, 4);
    assert_string_equal(grid.strategies[0].name, "majority:16");
    assert_string_equal(grid.strategies[0].strategy, "majority");
    assert_int_equal(grid.strategies[0].n_samples, 16);
    assert_string_equal(grid.strategies[1].name, "greedy");
    assert_int_equal(grid.strategies[2].n_samples, 0);
    static const char *const names[] = {"250ms", "1.5s", "60s", "none"};
    for (int i = 0; i < 4; i++)
        assert_string_equal(grid.budgets[i].name, names[i]);
    assert_true(grid.budgets[3].ms <= 0);
    char file[GRID_FILE_BYTES];
    grid_file(&grid, 0, 1, file);
    assert_string_equal(file, "majority-16-1.5s");
}

static void lists_that_are_wrong_are_refused(void **state)
{
    (void)state;
    static const char *const strategies[] = {
        "",          ",",          "greedy,",      "nobody",       "greedy:2",
        "majority:", "majority:0", "majority:1e1", "greedy,greedy"};
    static const char *const budgets[] = {"", ",", "1s,", "1", "0s", "-1s", "1s,1000ms"};
    struct grid grid;
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
        assert_int_equal(grid_parse(&grid, strategies[i], "1s"), 2);
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++)
        assert_int_equal(grid_parse(&grid, "greedy", budgets[i]), 2);
}

enum { MOST_PAIRS = 7, MOST_QUESTIONS = 12 };

/* Every pair asks every question once, in order, and no question comes twice running unless there is no other. */
static void check_order(int n_pairs, int n_questions)
{
    int n_asked[MOST_PAIRS] = {0};
    int last = -1;
    for (int round = 0; round < grid_rounds(n_pairs, n_questions); round++)
        for (int pair = 0; pair < n_pairs; pair++) {
            int question = grid_question(round, pair, n_questions);
            if (question < 0)
                continue;
            assert_int_equal(question, n_asked[pair]++);
            assert_true(n_questions == 1 || question != last);
            last = question;
        }
    for (int pair = 0; pair < n_pairs; pair++)
        assert_int_equal(n_asked[pair], n_questions);
}

static void every_pair_asks_every_question_once_and_none_twice_running(void **state)
{
    (void)state;
    for (int n_pairs = 1; n_pairs <= MOST_PAIRS; n_pairs++)
        for (int n_questions = 0; n_questions <= MOST_QUESTIONS; n_questions++)
            check_order(n_pairs, n_questions);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_and_budgets_put_in_order),
        cmocka_unit_test(lists_that_are_wrong_are_refused),
        cmocka_unit_test(every_pair_asks_every_question_once_and_none_twice_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
