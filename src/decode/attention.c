/* SPDX-License-Identifier: Apache-2.0
 * attention.c - one row's queries over its lane's pages: scores, softmax, weighted values. Two passes, so
 * there is one maximum and no rescaling; the scores of a group of heads stay in scratch. */
#include <string.h>

#include "decode/forward.h"

void pd_attend(const struct pd_decoder *d, int layer, int row, int head, float *scores)
{
    const struct pd_kernels *kernels = d->kernels;
    const struct pd_hparams *h = &d->hparams;
    const struct pd_lane *lane = &d->kv.lane[d->row[row].lane];
    int n_heads = h->n_heads / h->n_kv_heads; /* that share this kv head */
    int head_dim = h->head_dim;
    int end = d->row[row].position + 1;
    int first = pd_layer_is_windowed(h, layer) ? pd_max_int(0, end - h->window) : 0;
    size_t stride = (size_t)d->score_stride;
    size_t offset = (size_t)(head * n_heads * head_dim);
    const float *q = d->q + (size_t)row * (size_t)d->q_stride + offset;
    float *out = d->attention + (size_t)row * (size_t)(h->n_heads * head_dim) + offset;

    for (int page = first / PD_KV_PAGE; page * PD_KV_PAGE < end; page++)
        kernels->attn_scores(pd_kv_page(&d->kv, layer, head, lane->page[page]), q, head_dim,
                             n_heads, scores + page * PD_KV_PAGE, stride);
    float inverse[PD_MAX_HEADS];
    for (int i = 0; i < n_heads; i++)
        inverse[i] = 1.0f / kernels->softmax(scores + (size_t)i * stride, first, end);

    memset(out, 0, (size_t)(n_heads * head_dim) * sizeof *out);
    for (int page = first / PD_KV_PAGE; page * PD_KV_PAGE < end; page++) {
        int base = page * PD_KV_PAGE;
        const uint16_t *values =
            pd_kv_values(&d->kv, pd_kv_page(&d->kv, layer, head, lane->page[page]));
        kernels->attn_values(values, scores + base, stride, pd_max_int(first - base, 0),
                             pd_min_int(end - base, PD_KV_PAGE), head_dim, n_heads, out);
    }
    for (int i = 0; i < n_heads; i++)
        kernels->scale(out + i * head_dim, inverse[i], head_dim);
}
