/* SPDX-License-Identifier: Apache-2.0
 * kept.h - what the way forward keeps of a layer for the way back. Private to pass*.c. */
#ifndef TRAIN_KEPT_H
#define TRAIN_KEPT_H

#include "ops.h"
#include "packs.h"
#include "pass.h"

struct tr_kept {
    float *x;                     /* [n][n_embd] what comes into the layer */
    float *middle;                /* [n][n_embd] after the attention */
    float *q, *k, *v;             /* [n][heads][head_dim], normed and turned */
    float *attention;             /* [n][n_heads][head_dim] */
    float *log_sum;               /* [n][n_heads] */
    float *gate, *up;             /* [n][n_ff] */
    float *inverse, *ff_inverse;  /* [n] of the norms before the blocks */
    float *q_raw, *k_raw;         /* before their norms, where the family has them */
    float *q_inverse, *k_inverse; /* [n][heads] */
    float *attention_out,
        *ff_out; /* [n][n_embd] before the norms behind the blocks, where it has them */
    float *post_inverse, *ff_post_inverse;
};

static inline struct tr_kept *tr_pass_kept(const struct tr_pass *p, int layer)
{
    return &p->kept[p->keeps ? layer : 0];
}

struct tr_attention tr_pass_attention(const struct tr_pass *p, int layer);
struct tr_rope tr_pass_rope(const struct tr_pass *p, const struct tr_batch *b, int layer,
                            int n_heads);
/* Of one of the attention's products, for n tokens. */
double tr_pass_attention_flops(const struct tr_pass *p, int n);

#endif
