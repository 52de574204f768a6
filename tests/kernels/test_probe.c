/* SPDX-License-Identifier: Apache-2.0
 * test_probe.c - the kernels that `ponder bench --limits` measures the machine with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/kernels.h"
#include "base/rng.h"
#include "tests/support/guarded.h"

static void test_every_set_reads_the_same_words(void **state)
{
    enum { MAX_WORDS = 300 };
    (void)state;
    uint64_t random[MAX_WORDS];
    bool is_available;
    for (int i = 0; i < MAX_WORDS; i++)
        random[i] = pd_rng_u64(1, 2, (uint64_t)i);
    struct guarded guarded = guarded_copy(random, sizeof random);
    const uint64_t *words = (const uint64_t *)(const void *)guarded.data;
    for (size_t n = 0; n <= MAX_WORDS; n++) {
        uint64_t sum = 0;
        for (size_t i = MAX_WORDS - n; i < MAX_WORDS; i++)
            sum += random[i];
        for (int i = 0; pd_kernels_isa(i, &is_available); i++) {
            struct pd_kernels kernels;
            if (pd_kernels_init(&kernels, pd_kernels_isa(i, &is_available)))
                assert_true(kernels.read_words(words + (MAX_WORDS - n), n) == sum);
        }
    }
    guarded_free(&guarded);
}

static void test_multiply_adds_are_counted_by_the_round(void **state)
{
    (void)state;
    bool is_available;
    for (int i = 0; pd_kernels_isa(i, &is_available); i++) {
        struct pd_kernels kernels;
        if (!pd_kernels_init(&kernels, pd_kernels_isa(i, &is_available)))
            continue;
        int64_t one = kernels.multiply_add(1);
        assert_true(one > 0);
        assert_true(kernels.multiply_add(0) == 0);
        assert_true(kernels.multiply_add(1000) == 1000 * one);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_set_reads_the_same_words),
        cmocka_unit_test(test_multiply_adds_are_counted_by_the_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
