/* SPDX-License-Identifier: Apache-2.0
 * trace.h - a search as JSON Lines, written as it happens: for each question a line that opens it, what
 * ponder_event tells, and the answer. */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "cli/cli.h"

/* Opens settings->trace if it was asked for, and has requests tell what happens. Exit code. */
int trace_open(struct settings *settings);

/* Around each question; nothing without a trace. id: JSON, or NULL. */
void trace_question(const struct settings *settings, const char *id, size_t id_bytes,
                    const char *question, size_t bytes);
void trace_answer(const struct settings *settings, const struct ponder *p,
                  const struct ponder_answer *answer);

/* Closes it: `code`, or EXIT_FILE after a message if it could not be written. */
int trace_close(struct settings *settings, int code);

#endif
