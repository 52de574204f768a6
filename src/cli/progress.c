/* SPDX-License-Identifier: Apache-2.0
 * progress.c - how far a long run is. */
#define _POSIX_C_SOURCE 200809L
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

void progress_begin(struct progress *progress, int64_t total, bool is_quiet)
{
    *progress = (struct progress){!is_quiet && isatty(STDERR_FILENO), total, clock_ms(), 0};
}

void progress_show(struct progress *progress, int64_t done, const char *note)
{
    double now = clock_ms();
    if (!progress->is_on || now - progress->shown_ms < 200)
        return;
    progress->shown_ms = now;
    if (progress->total > 0 && done > 0) {
        double left =
            (now - progress->begin_ms) / (double)done * (double)(progress->total - done) / 1000;
        fprintf(stderr, "\r\033[K%lld/%lld, %.0f s left%s", (long long)done,
                (long long)progress->total, left, note);
    } else {
        fprintf(stderr, "\r\033[K%lld%s", (long long)done, note);
    }
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (!progress->is_on || progress->shown_ms <= 0)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->shown_ms = 0;
}
