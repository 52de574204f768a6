/* SPDX-License-Identifier: Apache-2.0
 * checkpoint.h - all that training needs to go on to the bit: parameters, moments, and where it was.
 *
 *   magic | text of what the run is | state | values, first and second moments of each parameter | checksum
 *
 * Written beside the last one and put in its place when it is on the disk. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "adam.h"

enum { TR_RUN_BYTES = 512 };

struct tr_state {
    int64_t step, tokens;
    int64_t epoch, next; /* of the feed */
    int64_t n_evals;
    double seconds;         /* of training, evaluations and all */
    double best_eval;       /* the lowest held-out loss; infinite: none yet */
    double mean, best_mean; /* running mean of the loss, and the lowest it was */
};

/* run: words "name=value" that say what run it is. NO_FILE. */
enum ponder_status tr_checkpoint_write(const char *path, const char *run,
                                       const struct tr_state *state, const struct tr_adam *adam,
                                       const struct pd_error *err);

/* NO_FILE: there is none (*is_there_ret is false); BAD_FILE: it is damaged; BAD_ARGUMENT: it is of another run, err
 * says what differs. Then nothing was changed, except that BAD_FILE may leave values of any kind. */
enum ponder_status tr_checkpoint_read(const char *path, const char *run, struct tr_state *state,
                                      struct tr_adam *adam, bool *is_there_ret,
                                      const struct pd_error *err);

#endif
