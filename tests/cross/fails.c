/* SPDX-License-Identifier: Apache-2.0
 * fails.c - exits 1: that a failed assertion of cmocka.h beside it is not lost. */
#include <cmocka.h>

static void test_that_fails(void **state)
{
    (void)state;
    assert_true(1 > 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_that_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
