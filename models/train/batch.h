/* SPDX-License-Identifier: Apache-2.0
 * batch.h - what goes through the model at once: sequences one behind the other, none of which sees another.
 *
 *   tokens   | a a a a a | b b b | c c c c c c c |      begin = 0, 5, 8, 15
 *   rows     with a target: the token that is to come next; with a label: what a head is to say there */
#ifndef TRAIN_BATCH_H
#define TRAIN_BATCH_H

#include <stdint.h>

struct tr_batch {
    int n;          /* tokens */
    int32_t *token; /* [n] */
    int *position;  /* [n] in its own sequence */
    int n_sequences;
    int *begin; /* [n_sequences + 1] */
    int n_targets;
    int *target_row; /* [n_targets], rising */
    int32_t *target; /* [n_targets] */
    int n_labels;
    int *label_row; /* [n_labels], rising */
    float *label;   /* [n_labels] */
};

/* Room for so many tokens; end it with tr_batch_free(). */
void tr_batch_init(struct tr_batch *b, int max_tokens);
void tr_batch_free(struct tr_batch *b);
void tr_batch_clear(struct tr_batch *b);

#endif
