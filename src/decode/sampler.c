/* SPDX-License-Identifier: Apache-2.0
 * sampler.c - see sampler.h. */
#include "decode/sampler.h"

#include <math.h>
#include <string.h>

#include "arch/exp.h"
#include "base/rng.h"

enum { BLOCK = PD_HEAD_BLOCK, SPAN = PD_HEAD_SPAN, BLOCKS_PER_SPAN = SPAN / BLOCK };

void pd_sampler_layout(struct pd_sampler *s, const struct pd_head *head, struct pd_arena *a)
{
    *s = (struct pd_sampler){
        .max_parts = head->n_spans * BLOCKS_PER_SPAN,
        .max_open = pd_min_int(head->n_blocks * BLOCK, 2 * PD_MAX_KEPT) + PD_REPEAT_WINDOW,
        .max_taken = pd_min_int(head->n_vocab, PD_MAX_KEPT),
    };
    s->part = PD_NEW(a, struct pd_candidate, s->max_parts);
    s->open = PD_NEW(a, struct pd_candidate, s->max_open);
    s->taken = PD_NEW(a, struct pd_candidate, s->max_taken);
    s->mass = PD_NEW(a, float, s->max_taken + 1);
    s->span = PD_NEW(a, struct pd_head_span, head->n_spans);
    s->logits = PD_NEW(a, float, SPAN);
}

/* True if top-k, top-p or min-p choose candidates; else every token may be drawn. */
static bool keeps_some(const struct pd_sampling *how, int n_vocab)
{
    return (how->top_k > 0 && how->top_k < n_vocab) || how->top_p < 1.0f || how->min_p > 0.0f;
}

float pd_sampling_inverse_temperature(const struct pd_sampling *how, int n_vocab)
{
    return how->temperature > 0.0f && !keeps_some(how, n_vocab) ? 1.0f / how->temperature : 0.0f;
}

/* ---- heaps ---- */

/* Likelier, or as likely and of a lower number: a total order, so that ties are the same everywhere. */
static bool is_before(const struct pd_candidate *a, const struct pd_candidate *b)
{
    return a->logit > b->logit || (a->logit == b->logit && a->token < b->token);
}

/* Restores the heap below node i: the first in order is on top. */
static void sift_down(struct pd_candidate *heap, int n, int i)
{
    struct pd_candidate moving = heap[i];
    for (int child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_before(&heap[child + 1], &heap[child]))
            child++;
        if (!is_before(&heap[child], &moving))
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

static struct pd_candidate pop(struct pd_candidate *heap, int *n)
{
    struct pd_candidate top = heap[0];
    heap[0] = heap[--*n];
    if (*n > 0)
        sift_down(heap, *n, 0);
    return top;
}

static void push(struct pd_candidate *heap, int *n, struct pd_candidate c)
{
    int i = (*n)++;
    for (int parent; i > 0 && is_before(&c, &heap[parent = (i - 1) / 2]); i = parent)
        heap[i] = heap[parent];
    heap[i] = c;
}

/* ---- one draw ---- */

/* A recent token: its logit, and what the penalty makes of it. */
struct penalised {
    int32_t token;
    float own, changed;
};

struct pick {
    struct pd_sampler *s;
    const struct pd_head *head;
    const struct pd_sampling *how;
    int row;
    const struct pd_head_span *span; /* the row's, or with a penalty s->span */
    struct penalised penalised[PD_REPEAT_WINDOW];
    int n_penalised;
    int n_parts, n_open, n_taken;
    int limit;                 /* candidates that may be taken */
    struct pd_candidate floor; /* none behind it will be taken */
};

/* Logits [first, first + n) of the row with its penalties, into s->logits; how many there are. */
static int penalised_logits(const struct pick *p, int first, int n)
{
    n = pd_head_logits(p->head, p->row, first, n, p->s->logits);
    for (int i = 0; i < p->n_penalised; i++) {
        int at = p->penalised[i].token - first;
        if (at >= 0 && at < n)
            p->s->logits[at] = p->penalised[i].changed;
    }
    return n;
}

static void note_recent(struct pick *p, int32_t token)
{
    if (token < 0 || token >= p->head->n_vocab)
        return;
    int at = 0;
    while (at < p->n_penalised && p->penalised[at].token < token)
        at++;
    if (at < p->n_penalised && p->penalised[at].token == token)
        return;
    memmove(&p->penalised[at + 1], &p->penalised[at],
            (size_t)(p->n_penalised - at) * sizeof p->penalised[0]);
    p->penalised[at].token = token;
    p->n_penalised++;
}

/* Finds the recent tokens' logits and changes them, in ascending order so that each part of the vocabulary is
 * multiplied once; with them changes what the row's spans say. */
static void penalise(struct pick *p, const struct pd_draw *draw)
{
    const struct pd_head *h = p->head;
    float factor = p->how->repeat_penalty;
    for (int i = 0; i < draw->n_recent && i < PD_REPEAT_WINDOW; i++)
        note_recent(p, draw->recent[i]);
    memcpy(p->s->span, p->span, (size_t)h->n_spans * sizeof *p->span);
    p->span = p->s->span;
    for (int i = 0; i < p->n_penalised;) {
        int s = p->penalised[i].token / SPAN;
        int n = pd_head_logits(h, p->row, s * SPAN, SPAN, p->s->logits);
        for (; i < p->n_penalised && p->penalised[i].token / SPAN == s; i++) {
            float *logit = &p->s->logits[p->penalised[i].token % SPAN];
            p->penalised[i].own = *logit;
            *logit = *logit > 0.0f ? *logit / factor : *logit * factor;
            p->penalised[i].changed = *logit;
        }
        p->s->span[s] = pd_head_reduce(h, p->s->logits, n, NULL);
    }
}

/* Keeps the best of what is open, as many as may still be taken. */
static void prune(struct pick *p)
{
    struct pd_candidate *open = p->s->open;
    int n = p->n_open;
    int n_left = p->limit - p->n_taken;
    if (n <= n_left)
        return;
    for (int end = n; end > 1;) { /* sorted from the back, which is a heap again turned over */
        struct pd_candidate first = pop(open, &end);
        open[end] = first;
    }
    for (int i = 0, j = n - 1; i < j; i++, j--) {
        struct pd_candidate moved = open[i];
        open[i] = open[j];
        open[j] = moved;
    }
    p->n_open = n_left;
    p->floor = open[n_left - 1];
}

/* A span or block as a candidate: of the logit that it has at most, and a number that is twice its first token's, and one
 * more for a span. */
static struct pd_candidate part_of(float max, int first, bool is_span)
{
    return (struct pd_candidate){max, 2 * first + is_span};
}

static void open_span(struct pick *p, int first)
{
    const float *block_max = pd_head_row_blocks(p->head, p->row);
    int begin = first / BLOCK;
    int end = pd_min_int(begin + BLOCKS_PER_SPAN, p->head->n_blocks);
    for (int i = begin; i < end; i++)
        push(p->s->part, &p->n_parts, part_of(block_max[i], i * BLOCK, false));
}

/* The tokens of a block become candidates. */
static void open_block(struct pick *p, int first)
{
    int n = pd_head_logits(p->head, p->row, first, BLOCK, p->s->logits);
    for (int i = 0; i < p->n_penalised; i++) { /* they are open from the start */
        int at = p->penalised[i].token - first;
        if (at >= 0 && at < n)
            p->s->logits[at] = NAN;
    }
    if (p->n_open + BLOCK > p->s->max_open)
        prune(p);
    for (int i = 0; i < n; i++) {
        struct pd_candidate c = {p->s->logits[i], first + i};
        if (!isnan(c.logit) && is_before(&c, &p->floor))
            push(p->s->open, &p->n_open, c);
    }
}

static void begin_candidates(struct pick *p, int limit)
{
    const struct pd_head_span *span = pd_head_row_spans(p->head, p->row);
    p->limit = limit;
    p->floor = (struct pd_candidate){-INFINITY, INT32_MAX};
    p->n_parts = p->head->n_spans;
    for (int i = 0; i < p->n_parts; i++)
        p->s->part[i] = part_of(span[i].max, i * SPAN, true);
    heapify(p->s->part, p->n_parts);
    for (int i = 0; i < p->n_penalised; i++)
        if (!isnan(p->penalised[i].changed))
            push(p->s->open, &p->n_open,
                 (struct pd_candidate){p->penalised[i].changed, p->penalised[i].token});
}

/* True if the next part may hold a candidate before all that are open. */
static bool must_open(const struct pick *p)
{
    const struct pd_sampler *s = p->s;
    if (p->n_parts == 0)
        return false;
    struct pd_candidate first = {s->part[0].logit, s->part[0].token / 2}; /* at best */
    return is_before(&first, &p->floor) && (p->n_open == 0 || is_before(&first, &s->open[0]));
}

/* The next candidate in order. */
static bool take_next(struct pick *p)
{
    struct pd_sampler *s = p->s;
    while (must_open(p)) {
        int32_t number = pop(s->part, &p->n_parts).token;
        (number % 2 != 0 ? open_span : open_block)(p, number / 2);
    }
    if (p->n_open == 0)
        return false;
    s->taken[p->n_taken++] = pop(s->open, &p->n_open);
    return true;
}

/* Candidates that top-p keeps of those taken, of a total mass; at least one. More than are taken: not clear yet. */
static int top_p_of(const struct pick *p, float total)
{
    float wanted = p->how->top_p * total;
    int low = 0, high = p->n_taken + 1; /* the first whose mass before it is enough */
    while (low < high) {
        int middle = (low + high) / 2;
        if (p->s->mass[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return pd_max_int(low, 1);
}

/* Takes the candidates that top-k, top-p and min-p keep; their number. 0: no logit is a number.
 *
 * top-p is a share of the mass of what top-k keeps. That mass is not known before all of it is taken, but bounded: from
 * below by what is taken, from above by as many more as the last one, and by the whole vocabulary. As soon as both
 * bounds keep the same, the rest need not be looked for. The upper one is raised by more than what
 * rounding and pd_exp() may amount to. */
static int take_kept(struct pick *p, struct pd_total total)
{
    const struct pd_sampling *how = p->how;
    bool has_top_k = how->top_k > 0 && how->top_k < p->head->n_vocab;
    int n_min_p = p->s->max_taken; /* that min-p keeps */
    float *mass = p->s->mass;
    begin_candidates(p, has_top_k ? pd_min_int(how->top_k, p->s->max_taken) : p->s->max_taken);
    mass[0] = 0.0f;
    while (p->n_taken < p->limit && take_next(p)) {
        int n = p->n_taken;
        float e = pd_exp(p->s->taken[n - 1].logit - p->s->taken[0].logit);
        mass[n] = mass[n - 1] + e;
        if (n > 1 && how->min_p > 0.0f && e < how->min_p)
            n_min_p = pd_min_int(n_min_p, n - 1);
        if (how->top_p >= 1.0f) {
            if (n_min_p < n)
                break;
            continue;
        }
        float low = (float)total.sum, high = low;
        if (has_top_k) {
            low = mass[n];
            float as_many_more = mass[n] + (float)(p->limit - n) * e;
            high = 1.001f * (as_many_more < high ? as_many_more : high);
        }
        int least = pd_min_int(top_p_of(p, low), n_min_p);
        int most = pd_min_int(top_p_of(p, high), n_min_p);
        if (least == most && most <= n)
            return most;
    }
    int n = pd_min_int(p->n_taken, n_min_p);
    if (how->top_p < 1.0f)
        n = pd_min_int(n, top_p_of(p, has_top_k ? mass[p->n_taken] : (float)total.sum));
    return n;
}

/* One of n taken candidates. */
static struct pd_candidate draw_taken(const struct pick *p, int n, float u)
{
    const struct pd_candidate *taken = p->s->taken;
    float *weight = p->s->mass; /* no longer needed */
    float total = 0.0f;
    for (int i = 0; i < n; i++) {
        weight[i] = pd_exp((taken[i].logit - taken[0].logit) / p->how->temperature);
        total += weight[i];
    }
    float left = u * total;
    for (int i = 0; i < n - 1; i++) {
        if (left < weight[i])
            return taken[i];
        left -= weight[i];
    }
    while (n > 1 && weight[n - 1] == 0.0f) /* what rounding left goes to a possible token */
        n--;
    return taken[n - 1];
}

/* One of all tokens: a span by its mass, then a token in it, both in ascending order. False: nothing has any mass. */
static bool draw_any(const struct pick *p, float max, float u, struct pd_candidate *result_ret)
{
    float factor = p->head->inverse_temperature;
    double total = 0.0;
    PD_ASSERT(factor == 1.0f / p->how->temperature);
    for (int i = 0; i < p->head->n_spans; i++)
        total += (double)p->span[i].mass * (double)pd_exp((p->span[i].max - max) * factor);
    double left = (double)u * total;
    int chosen = -1; /* what rounding left goes to the last possible span, and token */
    for (int i = 0; i < p->head->n_spans; i++) {
        double mass = (double)p->span[i].mass * (double)pd_exp((p->span[i].max - max) * factor);
        if (mass > 0.0)
            chosen = i;
        if (left < mass)
            break;
        left -= mass;
    }
    if (chosen < 0)
        return false;
    float span_max = p->span[chosen].max;
    double scale = (double)pd_exp((span_max - max) * factor);
    int n = penalised_logits(p, chosen * SPAN, SPAN);
    for (int i = 0; i < n; i++) {
        double mass = scale * (double)pd_exp((p->s->logits[i] - span_max) * factor);
        if (mass > 0.0)
            *result_ret = (struct pd_candidate){p->s->logits[i], chosen * SPAN + i};
        if (left < mass)
            break;
        left -= mass;
    }
    return true;
}

static struct pd_candidate draw_one(struct pick *p, const struct pd_draw *draw,
                                    struct pd_total total)
{
    const struct pd_sampling *how = p->how;
    float u = pd_rng_float(how->seed, draw->sample, draw->position);
    struct pd_candidate result = {NAN, 0};
    if (how->temperature > 0.0f && keeps_some(how, p->head->n_vocab)) {
        int n = take_kept(p, total);
        return n > 0 ? draw_taken(p, n, u) : result;
    }
    if (how->temperature > 0.0f && draw_any(p, total.max, u, &result))
        return result;
    begin_candidates(p, 1);
    return take_next(p) ? p->s->taken[0] : result;
}

void pd_sample(struct pd_sampler *s, const struct pd_head *head, const struct pd_sampling *how,
               struct pd_draw *draw)
{
    struct pick p = {.s = s, .head = head, .how = how, .row = draw->row};
    p.span = pd_head_row_spans(head, draw->row);
    struct pd_total own = pd_head_total(p.span, head->n_spans), total = own;
    if (how->repeat_penalty != 1.0f && draw->n_recent > 0) {
        penalise(&p, draw);
        total = pd_head_total(p.span, head->n_spans);
    }
    struct pd_candidate c = draw_one(&p, draw, total);
    for (int i = 0; i < p.n_penalised; i++)
        if (p.penalised[i].token == c.token)
            c.logit = p.penalised[i].own;
    draw->token = c.token;
    draw->log_prob = pd_head_log_prob(own, c.logit);
}

/* Draws as a job of the pool. */
struct draws {
    struct pd_sampler *sampler;
    const struct pd_head *head;
    const struct pd_sampling *how;
    struct pd_draw *draw;
};

static void run_draw(void *context, int phase, int i, int thread)
{
    (void)phase;
    const struct draws *draws = context;
    pd_sample(&draws->sampler[thread], draws->head, draws->how, &draws->draw[i]);
}

void pd_sample_all(struct pd_sampler *sampler, const struct pd_head *head, struct pd_pool *pool,
                   const struct pd_sampling *how, struct pd_draw *draw, int n)
{
    struct draws draws = {sampler, head, how, draw};
    pd_pool_run_chunks(pool, n, run_draw, &draws);
}
