/* SPDX-License-Identifier: Apache-2.0
 * test_pool.c - every chunk of every phase is done once, phases come in order and see what was written before,
 * whoever is late or asleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/os.h"
#include "base/pool.h"
#include "base/rng.h"

enum { MAX_THREADS = 9, MAX_WORK_PHASES = 40 };
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

static void pause_ns(int64_t ns)
{
    int64_t end = pd_clock_ns() + ns;
    while (pd_clock_ns() < end)
        ;
}

/* Plain memory on purpose: phases order it, or the ThreadSanitizer build says so. */
struct work {
    int n_threads;
    int n_chunks[MAX_WORK_PHASES]; /* PD_JOB_STOP: stop there */
    int64_t late_ns;               /* one chunk of each phase takes so long */
    int n_begun;
    int64_t sum; /* of the phase before */
    int64_t value[PD_MAX_CHUNKS];
    unsigned char n_done[MAX_WORK_PHASES][PD_MAX_CHUNKS];
    struct {
        _Alignas(64) bool is_busy;
    } thread[MAX_THREADS];
    bool is_wrong;
};

static int begin(void *context, int phase)
{
    struct work *w = context;
    w->is_wrong = w->is_wrong || phase != w->n_begun;
    int n_before = phase > 0 ? w->n_chunks[phase - 1] : 0;
    w->sum = 0;
    for (int i = 0; i < n_before; i++)
        w->sum += w->value[i];
    w->n_begun++;
    return w->n_chunks[phase];
}

static void run(void *context, int phase, int chunk, int thread)
{
    struct work *w = context;
    if (thread < 0 || thread >= w->n_threads || w->thread[thread].is_busy) {
        w->is_wrong = true;
        return;
    }
    w->thread[thread].is_busy = true;
    if (chunk == phase % w->n_chunks[phase])
        pause_ns(w->late_ns);
    w->value[chunk] = w->sum % 1000003 + chunk + 1;
    w->n_done[phase][chunk]++;
    w->thread[thread].is_busy = false;
}

static void run_job(struct fixture *f, struct work *w, int n_phases)
{
    const struct pd_job job = {n_phases, begin, run};
    w->n_threads = pd_pool_threads(f->pool);
    pd_pool_run(f->pool, &job, w);
}

/* All of it was done, up to a stop; the last sum is as one thread would have it. */
static void check_work(const struct work *w, int n_phases)
{
    int64_t sum = 0;
    assert_false(w->is_wrong);
    int phase = 0;
    for (; phase < n_phases && w->n_chunks[phase] != PD_JOB_STOP; phase++) {
        int64_t next = 0;
        for (int i = 0; i < PD_MAX_CHUNKS; i++)
            if (w->n_done[phase][i] != (i < w->n_chunks[phase]))
                fail_msg("chunk %d of phase %d was done %d times", i, phase, w->n_done[phase][i]);
        for (int i = 0; i < w->n_chunks[phase]; i++)
            next += sum % 1000003 + i + 1;
        sum = next;
    }
    int64_t last = 0;
    for (int i = 0; phase > 0 && i < w->n_chunks[phase - 1]; i++)
        last += w->value[i];
    assert_true(last == sum);
    assert_int_equal(w->n_begun, phase + (phase < n_phases));
    for (; phase < n_phases; phase++)
        for (int i = 0; i < PD_MAX_CHUNKS; i++)
            assert_int_equal(w->n_done[phase][i], 0);
}

/* Few chunks and many, none, and now and then a stop. */
static void random_work(struct work *w, uint64_t seed)
{
    static const int sizes[] = {1, 2, 3, 8, 17, 64, 0, 300, PD_MAX_CHUNKS};
    memset(w, 0, sizeof *w);
    for (uint64_t i = 0; i < MAX_WORK_PHASES; i++) {
        uint64_t r = pd_rng_u64(seed, 0, i);
        w->n_chunks[i] = sizes[r % PD_COUNT(sizes)];
        if (r >> 32 < UINT32_MAX / 100)
            w->n_chunks[i] = PD_JOB_STOP;
    }
}

static struct work work;

static void test_every_chunk_is_done_once_in_the_order_of_phases(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(thread_counts); i++) {
        struct fixture f;
        start(&f, thread_counts[i]);
        for (uint64_t seed = 0; seed < 40; seed++) {
            int n_phases = 1 + (int)(seed % MAX_WORK_PHASES);
            random_work(&work, seed);
            run_job(&f, &work, n_phases);
            check_work(&work, n_phases);
        }
        stop(&f);
    }
}

static void test_late_threads_and_sleepers_catch_up(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 4);
    for (uint64_t seed = 100; seed < 112; seed++) {
        random_work(&work, seed);
        work.late_ns = 300000; /* the others fall asleep meanwhile */
        pause_ns(seed % 3 == 0 ? 500000 : 0);
        run_job(&f, &work, 12);
        check_work(&work, 12);
    }
    stop(&f);
}

static void test_stop_ends_a_job_at_once(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 3);
    for (int at = 0; at < 4; at++) {
        memset(&work, 0, sizeof work);
        for (int i = 0; i < 4; i++)
            work.n_chunks[i] = i == at ? PD_JOB_STOP : 5;
        run_job(&f, &work, 4);
        check_work(&work, 4);
        assert_int_equal(work.n_begun, at + 1);
    }
    stop(&f);
}

static void test_phases_may_be_empty(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 2);
    memset(&work, 0, sizeof work);
    run_job(&f, &work, MAX_WORK_PHASES);
    check_work(&work, MAX_WORK_PHASES);
    memset(&work, 0, sizeof work);
    work.n_chunks[MAX_WORK_PHASES - 1] = 3;
    run_job(&f, &work, MAX_WORK_PHASES);
    check_work(&work, MAX_WORK_PHASES);
    stop(&f);
}

static void count_chunk(void *context, int phase, int chunk, int thread)
{
    int *n_done = context;
    (void)thread;
    n_done[chunk] += phase == 0;
}

static void check_chunks(struct fixture *f, int n)
{
    static int n_done[PD_MAX_CHUNKS];
    memset(n_done, 0, sizeof n_done);
    pd_pool_run_chunks(f->pool, n, count_chunk, n_done);
    for (int i = 0; i < PD_MAX_CHUNKS; i++)
        assert_int_equal(n_done[i], i < n);
}

static void test_chunks_of_a_single_phase(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(thread_counts); i++) {
        struct fixture f;
        start(&f, thread_counts[i]);
        for (int n = 0; n < 40; n++)
            check_chunks(&f, n);
        check_chunks(&f, PD_MAX_CHUNKS);
        stop(&f);
    }
}

static void test_tasks_are_each_done_whole(void **state)
{
    (void)state;
    static int n_done[4][8];
    static const int n_chunks[4] = {1, 0, 8, 3};
    struct pd_pool_task tasks[4];
    for (int t = 0; t < 4; t++)
        tasks[t] = (struct pd_pool_task){n_chunks[t], count_chunk, n_done[t]};
    for (size_t i = 0; i < PD_COUNT(thread_counts); i++) {
        struct fixture f;
        memset(n_done, 0, sizeof n_done);
        start(&f, thread_counts[i]);
        for (int n = 0; n <= 4; n++) /* task t is in 4 - t of the jobs */
            pd_pool_run_tasks(f.pool, tasks, n);
        stop(&f);
        for (int t = 0; t < 4; t++)
            for (int chunk = 0; chunk < 8; chunk++)
                assert_int_equal(n_done[t][chunk], chunk < n_chunks[t] ? 4 - t : 0);
    }
}

/* The pool numbers its runs in 16 bits. */
static void test_many_runs_wrap_around(void **state)
{
    (void)state;
    struct fixture f;
    int n_done[3] = {0};
    start(&f, 2);
    for (int i = 0; i < 70000; i++)
        pd_pool_run_chunks(f.pool, 3, count_chunk, n_done);
    stop(&f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(n_done[i], 70000);
}

static void test_pools_are_independent(void **state)
{
    (void)state;
    struct fixture a, b;
    start(&a, 3);
    start(&b, 2);
    for (int n = 0; n < 50; n++) {
        check_chunks(&a, n);
        check_chunks(&b, 50 - n);
    }
    stop(&a);
    check_chunks(&b, 9);
    stop(&b);
}

static void test_pool_that_never_ran_stops(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct fixture f;
        start(&f, 1 + i % 5);
        pause_ns(i % 3 == 0 ? 200000 : 0);
        stop(&f);
    }
}

static void test_chunks_are_at_most_the_items(void **state)
{
    (void)state;
    static const int items[] = {0, 1, 2, 7, 64, 5000, INT32_MAX};
    for (size_t i = 0; i < PD_COUNT(thread_counts); i++) {
        struct fixture f;
        start(&f, thread_counts[i]);
        for (size_t j = 0; j < PD_COUNT(items); j++) {
            int n = pd_pool_chunks(f.pool, items[j]);
            assert_in_range(n, items[j] > 0, PD_MAX_CHUNKS);
            assert_true(n <= items[j]);
            assert_true(n >= thread_counts[i] || n == items[j]); /* something for everybody */
        }
        stop(&f);
    }
}

static void test_shares_cover_all_items_evenly(void **state)
{
    (void)state;
    static const int items[] = {0, 1, 2, 7, 64, 1000, INT32_MAX};
    for (size_t i = 0; i < PD_COUNT(items); i++) {
        for (int n_chunks = 1; n_chunks <= 300; n_chunks++) {
            int next = 0;
            for (int c = 0; c < n_chunks; c++) {
                int first, end;
                pd_share(items[i], c, n_chunks, &first, &end);
                assert_int_equal(first, next);
                assert_true(end - first == items[i] / n_chunks ||
                            end - first == items[i] / n_chunks + 1);
                next = end;
            }
            assert_int_equal(next, items[i]);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_chunk_is_done_once_in_the_order_of_phases),
        cmocka_unit_test(test_late_threads_and_sleepers_catch_up),
        cmocka_unit_test(test_stop_ends_a_job_at_once),
        cmocka_unit_test(test_phases_may_be_empty),
        cmocka_unit_test(test_chunks_of_a_single_phase),
        cmocka_unit_test(test_tasks_are_each_done_whole),
        cmocka_unit_test(test_many_runs_wrap_around),
        cmocka_unit_test(test_pools_are_independent),
        cmocka_unit_test(test_pool_that_never_ran_stops),
        cmocka_unit_test(test_chunks_are_at_most_the_items),
        cmocka_unit_test(test_shares_cover_all_items_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
