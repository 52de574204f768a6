/* SPDX-License-Identifier: Apache-2.0
 * pool.c - see pool.h.
 *
 * A run is an epoch: the caller stores the task, bumps `epoch`, and takes part as thread 0; it ends with
 * a barrier. Whoever waits spins for PD_SPINS rounds, then sleeps on a condition variable; the one who
 * changes the word wakes sleepers only if there are any. Spinning is pointless when there are more
 * threads than cores, so then the spin is skipped. */
#define _POSIX_C_SOURCE 200809L
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/os.h"

enum {
    PD_STACK_BYTES =
        256 * 1024, /* kernels keep tiles on the stack: a few KiB; sanitizers need more */
    PD_SPINS = 4000 /* about 20 us at a pause of 5 ns: longer than the gap between phases */
};

struct worker {
    struct pd_pool *pool;
    pthread_t thread;
    int index;
    unsigned char *stack; /* [PD_STACK_BYTES] */
};

struct pd_pool {
    int n_threads;
    int n_started; /* workers running */
    int n_spins;
    struct worker *worker; /* [n_threads - 1] */

    pd_task_fn *task;
    void *context;
    bool is_stopping;

    atomic_uint epoch;      /* runs so far */
    atomic_uint n_arrived;  /* threads at the barrier */
    atomic_uint generation; /* barriers passed so far */
    atomic_uint n_sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

struct pd_pool *pd_pool_layout(struct pd_arena *a, int n_threads)
{
    struct pd_pool *pool = PD_NEW(a, struct pd_pool, 1);
    struct worker *worker = PD_NEW(a, struct worker, n_threads - 1);
    unsigned char *stacks = pd_arena_alloc(a, (size_t)(n_threads - 1), (size_t)PD_STACK_BYTES);
    if (pd_arena_is_counting(a) || a->overflowed)
        return NULL;
    *pool = (struct pd_pool){.n_threads = n_threads, .worker = worker};
    for (int i = 0; i + 1 < n_threads; i++)
        worker[i] = (struct worker){
            .pool = pool, .index = i + 1, .stack = stacks + (size_t)i * PD_STACK_BYTES};
    return pool;
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)
    __asm__ volatile("yield");
#endif
}

/* Waits until *word differs from seen. */
static void wait_change(struct pd_pool *pool, atomic_uint *word, unsigned seen)
{
    for (int i = 0; i < pool->n_spins; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != seen)
            return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->n_sleepers, 1);
    while (atomic_load(word) == seen)
        pthread_cond_wait(&pool->changed, &pool->mutex);
    atomic_fetch_sub(&pool->n_sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

/* Sequentially consistent on purpose: a sleeper adds itself before it looks at the word, the waker
 * changes the word before it looks for sleepers, so one of the two sees the other. */
static void change(struct pd_pool *pool, atomic_uint *word)
{
    atomic_fetch_add(word, 1);
    if (atomic_load(&pool->n_sleepers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->changed);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct pd_pool *pool = worker->pool;
    unsigned seen = 0;
    for (;;) {
        wait_change(pool, &pool->epoch, seen);
        seen++;
        if (pool->is_stopping)
            return NULL;
        pool->task(pool->context, worker->index, pool->n_threads);
        pd_pool_barrier(pool);
    }
}

enum ponder_status pd_pool_start(struct pd_pool *pool, const struct pd_error *err)
{
    if (pthread_mutex_init(&pool->mutex, NULL) != 0 || pthread_cond_init(&pool->changed, NULL) != 0)
        return pd_fail(err, PONDER_NO_MEMORY, "the system has no more locks");
    pool->n_spins = pool->n_threads <= pd_core_count() ? PD_SPINS : 0;
    for (int i = 0; i + 1 < pool->n_threads; i++) {
        struct worker *worker = &pool->worker[i];
        pthread_attr_t attributes;
        bool is_started = false;
        if (pthread_attr_init(&attributes) == 0) {
            is_started = pthread_attr_setstack(&attributes, worker->stack, PD_STACK_BYTES) == 0 &&
                         pthread_create(&worker->thread, &attributes, worker_main, worker) == 0;
            pthread_attr_destroy(&attributes);
        }
        if (!is_started) {
            pd_pool_stop(pool);
            return pd_fail(err, PONDER_NO_MEMORY,
                           "the system refuses thread %d of %d; ask for fewer with --threads",
                           i + 2, pool->n_threads);
        }
        pool->n_started++;
    }
    return PONDER_OK;
}

void pd_pool_stop(struct pd_pool *pool)
{
    pool->is_stopping = true;
    change(pool, &pool->epoch);
    for (int i = 0; i < pool->n_started; i++)
        pthread_join(pool->worker[i].thread, NULL);
    pool->n_started = 0;
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->mutex);
}

int pd_pool_threads(const struct pd_pool *pool)
{
    return pool->n_threads;
}

void pd_pool_run(struct pd_pool *pool, pd_task_fn *task, void *context)
{
    pool->task = task;
    pool->context = context;
    if (pool->n_threads > 1)
        change(pool, &pool->epoch);
    task(context, 0, pool->n_threads);
    pd_pool_barrier(pool);
}

void pd_pool_barrier(struct pd_pool *pool)
{
    unsigned n = (unsigned)pool->n_threads;
    if (n == 1)
        return;
    unsigned generation = atomic_load_explicit(&pool->generation, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&pool->n_arrived, 1, memory_order_acq_rel) + 1 == n) {
        atomic_store_explicit(&pool->n_arrived, 0, memory_order_relaxed);
        change(pool, &pool->generation);
    } else {
        wait_change(pool, &pool->generation, generation);
    }
}
