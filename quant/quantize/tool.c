/* SPDX-License-Identifier: Apache-2.0
 * tool.c - see tool.h. */
#define _POSIX_C_SOURCE 200809L
#include "quant/quantize/tool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/os.h"
#include "models/train/memory.h"

static volatile sig_atomic_t caught_signal;
static int64_t shown_ns; /* when the line of progress was drawn; 0: none is there */

void tool_pool_new(struct tool_pool *pool)
{
    for (int n_threads = pd_core_count();; n_threads = 1) {
        struct pd_arena arena;
        pd_arena_init_count(&arena);
        pd_pool_layout(&arena, n_threads);
        size_t bytes = pd_arena_block_bytes(&arena);
        pool->block = tr_alloc(1, bytes);
        pd_arena_init(&arena, pool->block, bytes);
        pool->pool = pd_pool_layout(&arena, n_threads);
        if (pd_pool_start(pool->pool, NULL) == PONDER_OK)
            return;
        free(pool->block);
        if (n_threads == 1) {
            tr_say("the system refuses threads");
            exit(ponder_status_exit_code(PONDER_NO_MEMORY));
        }
    }
}

void tool_pool_free(struct tool_pool *pool)
{
    pd_pool_stop(pool->pool);
    free(pool->block);
}

static void on_signal(int number)
{
    caught_signal = number;
}

void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    static const int signals[] = {SIGINT, SIGTERM};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 2; i++) {
        struct sigaction inherited;
        /* Whoever started us may want it ignored, as a shell does for what runs in the background. */
        if (sigaction(signals[i], NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

int caught_exit_code(void)
{
    return caught_signal ? 128 + (int)caught_signal : 0;
}

enum ponder_status check_signals(const struct pd_error *err)
{
    return caught_signal ? pd_fail(err, PONDER_CANCELLED, "interrupted") : PONDER_OK;
}

void progress_show(const char *what, int64_t done, int64_t total)
{
    enum { EVERY_NS = 200000000 };
    int64_t now = pd_clock_ns();
    if (!isatty(STDERR_FILENO) || now - shown_ns < EVERY_NS)
        return;
    shown_ns = now;
    fprintf(stderr, "\r\033[K%s: %lld/%lld", what, (long long)done, (long long)total);
    fflush(stderr);
}

void progress_clear(void)
{
    if (shown_ns == 0)
        return;
    shown_ns = 0;
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
