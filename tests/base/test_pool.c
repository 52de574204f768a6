/* SPDX-License-Identifier: Apache-2.0
 * test_pool.c - threads run every task once each, meet at barriers, and see what the others wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/os.h"
#include "base/pool.h"

enum { MAX_THREADS = 9, N_RUNS = 100, N_ROUNDS = 40 };
static const int thread_counts[] = {1, 2, 3, 4, MAX_THREADS};

struct fixture {
    void *block;
    struct pd_pool *pool;
};

static void start(struct fixture *f, int n_threads)
{
    struct pd_arena a;
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    pd_arena_init_count(&a);
    assert_null(pd_pool_layout(&a, n_threads));
    size_t bytes = pd_arena_block_bytes(&a);
    f->block = malloc(bytes);
    assert_non_null(f->block);
    pd_arena_init(&a, f->block, bytes);
    f->pool = pd_pool_layout(&a, n_threads);
    assert_non_null(f->pool);
    if (pd_pool_start(f->pool, &err) != PONDER_OK)
        fail_msg("%s", text);
    assert_int_equal(pd_pool_threads(f->pool), n_threads);
}

static void stop(struct fixture *f)
{
    pd_pool_stop(f->pool);
    free(f->block);
}

/* Plain memory on purpose: a run and a barrier order it, or the ThreadSanitizer build says so. */
struct work {
    struct pd_pool *pool;
    int n_threads;
    int n_runs[MAX_THREADS];
    int64_t value[2][MAX_THREADS];
    int64_t sum[MAX_THREADS];
};

static void count_run(void *context, int thread, int n_threads)
{
    struct work *w = context;
    w->n_runs[thread]++;
    if (n_threads != w->n_threads)
        w->n_runs[thread] = -N_RUNS * 2;
}

static void test_every_thread_runs_every_task_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(thread_counts); i++) {
        struct fixture f;
        struct work w = {.n_threads = thread_counts[i]};
        start(&f, thread_counts[i]);
        for (int run = 1; run <= N_RUNS; run++) {
            pd_pool_run(f.pool, count_run, &w);
            for (int t = 0; t < w.n_threads; t++) /* all are done when it returns */
                assert_int_equal(w.n_runs[t], run);
        }
        stop(&f);
    }
}

/* Each round every thread writes its number and, behind the barrier, adds up those of all. */
static void add_up(void *context, int thread, int n_threads)
{
    struct work *w = context;
    for (int round = 0; round < N_ROUNDS; round++) {
        w->value[round % 2][thread] = (int64_t)(round + 1) * (thread + 1);
        pd_pool_barrier(w->pool);
        for (int t = 0; t < n_threads; t++)
            w->sum[thread] += w->value[round % 2][t];
    }
}

static void test_barrier_shows_what_all_wrote(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(thread_counts); i++) {
        struct fixture f;
        int n = thread_counts[i];
        start(&f, n);
        for (int run = 0; run < 25; run++) {
            struct work w = {.pool = f.pool, .n_threads = n};
            pd_pool_run(f.pool, add_up, &w);
            int64_t expected = (int64_t)N_ROUNDS * (N_ROUNDS + 1) / 2 * n * (n + 1) / 2;
            for (int t = 0; t < n; t++)
                assert_int_equal(w.sum[t], expected);
        }
        stop(&f);
    }
}

static void pause_ns(int64_t ns)
{
    int64_t end = pd_clock_ns() + ns;
    while (pd_clock_ns() < end)
        ;
}

/* One thread comes late: long enough for the others to fall asleep, by turns. */
static void come_late(void *context, int thread, int n_threads)
{
    struct work *w = context;
    for (int round = 0; round < n_threads; round++) {
        if (round == thread)
            pause_ns(300000);
        w->value[round % 2][thread] = round + thread;
        pd_pool_barrier(w->pool);
        for (int t = 0; t < n_threads; t++)
            w->sum[thread] += w->value[round % 2][t] == round + t;
    }
}

static void test_sleepers_wake(void **state)
{
    (void)state;
    struct fixture f;
    const int n = 4;
    start(&f, n);
    for (int run = 0; run < 30; run++) {
        struct work w = {.pool = f.pool, .n_threads = n};
        pause_ns(run % 3 == 0 ? 500000 : 0); /* the workers sleep before the run, too */
        pd_pool_run(f.pool, come_late, &w);
        for (int t = 0; t < n; t++)
            assert_int_equal(w.sum[t], n * n);
    }
    stop(&f);
}

static void test_pools_are_independent(void **state)
{
    (void)state;
    struct fixture a, b;
    struct work wa = {.n_threads = 3}, wb = {.n_threads = 2};
    start(&a, 3);
    start(&b, 2);
    for (int run = 1; run <= 50; run++) {
        pd_pool_run(a.pool, count_run, &wa);
        if (run % 2 == 0)
            pd_pool_run(b.pool, count_run, &wb);
    }
    stop(&a);
    pd_pool_run(b.pool, count_run, &wb);
    stop(&b);
    for (int t = 0; t < 3; t++)
        assert_int_equal(wa.n_runs[t], 50);
    for (int t = 0; t < 2; t++)
        assert_int_equal(wb.n_runs[t], 26);
}

static void test_pool_that_never_ran_stops(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct fixture f;
        start(&f, 1 + i % 4);
        stop(&f);
    }
}

static void test_shares_cover_all_items_evenly(void **state)
{
    (void)state;
    static const int items[] = {0, 1, 2, 7, 64, 1000, INT32_MAX};
    for (size_t i = 0; i < PD_COUNT(items); i++) {
        for (int n_threads = 1; n_threads <= PONDER_MAX_THREADS; n_threads++) {
            int next = 0;
            for (int t = 0; t < n_threads; t++) {
                int begin, end;
                pd_share(items[i], t, n_threads, &begin, &end);
                assert_int_equal(begin, next);
                assert_true(end - begin == items[i] / n_threads ||
                            end - begin == items[i] / n_threads + 1);
                next = end;
            }
            assert_int_equal(next, items[i]);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_thread_runs_every_task_once),
        cmocka_unit_test(test_barrier_shows_what_all_wrote),
        cmocka_unit_test(test_sleepers_wake),
        cmocka_unit_test(test_pools_are_independent),
        cmocka_unit_test(test_pool_that_never_ran_stops),
        cmocka_unit_test(test_shares_cover_all_items_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
