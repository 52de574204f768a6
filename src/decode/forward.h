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

#endif
