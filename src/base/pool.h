/* SPDX-License-Identifier: Apache-2.0
 * pool.h - the caller's thread plus n - 1 workers made at init, whose stacks lie in the arena.
 *
 * A job is a row of phases, a phase is a number of chunks. Whoever has time takes the next chunk of the
 * phase that runs; the phase ends when all its chunks are done, and whoever did the last one begins the next.
 * Nobody waits for a thread, only for work: when another process has taken a worker's core, the others do its
 * share, and it joins in again wherever they are by then. */
#ifndef PD_POOL_H
#define PD_POOL_H

#include "base/arena.h"
#include "base/base.h"

enum {
    PD_MAX_CHUNKS = 4096,                   /* of a phase */
    PD_MAX_TASK_CHUNKS = PD_MAX_CHUNKS / 4, /* what a task should make do with */
    PD_MAX_PHASES = 32768,                  /* of a job */
    PD_JOB_STOP = -1
};

struct pd_pool;

struct pd_job {
    int n_phases; /* 1..PD_MAX_PHASES - 1 */
    /* The number of chunks of a phase, 0..PD_MAX_CHUNKS, or PD_JOB_STOP to end the job here. Called once for each
     * phase in order, on any thread, when all chunks of the phase before are done and seen. */
    int (*begin)(void *context, int phase);
    /* Does one chunk. thread: 0 is the caller, for scratch memory; two chunks run at once only on different
     * threads. */
    void (*run)(void *context, int phase, int chunk, int thread);
};

/* Places the pool and its stacks; NULL while counting. */
struct pd_pool *pd_pool_layout(struct pd_arena *a, int n_threads);

/* Starts the workers. NO_MEMORY: the system refuses threads (then none is left running). */
enum ponder_status pd_pool_start(struct pd_pool *pool, const struct pd_error *err);

/* Ends and joins the workers. */
void pd_pool_stop(struct pd_pool *pool);

int pd_pool_threads(const struct pd_pool *pool);

/* Does the job on all threads; everything it wrote is seen when this returns. Not reentrant. */
void pd_pool_run(struct pd_pool *pool, const struct pd_job *job, void *context);

/* Pieces of work that need nothing of each other, as one job; the first ones are begun first. All together have
 * PD_MAX_CHUNKS at most. */
struct pd_pool_task {
    int n_chunks;
    void (*run)(void *context, int phase, int chunk, int thread);
    void *context;
};
void pd_pool_run_tasks(struct pd_pool *pool, const struct pd_pool_task *tasks, int n_tasks);

/* A single task. */
void pd_pool_run_chunks(struct pd_pool *pool, int n,
                        void (*run)(void *context, int phase, int chunk, int thread),
                        void *context);

/* Chunks to cut n equal items into: a few for each thread, so that a late one is caught up with. */
int pd_pool_chunks(const struct pd_pool *pool, int n);

/* The items [*begin_ret, *end_ret) of chunk i of n_chunks: contiguous, sizes differ by at most one. */
static inline void pd_share(int n, int i, int n_chunks, int *begin_ret, int *end_ret)
{
    *begin_ret = (int)((int64_t)n * i / n_chunks);
    *end_ret = (int)((int64_t)n * (i + 1) / n_chunks);
}

#endif
