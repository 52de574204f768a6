/* SPDX-License-Identifier: Apache-2.0
 * row_loop.h - what goes through the rows of --data: limit, shard, rows already done, bad ones, progress. */
#ifndef CLI_ROW_LOOP_H
#define CLI_ROW_LOOP_H

#include "cli/journal.h"
#include "cli/options.h"
#include "cli/rows.h"

struct row_loop {
    const struct settings *settings;
    const struct journal *journal; /* its rows are skipped; or NULL */
    /* A row with a question and an answer; `what` names it in messages. Exit code: not 0 ends the loop. */
    int (*take)(void *user, const struct row *row, const char *what);
    /* What stands behind the progress; or NULL. */
    void (*note)(void *user, char *note, size_t capacity);
    void *user;
    bool has_failed; /* a row was skipped, after a message */
};

/* All rows of the file, which it opened or standard input. Exit code. */
int run_rows(struct row_loop *loop, FILE *data);

#endif
