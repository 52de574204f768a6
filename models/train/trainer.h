/* SPDX-License-Identifier: Apache-2.0
 * trainer.h - the loop: batches, steps, evaluations, checkpoints, until a limit, a signal or a diverging loss. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include <signal.h>

#include "settings.h"

/* Runs it all; messages go to standard error. stop: becomes the number of a signal to end at. Returns the program's
 * exit code. */
int tr_train(const struct tr_settings *settings, const volatile sig_atomic_t *stop);

/* `ponder-train bench`. */
int tr_bench(const struct tr_settings *settings);

#endif
