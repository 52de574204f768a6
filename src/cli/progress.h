/* SPDX-License-Identifier: Apache-2.0
 * progress.h - one line on standard error that says how far a long run is; only on a terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_on;
    int64_t total; /* 0: not known */
    double begin_ms, shown_ms;
};

void progress_begin(struct progress *progress, int64_t total, bool is_quiet);
/* done of total; note goes behind it. Draws a few times a second at most. */
void progress_show(struct progress *progress, int64_t done, const char *note);
/* Wipes the line, so that others may write to the terminal. */
void progress_clear(struct progress *progress);

#endif
