/* SPDX-License-Identifier: Apache-2.0
 * attention.c - queries against pages of keys and values in half floats. */
#include "arch/exp.h"
#include "arch/generic/generic.h"
#include "quant/block.h"

static void store_key(uint16_t *page, int slot, const float *k, int head_dim)
{
    for (int i = 0; i < head_dim; i++)
        page[i * PD_KV_PAGE + slot] = pd_f32_to_f16(k[i]);
}

static void store_value(uint16_t *page, int slot, const float *v, int head_dim)
{
    for (int i = 0; i < head_dim; i++)
        page[slot * head_dim + i] = pd_f32_to_f16(v[i]);
}

static void attn_scores(const uint16_t *key_page, const float *q, int head_dim, int n,
                        float *scores, size_t stride)
{
    for (int i = 0; i < n; i++)
        for (int t = 0; t < PD_KV_PAGE; t++)
            scores[(size_t)i * stride + (size_t)t] = 0.0f;
    for (int j = 0; j < head_dim; j++) {
        float key[PD_KV_PAGE];
        for (int t = 0; t < PD_KV_PAGE; t++)
            key[t] = pd_f16_to_f32(key_page[j * PD_KV_PAGE + t]);
        for (int i = 0; i < n; i++) {
            float *row = scores + (size_t)i * stride;
            for (int t = 0; t < PD_KV_PAGE; t++)
                row[t] = row[t] + q[i * head_dim + j] * key[t];
        }
    }
}

static float softmax(float *scores, int first, int end)
{
    float max = scores[first];
    for (int t = first + 1; t < end; t++)
        max = scores[t] > max ? scores[t] : max;
    float partial[PD_SUM_LANES] = {0};
    for (int t = first; t < end; t++) {
        scores[t] = pd_exp(scores[t] - max);
        partial[t % PD_SUM_LANES] = partial[t % PD_SUM_LANES] + scores[t];
    }
    return pd_sum_tree(partial);
}

static void attn_values(const uint16_t *value_page, const float *scores, size_t stride, int first,
                        int end, int head_dim, int n, float *out)
{
    for (int t = first; t < end; t++) {
        const uint16_t *value = value_page + t * head_dim;
        for (int j = 0; j < head_dim; j++) {
            float v = pd_f16_to_f32(value[j]);
            for (int i = 0; i < n; i++)
                out[i * head_dim + j] =
                    out[i * head_dim + j] + scores[(size_t)i * stride + (size_t)t] * v;
        }
    }
}

void pd_generic_attention(struct pd_kernels *k)
{
    k->store_key = store_key;
    k->store_value = store_value;
    k->attn_scores = attn_scores;
    k->softmax = softmax;
    k->attn_values = attn_values;
}
