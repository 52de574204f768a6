/* SPDX-License-Identifier: Apache-2.0
 * ops.h - the operations that a model is made of, forward and backward, on rows of float32.
 *
 * Each runs on the calling thread and keeps nothing. A matrix of weights is [out][in], as in the file. Gradients of
 * inputs are written, or added where `adds`; gradients of weights are always added to what is there, so that
 * micro-batches sum up. d before a name: the gradient of the loss by it. Products are cblas_sgemm's. */
#ifndef TRAIN_OPS_H
#define TRAIN_OPS_H

#include "base/base.h"
#include "model/model.h"
#include "product.h"

/* Elements of a matrix. */
static inline size_t tr_area(int rows, int cols)
{
    return (size_t)rows * (size_t)cols;
}

/* A product of n rows of `in` elements with a matrix [out][in]. level: rounds both to bfloat16 in `words`, scratch of
 * tr_shape_words(), unless the matrix is too thin for that to pay; NULL: floats. */
struct tr_shape {
    int n, in, out;
    const struct tr_product_level *level;
    uint32_t *words;
    const uint32_t *forward,
        *back; /* the matrix packed for tr_linear() and for tr_linear_dx(), or NULL */
};
size_t tr_shape_words(const struct tr_product_level *level, int n, int in, int out);

/* y[n][out] = x w^T, or += */
void tr_linear(struct tr_shape s, const float *x, const float *w, float *y, bool adds);
/* dx[n][in] = dy w, or += */
void tr_linear_dx(struct tr_shape s, const float *dy, const float *w, float *dx, bool adds);
/* dw[out][in] += scale dy^T x */
void tr_linear_dw(struct tr_shape s, const float *dy, const float *x, float scale, float *dw);

/* y[n][cols] += bias[cols], and back. */
void tr_bias(int n, int cols, const float *bias, float *y);
void tr_bias_back(int n, int cols, const float *dy, float *dbias);

/* y = w x / sqrt(mean(x^2) + eps); inverse_ret[n] is the reciprocal root, which the way back needs. y may be x. */
void tr_norm(int n, int cols, float eps, const float *x, const float *w, float *y,
             float *inverse_ret);
struct tr_norm_back {
    int n, cols;
    const float *x, *w, *inverse, *dy;
    float *dx; /* may be dy, unless adds */
    bool adds; /* to dx */
    float *dw; /* or NULL */
};
void tr_norm_back(const struct tr_norm_back *b);

/* Turns pairs of the first 2 n_pairs elements of every head by their position's angles, in place; back: by the
 * opposite angles, which is the gradient too. */
struct tr_rope {
    int n, n_heads, head_dim, n_pairs;
    bool is_neox;        /* pairs (i, i + n_pairs), otherwise (2i, 2i + 1) */
    const float *angles; /* [positions][cosines, sines][n_pairs] */
    const int *position; /* [n] */
};
void tr_rope(const struct tr_rope *r, bool is_back, float *x);

/* Causal attention inside one sequence of n tokens, a softmax over scale q k^T of the positions up to the query's own
 * (with a window: the last `window` of them). Rows of q and out are n_heads heads, of k and v n_kv_heads. */
enum { TR_ATTENTION_ROWS = 64 }; /* queries done together */
struct tr_attention {
    int n_heads, n_kv_heads, head_dim;
    int window; /* 0: none */
    float scale;
    float *scores, *dscores; /* scratch, [TR_ATTENTION_ROWS][n] each */
};
/* log_sum_ret[n][n_heads]: logarithms of the softmax's denominators. */
void tr_attention(const struct tr_attention *a, int n, const float *q, const float *k,
                  const float *v, float *out, float *log_sum_ret);
struct tr_attention_back {
    const float *q, *k, *v, *out, *log_sum, *dout;
    float *dq, *dk, *dv;
};
void tr_attention_back(const struct tr_attention *a, int n, const struct tr_attention_back *b);

/* h = act(gate) up, n elements. */
void tr_gated(enum pd_activation act, size_t n, const float *gate, const float *up, float *h);
/* In: gate, up, dh. Out, in their places: dgate, dup, h. */
void tr_gated_back(enum pd_activation act, size_t n, float *gate, float *up, float *dh);

/* x[n][cols] = scale w[tokens], and back. */
void tr_embed(int n, int cols, float scale, const int32_t *tokens, const float *w, float *x);
void tr_embed_back(int n, int cols, float scale, const int32_t *tokens, const float *dx, float *dw);

/* Returns the sum over rows of -log softmax(logits)[target] and puts scale times the gradient into the place of
 * logits[n][n_vocab] (scale 0: leaves them in no particular state). */
double tr_cross_entropy(int n, int n_vocab, const int32_t *target, float scale, float *logits);

/* The same against a teacher's distribution: the sum of KL(softmax(teacher) || softmax(logits)). Spoils teacher. */
double tr_divergence(int n, int n_vocab, float *teacher, float scale, float *logits);

/* A logit against a label in 0..1: binary cross-entropy less the label's own entropy, so that 0 is best; *d_ret is
 * its gradient. */
double tr_binary(float logit, float label, float *d_ret);

/* y += factor x */
void tr_add(size_t n, float factor, const float *x, float *y);

/* The sum of squares. */
double tr_square(size_t n, const float *x);

#endif
