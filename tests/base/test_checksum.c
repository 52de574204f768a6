/* SPDX-License-Identifier: Apache-2.0
 * test_checksum.c - the checksum sees every change, and does not see threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"

enum { MIB = 1 << 20, BYTES = 3 * MIB + 77 };

/* A pool of n threads in memory of its own. */
static struct pd_pool *pool_new(int n, void **block_ret)
{
    struct pd_arena a;
    pd_arena_init_count(&a);
    pd_pool_layout(&a, n);
    size_t bytes = pd_arena_block_bytes(&a);
    *block_ret = malloc(bytes);
    assert_non_null(*block_ret);
    pd_arena_init(&a, *block_ret, bytes);
    struct pd_pool *pool = pd_pool_layout(&a, n);
    assert_int_equal(pd_pool_start(pool, NULL), PONDER_OK);
    return pool;
}

static unsigned char *random_bytes(size_t n)
{
    unsigned char *bytes = malloc(n);
    assert_non_null(bytes);
    uint32_t x = 12345;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (unsigned char)(x >> 24);
    }
    return bytes;
}

static void test_threads_do_not_matter(void **state)
{
    (void)state;
    unsigned char *bytes = random_bytes(BYTES);
    static const size_t sizes[] = {0, 1, 63, 64, 65, MIB - 1, MIB, MIB + 1, BYTES};
    for (size_t i = 0; i < PD_COUNT(sizes); i++) {
        uint64_t first = 0;
        for (int n_threads = 1; n_threads <= 4; n_threads++) {
            void *block;
            struct pd_pool *pool = pool_new(n_threads, &block);
            uint64_t sum = pd_checksum(pool, bytes, sizes[i]);
            pd_pool_stop(pool);
            free(block);
            if (n_threads == 1)
                first = sum;
            assert_true(sum == first);
        }
    }
    free(bytes);
}

static void test_every_changed_bit_of_a_little_is_seen(void **state)
{
    (void)state;
    unsigned char *bytes = random_bytes(200);
    for (size_t n = 0; n <= 200; n++) {
        uint64_t right = pd_checksum_part(bytes, n, 1);
        assert_true(right != pd_checksum_part(bytes, n, 2));
        for (size_t bit = 0; bit < 8 * n; bit++) {
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_true(pd_checksum_part(bytes, n, 1) != right);
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    }
    free(bytes);
}

/* Pairs of changes that a weaker sum would take for none: the same bit twice, a word moved, a length. */
static void test_changes_do_not_cancel_out(void **state)
{
    (void)state;
    static unsigned char bytes[512];
    uint64_t zeros = pd_checksum_part(bytes, sizeof bytes, 1);
    for (size_t a = 7; a < sizeof bytes; a += 8) {
        for (size_t b = a + 8; b < sizeof bytes; b += 8) {
            bytes[a] ^= 0x80;
            bytes[b] ^= 0x80;
            assert_true(pd_checksum_part(bytes, sizeof bytes, 1) != zeros);
            bytes[a] ^= 0x80;
            bytes[b] ^= 0x80;
        }
    }
    for (size_t n = 0; n < sizeof bytes; n++)
        assert_true(pd_checksum_part(bytes, n, 1) != pd_checksum_part(bytes, n + 1, 1));
}

static void test_every_part_of_much_counts(void **state)
{
    (void)state;
    unsigned char *bytes = random_bytes(BYTES);
    void *block;
    struct pd_pool *pool = pool_new(2, &block);
    uint64_t right = pd_checksum(pool, bytes, BYTES);
    for (size_t at = 0; at < BYTES; at += BYTES / 37) {
        bytes[at] ^= 4;
        assert_true(pd_checksum(pool, bytes, BYTES) != right);
        bytes[at] ^= 4;
    }
    for (size_t i = 0; i < MIB; i++) { /* the first two parts change places */
        unsigned char byte = bytes[i];
        bytes[i] = bytes[i + MIB];
        bytes[i + MIB] = byte;
    }
    assert_true(pd_checksum(pool, bytes, BYTES) != right);
    pd_pool_stop(pool);
    free(block);
    free(bytes);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_every_changed_bit_of_a_little_is_seen),
        cmocka_unit_test(test_changes_do_not_cancel_out),
        cmocka_unit_test(test_every_part_of_much_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
