/* SPDX-License-Identifier: Apache-2.0
 * evaluate.h - how good a model file is, as the engine runs it: perplexity of texts, and answers that are right. */
#ifndef QUANTIZE_EVALUATE_H
#define QUANTIZE_EVALUATE_H

#include "quant/quantize/texts.h"

struct evaluation {
    int n_tokens;           /* predicted */
    double mean_nll;        /* nats a token; e to its power is the perplexity */
    int n_answers, n_right; /* one greedy answer a problem */
};

/* An engine for texts_read() texts: one lane, a sequence of tokens. The statuses of ponder_create(), err names the file. */
enum ponder_status evaluate_open(const char *path, const struct texts *texts, struct ponder **p_ret,
                                 const struct pd_error *err);

/* CANCELLED, BAD_INPUT; what the engine refuses (a problem that is too long) counts as wrong. */
enum ponder_status evaluate(const char *path, const struct texts *texts,
                            struct evaluation *evaluation_ret, bool shows_progress,
                            const struct pd_error *err);

#endif
