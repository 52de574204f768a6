/* SPDX-License-Identifier: Apache-2.0
 * test_rational.c - fractions agree with wider arithmetic, never overflow unseen, and are written in one way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/rational.h"
#include "base/rng.h"

static struct pd_rational make(int64_t numerator, int64_t denominator)
{
    struct pd_rational value;
    assert_true(pd_rational_make(numerator, denominator, &value));
    return value;
}

static void test_fractions_are_in_lowest_terms(void **state)
{
    (void)state;
    struct pd_rational v;
    assert_true(pd_rational_is_equal(make(6, -4), make(-3, 2)));
    assert_true(pd_rational_is_equal(make(0, -7), make(0, 1)));
    assert_false(pd_rational_make(1, 0, &v));
    assert_false(pd_rational_make(INT64_MIN, 1, &v));
    assert_false(pd_rational_make(1, INT64_MIN, &v));
    assert_true(pd_rational_make(INT64_MAX, INT64_MAX, &v) && v.numerator == 1);
}

/* Small parts: the value is checked by cross-multiplication, which fits. */
static void test_the_four_operations_are_exact(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        int64_t part[4];
        for (uint64_t j = 0; j < 4; j++)
            part[j] = (int64_t)(pd_rng_u64(7, i, j) % 4001) - 2000;
        if (part[1] == 0 || part[3] == 0)
            continue;
        struct pd_rational a = make(part[0], part[1]);
        struct pd_rational b = make(part[2], part[3]);
        struct pd_rational sum, difference, product, quotient;
        assert_true(pd_rational_add(a, b, &sum));
        assert_true(pd_rational_is_equal(
            sum, make(part[0] * part[3] + part[2] * part[1], part[1] * part[3])));
        assert_true(pd_rational_subtract(a, b, &difference));
        assert_true(pd_rational_is_equal(
            difference, make(part[0] * part[3] - part[2] * part[1], part[1] * part[3])));
        assert_true(pd_rational_multiply(a, b, &product));
        assert_true(pd_rational_is_equal(product, make(part[0] * part[2], part[1] * part[3])));
        if (part[2] == 0) {
            assert_false(pd_rational_divide(a, b, &quotient));
            continue;
        }
        assert_true(pd_rational_divide(a, b, &quotient));
        assert_true(pd_rational_is_equal(quotient, make(part[0] * part[3], part[1] * part[2])));
    }
}

static void test_what_does_not_fit_is_no_result(void **state)
{
    (void)state;
    struct pd_rational v;
    struct pd_rational large = make(INT64_MAX, 1);
    assert_false(pd_rational_add(large, make(1, 1), &v));
    assert_false(pd_rational_subtract(make(-INT64_MAX, 1), make(1, 1), &v)); /* INT64_MIN */
    assert_false(pd_rational_multiply(large, make(2, 1), &v));
    assert_true(pd_rational_multiply(large, make(1, INT64_MAX), &v) && v.numerator == 1);
    assert_false(pd_rational_add(make(1, INT64_MAX), make(1, INT64_MAX - 1), &v));
    assert_false(pd_rational_power(make(2, 1), 63, &v));
    assert_true(pd_rational_power(make(2, 1), 62, &v));
    assert_true(v.numerator == (int64_t)1 << 62);
    assert_true(pd_rational_power(make(-2, 3), -3, &v));
    assert_true(pd_rational_is_equal(v, make(-27, 8)));
    assert_false(pd_rational_power(make(0, 1), -1, &v));
    assert_false(pd_rational_power(make(1, 1), 65, &v));
    assert_false(pd_rational_read("9223372036854775808", 19, &v));
    assert_true(pd_rational_read("9223372036854775807", 19, &v));
}

struct written {
    const char *text; /* read as a numerator "/" denominator */
    int64_t numerator, denominator;
};

static const struct written written[] = {
    {"24", 24, 1},
    {"0", 0, 1},
    {"-7", -7, 1},
    {"0.5", 1, 2},
    {"-0.5", -1, 2},
    {"100", 100, 1},
    {"10.5", 21, 2},
    {"0.125", 1, 8},
    {"0.0625", 1, 16},
    {"0.03125", 1, 32},
    {"0.015625", 1, 64},
    {"0.0078", 1, 128}, /* 0.0078125 has seven decimals: it is rounded */
    {"3.33", 10, 3},
    {"6.67", 20, 3},
    {"0.67", 2, 3},
    {"-0.67", -2, 3},
    {"33.33", 100, 3},
    {"0.0033", 1, 300},
    {"0.00033", 1, 3000},
    {"0.053", 4, 75},
    {"0.1", 100, 999},     /* 0.10: no zero at the end */
    {"2", 1999, 1000 - 1}, /* 2.001: no ".00" */
    {"0.00000033", 1, 3000000},
    {"9223372036854775807", INT64_MAX, 1},
};

static void test_values_are_written_as_a_calculator_does(void **state)
{
    (void)state;
    char text[PD_RATIONAL_TEXT_BYTES];
    for (size_t i = 0; i < PD_COUNT(written); i++) {
        assert_true(pd_rational_write(make(written[i].numerator, written[i].denominator), text));
        assert_string_equal(text, written[i].text);
    }
    assert_false(pd_rational_write(make(1, 7000000000), text));
}

/* A value that ends within six decimals is read back as itself. */
static void test_what_is_written_exactly_is_read_back(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        struct pd_rational value = make((int64_t)(pd_rng_u64(8, i, 0) % 10000000000), 1000000);
        struct pd_rational again;
        char text[PD_RATIONAL_TEXT_BYTES];
        assert_true(pd_rational_write(value, text));
        assert_true(pd_rational_read(text, strlen(text), &again));
        assert_true(pd_rational_is_equal(value, again));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fractions_are_in_lowest_terms),
        cmocka_unit_test(test_the_four_operations_are_exact),
        cmocka_unit_test(test_what_does_not_fit_is_no_result),
        cmocka_unit_test(test_values_are_written_as_a_calculator_does),
        cmocka_unit_test(test_what_is_written_exactly_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
