/* SPDX-License-Identifier: Apache-2.0
 * attention_neon.c - scores and values of arch/generic/attention.c on 4 floats at a time: across the tokens of
 * a page for scores, across the head's elements for values. */
#include "arch/arm/arm.h"
#include "arch/arm/float4.h"
#include "quant/block.h"

enum { QUERY_TILE = 4, VECTORS = PD_KV_PAGE / 4, SPAN = 4 * VECTORS };

#define INLINE PD_INLINE

/* acc[i] += factor[i * stride] times 16 half floats, for n queries */
INLINE void add_products(const uint16_t *halfs, const float *factor, size_t stride, int n,
                         pd_float4 acc[][VECTORS])
{
    pd_float4 v[VECTORS];
    for (int j = 0; j < VECTORS; j++)
        v[j] = pd_float4_of_halfs(vld1_u16(halfs + 4 * j));
#pragma GCC unroll 4
    for (int i = 0; i < n; i++)
        for (int j = 0; j < VECTORS; j++)
            acc[i][j] = pd_float4_add(acc[i][j], pd_float4_scale(v[j], factor[(size_t)i * stride]));
}

INLINE void scores_tile(const uint16_t *key_page, const float *q, int head_dim, int n,
                        float *scores, size_t stride)
{
    pd_float4 acc[QUERY_TILE][VECTORS];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < VECTORS; j++)
            acc[i][j] = pd_float4_zero();
    for (int e = 0; e < head_dim; e++)
        add_products(key_page + e * PD_KV_PAGE, q + e, (size_t)head_dim, n, acc);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < VECTORS; j++)
            pd_float4_store(scores + (size_t)i * stride + 4 * j, acc[i][j]);
}

static void attn_scores(const uint16_t *key_page, const float *q, int head_dim, int n,
                        float *scores, size_t stride)
{
    while (n > 0) {
        int part = n < QUERY_TILE ? n : QUERY_TILE;
        if (part == 4)
            scores_tile(key_page, q, head_dim, 4, scores, stride);
        else if (part == 3)
            scores_tile(key_page, q, head_dim, 3, scores, stride);
        else if (part == 2)
            scores_tile(key_page, q, head_dim, 2, scores, stride);
        else
            scores_tile(key_page, q, head_dim, 1, scores, stride);
        n -= part;
        q += part * head_dim;
        scores += (size_t)part * stride;
    }
}

/* 16 elements of the head for n queries stay in registers while the tokens go by. */
INLINE void values_tile(const uint16_t *values, const float *scores, size_t stride, int first,
                        int end, int head_dim, int n, float *out)
{
    pd_float4 acc[QUERY_TILE][VECTORS];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < VECTORS; j++)
            acc[i][j] = pd_float4_load(out + i * head_dim + 4 * j);
    for (int t = first; t < end; t++)
        add_products(values + t * head_dim, scores + t, stride, n, acc);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < VECTORS; j++)
            pd_float4_store(out + i * head_dim + 4 * j, acc[i][j]);
}

static void attn_values(const uint16_t *value_page, const float *scores, size_t stride, int first,
                        int end, int head_dim, int n, float *out)
{
    while (n > 0) {
        int part = n < QUERY_TILE ? n : QUERY_TILE;
        int j = 0;
        for (; j + SPAN <= head_dim; j += SPAN) {
            if (part == 4)
                values_tile(value_page + j, scores, stride, first, end, head_dim, 4, out + j);
            else if (part == 3)
                values_tile(value_page + j, scores, stride, first, end, head_dim, 3, out + j);
            else if (part == 2)
                values_tile(value_page + j, scores, stride, first, end, head_dim, 2, out + j);
            else
                values_tile(value_page + j, scores, stride, first, end, head_dim, 1, out + j);
        }
        for (; j < head_dim; j++)
            for (int i = 0; i < part; i++)
                for (int t = first; t < end; t++)
                    out[i * head_dim + j] =
                        out[i * head_dim + j] + scores[(size_t)i * stride + (size_t)t] *
                                                    pd_f16_to_f32(value_page[t * head_dim + j]);
        n -= part;
        scores += (size_t)part * stride;
        out += part * head_dim;
    }
}

void pd_neon_attention(struct pd_kernels *k)
{
    k->attn_scores = attn_scores;
    k->attn_values = attn_values;
}
