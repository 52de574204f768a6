/* SPDX-License-Identifier: Apache-2.0
 * attention.c - queries of several rows over the pages of their lanes: scores, softmax, weighted values. Two
 * passes, so there is one maximum and no rescaling; scores stay in scratch. A page that neighbouring rows
 * share (a common prompt, a prompt being read) is visited once for all their queries: what a query sums,
 * and in which order, is the same alone. */
#include <string.h>

#include "decode/forward.h"

/* What a row attends to: tokens [first, end). */
struct reach {
    const struct pd_lane *lane;
    int first, end;
};

/* A page of keys or values, and the rows that read it. */
struct visit {
    int page; /* in the lane's table */
    int row, n_rows;
    int from, to; /* slots; keys: all */
    const uint16_t *data;
};

struct attention {
    const struct pd_decoder *d;
    int layer, head, n_rows;
    bool of_values;
    int last_page;
    struct reach reach[PD_ATTEND_ROWS];
};

static bool reads(const struct reach *r, int page)
{
    return page * PD_KV_PAGE < r->end && (page + 1) * PD_KV_PAGE > r->first;
}

static int slot_of(int token, int page)
{
    return pd_min_int(pd_max_int(token - page * PD_KV_PAGE, 0), PD_KV_PAGE);
}

/* Moves on to the next visit: rows in turn, then pages. Starts from {.page = first, all else 0}. */
static bool next_visit(const struct attention *a, struct visit *v)
{
    int row = v->row + v->n_rows;
    int page = v->page;
    for (;; row++) {
        if (row >= a->n_rows) {
            row = 0;
            if (++page > a->last_page)
                return false;
        }
        if (reads(&a->reach[row], page))
            break;
    }
    const struct reach *r = &a->reach[row];
    int32_t stored = r->lane->page[page];
    *v = (struct visit){page, row, 0, slot_of(r->first, page), slot_of(r->end, page), NULL};
    do {
        v->n_rows++;
        r++;
    } while (
        row + v->n_rows < a->n_rows && reads(r, page) && r->lane->page[page] == stored &&
        (!a->of_values || (slot_of(r->first, page) == v->from && slot_of(r->end, page) == v->to)));
    v->data = pd_kv_half(&a->d->kv, a->layer, a->head, stored, a->of_values);
    return true;
}

/* Pages that a lane has to itself lie apart, so the hardware does not see the next one coming. */
static void prefetch(const uint16_t *data, int head_dim)
{
    for (int i = 0; i < PD_KV_PAGE * head_dim; i += 32)
        __builtin_prefetch(data + i);
}

/* Scores of all pages, or values weighted by them, into scratch. */
static void walk(struct attention *a, int first_page, struct pd_attend_scratch *s)
{
    const struct pd_decoder *d = a->d;
    int head_dim = d->hparams.head_dim;
    int group = d->hparams.n_heads / d->hparams.n_kv_heads;
    size_t stride = (size_t)d->score_stride;
    struct visit next = {.page = first_page};
    bool is_more = next_visit(a, &next);
    while (is_more) {
        struct visit v = next;
        is_more = next_visit(a, &next);
        if (is_more && next.data != v.data)
            prefetch(next.data, head_dim);
        int query = v.row * group, n = v.n_rows * group;
        float *scores = s->scores + (size_t)query * stride + (size_t)(v.page * PD_KV_PAGE);
        if (a->of_values)
            d->kernels->attn_values(v.data, scores, stride, v.from, v.to, head_dim, n,
                                    s->out + query * head_dim);
        else
            d->kernels->attn_scores(v.data, s->q + query * head_dim, head_dim, n, scores, stride);
    }
}

void pd_attend(const struct pd_decoder *d, int layer, int row, int n_rows, int head,
               struct pd_attend_scratch *s)
{
    const struct pd_hparams *h = &d->hparams;
    int group = h->n_heads / h->n_kv_heads; /* heads that share this kv head */
    int width = group * h->head_dim;
    struct attention a = {.d = d, .layer = layer, .head = head, .n_rows = n_rows};
    int first_page = d->kv.max_pages;
    for (int i = 0; i < n_rows; i++) {
        const struct pd_row *r = &d->row[row + i];
        int end = r->position + 1;
        int first = pd_layer_is_windowed(h, layer) ? pd_max_int(0, end - h->window) : 0;
        a.reach[i] = (struct reach){&d->kv.lane[r->lane], first, end};
        first_page = pd_min_int(first_page, first / PD_KV_PAGE);
        a.last_page = pd_max_int(a.last_page, r->position / PD_KV_PAGE);
        memcpy(s->q + i * width, d->q + (size_t)(row + i) * (size_t)d->q_stride + head * width,
               (size_t)width * sizeof *s->q);
    }
    walk(&a, first_page, s);
    for (int i = 0; i < n_rows * group; i++)
        s->inverse[i] =
            1.0f / d->kernels->softmax(s->scores + (size_t)i * (size_t)d->score_stride,
                                       a.reach[i / group].first, a.reach[i / group].end);
    memset(s->out, 0, (size_t)(n_rows * width) * sizeof *s->out);
    a.of_values = true;
    walk(&a, first_page, s);
    for (int i = 0; i < n_rows * group; i++)
        d->kernels->scale(s->out + i * h->head_dim, s->inverse[i], h->head_dim);
    for (int i = 0; i < n_rows; i++)
        memcpy(d->attention + (size_t)(row + i) * (size_t)(h->n_heads * h->head_dim) + head * width,
               s->out + i * width, (size_t)width * sizeof *s->out);
}
