/* SPDX-License-Identifier: Apache-2.0
 * texts.h - texts to calibrate and to measure on, and their tokens.
 *
 * A file NAME.jsonl has a text a row: {"text"}, or a problem as the trainer reads it, with {"question", "answer"} and
 * {"steps"} or {"solution"}: question, steps and answer, a line each. Any other file is one text. */
#ifndef QUANTIZE_TEXTS_H
#define QUANTIZE_TEXTS_H

#include "base/base.h"

struct text {
    char *text;
    size_t bytes;
    char *question, *answer; /* of a problem; NULL: none */
};

struct texts {
    struct text *text;
    int n, capacity;
    size_t longest; /* bytes */
};

/* NO_FILE; BAD_INPUT: a row that is wrong, err names its line, or no text at all. */
enum ponder_status texts_read(struct texts *texts, const char *path, const struct pd_error *err);
void texts_free(struct texts *texts);

/* Tokens in sequences of at most SEQUENCE_TOKENS, or the model's context; longer texts become many. */
enum { SEQUENCE_TOKENS = 512 };
struct sequences {
    int32_t *token; /* [n_tokens] */
    int *begin;     /* [n + 1] */
    int n, n_tokens;
};

/* Of an engine with room for texts->longest; stops at about max_tokens (0: no limit), spread evenly over all texts.
 * BAD_INPUT: there is no sequence of two tokens. */
enum ponder_status sequences_make(struct sequences *sequences, const struct texts *texts,
                                  struct ponder *p, int max_tokens, const struct pd_error *err);
void sequences_free(struct sequences *sequences);

#endif
