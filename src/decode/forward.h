/* SPDX-License-Identifier: Apache-2.0
 * forward.h - the transformer's pass over a batch, as a job of the pool; and its attention. */
#ifndef PD_FORWARD_H
#define PD_FORWARD_H

#include "decode/decoder.h"

/* Does the step that is set up in d; d->is_aborted: the deadline passed. */
void pd_forward(struct pd_decoder *d);

/* Attention of the heads of rows [row, row + n_rows) that share kv head `head`, in `layer`, from d->q to
 * d->attention; n_rows <= PD_ATTEND_ROWS; s: this thread's. The rows' own keys and values are already in the
 * cache. */
void pd_attend(const struct pd_decoder *d, int layer, int row, int n_rows, int head,
               struct pd_attend_scratch *s);

/* ---- adapters: of the runs of rows that have one; without runs these return at once ---- */

/* t of rows [begin, end) for matrices that multiply the normed stream, which is there. */
void pd_adapt_begin(const struct pd_decoder *d, int layer, const enum pd_layer_tensor *which,
                    int n_which, int begin, int end);

/* Panels [from, to) of all rows' outputs of a matrix: adds what the adapters make of t. */
void pd_adapt_add(const struct pd_decoder *d, int layer, enum pd_layer_tensor which, int from,
                  int to, float *out, int stride, int thread);

/* A matrix whose outputs are the projection, of rows [begin, end): t is there as A gave it, the rest is done here. */
void pd_adapt_projection(const struct pd_decoder *d, int layer, enum pd_layer_tensor which,
                         int begin, int end, int thread);

#endif
