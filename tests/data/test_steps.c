/* SPDX-License-Identifier: Apache-2.0
 * test_steps.c - exact numbers, steps, and equations as annotated solutions have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "models/data/steps.h"

static void ratios_are_exact_and_in_lowest_terms(void **state)
{
    (void)state;
    struct ratio third = ratio_of(2, -6);
    assert_true(third.n == -1 && third.d == 3);
    assert_true(ratio_equal(ratio_apply('+', ratio_of(1, 10), ratio_of(2, 10)), ratio_of(3, 10)));
    assert_true(ratio_equal(ratio_apply('%', ratio_int(17), ratio_int(5)), ratio_int(2)));
    assert_int_equal(ratio_compare(ratio_of(1, 3), ratio_of(1, 2)), -1);
    assert_int_equal(ratio_decimals(ratio_of(1, 8)), 3);
    assert_int_equal(ratio_decimals(ratio_of(1, 3)), -1);
}

static void ratios_without_value_stay_without(void **state)
{
    (void)state;
    assert_false(ratio_has_value(ratio_apply('/', ratio_int(1), ratio_int(0))));
    struct ratio large = ratio_int(INT64_MAX);
    assert_false(ratio_has_value(ratio_apply('*', large, ratio_int(2))));
    assert_false(ratio_has_value(ratio_apply('+', large, large)));
    assert_false(ratio_has_value(ratio_apply('-', ratio_int(1), ratio_apply('+', large, large))));
    assert_false(ratio_has_value(ratio_parse("99999999999999999999", NULL)));
}

static void numbers_are_written_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        int64_t n, d;
        const char *text;
    } cases[] = {{5, 1, "5"},    {-5, 2, "-2.5"},   {1, 100, "0.01"},
                 {7, 4, "1.75"}, {1200, 1, "1200"}, {0, 1, "0"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[RATIO_BYTES];
        assert_true(ratio_format(ratio_of(cases[i].n, cases[i].d), text));
        assert_string_equal(text, cases[i].text);
    }
}

static void equations_become_one_operation_a_step(void **state)
{
    (void)state;
    static const struct {
        const char *equation, *steps;
    } cases[] = {
        {"48/2=24", "48/2=24"},
        {"100-50-30-15=5", "100-50=50 50-30=20 20-15=5"},
        {"(3+4)*2=14", "3+4=7 7*2=14"},
        {"2+3*4=14", "3*4=12 2+12=14"},
        {"20%*50=10", "20/100=0.2 0.2*50=10"},
        {"$1,200/12=100", "1200/12=100"},
        {".5*8=4", "0.5*8=4"},
        {"3 x 5 = 15", "3*5=15"},
        {"1/3*60=20", "60/3=20"},
        {"2/3*60=40", "2*60=120 120/3=40"},
        {"80*20*.01=16", "80*20=1600 1600/100=16"},
        {"2(3+4)=14", "3+4=7 2*7=14"},
        {"1/4=25%", "1/4=0.25"},
        {"5=5", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct steps steps = {.n = 0};
        assert_true(steps_add_equation(&steps, cases[i].equation));
        char all[MAX_STEPS * (STEP_BYTES + 1)] = "";
        for (int k = 0; k < steps.n; k++) {
            char text[STEP_BYTES];
            step_format(&steps.step[k], text);
            strcat(strcat(all, k ? " " : ""), text);
        }
        assert_string_equal(all, cases[i].steps);
    }
}

static void equations_that_are_not_exact_are_refused_whole(void **state)
{
    (void)state;
    static const char *const equations[] = {"2+2=5", "100/3=33.33", "1/3=0.333", "5-8=-3", "(2+3=5",
                                            "2+=2",  "x+2=5",       "2+2",       "",       "7/0=0",
                                            "=4",    "2**3=6",      "1+2=3=4"};
    for (size_t i = 0; i < sizeof equations / sizeof equations[0]; i++) {
        struct steps steps = {.n = 0};
        assert_false(steps_add_equation(&steps, equations[i]));
        assert_int_equal(steps.n, 0);
    }
}

static void steps_are_read_back_only_if_right(void **state)
{
    (void)state;
    struct step step;
    assert_true(step_parse("48/2=24", &step));
    assert_true(step_parse("0.2*50=10", &step));
    assert_true(step_parse("5-8=-3", &step));
    assert_false(step_parse("48/2=25", &step));
    assert_false(step_parse("48/2=24 ", &step));
    assert_false(step_parse("1+2+3=6", &step));
    assert_false(step_parse("48=48", &step));
    assert_false(step_parse("48/2", &step));
}

static void there_are_never_more_steps_than_have_room(void **state)
{
    (void)state;
    struct steps steps = {.n = 0};
    for (int i = 0; i < MAX_STEPS; i++)
        assert_true(steps_add(&steps, '+', ratio_int(i), ratio_int(1)));
    assert_false(steps_add(&steps, '+', ratio_int(1), ratio_int(1)));
    assert_int_equal(steps.n, MAX_STEPS);
    assert_true(steps_lead_to(&steps, ratio_int(MAX_STEPS)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratios_are_exact_and_in_lowest_terms),
        cmocka_unit_test(ratios_without_value_stay_without),
        cmocka_unit_test(numbers_are_written_as_people_write_them),
        cmocka_unit_test(equations_become_one_operation_a_step),
        cmocka_unit_test(equations_that_are_not_exact_are_refused_whole),
        cmocka_unit_test(steps_are_read_back_only_if_right),
        cmocka_unit_test(there_are_never_more_steps_than_have_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
