/* SPDX-License-Identifier: Apache-2.0
 * op_attention.c - causal attention inside one sequence, in blocks of TR_ATTENTION_ROWS queries, each against the keys
 * up to its last query's own: about half of the square is never touched.
 *
 *   S = scale Q K^T,  P = softmax(S),  O = P V;  log_sum is the logarithm of P's denominators
 *   dV = P^T dO,  dP = dO V^T,  dS = P (dP - sum(dO O)),  dQ = scale dS K,  dK = scale dS^T Q
 *
 * The way back makes P again from log_sum instead of keeping it: two products of seven, for memory that grows with
 * the square of the length. */
#include <cblas.h>
#include <math.h>

#include "arch/exp.h"
#include "ops.h"
#include "reduce.h"

/* One head's rows inside those of all heads. */
struct head {
    const struct tr_attention *a;
    int q_stride, kv_stride;
};

/* Queries begin..end; keys before `begin + rows`, those before `first` are out of every query's window. */
struct block {
    int begin, rows, first, keys;
};

static struct block block_at(const struct tr_attention *a, int n, int begin)
{
    struct block b = {begin, pd_min_int(TR_ATTENTION_ROWS, n - begin), 0, 0};
    if (a->window > 0)
        b.first = pd_max_int(0, begin - a->window + 1);
    b.keys = begin + b.rows - b.first;
    return b;
}

/* Keys of the block, from its first, that query i sees: [*from_ret, *to_ret). */
static void visible(const struct tr_attention *a, const struct block *b, int i, int *from_ret,
                    int *to_ret)
{
    int position = b->begin + i;
    *from_ret = a->window > 0 ? pd_max_int(0, position - a->window + 1) - b->first : 0;
    *to_ret = position + 1 - b->first;
}

static void zero(float *x, int from, int to)
{
    for (int i = from; i < to; i++)
        x[i] = 0;
}

/* x = e^(x - shift) */
static void exponentials(float *restrict x, int from, int to, float shift)
{
    for (int i = from; i < to; i++)
        x[i] = pd_exp(x[i] - shift);
}

/* S of the block: scores[rows][keys]. */
static void score(const struct head *h, const struct block *b, const float *q, const float *k)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, b->rows, b->keys, h->a->head_dim,
                h->a->scale, q + tr_area(b->begin, h->q_stride), h->q_stride,
                k + tr_area(b->first, h->kv_stride), h->kv_stride, 0, h->a->scores, b->keys);
}

static void softmax(const struct head *h, const struct block *b, float *log_sum_ret)
{
    for (int i = 0; i < b->rows; i++) {
        float *row = h->a->scores + tr_area(i, b->keys);
        int from, to;
        visible(h->a, b, i, &from, &to);
        float max = tr_max(to - from, row + from);
        exponentials(row, from, to, max);
        float sum = tr_sum(to - from, row + from);
        float inverse = 1.0f / sum;
        for (int j = from; j < to; j++)
            row[j] *= inverse;
        zero(row, 0, from);
        zero(row, to, b->keys);
        log_sum_ret[tr_area(b->begin + i, h->a->n_heads)] = max + logf(sum);
    }
}

void tr_attention(const struct tr_attention *a, int n, const float *q, const float *k,
                  const float *v, float *out, float *log_sum_ret)
{
    struct head h = {a, a->n_heads * a->head_dim, a->n_kv_heads * a->head_dim};
    for (int head = 0; head < a->n_heads; head++) {
        int kv_head = head / (a->n_heads / a->n_kv_heads);
        const float *values = v + tr_area(kv_head, a->head_dim);
        for (int begin = 0; begin < n; begin += TR_ATTENTION_ROWS) {
            struct block b = block_at(a, n, begin);
            score(&h, &b, q + tr_area(head, a->head_dim), k + tr_area(kv_head, a->head_dim));
            softmax(&h, &b, log_sum_ret + head);
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, b.rows, a->head_dim, b.keys, 1,
                        a->scores, b.keys, values + tr_area(b.first, h.kv_stride), h.kv_stride, 0,
                        out + tr_area(begin, h.q_stride) + tr_area(head, a->head_dim), h.q_stride);
        }
    }
}

/* P again, and dS in the place of dP. */
static void softmax_back(const struct head *h, const struct block *b, const float *out,
                         const float *dout, const float *log_sum)
{
    for (int i = 0; i < b->rows; i++) {
        float *restrict p = h->a->scores + tr_area(i, b->keys);
        float *restrict dp = h->a->dscores + tr_area(i, b->keys);
        size_t at = tr_area(b->begin + i, h->q_stride);
        int from, to;
        visible(h->a, b, i, &from, &to);
        exponentials(p, from, to, log_sum[tr_area(b->begin + i, h->a->n_heads)]);
        float mean = cblas_sdot(h->a->head_dim, out + at, 1, dout + at, 1);
        for (int j = from; j < to; j++)
            dp[j] = p[j] * (dp[j] - mean);
        zero(p, 0, from);
        zero(p, to, b->keys);
        zero(dp, 0, from);
        zero(dp, to, b->keys);
    }
}

static void head_back(const struct head *h, int n, const struct tr_attention_back *t,
                      const float *log_sum)
{
    const struct tr_attention *a = h->a;
    int d = a->head_dim, qs = h->q_stride, kvs = h->kv_stride;
    for (int begin = 0; begin < n; begin += TR_ATTENTION_ROWS) {
        struct block b = block_at(a, n, begin);
        size_t q_at = tr_area(begin, qs), k_at = tr_area(b.first, kvs);
        score(h, &b, t->q, t->k);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, b.rows, b.keys, d, 1, t->dout + q_at,
                    qs, t->v + k_at, kvs, 0, a->dscores, b.keys);
        softmax_back(h, &b, t->out, t->dout, log_sum);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, b.keys, d, b.rows, 1, a->scores,
                    b.keys, t->dout + q_at, qs, 1, t->dv + k_at, kvs);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, b.rows, d, b.keys, a->scale,
                    a->dscores, b.keys, t->k + k_at, kvs, 0, t->dq + q_at, qs);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, b.keys, d, b.rows, a->scale,
                    a->dscores, b.keys, t->q + q_at, qs, 1, t->dk + k_at, kvs);
    }
}

void tr_attention_back(const struct tr_attention *a, int n, const struct tr_attention_back *b)
{
    struct head h = {a, a->n_heads * a->head_dim, a->n_kv_heads * a->head_dim};
    memset(b->dk, 0, tr_area(n, h.kv_stride) * sizeof *b->dk);
    memset(b->dv, 0, tr_area(n, h.kv_stride) * sizeof *b->dv);
    for (int head = 0; head < a->n_heads; head++) {
        size_t at = tr_area(head, a->head_dim);
        size_t kv_at = tr_area(head / (a->n_heads / a->n_kv_heads), a->head_dim);
        struct tr_attention_back one = {.q = b->q + at,
                                        .k = b->k + kv_at,
                                        .v = b->v + kv_at,
                                        .out = b->out + at,
                                        .dout = b->dout + at,
                                        .dq = b->dq + at,
                                        .dk = b->dk + kv_at,
                                        .dv = b->dv + kv_at};
        head_back(&h, n, &one, b->log_sum + head);
    }
}
