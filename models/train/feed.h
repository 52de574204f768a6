/* SPDX-License-Identifier: Apache-2.0
 * feed.h - in which order examples come: every epoch a new one, a pure function of (seed, epoch), so that two numbers
 * say where training was. */
#ifndef TRAIN_FEED_H
#define TRAIN_FEED_H

#include "data.h"

struct tr_feed {
    const struct tr_data *data;
    uint64_t seed;
    int64_t epoch; /* from 0 */
    int next;      /* in order */
    int *order;    /* [n] examples of this epoch */
    int n;
};

/* Begins in the middle of an epoch, as an earlier feed was left. */
void tr_feed_init(struct tr_feed *f, const struct tr_data *data, uint64_t seed, int64_t epoch,
                  int next);
void tr_feed_free(struct tr_feed *f);

/* Fills the batch with the next examples, as many as have max_tokens together; stops at the end of an epoch if
 * `ends` (then a batch may be empty), else goes on with the next. */
void tr_feed_fill(struct tr_feed *f, int max_tokens, bool ends, struct tr_batch *b);

/* Epochs done, with a fraction. */
double tr_feed_epochs(const struct tr_feed *f);

#endif
