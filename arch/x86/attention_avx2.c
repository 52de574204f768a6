/* SPDX-License-Identifier: Apache-2.0
 * attention_avx2.c - arch/generic/attention.c on 8 floats at a time: across the tokens of a page for
 * scores, across the head's elements for values. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "arch/x86/exp_avx2.h"
#include "arch/x86/query_tiles.h"
#include "arch/x86/reduce_avx2.h"
#include "arch/x86/x86.h"
#include "quant/block.h"

enum { QUERY_TILE = 4 };

INLINE __m256 load_halfs(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static void store_key(uint16_t *page, int slot, const float *k, int head_dim)
{
    int i = 0;
    for (; i + 8 <= head_dim; i += 8) {
        uint16_t halfs[8];
        _mm_storeu_si128((__m128i *)(void *)halfs,
                         _mm256_cvtps_ph(_mm256_loadu_ps(k + i), _MM_FROUND_TO_NEAREST_INT));
        for (int j = 0; j < 8; j++)
            page[(i + j) * PD_KV_PAGE + slot] = halfs[j];
    }
    for (; i < head_dim; i++)
        page[i * PD_KV_PAGE + slot] = pd_f32_to_f16(k[i]);
}

static void store_value(uint16_t *page, int slot, const float *v, int head_dim)
{
    uint16_t *out = page + slot * head_dim;
    int i = 0;
    for (; i + 8 <= head_dim; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(out + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(v + i), _MM_FROUND_TO_NEAREST_INT));
    for (; i < head_dim; i++)
        out[i] = pd_f32_to_f16(v[i]);
}

INLINE void scores_tile(const uint16_t *key_page, const float *q, int head_dim, int n,
                        float *scores, size_t stride)
{
    __m256 acc[QUERY_TILE][2];
    for (int i = 0; i < n; i++)
        acc[i][0] = acc[i][1] = _mm256_setzero_ps();
    for (int j = 0; j < head_dim; j++, key_page += PD_KV_PAGE) {
        __m256 low = load_halfs(key_page), high = load_halfs(key_page + 8);
#pragma GCC unroll 4
        for (int i = 0; i < n; i++) {
            __m256 query = _mm256_set1_ps(q[i * head_dim + j]);
            acc[i][0] = _mm256_add_ps(acc[i][0], _mm256_mul_ps(query, low));
            acc[i][1] = _mm256_add_ps(acc[i][1], _mm256_mul_ps(query, high));
        }
    }
    for (int i = 0; i < n; i++) {
        _mm256_storeu_ps(scores + (size_t)i * stride, acc[i][0]);
        _mm256_storeu_ps(scores + (size_t)i * stride + 8, acc[i][1]);
    }
}

static void attn_scores(const uint16_t *key_page, const float *q, int head_dim, int n,
                        float *scores, size_t stride)
{
#define CALL(m) scores_tile(key_page, q, head_dim, m, scores, stride)
    for (int part; n > 0; n -= part, q += part * head_dim, scores += (size_t)part * stride) {
        part = n < QUERY_TILE ? n : QUERY_TILE;
        FOR_TILE_4(part, CALL)
    }
#undef CALL
}

static float softmax(float *scores, int first, int end)
{
    float max = scores[first];
    for (int t = first + 1; t < end; t++)
        max = scores[t] > max ? scores[t] : max;
    const __m256 max8 = _mm256_set1_ps(max);
    float partial[PD_SUM_LANES] = {0};
    int t = first;
    for (; t < end && t % PD_SUM_LANES != 0; t++) {
        scores[t] = pd_exp(scores[t] - max);
        partial[t % PD_SUM_LANES] = partial[t % PD_SUM_LANES] + scores[t];
    }
    __m256 low = _mm256_loadu_ps(partial), high = _mm256_loadu_ps(partial + 8);
    for (; t + PD_SUM_LANES <= end; t += PD_SUM_LANES) {
        __m256 a = pd_exp_avx2(_mm256_sub_ps(_mm256_loadu_ps(scores + t), max8));
        __m256 b = pd_exp_avx2(_mm256_sub_ps(_mm256_loadu_ps(scores + t + 8), max8));
        _mm256_storeu_ps(scores + t, a);
        _mm256_storeu_ps(scores + t + 8, b);
        low = _mm256_add_ps(low, a);
        high = _mm256_add_ps(high, b);
    }
    _mm256_storeu_ps(partial, low);
    _mm256_storeu_ps(partial + 8, high);
    for (; t < end; t++) {
        scores[t] = pd_exp(scores[t] - max);
        partial[t % PD_SUM_LANES] = partial[t % PD_SUM_LANES] + scores[t];
    }
    return pd_sum_tree_avx2(_mm256_loadu_ps(partial), _mm256_loadu_ps(partial + 8));
}

/* 16 elements of the head for n queries stay in registers while the tokens go by. */
INLINE void values_tile(const uint16_t *values, const float *scores, size_t stride, int first,
                        int end, int head_dim, int n, float *out)
{
    __m256 acc[QUERY_TILE][2];
    for (int i = 0; i < n; i++) {
        acc[i][0] = _mm256_loadu_ps(out + i * head_dim);
        acc[i][1] = _mm256_loadu_ps(out + i * head_dim + 8);
    }
    for (int t = first; t < end; t++) {
        __m256 low = load_halfs(values + t * head_dim),
               high = load_halfs(values + t * head_dim + 8);
#pragma GCC unroll 4
        for (int i = 0; i < n; i++) {
            __m256 weight = _mm256_set1_ps(scores[(size_t)i * stride + (size_t)t]);
            acc[i][0] = _mm256_add_ps(acc[i][0], _mm256_mul_ps(weight, low));
            acc[i][1] = _mm256_add_ps(acc[i][1], _mm256_mul_ps(weight, high));
        }
    }
    for (int i = 0; i < n; i++) {
        _mm256_storeu_ps(out + i * head_dim, acc[i][0]);
        _mm256_storeu_ps(out + i * head_dim + 8, acc[i][1]);
    }
}

static void attn_values(const uint16_t *value_page, const float *scores, size_t stride, int first,
                        int end, int head_dim, int n, float *out)
{
#define CALL(m) values_tile(value_page + j, scores, stride, first, end, head_dim, m, out + j)
    for (int part; n > 0; n -= part, out += part * head_dim, scores += (size_t)part * stride) {
        part = n < QUERY_TILE ? n : QUERY_TILE;
        int j = 0;
        for (; j + 16 <= head_dim; j += 16)
            FOR_TILE_4(part, CALL)
        for (; j < head_dim; j++)
            for (int i = 0; i < part; i++)
                for (int t = first; t < end; t++)
                    out[i * head_dim + j] =
                        out[i * head_dim + j] + scores[(size_t)i * stride + (size_t)t] *
                                                    pd_f16_to_f32(value_page[t * head_dim + j]);
    }
#undef CALL
}

void pd_avx2_attention(struct pd_kernels *k)
{
    k->store_key = store_key;
    k->store_value = store_value;
    k->attn_scores = attn_scores;
    k->softmax = softmax;
    k->attn_values = attn_values;
}
