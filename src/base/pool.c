/* SPDX-License-Identifier: Apache-2.0
 * pool.c - see pool.h.
 *
 * All of a job's progress is one 64-bit word: | run 16 | phase 16 | chunks 16 | taken 16 |. A thread takes a
 * chunk by adding one to it with compare-and-swap, which fails if anything has moved on meanwhile, so a thread
 * that slept through phases or whole runs can do no harm. Taken = chunks: nothing to take; a thread then
 * spins for a while (the next phase is microseconds away), then sleeps on a condition variable. */
#define _POSIX_C_SOURCE 200809L
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/os.h"

enum {
    PD_STACK_BYTES =
        256 * 1024,  /* kernels keep tiles on the stack: a few KiB; sanitizers need more */
    PD_SPINS = 2000, /* some 20 to 80 us: longer than the gap between steps of a decode */
    CHUNKS_PER_THREAD = 4
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

    const struct pd_job *job; /* of the run that the word speaks of */
    void *context;
    atomic_bool is_stopping;

    _Alignas(64) _Atomic uint64_t word;
    _Alignas(64) atomic_uint n_done; /* chunks of the phase */
    atomic_uint n_sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

static uint64_t word_of(unsigned run, int phase, int n_chunks)
{
    return (uint64_t)(run & 0xffff) << 48 | (uint64_t)phase << 32 | (uint64_t)n_chunks << 16;
}

static unsigned run_of(uint64_t word)
{
    return (unsigned)(word >> 48);
}

static int phase_of(uint64_t word)
{
    return (int)(word >> 32 & 0xffff);
}

static int chunks_of(uint64_t word)
{
    return (int)(word >> 16 & 0xffff);
}

static int taken_of(uint64_t word)
{
    return (int)(word & 0xffff);
}

/* The word of a run that is over, and before the first. */
static bool is_over(uint64_t word)
{
    return phase_of(word) == PD_MAX_PHASES;
}

struct pd_pool *pd_pool_layout(struct pd_arena *a, int n_threads)
{
    struct pd_pool *pool = PD_NEW(a, struct pd_pool, 1);
    struct worker *worker = PD_NEW(a, struct worker, n_threads - 1);
    unsigned char *stacks = pd_arena_alloc(a, (size_t)(n_threads - 1), (size_t)PD_STACK_BYTES);
    if (pd_arena_is_counting(a) || a->overflowed)
        return NULL;
    *pool = (struct pd_pool){.n_threads = n_threads, .worker = worker};
    atomic_init(&pool->word, word_of(0, PD_MAX_PHASES, 0));
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

/* Changes the word, and wakes sleepers if there are any. Sequentially consistent on purpose: a sleeper adds itself
 * before it looks at the word, the waker changes the word before it looks for sleepers, so one of
 * the two sees the other. */
static void set_word(struct pd_pool *pool, uint64_t word)
{
    atomic_store(&pool->word, word);
    if (atomic_load(&pool->n_sleepers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->changed);
        pthread_mutex_unlock(&pool->mutex);
    }
}

/* Waits until the word is no longer what was seen. */
static void wait_change(struct pd_pool *pool, uint64_t seen)
{
    for (int i = 0; i < pool->n_spins; i++) {
        if (atomic_load_explicit(&pool->word, memory_order_relaxed) != seen)
            return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->n_sleepers, 1);
    while (atomic_load(&pool->word) == seen && !atomic_load(&pool->is_stopping))
        pthread_cond_wait(&pool->changed, &pool->mutex);
    atomic_fetch_sub(&pool->n_sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

/* Begins the first phase from `phase` on that has chunks, or ends the run. */
static void begin_phase(struct pd_pool *pool, unsigned run, int phase)
{
    int n = 0;
    while (phase < pool->job->n_phases && (n = pool->job->begin(pool->context, phase)) == 0)
        phase++;
    PD_ASSERT(n <= PD_MAX_CHUNKS);
    atomic_store_explicit(&pool->n_done, 0, memory_order_relaxed);
    if (phase == pool->job->n_phases || n == PD_JOB_STOP)
        set_word(pool, word_of(run, PD_MAX_PHASES, 0));
    else
        set_word(pool, word_of(run, phase, n));
}

/* Takes and does chunks until there is none to take; the word as it was then. */
static uint64_t work(struct pd_pool *pool, int thread)
{
    uint64_t word = atomic_load_explicit(&pool->word, memory_order_acquire);
    while (taken_of(word) < chunks_of(word)) {
        if (!atomic_compare_exchange_weak_explicit(&pool->word, &word, word + 1,
                                                   memory_order_acq_rel, memory_order_acquire))
            continue;
        /* The phase cannot end before this chunk is done, so job and context are this run's. */
        pool->job->run(pool->context, phase_of(word), taken_of(word), thread);
        unsigned n_done = atomic_fetch_add_explicit(&pool->n_done, 1, memory_order_acq_rel) + 1;
        if (n_done == (unsigned)chunks_of(word))
            begin_phase(pool, run_of(word), phase_of(word) + 1);
        word = atomic_load_explicit(&pool->word, memory_order_acquire);
    }
    return word;
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    while (!atomic_load_explicit(&worker->pool->is_stopping, memory_order_relaxed)) {
        uint64_t word = work(worker->pool, worker->index);
        wait_change(worker->pool, word);
    }
    return NULL;
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
    atomic_store(&pool->is_stopping, true);
    set_word(pool, word_of(run_of(atomic_load(&pool->word)) + 1, PD_MAX_PHASES, 0));
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

int pd_pool_chunks(const struct pd_pool *pool, int n)
{
    int wanted = pool->n_threads > 1 ? pool->n_threads * CHUNKS_PER_THREAD : 1;
    return pd_min_int(n, pd_min_int(wanted, PD_MAX_CHUNKS));
}

void pd_pool_run(struct pd_pool *pool, const struct pd_job *job, void *context)
{
    PD_ASSERT(is_over(atomic_load(&pool->word)) && job->n_phases < PD_MAX_PHASES);
    pool->job = job;
    pool->context = context;
    begin_phase(pool, run_of(atomic_load(&pool->word)) + 1, 0);
    for (;;) {
        uint64_t word = work(pool, 0);
        if (is_over(word))
            return;
        wait_change(pool, word);
    }
}

struct tasks {
    const struct pd_pool_task *task;
    int n;
};

static int begin_tasks(void *context, int phase)
{
    (void)phase;
    const struct tasks *tasks = context;
    int n_chunks = 0;
    for (int i = 0; i < tasks->n; i++)
        n_chunks += tasks->task[i].n_chunks;
    return n_chunks;
}

static void run_task(void *context, int phase, int chunk, int thread)
{
    const struct pd_pool_task *task = ((const struct tasks *)context)->task;
    while (chunk >= task->n_chunks)
        chunk -= task++->n_chunks;
    task->run(task->context, phase, chunk, thread);
}

void pd_pool_run_tasks(struct pd_pool *pool, const struct pd_pool_task *tasks, int n_tasks)
{
    static const struct pd_job job = {1, begin_tasks, run_task};
    struct tasks all = {tasks, n_tasks};
    pd_pool_run(pool, &job, &all);
}

void pd_pool_run_chunks(struct pd_pool *pool, int n,
                        void (*run)(void *context, int phase, int chunk, int thread), void *context)
{
    struct pd_pool_task task = {n, run, context};
    pd_pool_run_tasks(pool, &task, 1);
}
