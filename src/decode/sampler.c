/* SPDX-License-Identifier: Apache-2.0
 * sampler.c - see sampler.h. */
#include "decode/sampler.h"

#include <math.h>

#include "arch/exp.h"
#include "base/real.h"
#include "base/rng.h"

void pd_sampler_layout(struct pd_sampler *s, int n_vocab, struct pd_arena *a)
{
    s->candidate = PD_NEW(a, struct pd_candidate, n_vocab);
}

/* The logits that a penalty changed, to be put back: the lane's distribution is the model's own. */
struct penalty {
    int n;
    int32_t token[PD_REPEAT_WINDOW];
    float logit[PD_REPEAT_WINDOW];
};

static void penalise(struct penalty *p, float *logits, int n_vocab, float factor,
                     const int32_t *recent, int n_recent)
{
    p->n = 0;
    for (int i = 0; i < n_recent && i < PD_REPEAT_WINDOW; i++) {
        bool is_done = recent[i] < 0 || recent[i] >= n_vocab;
        for (int j = 0; j < p->n && !is_done; j++)
            is_done = p->token[j] == recent[i];
        if (is_done)
            continue;
        float *logit = &logits[recent[i]];
        p->token[p->n] = recent[i];
        p->logit[p->n++] = *logit;
        *logit = *logit > 0.0f ? *logit / factor : *logit * factor;
    }
}

static void restore(const struct penalty *p, float *logits)
{
    for (int i = 0; i < p->n; i++)
        logits[p->token[i]] = p->logit[i];
}

static int32_t likeliest(const float *logits, int n)
{
    int32_t best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best] || isnan(logits[best]))
            best = i;
    return best;
}

/* Likelier, or as likely and of a lower number: a total order, so that ties are the same everywhere. */
static bool is_before(const struct pd_candidate *a, const struct pd_candidate *b)
{
    return a->logit > b->logit || (a->logit == b->logit && a->token < b->token);
}

/* Restores the heap below node i: the last in order is on top. */
static void sift_down(struct pd_candidate *heap, int n, int i)
{
    struct pd_candidate moving = heap[i];
    for (int child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_before(&heap[child], &heap[child + 1]))
            child++;
        if (!is_before(&moving, &heap[child]))
            break;
        heap[i] = heap[child];
    }
    heap[i] = moving;
}

static void heapify(struct pd_candidate *heap, int n)
{
    for (int i = n / 2 - 1; i >= 0; i--)
        sift_down(heap, n, i);
}

/* A heap with the last on top, to likeliest first. */
static void sort_heap(struct pd_candidate *heap, int n)
{
    for (int end = n - 1; end > 0; end--) {
        struct pd_candidate last = heap[0];
        heap[0] = heap[end];
        heap[end] = last;
        sift_down(heap, end, 0);
    }
}

/* The k first in order, sorted. Most logits fall at the comparison with the heap's top. */
static int take_top(const float *logits, int n_vocab, int k, struct pd_candidate *out)
{
    int n = 0;
    for (int i = 0; i < n_vocab; i++) {
        struct pd_candidate c = {logits[i], i};
        if (isnan(c.logit))
            continue;
        if (n < k) {
            out[n++] = c;
            if (n == k)
                heapify(out, n);
        } else if (is_before(&c, &out[0])) {
            out[0] = c;
            sift_down(out, n, 0);
        }
    }
    if (n < k)
        heapify(out, n);
    sort_heap(out, n);
    return n;
}

/* All within `range` of the largest logit, sorted; an infinite one is within range of itself. */
static int take_near(const float *logits, int n_vocab, float max, float range,
                     struct pd_candidate *out)
{
    int n = 0;
    for (int i = 0; i < n_vocab; i++)
        if (max - logits[i] <= range || logits[i] == max)
            out[n++] = (struct pd_candidate){logits[i], i};
    heapify(out, n);
    sort_heap(out, n);
    return n;
}

/* Without top-k: only as many candidates are sorted as top-p and min-p may keep. `total` is the
 * sum of exp(logit - max) over the vocabulary. */
static int take_mass(const float *logits, int n_vocab, const struct pd_sampling *how, float max,
                     float total, struct pd_candidate *out)
{
    if (how->min_p > 0.0f)
        return take_near(logits, n_vocab, max, (float)-pd_real_log((double)how->min_p) + 1e-3f,
                         out);
    for (float range = 8.0f;; range *= 2.0f) {
        int n = take_near(logits, n_vocab, max, range, out);
        float mass = 0.0f;
        for (int i = 0; i < n; i++)
            mass += pd_exp(out[i].logit - max);
        if (mass >= how->top_p * total || range > -PD_EXP_MIN)
            return n;
    }
}

/* Cuts sorted candidates to those that top-p and min-p keep; at least one. */
static int cut(const struct pd_candidate *candidate, int n, const struct pd_sampling *how,
               float total)
{
    float max = candidate[0].logit;
    int keep = n;
    if (how->top_p < 1.0f) {
        float mass = 0.0f;
        for (keep = 0; keep < n && mass < how->top_p * total; keep++)
            mass += pd_exp(candidate[keep].logit - max);
    }
    if (how->min_p > 0.0f)
        while (keep > 1 && pd_exp(candidate[keep - 1].logit - max) < how->min_p)
            keep--;
    return keep > 0 ? keep : 1;
}

static int32_t draw_token(struct pd_candidate *candidate, int n, float temperature, float u)
{
    float max = candidate[0].logit;
    float total = 0.0f;
    for (int i = 0; i < n; i++) {
        candidate[i].logit = pd_exp((candidate[i].logit - max) / temperature);
        total += candidate[i].logit;
    }
    float left = u * total;
    for (int i = 0; i < n - 1; i++) {
        if (left < candidate[i].logit)
            return candidate[i].token;
        left -= candidate[i].logit;
    }
    while (n > 1 &&
           candidate[n - 1].logit == 0.0f) /* what rounding left goes to a possible token */
        n--;
    return candidate[n - 1].token;
}

static float largest(const struct pd_kernels *kernels, const float *logits, int n_vocab)
{
    float max = kernels->max(logits, n_vocab);
    return isnan(max) ? logits[likeliest(logits, n_vocab)]
                      : max; /* a NaN in front hides the rest */
}

/* The candidates that may be drawn, likeliest first; their number. 0: no logit is a number. */
static int take(struct pd_candidate *out, const struct pd_kernels *kernels, const float *logits,
                int n_vocab, const struct pd_sampling *how)
{
    int n;
    float mass = 0.0f; /* that top-p is a share of */
    if (how->top_k > 0 && how->top_k < n_vocab) {
        n = take_top(logits, n_vocab, how->top_k, out);
        for (int i = 0; i < n; i++)
            mass += pd_exp(out[i].logit - out[0].logit);
    } else {
        float max = largest(kernels, logits, n_vocab);
        mass = kernels->exp_sum(logits, n_vocab, max, 1.0f);
        if (how->top_p < 1.0f || how->min_p > 0.0f)
            n = take_mass(logits, n_vocab, how, max, mass, out);
        else
            n = take_near(logits, n_vocab, max, -PD_EXP_MIN * how->temperature, out);
    }
    return n > 0 ? cut(out, n, how, mass) : 0;
}

int32_t pd_sample(struct pd_sampler *s, const struct pd_kernels *kernels, float *logits,
                  int n_vocab, const struct pd_sampling *how, const struct pd_draw *draw,
                  float *log_prob_ret)
{
    struct penalty penalty = {0};
    if (how->repeat_penalty != 1.0f)
        penalise(&penalty, logits, n_vocab, how->repeat_penalty, draw->recent, draw->n_recent);
    int32_t token;
    if (how->temperature <= 0.0f) {
        token = likeliest(logits, n_vocab);
    } else {
        int n = take(s->candidate, kernels, logits, n_vocab, how);
        float u = pd_rng_float(how->seed, draw->sample, draw->position);
        token = n > 0 ? draw_token(s->candidate, n, how->temperature, u) : 0;
    }
    restore(&penalty, logits);
    float max = largest(kernels, logits, n_vocab);
    float total = kernels->exp_sum(logits, n_vocab, max, 1.0f);
    *log_prob_ret = total > 0.0f ? logits[token] - max - (float)pd_real_log((double)total) : 0.0f;
    return token;
}
