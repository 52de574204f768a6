/* SPDX-License-Identifier: Apache-2.0
 * log.h - what is said while training goes on: a line of progress, a CSV file with a row a step, and a picture of it. */
#ifndef TRAIN_LOG_H
#define TRAIN_LOG_H

#include <stdio.h>

#include "checkpoint.h"

struct tr_log_row {
    const struct tr_state *state;
    double epochs, progress; /* progress: 0..1 of the run */
    double loss, eval;       /* eval: not a number where none was measured */
    double rate, norm, tokens_per_second, gflops;
};

struct tr_log {
    FILE *csv;
    char *csv_path, *svg_path;
    bool is_quiet, is_terminal, has_line;
    double shown; /* seconds of the run when something was shown last */
};

/* Opens OUT.csv: keeps its rows up to this step, and goes on behind them. NO_FILE. */
enum ponder_status tr_log_begin(struct tr_log *log, const char *out, int64_t step, bool is_quiet,
                                const struct pd_error *err);
void tr_log_end(struct tr_log *log);

void tr_log_step(struct tr_log *log, const struct tr_log_row *row);

/* Wipes the line of progress, so that others may write to the terminal. */
void tr_log_clear(struct tr_log *log);

/* Draws OUT.svg from OUT.csv. A picture that cannot be drawn is no reason to stop. */
void tr_log_draw(const struct tr_log *log);

#endif
