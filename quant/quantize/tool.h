/* SPDX-License-Identifier: Apache-2.0
 * tool.h - what ponder-quantize asks of the system: threads, signals, a line of progress. */
#ifndef QUANTIZE_TOOL_H
#define QUANTIZE_TOOL_H

#include "base/base.h"
#include "base/pool.h"

/* Those of statuses are in ponder.h. */
enum { EXIT_OK = 0, EXIT_USAGE = 2, EXIT_FILE = 3 };

/* A pool with a thread for every core, or fewer where the system refuses them; tool_pool_free() ends it. */
struct tool_pool {
    struct pd_pool *pool;
    void *block;
};
void tool_pool_new(struct tool_pool *pool);
void tool_pool_free(struct tool_pool *pool);

/* SIGINT and SIGTERM from here on are noticed by caught_exit_code(): 128 + signal, else 0; a second one ends the
 * program. */
void catch_signals(void);
int caught_exit_code(void);

/* CANCELLED once a signal came. */
enum ponder_status check_signals(const struct pd_error *err);

/* One line on standard error, on a terminal only: what is being done, and how much of it. */
void progress_show(const char *what, int64_t done, int64_t total);
void progress_clear(void);

#endif
