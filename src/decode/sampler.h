/* SPDX-License-Identifier: Apache-2.0
 * sampler.h - the output head's results to one token.
 *
 * In llama.cpp's order: repeat penalty, top-k, top-p, min-p (both on the probabilities at temperature 1),
 * temperature, draw. The draw is a function of (seed, sample, position) alone. top-k, top-p and min-p keep
 * PD_MAX_KEPT tokens at most; with none of the three all tokens may be drawn.
 *
 * Candidates come likeliest first, out of blocks of the vocabulary that are multiplied one by one when their largest
 * logit comes up, and only until it is clear which of them are kept: with top-p a few blocks. Without
 * candidates to keep, a span is drawn by its mass, and a token in it. */
#ifndef PD_SAMPLER_H
#define PD_SAMPLER_H

#include "base/pool.h"
#include "decode/head.h"

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
    float logit;
    int32_t token;
};

enum {
    PD_REPEAT_WINDOW = 64, /* tokens the repeat penalty looks back on */
    PD_MAX_KEPT = 4096
};

/* Memory of one thread. */
struct pd_sampler {
    struct pd_candidate *part;  /* [max_parts] spans and blocks not looked into yet, a heap */
    struct pd_candidate *open;  /* [max_open] seen, a heap */
    struct pd_candidate *taken; /* [max_taken] in order */
    float *mass;                /* [max_taken + 1] of those before */
    struct pd_head_span *span;  /* [n_spans] with a penalty */
    float *logits;              /* [PD_HEAD_SPAN] */
    int max_parts, max_open, max_taken;
};

void pd_sampler_layout(struct pd_sampler *s, const struct pd_head *head, struct pd_arena *a);

/* One token to draw. */
struct pd_draw {
    int row;               /* of the head */
    const int32_t *recent; /* the lane's last tokens, for the penalty */
    int n_recent;
    uint64_t sample, position;
    int32_t token; /* the result */
    float
        log_prob; /* of the token, natural, in the model's own distribution (temperature 1, all tokens) */
};

/* For head->inverse_temperature in the steps before such draws. */
float pd_sampling_inverse_temperature(const struct pd_sampling *how, int n_vocab);

/* Picks a token. One whose logit is not a number is never picked while there is another. */
void pd_sample(struct pd_sampler *s, const struct pd_head *head, const struct pd_sampling *how,
               struct pd_draw *draw);

/* Picks n tokens on all threads of the pool; sampler: one for each thread. */
void pd_sample_all(struct pd_sampler *sampler, const struct pd_head *head, struct pd_pool *pool,
                   const struct pd_sampling *how, struct pd_draw *draw, int n);

#endif
