/* SPDX-License-Identifier: Apache-2.0
 * journal.h - an output file of one JSON object a line, each with its id, that a later run can go on
 * with after a crash: only whole lines count, and a line is out before the next question is asked. */
#ifndef CLI_JOURNAL_H
#define CLI_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/options.h"

struct journal {
    FILE *file;
    const char *name;
    uint64_t *keys; /* hashes of the ids that are in the file; an open hash table, 0: free */
    size_t n_keys, capacity;
};

/* Starts a journal: path NULL is standard output; is_resumed keeps what is there, cuts a torn last line
 * off, and hands each whole line (NUL-terminated) to on_line, which may be NULL. Exit code, after a
 * message if not 0. */
int journal_open(struct journal *journal, const char *path, bool is_resumed,
                 void (*on_line)(void *user, char *line, size_t bytes), void *user);

/* The one that --out or --resume names, standard output where neither does. */
int journal_open_named(struct journal *journal, const struct settings *settings,
                       void (*on_line)(void *user, char *line, size_t bytes), void *user);

/* A hash of an id, never 0. */
uint64_t journal_key(const char *id, size_t bytes);

/* True if a row with this id, as JSON, is in the file. Ids count as equal when their 64-bit hashes are. */
bool journal_has(const struct journal *journal, const char *id, size_t bytes);
void journal_add(struct journal *journal, const char *id, size_t bytes);

/* Ends a line and flushes it: exit code as in finish_output(). */
int journal_end_line(struct journal *journal);

int journal_close(struct journal *journal, int code);

#endif
