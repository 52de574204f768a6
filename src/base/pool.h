/* SPDX-License-Identifier: Apache-2.0
 * pool.h - the caller's thread plus n - 1 workers made at init, whose stacks lie in the arena.
 *
 * Workers wait for a task: a bounded spin first (a decode step follows the last one within
 * microseconds), then sleep in the kernel, so that an idle engine costs nothing and a thread whose
 * core was taken by another process does not burn its neighbours' time. */
#ifndef PD_POOL_H
#define PD_POOL_H

#include "base/arena.h"
#include "base/base.h"

struct pd_pool;

/* Runs on every thread of the pool, thread 0 being the caller. */
typedef void pd_task_fn(void *context, int thread, int n_threads);

/* Places the pool and its stacks; NULL while counting. */
struct pd_pool *pd_pool_layout(struct pd_arena *a, int n_threads);

/* Starts the workers. NO_MEMORY: the system refuses threads (then none is left running). */
enum ponder_status pd_pool_start(struct pd_pool *pool, const struct pd_error *err);

/* Ends and joins the workers. */
void pd_pool_stop(struct pd_pool *pool);

int pd_pool_threads(const struct pd_pool *pool);

/* Runs task on all threads, returns when all are done. Not reentrant. */
void pd_pool_run(struct pd_pool *pool, pd_task_fn *task, void *context);

/* Inside a task: waits until every thread of the pool has come here. Everything written before is
 * seen by all after. */
void pd_pool_barrier(struct pd_pool *pool);

/* This thread's share [*begin_ret, *end_ret) of n items: contiguous, sizes differ by at most one. */
static inline void pd_share(int n, int thread, int n_threads, int *begin_ret, int *end_ret)
{
    *begin_ret = (int)((int64_t)n * thread / n_threads);
    *end_ret = (int)((int64_t)n * (thread + 1) / n_threads);
}

#endif
