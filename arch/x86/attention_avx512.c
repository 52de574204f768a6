/* SPDX-License-Identifier: Apache-2.0
 * attention_avx512.c - arch/generic/attention.c on 16 floats at a time: across the tokens of a page for
 * scores, across the head's elements for values. Queries of several rows share what is loaded. */
#ifndef __AVX512DQ__
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni"
#endif
#include "arch/x86/exp_avx512.h"
#include "arch/x86/query_tiles.h"
#include "arch/x86/reduce_avx512.h"
#include "arch/x86/x86.h"
#include "quant/block.h"

enum { QUERY_TILE = 8 };

INLINE __m512 load_halfs(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

INLINE void scores_tile(const uint16_t *key_page, const float *q, int head_dim, int n,
                        float *scores, size_t stride)
{
    __m512 acc[QUERY_TILE];
    for (int i = 0; i < n; i++)
        acc[i] = _mm512_setzero_ps();
    for (int j = 0; j < head_dim; j++, key_page += PD_KV_PAGE) {
        __m512 keys = load_halfs(key_page);
#pragma GCC unroll 8
        for (int i = 0; i < n; i++)
            acc[i] =
                _mm512_add_ps(acc[i], _mm512_mul_ps(_mm512_set1_ps(q[i * head_dim + j]), keys));
    }
    for (int i = 0; i < n; i++)
        _mm512_storeu_ps(scores + (size_t)i * stride, acc[i]);
}

/* 16 elements of the head for n queries stay in registers while the tokens go by. */
INLINE void values_tile(const uint16_t *values, const float *scores, size_t stride, int first,
                        int end, int head_dim, int n, float *out)
{
    for (int j = 0; j + 16 <= head_dim; j += 16) {
        __m512 acc[QUERY_TILE];
        for (int i = 0; i < n; i++)
            acc[i] = _mm512_loadu_ps(out + i * head_dim + j);
        for (int t = first; t < end; t++) {
            __m512 value = load_halfs(values + t * head_dim + j);
#pragma GCC unroll 8
            for (int i = 0; i < n; i++) {
                __m512 weight = _mm512_set1_ps(scores[(size_t)i * stride + (size_t)t]);
                acc[i] = _mm512_add_ps(acc[i], _mm512_mul_ps(weight, value));
            }
        }
        for (int i = 0; i < n; i++)
            _mm512_storeu_ps(out + i * head_dim + j, acc[i]);
    }
    for (int j = head_dim - head_dim % 16; j < head_dim; j++)
        for (int i = 0; i < n; i++)
            for (int t = first; t < end; t++)
                out[i * head_dim + j] =
                    out[i * head_dim + j] + scores[(size_t)i * stride + (size_t)t] *
                                                pd_f16_to_f32(values[t * head_dim + j]);
}

static void attn_scores(const uint16_t *key_page, const float *q, int head_dim, int n,
                        float *scores, size_t stride)
{
#define CALL(m) scores_tile(key_page, q, head_dim, m, scores, stride)
    for (int part; n > 0; n -= part, q += part * head_dim, scores += (size_t)part * stride) {
        part = n < QUERY_TILE ? n : QUERY_TILE;
        FOR_TILE_8(part, CALL)
    }
#undef CALL
}

static void attn_values(const uint16_t *value_page, const float *scores, size_t stride, int first,
                        int end, int head_dim, int n, float *out)
{
#define CALL(m) values_tile(value_page, scores, stride, first, end, head_dim, m, out)
    for (int part; n > 0; n -= part, out += part * head_dim, scores += (size_t)part * stride) {
        part = n < QUERY_TILE ? n : QUERY_TILE;
        FOR_TILE_8(part, CALL)
    }
#undef CALL
}

/* Vectors lie at multiples of PD_SUM_LANES, so that score t is in the lane of its partial sum. */
static float softmax(float *scores, int first, int end)
{
    const int start = first - first % PD_SUM_LANES;
    const __mmask16 head = (__mmask16)(0xffffu << (first - start));
    __m512 max = _mm512_set1_ps(scores[first]);
    __mmask16 lanes = head;
    for (int t = start; t < end; t += PD_SUM_LANES, lanes = 0xffff) {
        lanes &= pd_first_lanes_avx512(end - t);
        /* A NaN never replaces max: max_ps gives its second operand. */
        max = _mm512_mask_max_ps(max, lanes, _mm512_maskz_loadu_ps(lanes, scores + t), max);
    }
    max = _mm512_set1_ps(pd_max16_avx512(max));
    __m512 partial = _mm512_setzero_ps();
    lanes = head;
    for (int t = start; t < end; t += PD_SUM_LANES, lanes = 0xffff) {
        lanes &= pd_first_lanes_avx512(end - t);
        __m512 x = _mm512_maskz_loadu_ps(lanes, scores + t);
        __m512 e = pd_exp_avx512(_mm512_sub_ps(x, max));
        _mm512_mask_storeu_ps(scores + t, lanes, e);
        partial = _mm512_mask_add_ps(partial, lanes, partial, e);
    }
    return pd_sum_tree_avx512(partial);
}

void pd_avx512_attention(struct pd_kernels *k)
{
    k->attn_scores = attn_scores;
    k->softmax = softmax;
    k->attn_values = attn_values;
}
