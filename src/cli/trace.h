/* SPDX-License-Identifier: Apache-2.0
 * trace.h - a search as JSON Lines, written as it happens: for each question a line that opens it, what
 * ponder_event tells, and the answer. */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "cli/cli.h"

/* Opens settings->trace if it was asked for, and has requests tell what happens. Exit code. */
int trace_open(struct settings *settings);

struct row;

/* Has a row's question answered, told in the trace if there is one, and says once what is done otherwise than asked. Of the
 * row only id (JSON, or NULL) and question count. */
enum ponder_status trace_ask(struct settings *settings, struct ponder *p, const struct row *row,
                             const struct ponder_request *request,
                             struct ponder_answer *answer_ret);

/* Closes it: `code`, or EXIT_FILE after a message if it could not be written. */
int trace_close(struct settings *settings, int code);

#endif
