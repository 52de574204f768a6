/* SPDX-License-Identifier: Apache-2.0
 * kernels.h - every inner loop of the engine, as one table of function pointers.
 *
 * generic/ fills every slot and is the definition of right; an instruction set overrides slots with
 * functions that give the same bits (tests/kernels). What makes that possible, and must be kept:
 *
 * - Integer sums are exact, so their order is free.
 * - A float result has one order: k ascending, one accumulator per output; each step is a rounded
 *   multiplication and then a rounded addition (contraction is off: not every core has fma). Kernels
 *   are vectors across outputs, so their width changes no sum.
 * - Reductions (norms, softmax) add element i into partial sum i % PD_SUM_LANES, and the partial sums
 *   pairwise at distance 8, 4, 2, 1: pd_sum_tree().
 * - exp is the polynomial of pd_exp(), in single multiplications and additions; division and square root are IEEE.
 * - Rounding to integers is to nearest even. */
#ifndef PD_KERNELS_H
#define PD_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "quant/format.h"

enum {
    PD_SUM_LANES = 16,
    PD_KV_PAGE = 16,       /* tokens in a page of keys and values */
    PD_PANEL_MAX_ROWS = 16 /* outputs in a panel of weights: panel_rows is 8 or 16 */
};

/* Activations, one row per token of the batch. Floats are for float weights, the rest for quantised ones:
 * x = d q, in blocks of 32, |q| <= 127. Buffers are 64-byte aligned; k is a multiple of 32 where
 * q is used. */
struct pd_act {
    float *x;       /* [rows][k] */
    int8_t *q;      /* [rows][k] */
    float *d;       /* [rows][k / 32] */
    float *dsum;    /* [rows][k / 32]: d times the sum of the block's q */
    int32_t *sum16; /* [rows][k / 16]: sums of q */
};

/* Weights times activations: y[i * y_stride + panel * panel_rows + r] = sum over k of W[r][k] x[i][k]
 * for n_panels panels from `panels` on (layout: panel.h) and n_rows activation rows. y has room for
 * whole panels. */
typedef void pd_matmul_fn(const uint8_t *panels, int n_panels, int k, const struct pd_act *act,
                          int n_rows, float *y, size_t y_stride);

struct pd_kernels {
    const char *isa; /* "generic", "avx2", ... */
    int panel_rows;
    pd_matmul_fn *matmul[PD_FORMATS];

    /* One row: q, d, dsum, sum16 from x; k a multiple of 32. A block of zeros has d = 0. */
    void (*quantise)(const float *x, int k, int8_t *q, float *d, float *dsum, int32_t *sum16);

    /* out[i] = x[i] * (1 / sqrt(mean(x^2) + eps)) * weight[i]; out may be x. */
    void (*rms_norm)(float *out, const float *x, const float *weight, int n, float eps);

    /* x[i] += y[i] */
    void (*add)(float *x, const float *y, int n);

    /* x[i] *= factor */
    void (*scale)(float *x, float factor, int n);

    /* gate[i] = silu(gate[i]) * up[i], and with the tanh form of gelu. */
    void (*silu_mul)(float *gate, const float *up, int n);
    void (*gelu_mul)(float *gate, const float *up, int n);

    /* Rotates the first 2 * n elements of one head by the angles whose cosines and sines are cs[n], cs[n + n]:
     * pairs (2i, 2i + 1), or with neox (i, i + n). */
    void (*rope)(float *x, const float *cs, int n);
    void (*rope_neox)(float *x, const float *cs, int n);

    /* A key or value head in half floats into token slot `slot` of a page. Keys are [head_dim][PD_KV_PAGE],
     * values [PD_KV_PAGE][head_dim]. */
    void (*store_key)(uint16_t *page, int slot, const float *k, int head_dim);
    void (*store_value)(uint16_t *page, int slot, const float *v, int head_dim);

    /* scores[i * stride + t] = q[i] . key t, for the PD_KV_PAGE tokens of a page, n queries
     * q[n][head_dim] of heads that share it. */
    void (*attn_scores)(const uint16_t *key_page, const float *q, int head_dim, int n,
                        float *scores, size_t stride);

    /* scores[first..end) become exp(score - max); returns their sum. Partial sums go by index modulo
     * PD_SUM_LANES. */
    float (*softmax)(float *scores, int first, int end);

    /* out[i][head_dim] += scores[i * stride + t] * value t, t ascending over [first, end) of a page. */
    void (*attn_values)(const uint16_t *value_page, const float *scores, size_t stride, int first,
                        int end, int head_dim, int n, float *out);

    /* The largest of n numbers; sum of exp((x[i] - max) * inverse_temperature). */
    float (*max)(const float *x, int n);
    float (*exp_sum)(const float *x, int n, float max, float inverse_temperature);

    /* For `ponder bench --limits`: multiplies and adds bytes that stay in registers, with the instruction that
     * the fastest matmul of this instruction set lives on; returns how many multiply-adds that were. */
    int64_t (*multiply_add)(int n_rounds);

    /* The sum of n words modulo 2^64: reads memory, and does next to nothing else. */
    uint64_t (*read_words)(const uint64_t *words, size_t n);
};

/* The best table for this CPU that is at most `isa` (NULL: no limit). False: no instruction set of that
 * name in this build, or this CPU lacks it. */
bool pd_kernels_init(struct pd_kernels *kernels, const char *isa);

/* Name of the i-th instruction set of this build, rising; NULL behind the last. The first is "generic".
 * *available_ret: this CPU has it. */
const char *pd_kernels_isa(int i, bool *available_ret);

#endif
