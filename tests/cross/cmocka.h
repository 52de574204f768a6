/* SPDX-License-Identifier: Apache-2.0
 * cmocka.h - the part of cmocka that tests/kernels uses, for machines that cmocka is not installed for. A
 * failed assertion says where and ends the program with 1: the tests behind it do not run. */
#ifndef CROSS_CMOCKA_H
#define CROSS_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

#define cmocka_unit_test(function)                                                                 \
    {                                                                                              \
#function, function                                                                        \
    }

#define print_message(...) printf(__VA_ARGS__)

#define fail_msg(...)                                                                              \
    do {                                                                                           \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                            \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fprintf(stderr, "\n");                                                                     \
        exit(1);                                                                                   \
    } while (0)

#define assert_true(fact)                                                                          \
    do {                                                                                           \
        if (!(fact))                                                                               \
            fail_msg("%s is false", #fact);                                                        \
    } while (0)
#define assert_false(fact)    assert_true(!(fact))
#define assert_non_null(what) assert_true((what) != NULL)

#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    cross_run((tests), sizeof(tests) / sizeof *(tests), (setup), (teardown))

static int cross_run(const struct CMUnitTest *tests, size_t n, int (*setup)(void **state),
                     int (*teardown)(void **state))
{
    void *state = NULL;
    if (setup != NULL && setup(&state) != 0)
        return 1;
    for (size_t i = 0; i < n; i++)
        tests[i].run(&state);
    if (teardown != NULL && teardown(&state) != 0)
        return 1;
    printf("%zu tests passed\n", n);
    return n > 0 ? 0 : 1;
}

#endif
