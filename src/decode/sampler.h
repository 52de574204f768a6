/* SPDX-License-Identifier: Apache-2.0
 * sampler.h - logits to one token.
 *
 * In llama.cpp's order: repeat penalty, top-k, top-p, min-p (both on the probabilities at temperature 1),
 * temperature, draw. The draw is a function of (seed, sample, position) alone. */
#ifndef PD_SAMPLER_H
#define PD_SAMPLER_H

#include "arch/kernels.h"
#include "base/arena.h"

struct pd_sampling {
    float temperature; /* <= 0: the likeliest token */
    int top_k;         /* <= 0: all */
    float top_p;       /* >= 1: all */
    float min_p;       /* <= 0: all */
    float
        repeat_penalty; /* 1: none; divides positive and multiplies negative logits of recent tokens */
    uint64_t seed;
};

struct pd_candidate {
    float logit; /* later its probability */
    int32_t token;
};

/* Memory of one thread: [n_vocab]. */
struct pd_sampler {
    struct pd_candidate *candidate;
};

enum { PD_REPEAT_WINDOW = 64 }; /* tokens the repeat penalty looks back on */

void pd_sampler_layout(struct pd_sampler *s, int n_vocab, struct pd_arena *a);

struct pd_draw {
    const int32_t *recent; /* the lane's last tokens, for the penalty */
    int n_recent;
    uint64_t sample, position;
};

/* Picks a token; logits are as they were when it returns. *log_prob_ret: of the token, natural, in the model's
 * own distribution (temperature 1, all tokens). Logits that are not numbers are never picked while
 * there is another. */
int32_t pd_sample(struct pd_sampler *s, const struct pd_kernels *kernels, float *logits,
                  int n_vocab, const struct pd_sampling *how, const struct pd_draw *draw,
                  float *log_prob_ret);

#endif
