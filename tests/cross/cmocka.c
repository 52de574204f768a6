/* SPDX-License-Identifier: Apache-2.0
 * cmocka.c - runs the tests of cmocka.h beside it. */
#include "tests/cross/cmocka.h"

#include <setjmp.h>
#include <stdio.h>

enum { PASSED, FAILED, SKIPPED };

static jmp_buf end_of_test; /* setjmp() returns FAILED or SKIPPED at it */

_Noreturn void cross_fail(const char *file, int line)
{
    printf("%s:%d: error: Failure!\n", file, line);
    longjmp(end_of_test, FAILED);
}

_Noreturn void cross_skip(void)
{
    longjmp(end_of_test, SKIPPED);
}

static int result_of(const struct CMUnitTest *test, void **state)
{
    switch (setjmp(end_of_test)) {
    case PASSED:
        test->test_func(state);
        return PASSED;
    case FAILED:
        return FAILED;
    default:
        return SKIPPED;
    }
}

/* With what is to be done before and after it. */
static int run_one(const struct CMUnitTest *test, void *state)
{
    if (test->initial_state != NULL)
        state = test->initial_state;
    if (test->setup != NULL && test->setup(&state) != 0)
        return FAILED;
    int result = result_of(test, &state);
    if (test->teardown != NULL && test->teardown(&state) != 0)
        return FAILED;
    return result;
}

int cross_run(const struct CMUnitTest *tests, size_t n, int (*setup)(void **state),
              int (*teardown)(void **state))
{
    static const char *const words[] = {"      OK", " FAILED ", " SKIPPED"};
    int n_results[3] = {0};
    void *state = NULL;
    if (setup != NULL && setup(&state) != 0)
        return 1;
    for (size_t i = 0; i < n; i++) {
        int result = run_one(&tests[i], state);
        n_results[result]++;
        printf("[ %s ] %s\n", words[result], tests[i].name);
    }
    if (teardown != NULL && teardown(&state) != 0)
        n_results[FAILED]++;
    printf("[  PASSED  ] %d test(s).\n", n_results[PASSED]);
    if (n_results[SKIPPED] > 0)
        printf("[  SKIPPED ] %d test(s).\n", n_results[SKIPPED]);
    if (n_results[FAILED] > 0)
        printf("\n %d FAILED TEST(S)\n", n_results[FAILED]);
    fflush(stdout);
    return n_results[FAILED];
}
