/* SPDX-License-Identifier: Apache-2.0
 * test_table.c - tables of plans: what is read, what is refused and in which words, and what a plan is expected to take. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "search/table.h"

#define COST                                                                                       \
    "\"isa\": \"avx2\", \"threads\": 2, \"cost\": {\"prompt_row_ns\": 10, \"position_ns\": 0.5, "  \
    "\"lanes\": [1, 2, 4], \"step_ns\": [100, 120, 200]}"
#define PLANS                                                                                      \
    "\"plans\": [{\"strategy\": \"greedy\", \"samples\": 1}, {\"strategy\": \"beam\", "            \
    "\"samples\": 8, "                                                                             \
    "\"width\": 4, \"verifier\": \"arithmetic,head\"}]"
#define CELL  "{\"right\": 0.25, \"steps\": 10, \"tokens\": 15, \"other_ms\": 0.001}"
#define CELLS "\"difficulty\": [0.5], \"cells\": [[" CELL ", " CELL "], [" CELL ", " CELL "]]"
#define TABLE "{\"ponder_table\": 1, \"model\": \"m\", " COST ", " PLANS ", " CELLS "}"

static struct pd_table table;

static enum ponder_status read_text(const char *text, char err[PONDER_ERROR_BYTES])
{
    const struct pd_error error = {err, PONDER_ERROR_BYTES};
    err[0] = '\0';
    return pd_table_read(&table, text, strlen(text), &error);
}

static void test_a_table_is_read(void **state)
{
    (void)state;
    char err[PONDER_ERROR_BYTES];
    assert_int_equal(read_text(TABLE, err), PONDER_OK);
    assert_int_equal(table.n_plans, 2);
    assert_int_equal(table.n_bins, 2);
    assert_string_equal(table.model, "m");
    assert_string_equal(table.isa, "avx2");
    assert_int_equal(table.n_threads, 2);
    assert_string_equal(table.plan[1].strategy, "beam");
    assert_string_equal(table.plan[1].verifier, "arithmetic,head");
    assert_int_equal(table.plan[1].n_samples, 8);
    assert_int_equal(table.plan[1].width, 4);
    assert_null(table.plan[0].verifier);
    assert_true(table.cell[1][1].right == 0.25 && table.cell[1][1].other_ns == 1000.0);
    assert_int_equal(table.cost.n_points, 3);
    assert_int_equal(table.cost.lanes[2], 4);
}

static void test_a_table_may_be_of_the_device_alone(void **state)
{
    (void)state;
    char err[PONDER_ERROR_BYTES];
    assert_int_equal(read_text("{\"ponder_table\": 1, " COST "}", err), PONDER_OK);
    assert_int_equal(table.n_plans, 0);
    assert_int_equal(table.cost.n_points, 3);
    assert_int_equal(read_text("{\"ponder_table\": 1, " PLANS ", " CELLS "}", err), PONDER_OK);
    assert_int_equal(table.n_plans, 2);
    assert_int_equal(table.cost.n_points, 0);
}

/* The table with `from` replaced by `to` is refused in these words. */
static void test_what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *words;
    } cases[] = {
        {"{\"ponder", "[\"ponder", "not a JSON object"},
        {"\"ponder_table\": 1, ", "", "\"ponder_table\" is missing"},
        {"\"ponder_table\": 1", "\"ponder_table\": 2", "another version"},
        {"\"ponder_table\": 1", "\"ponder_table\": \"1\"", "not a number"},
        {"\"m\"", "7", "\"model\" is not a short text"},
        {"\"threads\": 2", "\"threads\": 0", "\"threads\" is out of range"},
        {"\"prompt_row_ns\": 10", "\"prompt_row_ns\": -1", "\"prompt_row_ns\" is out of range"},
        {"[1, 2, 4]", "[1, 4, 2]", "\"lanes\""},
        {"[1, 2, 4]", "[2, 3, 4]", "\"lanes\""},
        {"[1, 2, 4]", "[1, 2]", "\"lanes\""},
        {"[1, 2, 4]", "[1, 2, 999]", "\"lanes\""},
        {"[1, 2, 4]", "{}", "no array of numbers"},
        {"[100, 120, 200]", "[100, 0, 200]", "\"lanes\""},
        {"[100, 120, 200]", "[1,2,3,4,5,6,7,8,9]", "too many"},
        {"\"samples\": 8", "\"samples\": 0", "\"samples\" is out of range"},
        {"\"samples\": 8", "\"samples\": 1.5", "not a whole number"},
        {"\"samples\": 8", "\"samples\": 257", "out of range"},
        {"\"width\": 4", "\"width\": -4", "out of range"},
        {"\"strategy\": \"beam\", ", "", "\"strategy\" is missing"},
        {"arithmetic,head", "a_verifier_with_a_name_that_is_longer_than_any_there_is",
         "short text"},
        {"arithmetic,head", "a\\u0000b", "NUL"},
        {"[0.5]", "[1.5]", "do not rise"},
        {"[0.5]", "[0.5, 0.4]", "do not rise"},
        {"[0.5]", "[0.1, 0.5]", "row for each bin"},
        {"[0.5]", "[]", "row for each bin"},
        {"[0.5]", "[0,0,0,0,0,0,0,0]", "too many"},
        {"[" CELL ", " CELL "], ", "[" CELL "], ", "cell for each plan"},
        {"[" CELL ", " CELL "], ", "[" CELL ", " CELL ", " CELL "], ", "cell for each plan"},
        {"\"right\": 0.25", "\"right\": 1.25", "\"right\" is out of range"},
        {"\"steps\": 10, ", "", "\"steps\" is missing"},
        {"\"plans\": [{", "\"plans\": [1, {", "no array of objects"},
    };
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        char text[2048], err[PONDER_ERROR_BYTES];
        const char *at = strstr(TABLE, cases[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - TABLE), TABLE, cases[i].to,
                 at + strlen(cases[i].from));
        if (read_text(text, err) != PONDER_BAD_FILE || !strstr(err, cases[i].words))
            fail_msg("%s for %s: '%s'", cases[i].to, cases[i].from, err);
        assert_int_equal(table.n_plans, 0);
    }
}

/* Cut anywhere, and with any byte changed: an error or a table, never more. */
static void test_damage(void **state)
{
    (void)state;
    char text[sizeof TABLE], err[PONDER_ERROR_BYTES];
    for (size_t n = 0; n + 1 < sizeof TABLE; n++) {
        const struct pd_error error = {err, sizeof err};
        assert_int_equal(pd_table_read(&table, TABLE, n, &error), PONDER_BAD_FILE);
        for (int bit = 0; bit < 7; bit++) {
            memcpy(text, TABLE, sizeof TABLE);
            text[n] = (char)(text[n] ^ 1 << bit);
            enum ponder_status status = pd_table_read(&table, text, sizeof TABLE - 1, &error);
            assert_true(status == PONDER_BAD_FILE || status == PONDER_OK);
            assert_true(status == PONDER_OK || table.n_plans == 0);
        }
    }
}

static void test_bins(void **state)
{
    (void)state;
    char err[PONDER_ERROR_BYTES];
    assert_int_equal(read_text(TABLE, err), PONDER_OK);
    assert_int_equal(pd_table_bin(&table, 0.0), 0);
    assert_int_equal(pd_table_bin(&table, 0.499), 0);
    assert_int_equal(pd_table_bin(&table, 0.5), 1);
    assert_int_equal(pd_table_bin(&table, 1.0), 1);
    assert_int_equal(pd_table_bin(&table, (double)NAN), 1);
}

/* 10 steps of 1.5 rows: half way between 100 + 0.5 * 7 and 120 + 2 * 0.5 * 7, and 1000 besides. */
static void test_what_a_plan_takes(void **state)
{
    (void)state;
    char err[PONDER_ERROR_BYTES];
    assert_int_equal(read_text(TABLE, err), PONDER_OK);
    double ns = pd_table_plan_ns(&table, &table.cost, 0, 0, 7.0);
    assert_true(fabs(ns - (10.0 * 0.5 * (103.5 + 127.0) + 1000.0)) < 1e-6);
}

static void test_cost(void **state)
{
    (void)state;
    struct pd_cost c = {.n_points = 3,
                        .lanes = {1, 2, 4},
                        .step_ns = {100.0, 120.0, 200.0},
                        .position_ns = 0.5,
                        .prompt_row_ns = 10.0,
                        .pace = 1.0};
    assert_true(pd_cost_is_sound(&c));
    assert_true(pd_cost_pass_ns(&c, 1, 0.0) == 100.0 && pd_cost_pass_ns(&c, 2, 0.0) == 120.0);
    assert_true(pd_cost_pass_ns(&c, 3, 0.0) == 160.0 && pd_cost_pass_ns(&c, 4, 0.0) == 200.0);
    assert_true(pd_cost_pass_ns(&c, 14, 0.0) == 300.0);
    assert_true(pd_cost_pass_ns(&c, 2, 100.0) == 170.0);
    for (int i = 0; i < 100; i++)
        pd_cost_note(&c, 240.0, 2, 0.0); /* the machine has become half as fast */
    assert_true(fabs(pd_cost_pass_ns(&c, 4, 0.0) - 400.0) < 0.1);
    pd_cost_note(&c, 1e9, 2, 0.0); /* one step that was interrupted counts an eighth */
    assert_true(pd_cost_pass_ns(&c, 2, 0.0) < 1e9 / 7.0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_is_read),
        cmocka_unit_test(test_a_table_may_be_of_the_device_alone),
        cmocka_unit_test(test_what_is_wrong_is_said),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_bins),
        cmocka_unit_test(test_what_a_plan_takes),
        cmocka_unit_test(test_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
