/* SPDX-License-Identifier: Apache-2.0
 * cmocka.h - the part of cmocka that the tests here use, for machines that cmocka is not installed for. It
 * prints what scripts/run-tests.sh counts. */
#ifndef CROSS_CMOCKA_H
#define CROSS_CMOCKA_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test_func)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
    void *initial_state;
};

#define cmocka_unit_test(function) cmocka_unit_test_setup_teardown(function, NULL, NULL)
#define cmocka_unit_test_setup_teardown(function, setup, teardown)                                 \
    {                                                                                              \
#function, function, setup, teardown, NULL                                                 \
    }

#define print_message(...) printf(__VA_ARGS__)

/* Ends the test that runs: it failed at a place, or was skipped. */
_Noreturn void cross_fail(const char *file, int line);
_Noreturn void cross_skip(void);

#define skip() cross_skip()

#define fail_msg(...)                                                                              \
    do {                                                                                           \
        printf(__VA_ARGS__);                                                                       \
        printf("\n");                                                                              \
        cross_fail(__FILE__, __LINE__);                                                            \
    } while (0)

#define assert_true(fact)                                                                          \
    do {                                                                                           \
        if (!(fact))                                                                               \
            fail_msg("%s is false", #fact);                                                        \
    } while (0)

#define cross_integer(x)                 ((uintmax_t)(x))
#define assert_false(fact)               assert_true(!(fact))
#define assert_null(what)                assert_true((what) == NULL)
#define assert_non_null(what)            assert_true((what) != NULL)
#define assert_ptr_equal(a, b)           assert_true((const void *)(a) == (const void *)(b))
#define assert_ptr_not_equal(a, b)       assert_true((const void *)(a) != (const void *)(b))
#define assert_int_equal(a, b)           assert_true(cross_integer(a) == cross_integer(b))
#define assert_int_not_equal(a, b)       assert_true(cross_integer(a) != cross_integer(b))
#define assert_string_equal(a, b)        assert_true(strcmp(a, b) == 0)
#define assert_string_not_equal(a, b)    assert_true(strcmp(a, b) != 0)
#define assert_memory_equal(a, b, n)     assert_true(memcmp(a, b, n) == 0)
#define assert_memory_not_equal(a, b, n) assert_true(memcmp(a, b, n) != 0)
#define assert_in_range(x, least, most)                                                            \
    assert_true(cross_integer(x) >= cross_integer(least) && cross_integer(x) <= cross_integer(most))

#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    cross_run((tests), sizeof(tests) / sizeof *(tests), (setup), (teardown))

/* How many failed. */
int cross_run(const struct CMUnitTest *tests, size_t n, int (*setup)(void **state),
              int (*teardown)(void **state));

#endif
