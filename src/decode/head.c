/* SPDX-License-Identifier: Apache-2.0
 * head.c - see head.h. */
#include "decode/head.h"

#include <math.h>
#include <string.h>

#include "arch/exp.h"
#include "base/real.h"

enum {
    SPAN = PD_HEAD_SPAN,
    BLOCK = PD_HEAD_BLOCK,
    TILE_FLOATS = 65536, /* 256 KiB, in the second cache; a quarter of it costs a fifth of the speed */
    STAGGER = 16         /* between a tile's rows: strides of 2^n bytes would share cache sets */
};

static size_t area(int rows, int columns)
{
    return (size_t)rows * (size_t)columns;
}

void pd_head_layout(struct pd_head *h, const struct pd_weight *weight,
                    const struct pd_kernels *kernels, int n_rows, int n_threads, struct pd_arena *a)
{
    int k = weight->cols;
    *h = (struct pd_head){
        .kernels = kernels,
        .weight = weight,
        .n_vocab = weight->rows,
        .n_spans = pd_div_up(weight->rows, SPAN),
        .n_blocks = pd_div_up(weight->rows, BLOCK),
        .n_rows = n_rows,
        .tile_floats = (size_t)pd_max_int(TILE_FLOATS, n_rows * SPAN) + area(n_rows, STAGGER),
    };
    if (weight->is_quantised) {
        h->act.q = PD_NEW(a, int8_t, area(n_rows + 1, k));
        h->act.d = PD_NEW(a, float, area(n_rows + 1, k / 32));
        h->act.dsum = PD_NEW(a, float, area(n_rows + 1, k / 32));
        h->act.sum16 = PD_NEW(a, int32_t, area(n_rows + 1, k / 16));
    } else {
        h->act.x = PD_NEW(a, float, area(n_rows + 1, k));
    }
    h->block_max = PD_NEW(a, float, area(n_rows + 1, h->n_blocks));
    h->span = PD_NEW(a, struct pd_head_span, area(n_rows + 1, h->n_spans));
    h->target = PD_NEW(a, int32_t, n_rows);
    h->target_logit = PD_NEW(a, float, n_rows);
    h->tile = PD_NEW(a, float, (size_t)n_threads * h->tile_floats);
}

/* The activations from row `row` on. */
static struct pd_act rows_from(const struct pd_head *h, int row)
{
    size_t at = area(row, h->weight->cols);
    if (!h->weight->is_quantised)
        return (struct pd_act){.x = h->act.x + at};
    return (struct pd_act){.q = h->act.q + at,
                           .d = h->act.d + at / 32,
                           .dsum = h->act.dsum + at / 32,
                           .sum16 = h->act.sum16 + at / 16};
}

void pd_head_set_row(const struct pd_head *h, int row, const float *x, int32_t target)
{
    int k = h->weight->cols;
    struct pd_act act = rows_from(h, row);
    if (h->weight->is_quantised)
        h->kernels->quantise(x, k, act.q, act.d, act.dsum, act.sum16);
    else
        memcpy(act.x, x, (size_t)k * sizeof *x);
    h->target[row] = target;
}

/* Logits [first, first + n) of n_rows rows from `row` on; what lies beyond the last panel is left out. */
static void multiply(const struct pd_head *h, int row, int n_rows, int first, int n, float *y,
                     size_t y_stride)
{
    const struct pd_weight *w = h->weight;
    int panel_rows = h->kernels->panel_rows;
    int from = first / panel_rows;
    int n_panels = pd_min_int(n / panel_rows, w->n_panels - from);
    struct pd_act act = rows_from(h, row);
    h->kernels->matmul[w->format](w->panels + (size_t)from * w->panel_bytes, n_panels, w->cols,
                                  &act, n_rows, y, y_stride);
}

int pd_head_logits(const struct pd_head *h, int row, int first, int n, float *logits_ret)
{
    multiply(h, row, 1, first, n, logits_ret, (size_t)n);
    return pd_min_int(n, h->n_vocab - first);
}

/* The largest number; -infinity if there is none. */
static float largest(const struct pd_kernels *kernels, const float *x, int n)
{
    float max = kernels->max(x, n);
    if (!isnan(max))
        return max;
    max = -INFINITY; /* a NaN in front hides the rest */
    for (int i = 0; i < n; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

/* Partial sums as in kernels.h, so that compilers may add them side by side. */
static float total_of(const float *x, int n)
{
    float partial[PD_SUM_LANES] = {0.0f};
    int i = 0;
    for (; i + PD_SUM_LANES <= n; i += PD_SUM_LANES)
        for (int j = 0; j < PD_SUM_LANES; j++)
            partial[j] += x[i + j];
    for (; i < n; i++)
        partial[i % PD_SUM_LANES] += x[i];
    for (int distance = PD_SUM_LANES / 2; distance > 0; distance /= 2)
        for (int j = 0; j < distance; j++)
            partial[j] += partial[j + distance];
    return partial[0];
}

struct pd_head_span pd_head_reduce(const struct pd_head *h, const float *logits, int n,
                                   float *block_max_ret)
{
    struct pd_head_span span = {.max = -INFINITY};
    for (int i = 0; i < n; i += BLOCK) {
        float max = largest(h->kernels, logits + i, pd_min_int(BLOCK, n - i));
        if (block_max_ret != NULL)
            block_max_ret[i / BLOCK] = max;
        span.max = max > span.max ? max : span.max;
    }
    span.sum = h->kernels->exp_sum(logits, n, span.max, 1.0f);
    if (h->inverse_temperature == 1.0f)
        span.mass = span.sum;
    else if (h->inverse_temperature != 0.0f)
        span.mass = h->kernels->exp_sum(logits, n, span.max, h->inverse_temperature);
    if (h->wants_totals)
        span.total = total_of(logits, n);
    return span;
}

/* What becomes of one row's logits [first, first + n) of a span. */
static void use(const struct pd_head *h, int row, int first, int n, const float *logits)
{
    if (h->logits != NULL) {
        memcpy(h->logits + area(row, h->n_vocab) + first, logits, (size_t)n * sizeof *logits);
        return;
    }
    h->span[area(row, h->n_spans) + (size_t)(first / SPAN)] =
        pd_head_reduce(h, logits, n, h->block_max + area(row, h->n_blocks) + first / BLOCK);
    int32_t target = h->target[row];
    if (target >= first && target < first + n)
        h->target_logit[row] = logits[target - first];
}

void pd_head_run(const struct pd_head *h, int n_rows, int begin, int end, int thread)
{
    float *tile = h->tile + (size_t)thread * h->tile_floats;
    int n_spans = pd_max_int(1, TILE_FLOATS / SPAN / n_rows); /* of a tile */
    size_t stride = (size_t)(n_spans * SPAN + STAGGER);
    for (int from = begin; from < end; from += n_spans) {
        int to = pd_min_int(from + n_spans, end);
        multiply(h, 0, n_rows, from * SPAN, (to - from) * SPAN, tile, stride);
        for (int row = 0; row < n_rows; row++)
            for (int s = from; s < to; s++)
                use(h, row, s * SPAN, pd_min_int(SPAN, h->n_vocab - s * SPAN),
                    tile + (size_t)row * stride + (size_t)((s - from) * SPAN));
    }
}

static void copy_row(void *array, int from, int to, size_t row_bytes)
{
    char *rows = array;
    memcpy(rows + (size_t)to * row_bytes, rows + (size_t)from * row_bytes, row_bytes);
}

void pd_head_keep(const struct pd_head *h, int row)
{
    size_t k = (size_t)h->weight->cols;
    if (h->weight->is_quantised) {
        copy_row(h->act.q, row, h->n_rows, k);
        copy_row(h->act.d, row, h->n_rows, k / 32 * sizeof(float));
        copy_row(h->act.dsum, row, h->n_rows, k / 32 * sizeof(float));
        copy_row(h->act.sum16, row, h->n_rows, k / 16 * sizeof(int32_t));
    } else {
        copy_row(h->act.x, row, h->n_rows, k * sizeof(float));
    }
    copy_row(h->block_max, row, h->n_rows, (size_t)h->n_blocks * sizeof(float));
    copy_row(h->span, row, h->n_rows, (size_t)h->n_spans * sizeof(struct pd_head_span));
}

struct pd_total pd_head_total(const struct pd_head_span *span, int n_spans)
{
    struct pd_total total = {-INFINITY, 0.0};
    for (int i = 0; i < n_spans; i++)
        total.max = span[i].max > total.max ? span[i].max : total.max;
    for (int i = 0; i < n_spans; i++)
        total.sum += (double)span[i].sum * (double)pd_exp(span[i].max - total.max);
    return total;
}

float pd_head_log_prob(struct pd_total total, float logit)
{
    if (total.sum == 0.0) /* the largest is infinite, and has it all */
        return logit < total.max ? -INFINITY : 0.0f;
    return isnan(logit) ? -INFINITY : logit - total.max - (float)pd_real_log(total.sum);
}

float pd_head_score(const struct pd_head *h, int row)
{
    struct pd_total total = pd_head_total(pd_head_row_spans(h, row), h->n_spans);
    return pd_head_log_prob(total, h->target_logit[row]);
}

float pd_head_certainty(const struct pd_head *h, int row)
{
    const struct pd_head_span *span = pd_head_row_spans(h, row);
    struct pd_total all = pd_head_total(span, h->n_spans);
    double log_n = pd_real_log((double)h->n_vocab), sum = 0.0;
    PD_ASSERT(h->wants_totals);
    for (int i = 0; i < h->n_spans; i++)
        sum += (double)span[i].total;
    double distance = (double)all.max + pd_real_log(all.sum) - sum / h->n_vocab - log_n;
    distance = distance / log_n;
    return isfinite(distance) ? (float)distance : NAN;
}
