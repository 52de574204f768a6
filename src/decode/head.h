/* SPDX-License-Identifier: Apache-2.0
 * head.h - the output head: logits of a batch, made and used up piece by piece.
 *
 * The vocabulary is cut into blocks of 64 tokens and spans of 256. A thread multiplies a few spans for all rows into
 * a tile of its own and keeps only what draws and scores need:
 *
 *     block   the largest logit                  bounds what a draw has to look at
 *     span    the largest logit, the sum of exp(logit - largest), and the same at the temperature of draws; the sum of
 *             the logits, where somebody asks how far the distribution is from even
 *
 * A draw then multiplies the few blocks it wants again, for its row alone: the row's activations stay. So no
 * array is as long as the vocabulary, and results do not depend on threads, batches or panels: the sum over a
 * row is sum over spans, ascending and in doubles, of the span's sum times exp(span's largest - largest).
 * Logits that are not numbers count as impossible; the largest of none is -infinity. */
#ifndef PD_HEAD_H
#define PD_HEAD_H

#include "arch/kernels.h"
#include "base/arena.h"
#include "decode/weights.h"

enum { PD_HEAD_BLOCK = 64, PD_HEAD_SPAN = 256 };

struct pd_head_span {
    float max;
    float sum;  /* of exp(logit - max) */
    float mass; /* of exp((logit - max) * inverse_temperature) */
    float total; /* of the logits */
};

struct pd_head {
    const struct pd_kernels *kernels;
    const struct pd_weight *weight;
    int n_vocab, n_spans, n_blocks;
    int n_rows;                /* of a step; row n_rows is one to keep */
    size_t tile_floats;        /* of a thread */
    struct pd_act act;         /* [n_rows + 1] what the head multiplies */
    float *block_max;          /* [n_rows + 1][n_blocks] */
    struct pd_head_span *span; /* [n_rows + 1][n_spans] */
    int32_t *target;           /* [n_rows] a token, for its score */
    float *target_logit;       /* [n_rows] */
    float *tile;               /* [n_threads][tile_floats] */

    /* What the next step is to make; the caller's to set. */
    float inverse_temperature; /* of masses; 0: none are wanted */
    bool wants_totals;
    float *logits; /* [rows][n_vocab] the logits themselves, and nothing else; NULL: no */
};

/* Places it for the weights of the head, which must have been placed. */
void pd_head_layout(struct pd_head *h, const struct pd_weight *weight,
                    const struct pd_kernels *kernels, int n_rows, int n_threads,
                    struct pd_arena *a);

/* Gives a row its activations x[weight->cols] (with the last norm done) and its target. */
void pd_head_set_row(const struct pd_head *h, int row, const float *x, int32_t target);

/* The first n_rows rows against the spans [begin, end). Spans may be done in any order, on any threads. */
void pd_head_run(const struct pd_head *h, int n_rows, int begin, int end, int thread);

/* Copies a row to row h->n_rows, where it outlives the next steps. */
void pd_head_keep(const struct pd_head *h, int row);

/* ---- what is left of a row ---- */

/* Logits [first, first + n) of one row, multiplied again; returns how many there are, less at the vocabulary's end.
 * first and n are multiples of PD_HEAD_BLOCK; logits_ret has room for n. */
int pd_head_logits(const struct pd_head *h, int row, int first, int n, float *logits_ret);

static inline const struct pd_head_span *pd_head_row_spans(const struct pd_head *h, int row)
{
    return h->span + (size_t)row * (size_t)h->n_spans;
}

static inline const float *pd_head_row_blocks(const struct pd_head *h, int row)
{
    return h->block_max + (size_t)row * (size_t)h->n_blocks;
}

/* What is kept of n logits of a span; block_max_ret: one for each block, or NULL. */
struct pd_head_span pd_head_reduce(const struct pd_head *h, const float *logits, int n,
                                   float *block_max_ret);

/* A softmax's two numbers, of a row's spans. */
struct pd_total {
    float max;
    double sum; /* of exp(logit - max); 0: no logit is finite */
};

struct pd_total pd_head_total(const struct pd_head_span *span, int n_spans);

/* Natural log-probability of a token with this logit: logit - max - log(sum). */
float pd_head_log_prob(struct pd_total total, float logit);

/* That of the row's target, in the row's own distribution. */
float pd_head_score(const struct pd_head *h, int row);

/* Self-certainty (Kang et al. 2025) of a row whose totals were wanted: the Kullback-Leibler divergence of the even
 * distribution from the row's own, mean over the vocabulary V of -log(V p), in units of log V. 0: all tokens are equally
 * likely. NAN: a logit is not finite, or there is one token only. */
float pd_head_certainty(const struct pd_head *h, int row);

#endif
