/* SPDX-License-Identifier: Apache-2.0
 * reference.c - the forward pass in double precision. Formulas, one function each; no cache, no batch, no
 * cleverness: every position of the prompt is computed layer by layer. */
#include "tests/support/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/block.h"

enum { TILE = 4 };

struct reference {
    const struct pd_model *model;
    struct reference_rounding rounding;
    int n_tokens;
};

static void *allocate(size_t n, size_t bytes)
{
    void *block = calloc(n, bytes);
    if (!block) {
        fprintf(stderr, "reference: out of memory\n");
        exit(1);
    }
    return block;
}

static double *new_rows(int n_rows, int cols)
{
    return allocate((size_t)n_rows * (size_t)cols, sizeof(double));
}

/* Row `row` of a tensor: values_ret[cols]. */
static void decode_row(const struct pd_tensor *t, int row, float *values_ret)
{
    size_t row_bytes = pd_format_row_bytes(t->format, (size_t)t->cols);
    const unsigned char *data = t->data;
    t->format->decode(data + (size_t)row * row_bytes, values_ret,
                      (size_t)t->cols / t->format->block_elements);
}

/* x rounded to d q, |q| <= 127, in blocks of 32. */
static void round_to_int8(double *x, int n)
{
    for (int b = 0; b < n; b += PD_BLOCK) {
        double max = 0.0;
        for (int i = b; i < b + PD_BLOCK; i++)
            max = fmax(max, fabs(x[i]));
        double d = max / 127.0;
        for (int i = b; i < b + PD_BLOCK; i++)
            x[i] = d > 0.0 ? d * nearbyint(x[i] / d) : 0.0;
    }
}

static void round_to_half(double *x, int n)
{
    for (int i = 0; i < n; i++)
        x[i] = (double)pd_f16_to_f32(pd_f32_to_f16((float)x[i]));
}

/* x[n_tokens][cols] as an input of a matrix in this format, in tiles of TILE tokens, columns first:
 * [n_tokens / TILE][cols][TILE], the last tile filled up with zeros. A sum does not change by it, but TILE
 * sums are done at a time. */
static double *new_input(const struct reference *ref, const struct pd_format *format,
                         const double *x, int cols)
{
    int n = ref->n_tokens;
    double *rounded = new_rows(n, cols);
    double *tiles = new_rows(n + TILE - 1, cols);
    memcpy(rounded, x, (size_t)n * (size_t)cols * sizeof *x);
    if (ref->rounding.inputs_are_int8 && format->is_quantised)
        round_to_int8(rounded, n * cols);
    for (int t = 0; t < n; t++)
        for (int k = 0; k < cols; k++)
            tiles[(t / TILE * cols + k) * TILE + t % TILE] = rounded[t * cols + k];
    free(rounded);
    return tiles;
}

/* y[t][r] = sum over k of w[r][k] x[t][k], + bias[r]: y[n_tokens][w->rows], the caller frees it. */
static double *multiply(const struct reference *ref, const struct pd_tensor *w,
                        const struct pd_tensor *bias, const double *x)
{
    int n = ref->n_tokens;
    double *y = new_rows(n, w->rows);
    double *input = new_input(ref, w->format, x, w->cols);
    float *row = allocate((size_t)w->cols, sizeof *row);
    for (int r = 0; r < w->rows; r++) {
        decode_row(w, r, row);
        for (int t = 0; t < n; t += TILE) {
            double sum[TILE] = {0.0};
            for (int k = 0; k < w->cols; k++)
                for (int i = 0; i < TILE; i++)
                    sum[i] += (double)row[k] * input[(t / TILE * w->cols + k) * TILE + i];
            for (int i = 0; i < TILE && t + i < n; i++)
                y[(t + i) * w->rows + r] = sum[i];
        }
    }
    free(row);
    if (bias && bias->data) {
        float *values = allocate((size_t)w->rows, sizeof *values);
        decode_row(bias, 0, values);
        for (int t = 0; t < n; t++)
            for (int r = 0; r < w->rows; r++)
                y[t * w->rows + r] += (double)values[r];
        free(values);
    }
    free(input);
    return y;
}

/* Each of n_rows rows x[cols] divided by its root mean square, times the weight; nothing if the model has no
 * such weight. */
static void normalise(const struct reference *ref, const struct pd_tensor *weight, double *x,
                      int n_rows)
{
    if (!weight->data)
        return;
    int n = weight->cols;
    float *w = allocate((size_t)n, sizeof *w);
    decode_row(weight, 0, w);
    for (int row = 0; row < n_rows; row++, x += n) {
        double square = 0.0;
        for (int i = 0; i < n; i++)
            square += x[i] * x[i];
        double factor = 1.0 / sqrt(square / n + (double)ref->model->hparams.rms_eps);
        for (int i = 0; i < n; i++)
            x[i] = x[i] * factor * (double)w[i];
    }
    free(w);
}

static double *normalised(const struct reference *ref, const struct pd_tensor *weight,
                          const double *x)
{
    size_t bytes = (size_t)ref->n_tokens * (size_t)weight->cols * sizeof *x;
    double *copy = allocate(1, bytes);
    memcpy(copy, x, bytes);
    normalise(ref, weight, copy, ref->n_tokens);
    return copy;
}

/* Turns pair i of each head by the angle position * base^(-2i / rope_dim). x[n_tokens][n_heads][head_dim]. */
static void rotate(const struct reference *ref, int layer, double *x, int n_heads)
{
    const struct pd_model *model = ref->model;
    const struct pd_hparams *h = &model->hparams;
    bool windowed = pd_layer_is_windowed(h, layer);
    double base = windowed ? h->rope_base_local : h->rope_base;
    double scale = windowed ? 1.0 : h->rope_scale;
    int half = h->rope_dim / 2;
    float *divisor = allocate((size_t)half, sizeof *divisor);
    if (model->rope_freqs.data)
        decode_row(&model->rope_freqs, 0, divisor);
    else
        for (int i = 0; i < half; i++)
            divisor[i] = 1.0f;
    for (int row = 0; row < ref->n_tokens * n_heads; row++, x += h->head_dim) {
        int position = row / n_heads;
        for (int i = 0; i < half; i++) {
            double angle =
                position * scale * pow(base, -2.0 * i / h->rope_dim) / (double)divisor[i];
            double *a = model->family->rope_is_neox ? &x[i] : &x[2 * i];
            double *b = model->family->rope_is_neox ? &x[i + half] : &x[2 * i + 1];
            double turned = *a * cos(angle) - *b * sin(angle);
            *b = *a * sin(angle) + *b * cos(angle);
            *a = turned;
        }
    }
    free(divisor);
}

/* One query against the keys and values of its head: out[head_dim]. q, k, v point at this head's numbers of
 * position 0 (q: of position `position`); strides are from one position to the next. */
static void attend(const struct reference *ref, int layer, int position, const double *q,
                   const double *k, const double *v, int stride, double *out)
{
    const struct pd_hparams *h = &ref->model->hparams;
    int first = 0;
    if (pd_layer_is_windowed(h, layer) && position - h->window + 1 > 0)
        first = position - h->window + 1;
    double *p = new_rows(1, position + 1);
    double max = -INFINITY;
    for (int t = first; t <= position; t++) {
        for (int i = 0; i < h->head_dim; i++)
            p[t] += q[i] * k[t * stride + i];
        p[t] *= (double)h->attention_scale;
        max = fmax(max, p[t]);
    }
    double sum = 0.0;
    for (int t = first; t <= position; t++)
        sum += p[t] = exp(p[t] - max);
    for (int i = 0; i < h->head_dim; i++) {
        out[i] = 0.0;
        for (int t = first; t <= position; t++)
            out[i] += p[t] / sum * v[t * stride + i];
    }
    free(p);
}

static double *attention(const struct reference *ref, int layer, const double *x)
{
    const struct pd_hparams *h = &ref->model->hparams;
    const struct pd_tensor *w = ref->model->layer[layer].tensor;
    int n = ref->n_tokens;
    int q_cols = h->n_heads * h->head_dim;
    int kv_cols = h->n_kv_heads * h->head_dim;
    double *q = multiply(ref, &w[PD_ATTN_Q], &w[PD_ATTN_Q_BIAS], x);
    double *k = multiply(ref, &w[PD_ATTN_K], &w[PD_ATTN_K_BIAS], x);
    double *v = multiply(ref, &w[PD_ATTN_V], &w[PD_ATTN_V_BIAS], x);
    normalise(ref, &w[PD_ATTN_Q_NORM], q, n * h->n_heads);
    normalise(ref, &w[PD_ATTN_K_NORM], k, n * h->n_kv_heads);
    rotate(ref, layer, q, h->n_heads);
    rotate(ref, layer, k, h->n_kv_heads);
    if (ref->rounding.kv_is_half) {
        round_to_half(k, n * kv_cols);
        round_to_half(v, n * kv_cols);
    }
    double *mixed = new_rows(n, q_cols);
    for (int t = 0; t < n; t++) {
        for (int head = 0; head < h->n_heads; head++) {
            int at = t * q_cols + head * h->head_dim;
            int kv_at = head / (h->n_heads / h->n_kv_heads) * h->head_dim;
            attend(ref, layer, t, q + at, k + kv_at, v + kv_at, kv_cols, mixed + at);
        }
    }
    double *out = multiply(ref, &w[PD_ATTN_OUTPUT], NULL, mixed);
    free(mixed);
    free(v);
    free(k);
    free(q);
    return out;
}

static double activate(enum pd_activation activation, double x)
{
    static const double sqrt_2_over_pi = 0.79788456080286535588;
    if (activation == PD_GELU)
        return 0.5 * x * (1.0 + tanh(sqrt_2_over_pi * (x + 0.044715 * x * x * x)));
    return x / (1.0 + exp(-x));
}

static double *feed_forward(const struct reference *ref, int layer, const double *x)
{
    const struct pd_tensor *w = ref->model->layer[layer].tensor;
    double *gate = multiply(ref, &w[PD_FFN_GATE], NULL, x);
    double *up = multiply(ref, &w[PD_FFN_UP], NULL, x);
    for (int i = 0; i < ref->n_tokens * w[PD_FFN_GATE].rows; i++)
        gate[i] = activate(ref->model->family->activation, gate[i]) * up[i];
    double *out = multiply(ref, &w[PD_FFN_DOWN], NULL, gate);
    free(up);
    free(gate);
    return out;
}

/* x += norm(y), and frees y. */
static void add_residual(const struct reference *ref, const struct pd_tensor *post_norm, double *x,
                         double *y)
{
    normalise(ref, post_norm, y, ref->n_tokens);
    for (int i = 0; i < ref->n_tokens * ref->model->hparams.n_embd; i++)
        x[i] += y[i];
    free(y);
}

static double *embed(const struct reference *ref, const int32_t *tokens)
{
    const struct pd_model *model = ref->model;
    int n_embd = model->hparams.n_embd;
    double *x = new_rows(ref->n_tokens, n_embd);
    float *row = allocate((size_t)n_embd, sizeof *row);
    for (int t = 0; t < ref->n_tokens; t++) {
        decode_row(&model->token_embd, tokens[t], row);
        for (int i = 0; i < n_embd; i++)
            x[t * n_embd + i] = (double)row[i] * (double)model->hparams.embedding_scale;
    }
    free(row);
    return x;
}

void reference_logits(const struct pd_model *model, struct reference_rounding rounding,
                      const int32_t *tokens, int n_tokens, double *logits_ret)
{
    const struct reference ref = {model, rounding, n_tokens};
    double *x = embed(&ref, tokens);
    for (int layer = 0; layer < model->hparams.n_layers; layer++) {
        const struct pd_tensor *w = model->layer[layer].tensor;
        double *input = normalised(&ref, &w[PD_ATTN_NORM], x);
        add_residual(&ref, &w[PD_ATTN_POST_NORM], x, attention(&ref, layer, input));
        free(input);
        input = normalised(&ref, &w[PD_FFN_NORM], x);
        add_residual(&ref, &w[PD_FFN_POST_NORM], x, feed_forward(&ref, layer, input));
        free(input);
    }
    normalise(&ref, &model->output_norm, x, n_tokens);
    double *logits = multiply(&ref, &model->output, NULL, x);
    memcpy(logits_ret, logits, (size_t)n_tokens * (size_t)model->hparams.n_vocab * sizeof *logits);
    free(logits);
    free(x);
}
