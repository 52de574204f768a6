/* SPDX-License-Identifier: Apache-2.0
 * reference.h - the forward pass in double precision, as plainly as it can be said, for tests to compare the
 * engine with. Shares only the file's hyper-parameters and decoded weights with the engine.
 *
 * For a reference that is wrong on purpose, change a copy of the model's hparams or family. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "model/model.h"

/* Roundings of the engine that the reference can do as well, so that what is left between the two is float
 * arithmetic. All false: exact. */
struct reference_rounding {
    bool kv_is_half;      /* keys and values are stored as half floats */
    bool inputs_are_int8; /* what a quantised matrix is multiplied with, in blocks of 32 */
};

/* Logits of every position of a prompt: logits_ret[n_tokens][n_vocab]. Slow: decodes weights row by row.
 * Exits if there is no memory. */
void reference_logits(const struct pd_model *model, struct reference_rounding rounding,
                      const int32_t *tokens, int n_tokens, double *logits_ret);

#endif
