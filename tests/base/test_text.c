/* SPDX-License-Identifier: Apache-2.0
 * test_text.c - numbers with units, right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/text.h"

static void test_times_are_read_in_milliseconds(void **state)
{
    static const struct {
        const char *text;
        double ms;
    } cases[] = {
        {"250ms", 250},         {"2s", 2000},       {"1.5s", 1500}, {"0.5ms", 0.5}, {".5s", 500},
        {"3min", 180000},       {"none", 0},        {"NONE", 0},    {"10MS", 10},   {"1S", 1000},
        {"86400s", 86400000.0}, {"0.001ms", 0.001}, {"1.s", 1000},  {"007ms", 7},
    };
    (void)state;
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        double ms = -1;
        if (!pd_text_ms(cases[i].text, &ms) || ms < cases[i].ms || ms > cases[i].ms)
            fail_msg("%s gave %f", cases[i].text, ms);
    }
}

static void test_nonsense_times_are_refused(void **state)
{
    static const char *const cases[] = {
        "",     "0",     "250",  "0ms",  "0.0s", "-5ms",   "-0ms",    "ms",
        "s",    "5 ms",  " 5ms", "5ms ", "5m",   "5h",     "1.2.3s",  "1e3ms",
        "+5ms", "nonee", "non",  "infs", "nans", "86401s", "1441min", "9999999999999999999s",
        "--5s", "5mss",  ".s",   ".",    "0x5s",
    };
    (void)state;
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        double ms = 77;
        if (pd_text_ms(cases[i], &ms))
            fail_msg("'%s' was taken as %f", cases[i], ms);
        assert_true(ms > 76 && ms < 78);
    }
}

static void test_sizes_are_read_in_bytes(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
    } cases[] = {
        {"1", 1},
        {"4096", 4096},
        {"4096B", 4096},
        {"64MiB", 67108864},
        {"64M", 67108864},
        {"64mib", 67108864},
        {"64m", 67108864},
        {"64MB", 64000000},
        {"512k", 524288},
        {"512KiB", 524288},
        {"512kB", 512000},
        {"1G", 1073741824},
        {"1GB", 1000000000},
        {"1.5G", 1610612736},
        {"0.5k", 512},
        {"1.0001k", 1024},
        {"0.001k", 1},
    };
    (void)state;
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        size_t bytes = 0;
        if (!pd_text_bytes(cases[i].text, &bytes) || bytes != cases[i].bytes)
            fail_msg("%s gave %zu", cases[i].text, bytes);
    }
}

static void test_nonsense_sizes_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "0",
        "0.0",
        "-1",
        "-1k",
        "k",
        "MiB",
        "1 M",
        "1T",
        "1Mi",
        "1MiBs",
        "1e6",
        "0.0001k",
        "99999999999999999999",
        "999999999999999999G",
        "1..5M",
        "+1M",
        "0x10",
    };
    (void)state;
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        size_t bytes = 77;
        if (pd_text_bytes(cases[i], &bytes))
            fail_msg("'%s' was taken as %zu", cases[i], bytes);
        assert_int_equal(bytes, 77);
    }
}

/* The largest size that size_t holds is taken, one byte more is not. */
static void test_sizes_stop_where_size_t_does(void **state)
{
    (void)state;
    char text[32];
    size_t bytes = 0;
    uint64_t largest = SIZE_MAX / 1024;
    if (largest >= 1000000000000000000u)
        largest = 999999999999999999u;
    snprintf(text, sizeof text, "%lluk", (unsigned long long)largest);
    if (largest * 1024 / 1024 == largest) {
        assert_true(pd_text_bytes(text, &bytes));
        assert_true(bytes == (size_t)largest * 1024);
    }
    snprintf(text, sizeof text, "%lluk", (unsigned long long)(SIZE_MAX / 1024 + 1));
    assert_false(pd_text_bytes(text, &bytes));
}

static void test_whole_numbers_keep_to_their_range(void **state)
{
    static const char *const wrong[] = {"",    "-",   "5.0", "5.",  "5x",
                                        " 5",  "11",  "-4",  "1e1", "99999999999999999999",
                                        "0x5", "--1", "+1"};
    (void)state;
    int value = 0;
    assert_true(pd_text_int("10", -3, 10, &value) && value == 10);
    assert_true(pd_text_int("-3", -3, 10, &value) && value == -3);
    assert_true(pd_text_int("0", -3, 10, &value) && value == 0);
    assert_true(pd_text_int("2147483647", INT32_MIN, INT32_MAX, &value) && value == INT32_MAX);
    assert_true(pd_text_int("-2147483648", INT32_MIN, INT32_MAX, &value) && value == INT32_MIN);
    assert_false(pd_text_int("2147483648", INT32_MIN, INT32_MAX, &value));
    for (size_t i = 0; i < PD_COUNT(wrong); i++)
        if (pd_text_int(wrong[i], -3, 10, &value))
            fail_msg("'%s' was taken as %d", wrong[i], value);
}

static void test_seeds_take_all_64_bits(void **state)
{
    static const char *const wrong[] = {"",   "-1", "18446744073709551616", "1.0",
                                        "5 ", "a",  "184467440737095516150"};
    (void)state;
    uint64_t value = 1;
    assert_true(pd_text_u64("0", &value) && value == 0);
    assert_true(pd_text_u64("18446744073709551615", &value) && value == UINT64_MAX);
    for (size_t i = 0; i < PD_COUNT(wrong); i++)
        if (pd_text_u64(wrong[i], &value))
            fail_msg("'%s' was taken as %llu", wrong[i], (unsigned long long)value);
}

static void test_real_numbers_keep_to_their_range(void **state)
{
    static const char *const wrong[] = {"",    ".",    "1.5", "-0.1", "nan",
                                        "inf", "1e-1", "0,5", "0.5f", "0.1234567890123456789"};
    (void)state;
    double value = -1;
    assert_true(pd_text_double("0.95", 0, 1, &value) && value >= 0.95 && value <= 0.95);
    assert_true(pd_text_double(".5", 0, 1, &value) && value >= 0.5 && value <= 0.5);
    assert_true(pd_text_double("1", 0, 1, &value) && value >= 1 && value <= 1);
    assert_true(pd_text_double("-1.25", -2, 1, &value) && value >= -1.25 && value <= -1.25);
    for (size_t i = 0; i < PD_COUNT(wrong); i++)
        if (pd_text_double(wrong[i], 0, 1, &value))
            fail_msg("'%s' was taken as %f", wrong[i], value);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_read_in_milliseconds),
        cmocka_unit_test(test_nonsense_times_are_refused),
        cmocka_unit_test(test_sizes_are_read_in_bytes),
        cmocka_unit_test(test_nonsense_sizes_are_refused),
        cmocka_unit_test(test_sizes_stop_where_size_t_does),
        cmocka_unit_test(test_whole_numbers_keep_to_their_range),
        cmocka_unit_test(test_seeds_take_all_64_bits),
        cmocka_unit_test(test_real_numbers_keep_to_their_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
