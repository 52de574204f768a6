/* SPDX-License-Identifier: Apache-2.0
 * test_bpe.c - learning merges: the most frequent pair first, ties by the lower symbols, never across words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "models/data/bpe.h"

static void add(struct bpe *b, const char *word, int times)
{
    for (int i = 0; i < times; i++)
        bpe_add(b, (const unsigned char *)word, strlen(word));
}

static void the_most_frequent_pair_is_joined_first(void **state)
{
    (void)state;
    struct bpe *b = bpe_create();
    add(b, "lower", 5);
    add(b, "low", 7);
    add(b, "newest", 6);
    struct bpe_merge merge[8];
    assert_int_equal(bpe_learn(b, 3, merge), 3);
    /* "lo" and "ow" come 12 times, "we" 11 times; then "lo" "w" 12 times. */
    assert_true(merge[0].left == 'l' && merge[0].right == 'o');
    assert_true(merge[1].left == 256 && merge[1].right == 'w');
    assert_true(merge[2].left == 'e' && merge[2].right == 's');
    bpe_free(b);
}

static void overlapping_pairs_are_joined_from_the_left(void **state)
{
    (void)state;
    struct bpe *b = bpe_create();
    add(b, "aaaaa", 4);
    struct bpe_merge merge[8];
    assert_int_equal(bpe_learn(b, 8, merge), 3);
    assert_true(merge[0].left == 'a' && merge[0].right == 'a');
    assert_true(merge[1].left == 256 &&
                merge[1].right == 'a'); /* aa aa a: each pair 4 times, and 256 'a' is lower */
    assert_true(merge[2].left == 256 && merge[2].right == 257);
    bpe_free(b);
}

static void pairs_that_come_once_are_not_joined(void **state)
{
    (void)state;
    struct bpe *b = bpe_create();
    add(b, "abc", 1);
    add(b, "x", 9);
    struct bpe_merge merge[4];
    assert_int_equal(bpe_learn(b, 4, merge), 0);
    bpe_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_frequent_pair_is_joined_first),
        cmocka_unit_test(overlapping_pairs_are_joined_from_the_left),
        cmocka_unit_test(pairs_that_come_once_are_not_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
