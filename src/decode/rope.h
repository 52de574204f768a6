/* SPDX-License-Identifier: Apache-2.0
 * rope.h - the angles of rotary position embedding, as a table of cosines and sines. */
#ifndef PD_ROPE_H
#define PD_ROPE_H

#include "base/arena.h"
#include "base/pool.h"
#include "model/model.h"

struct pd_rope {
    int n_pairs; /* rope_dim / 2 */
    int n_positions;
    float *global; /* [n_positions][cosines, sines][n_pairs], layers that see all positions */
    float *local;  /* the same for layers with a window; = global where the model has none */
};

void pd_rope_layout(struct pd_rope *rope, const struct pd_hparams *h, int n_positions,
                    struct pd_arena *a);

/* A task that fills it, for as long as `fill` lives. freq_divisors: F32 [n_pairs] as in the file (Llama 3.x), at
 * any alignment, or NULL. */
struct pd_rope_fill {
    const struct pd_rope *rope;
    const struct pd_hparams *hparams;
    const void *freq_divisors;
};
struct pd_pool_task pd_rope_fill_task(struct pd_rope_fill *fill, const struct pd_rope *rope,
                                      const struct pd_hparams *h, const void *freq_divisors);

static inline const float *pd_rope_angles(const struct pd_rope *rope, bool is_local, int position)
{
    return (is_local ? rope->local : rope->global) + (size_t)position * (size_t)(2 * rope->n_pairs);
}

#endif
