/* SPDX-License-Identifier: Apache-2.0
 * eval_row.h - one question of an evaluation: asked, graded, written as a row of a journal, read again. */
#ifndef CLI_EVAL_ROW_H
#define CLI_EVAL_ROW_H

#include "cli/journal.h"
#include "cli/rows.h"
#include "cli/tally.h"

/* Asks the row's question by the settings' request and, where there is a journal (or NULL), writes its row there.
 * *is_asked_ret false: it could not be asked, which was said, and *outcome_ret is open. Exit code: not 0
 * ends the evaluation. */
int eval_row_ask(struct ponder *p, struct settings *settings, const struct row *row,
                 const char *what, struct journal *journal, struct outcome *outcome_ret,
                 bool *is_asked_ret);

/* What a row of a journal says; its level's text goes to level. False: it is no row of an evaluation. */
bool eval_row_read(const char *line, size_t bytes, char level[MAX_LEVEL_BYTES],
                   struct outcome *outcome_ret);

#endif
