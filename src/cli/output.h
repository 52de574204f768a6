/* SPDX-License-Identifier: Apache-2.0
 * output.h - an answer as JSON and as lines for people. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

#include "base/json.h"
#include "ponder.h"

/* A writer whose sink is a file. */
void json_to_file(struct pd_json_writer *w, FILE *file);

/* The fields of `solve --json` in their order, without brackets around them. With has_answer false (plain
 * generation) answer and confidence are left out. */
void put_answer_fields(struct pd_json_writer *w, const struct ponder *p,
                       const struct ponder_answer *answer, bool has_answer);

/* "Answer  18 / Confidence 75% ... / Spent ..." */
void print_answer_details(FILE *file, const struct ponder *p, const struct ponder_answer *answer);

/* "812 B", "63.2 MiB" into text. */
const char *size_text(size_t bytes, char text[24]);

/* The model's own name, else its file format. */
const char *model_name(const struct ponder_info *info);

#endif
