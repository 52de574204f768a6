/* SPDX-License-Identifier: Apache-2.0
 * test_arena.c - a counting arena says exactly what a real one takes, wherever its block starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/rng.h"

enum { N_REQUESTS = 40, N_LAYOUTS = 200 };

struct request {
    size_t n, element_bytes;
};

/* Sizes around the alignment, and zero. */
static void make_requests(struct request request[N_REQUESTS], uint64_t seed)
{
    for (uint64_t i = 0; i < N_REQUESTS; i++) {
        request[i].n = (size_t)(pd_rng_u64(seed, 0, i) % 67);
        request[i].element_bytes = 1 + (size_t)(pd_rng_u64(seed, 1, i) % 9);
    }
}

static void lay_out(struct pd_arena *a, const struct request request[N_REQUESTS],
                    unsigned char *placed[N_REQUESTS])
{
    for (int i = 0; i < N_REQUESTS; i++)
        placed[i] = pd_arena_alloc(a, request[i].n, request[i].element_bytes);
}

static void test_counting_gives_the_size_of_the_real_thing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_LAYOUTS; seed++) {
        struct request request[N_REQUESTS];
        unsigned char *placed[N_REQUESTS];
        struct pd_arena counted, a;
        make_requests(request, seed);
        pd_arena_init_count(&counted);
        assert_true(pd_arena_is_counting(&counted));
        lay_out(&counted, request, placed);
        for (int i = 0; i < N_REQUESTS; i++)
            assert_null(placed[i]);
        size_t bytes = pd_arena_block_bytes(&counted);

        size_t offset = (size_t)(seed % PD_ARENA_ALIGN);
        unsigned char *memory = malloc(bytes + offset);
        assert_non_null(memory);
        pd_arena_init(&a, memory + offset, bytes);
        assert_false(pd_arena_is_counting(&a));
        lay_out(&a, request, placed);
        assert_false(a.overflowed);
        assert_int_equal(a.used, counted.used);
        for (int i = 0; i < N_REQUESTS; i++) { /* a checker of memory sees what sticks out */
            assert_non_null(placed[i]);
            memset(placed[i], i, request[i].n * request[i].element_bytes);
        }
        free(memory);
    }
}

static void test_every_piece_is_aligned_and_apart(void **state)
{
    (void)state;
    struct request request[N_REQUESTS];
    unsigned char *placed[N_REQUESTS];
    static unsigned char block[64 * 1024];
    struct pd_arena a;
    make_requests(request, 99);
    for (size_t offset = 0; offset < PD_ARENA_ALIGN; offset++) {
        pd_arena_init(&a, block + offset, sizeof block - offset);
        lay_out(&a, request, placed);
        assert_false(a.overflowed);
        for (int i = 0; i < N_REQUESTS; i++) {
            size_t bytes = request[i].n * request[i].element_bytes;
            assert_int_equal((uintptr_t)placed[i] % PD_ARENA_ALIGN, 0);
            assert_true(placed[i] >= block + offset);
            assert_true(placed[i] + bytes <= block + sizeof block);
            if (i + 1 < N_REQUESTS)
                assert_true(placed[i] + bytes <= placed[i + 1]);
        }
    }
}

static void test_one_byte_less_overflows(void **state)
{
    (void)state;
    static _Alignas(PD_ARENA_ALIGN) unsigned char block[1024];
    struct pd_arena a;
    pd_arena_init(&a, block, 3 * PD_ARENA_ALIGN - 1);
    assert_non_null(pd_arena_alloc(&a, 1, 2 * PD_ARENA_ALIGN));
    assert_null(pd_arena_alloc(&a, 1, 1)); /* takes a whole unit of 64 */
    assert_true(a.overflowed);

    /* The worst start: 63 bytes go to alignment, which block_bytes() has room for. */
    struct pd_arena counted;
    pd_arena_init_count(&counted);
    pd_arena_alloc(&counted, 5, PD_ARENA_ALIGN);
    size_t bytes = pd_arena_block_bytes(&counted);
    pd_arena_init(&a, block + 1, bytes);
    assert_non_null(pd_arena_alloc(&a, 5, PD_ARENA_ALIGN));
    pd_arena_init(&a, block + 1, bytes - 1);
    assert_null(pd_arena_alloc(&a, 5, PD_ARENA_ALIGN));
}

static void test_overflow_sticks(void **state)
{
    (void)state;
    static unsigned char block[1024];
    struct pd_arena a;
    pd_arena_init(&a, block, sizeof block);
    assert_null(pd_arena_alloc(&a, 1, sizeof block + 1));
    assert_null(pd_arena_alloc(&a, 1, 1));
    assert_true(a.overflowed);
}

static void test_sizes_that_wrap_are_refused(void **state)
{
    (void)state;
    static unsigned char block[1024];
    static const struct request wrapping[] = {
        {SIZE_MAX, 1},
        {SIZE_MAX, 2},
        {SIZE_MAX / 2 + 1, 2},
        {2, SIZE_MAX / 2 + 1},
        {SIZE_MAX - PD_ARENA_ALIGN + 1, 1},
        {(size_t)1 << (sizeof(size_t) * 4), (size_t)1 << (sizeof(size_t) * 4)},
    };
    for (size_t i = 0; i < PD_COUNT(wrapping); i++) {
        struct pd_arena a;
        pd_arena_init(&a, block, sizeof block);
        assert_null(pd_arena_alloc(&a, wrapping[i].n, wrapping[i].element_bytes));
        assert_true(a.overflowed);
        pd_arena_init_count(&a);
        pd_arena_alloc(&a, wrapping[i].n, wrapping[i].element_bytes);
        assert_true(a.overflowed);
        assert_true(pd_arena_block_bytes(&a) == SIZE_MAX);
    }
    struct pd_arena sum; /* each fits, the sum does not */
    pd_arena_init_count(&sum);
    pd_arena_alloc(&sum, SIZE_MAX / 2, 1);
    pd_arena_alloc(&sum, SIZE_MAX / 2, 1);
    pd_arena_alloc(&sum, SIZE_MAX / 2, 1);
    assert_true(pd_arena_block_bytes(&sum) == SIZE_MAX);
}

static void test_no_block_holds_nothing(void **state)
{
    (void)state;
    static _Alignas(PD_ARENA_ALIGN) unsigned char block[PD_ARENA_ALIGN];
    struct pd_arena a;
    pd_arena_init(&a, NULL, 1024);
    assert_null(pd_arena_alloc(&a, 1, 1));
    assert_true(a.overflowed);
    pd_arena_init(&a, block + 1, 8); /* ends before the first boundary */
    assert_null(pd_arena_alloc(&a, 1, 1));
    assert_true(a.overflowed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counting_gives_the_size_of_the_real_thing),
        cmocka_unit_test(test_every_piece_is_aligned_and_apart),
        cmocka_unit_test(test_one_byte_less_overflows),
        cmocka_unit_test(test_overflow_sticks),
        cmocka_unit_test(test_sizes_that_wrap_are_refused),
        cmocka_unit_test(test_no_block_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
