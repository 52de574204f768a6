/* SPDX-License-Identifier: Apache-2.0
 * test_renumber.c - where the numbers of a solution come from, and what may change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "models/data/trace.h"

static struct trace trace;

/* Steps from a text with blanks between them. */
static struct steps steps_of(const char *text)
{
    struct steps steps = {.n = 0};
    char step[STEP_BYTES];
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        memcpy(step, text, n);
        step[n] = '\0';
        assert_true(step_parse(step, &steps.step[steps.n++]));
        text += n + (text[n] == ' ');
    }
    return steps;
}

/* The trace of the solution with other numbers for the values, written as steps_of() reads it. */
static const char *computed(const struct steps *steps, const int64_t *numbers)
{
    static char text[512];
    struct ratio number[MAX_MENTIONS];
    for (int v = 0; v < trace.n_values; v++)
        number[v] = ratio_int(numbers[v]);
    struct steps other;
    if (!trace_compute(&trace, steps, number, &other))
        return "no";
    text[0] = '\0';
    for (int i = 0; i < other.n; i++) {
        char step[STEP_BYTES];
        step_format(&other.step[i], step);
        strcat(strcat(text, i ? " " : ""), step);
    }
    return text;
}

static void numbers_of_the_question_results_and_constants_are_told_apart(void **state)
{
    (void)state;
    struct steps steps = steps_of("48/2=24 48+24=72 72*7=504");
    assert_null(trace_solution(
        "Tom sold 48 clips, then half as many, each day for a week. How many?", &steps, &trace));
    assert_int_equal(trace.n_values, 1);
    assert_string_equal(computed(&steps, (int64_t[]){60}), "60/2=30 60+30=90 90*7=630");
}

static void percentages_change_in_every_form_they_take(void **state)
{
    (void)state;
    struct steps steps = steps_of("20/100=0.2 50*0.2=10");
    assert_null(trace_solution("What is 20% of 50?", &steps, &trace));
    assert_string_equal(computed(&steps, (int64_t[]){30, 80}), "30/100=0.3 80*0.3=24");
    steps = steps_of("50*0.2=10");
    assert_null(trace_solution("What is 20% of 50?", &steps, &trace));
    assert_string_equal(computed(&steps, (int64_t[]){30, 80}), "80*0.3=24");
    steps = steps_of("50*0.8=40");
    assert_null(trace_solution("What is 50 less 20%?", &steps, &trace));
    assert_string_equal(computed(&steps, (int64_t[]){60, 10}), "60*0.9=54");
    steps = steps_of("100-20=80 50*80=4000");
    assert_null(trace_solution("What is 50 less 20%?", &steps, &trace));
    assert_string_equal(computed(&steps, (int64_t[]){60, 10}), "100-10=90 60*90=5400");
}

static void the_same_number_twice_stays_the_same_twice(void **state)
{
    (void)state;
    struct steps steps = steps_of("5*5=25");
    assert_null(trace_solution("There are 5 bags of five apples. How many?", &steps, &trace));
    assert_int_equal(trace.n_values, 1);
    assert_int_equal(trace.n_mentions, 2);
}

static void a_number_from_nowhere_is_refused(void **state)
{
    (void)state;
    struct steps steps = steps_of("48+13=61");
    assert_non_null(trace_solution("Tom has 48 clips and some more. How many?", &steps, &trace));
    steps = steps_of("6*7=42");
    assert_non_null(
        trace_solution("Tom has 6 clips. How many?", &steps, &trace)); /* no week there */
}

static void a_number_that_may_be_a_word_s_stays(void **state)
{
    (void)state;
    struct steps steps = steps_of("30/2=15 15*4=60");
    assert_null(trace_solution("Half of 30 for 2 boys, 4 times?", &steps, &trace));
    for (int i = 0; i < trace.n_mentions; i++)
        if (ratio_equal(trace.mention[i].value, ratio_int(2)))
            assert_true(trace.value[trace.value_of[i]].is_fixed);
}

static void a_number_from_two_places_must_stay_equal(void **state)
{
    (void)state;
    struct steps steps = steps_of("20-5=15 15*3=45");
    assert_null(trace_solution("20 less 5, and 15 for each of 3?", &steps, &trace));
    assert_string_equal(computed(&steps, (int64_t[]){20, 5, 15, 4}), "20-5=15 15*4=60");
    assert_string_equal(computed(&steps, (int64_t[]){30, 15, 15, 4}), "30-15=15 15*4=60");
    assert_string_equal(computed(&steps, (int64_t[]){30, 5, 15, 4}), "no");
}

static void dates_and_parts_of_fractions_stay(void **state)
{
    (void)state;
    struct steps steps = steps_of("30*3=90 90/4=22.5 22.5+7=29.5");
    assert_null(trace_solution("At 7:00 Tom ate 3/4 of 30. How much?", &steps, &trace));
    int n_free = 0;
    for (int v = 0; v < trace.n_values; v++)
        n_free += !trace.value[v].is_fixed;
    assert_int_equal(n_free, 1);
    assert_string_equal(trace_solution("At 7:00 there was 1.", &steps, &trace),
                        "a number comes from nowhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_the_question_results_and_constants_are_told_apart),
        cmocka_unit_test(percentages_change_in_every_form_they_take),
        cmocka_unit_test(the_same_number_twice_stays_the_same_twice),
        cmocka_unit_test(a_number_from_nowhere_is_refused),
        cmocka_unit_test(a_number_that_may_be_a_word_s_stays),
        cmocka_unit_test(a_number_from_two_places_must_stay_equal),
        cmocka_unit_test(dates_and_parts_of_fractions_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
