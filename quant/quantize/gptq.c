/* SPDX-License-Identifier: Apache-2.0
 * gptq.c - see gptq.h. Rows are independent: within a stretch of columns each thread goes through rows of its own, and
 * the errors of a stretch reach the columns behind it in one product. */
#include "quant/quantize/gptq.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/train/memory.h"
#include "quant/encode_block.h"

/* LAPACK, column-major: its lower triangle is our upper one. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);

static bool factor_damped(const float *h, int n, double added, double *a)
{
    size_t cols = (size_t)n;
    int info;
    for (size_t i = 0; i < cols; i++) {
        for (size_t j = i; j < cols; j++)
            a[i * cols + j] = (double)h[i * cols + j];
        a[i * cols + i] += added;
    }
    dpotrf_("L", &n, a, &n, &info);
    if (info == 0)
        dpotri_("L", &n, a, &n, &info);
    if (info == 0)
        dpotrf_("L", &n, a, &n, &info);
    return info == 0;
}

bool gptq_factor(const float *h, int n, double damping, float *u_ret)
{
    static const double least = 1e-3; /* share of the mean, for the second try */
    size_t cols = (size_t)n;
    double mean = 0.0;
    for (size_t i = 0; i < cols; i++)
        mean += (double)h[i * (cols + 1)] / n;
    if (!isfinite(mean))
        return false;
    if (mean <= 0.0)
        mean = 1.0; /* no input at all: any H does */
    double *a = tr_alloc(cols * cols, sizeof *a);
    bool is_done = false;
    for (double share = damping; !is_done && share <= 1.0; share = fmax(10.0 * share, least))
        is_done = factor_damped(h, n, share * mean, a);
    for (size_t i = 0; i < cols * cols; i++) {
        u_ret[i] = i % cols >= i / cols ? (float)a[i] : 0.0f;
        is_done = is_done && isfinite(u_ret[i]);
    }
    free(a);
    return is_done;
}

/* Columns that are rounded before what is behind them is corrected: whole blocks of every format. */
enum { STRETCH = 256 };

struct job {
    float *w; /* [rows][cols] */
    int rows, cols;
    const float *u;
    const float *importance; /* [cols] */
    const struct pd_format *format;
    const struct pd_coding *coding;
    unsigned char *blocks;
    float *errors;   /* [rows][STRETCH], e of the stretch */
    double *row_sum; /* [rows], of e^2 */
    int first, n;    /* columns of the stretch */
    int n_chunks;
};

/* Rounds the block at column `at` of a row; errors of the stretch's columns are put on those behind them in it. */
static void round_block(const struct job *job, int row, int at)
{
    const struct pd_coding *coding = job->coding;
    float *w = job->w + (size_t)row * (size_t)job->cols;
    float *errors = job->errors + (size_t)row * STRETCH - job->first;
    int end = job->first + job->n;
    struct pd_code code = {.d = 0};
    struct pd_grid grid = {0.0f, 0.0f};
    pd_code_search(coding, &code, w + at, job->importance + at);
    for (int i = 0; i < job->format->block_elements; i++) {
        int j = at + i;
        int part = i / coding->part_elements;
        const float *u = job->u + (size_t)j * (size_t)job->cols;
        if (i % coding->part_elements == 0) {
            if (part > 0)
                pd_code_search_part(coding, &code, part, w + j, job->importance + j);
            grid = pd_code_grid(coding, &code, part);
        }
        code.q[i] = (int8_t)pd_grid_round(coding, grid, w[j]);
        float rounded = grid.step * (float)code.q[i] + grid.offset;
        float e = (w[j] - rounded) / u[j];
        w[j] = rounded;
        errors[j] = e;
        job->row_sum[row] += (double)(e * e);
        for (int k = j + 1; k < end; k++)
            w[k] -= e * u[k];
    }
    size_t block = (size_t)at / job->format->block_elements;
    unsigned char *blocks =
        job->blocks + (size_t)row * pd_format_row_bytes(job->format, (size_t)job->cols);
    coding->pack(&code, blocks + block * job->format->block_bytes);
}

static void round_chunk(void *context, int phase, int chunk, int thread)
{
    const struct job *job = context;
    int begin, end;
    (void)phase;
    (void)thread;
    pd_share(job->rows, chunk, job->n_chunks, &begin, &end);
    for (int row = begin; row < end; row++)
        for (int at = job->first; at < job->first + job->n; at += job->format->block_elements)
            round_block(job, row, at);
}

double gptq_round(struct pd_pool *pool, float *w, int rows, int cols, const float *u,
                  enum pd_format_id id, void *blocks_ret)
{
    float *importance = tr_alloc((size_t)cols, sizeof *importance);
    for (size_t j = 0; j < (size_t)cols; j++) {
        float diagonal = u[j * ((size_t)cols + 1)];
        importance[j] = 1.0f / (diagonal * diagonal);
    }
    struct job job = {.w = w,
                      .rows = rows,
                      .cols = cols,
                      .u = u,
                      .importance = importance,
                      .format = pd_format_get(id),
                      .coding = pd_coding_get(id),
                      .blocks = blocks_ret,
                      .n_chunks = pd_pool_chunks(pool, rows)};
    job.errors = tr_alloc((size_t)rows * STRETCH, sizeof *job.errors);
    job.row_sum = tr_alloc((size_t)rows, sizeof *job.row_sum);
    for (; job.first < cols; job.first += STRETCH) {
        job.n = pd_min_int(STRETCH, cols - job.first);
        pd_pool_run_chunks(pool, job.n_chunks, round_chunk, &job);
        int behind = job.first + job.n;
        if (behind < cols)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, cols - behind, job.n,
                        -1.0f, job.errors, STRETCH, u + (size_t)job.first * (size_t)cols + behind,
                        cols, 1.0f, w + behind, cols);
    }
    double sum = 0.0;
    for (int row = 0; row < rows; row++)
        sum += job.row_sum[row];
    free(job.row_sum);
    free(job.errors);
    free(importance);
    return sum;
}
