/* SPDX-License-Identifier: Apache-2.0
 * op_linear.c - products with matrices of weights, biases, sums. */
#include <cblas.h>

#include "ops.h"

static bool is_bf16(struct tr_shape s)
{
    int thinnest = s.level != NULL ? s.level->thinnest : 0;
    return s.level != NULL && s.n >= thinnest && s.in >= thinnest && s.out >= thinnest;
}

size_t tr_shape_words(const struct tr_product_level *level, int n, int in, int out)
{
    size_t y = level->words(n, out, in), dx = level->words(n, in, out);
    size_t dw = level->words(out, in, n), most = y > dx ? y : dx;
    return most > dw ? most : dw;
}

void tr_linear(struct tr_shape s, const float *x, const float *w, float *y, bool adds)
{
    if (is_bf16(s)) {
        struct tr_product p = {.rows = s.n,
                               .cols = s.out,
                               .k = s.in,
                               .a = x,
                               .a_stride = s.in,
                               .b = w,
                               .b_stride = s.in,
                               .packed_b = s.forward,
                               .scale = 1,
                               .adds = adds,
                               .y = y,
                               .y_stride = s.out};
        s.level->multiply(&p, s.words);
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s.n, s.out, s.in, 1.0f, x, s.in, w, s.in,
                adds ? 1.0f : 0.0f, y, s.out);
}

void tr_linear_dx(struct tr_shape s, const float *dy, const float *w, float *dx, bool adds)
{
    if (is_bf16(s)) {
        struct tr_product p = {.rows = s.n,
                               .cols = s.in,
                               .k = s.out,
                               .a = dy,
                               .a_stride = s.out,
                               .b = w,
                               .b_stride = s.in,
                               .b_is_across = true,
                               .packed_b = s.back,
                               .scale = 1,
                               .adds = adds,
                               .y = dx,
                               .y_stride = s.in};
        s.level->multiply(&p, s.words);
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s.n, s.in, s.out, 1.0f, dy, s.out, w,
                s.in, adds ? 1.0f : 0.0f, dx, s.in);
}

void tr_linear_dw(struct tr_shape s, const float *dy, const float *x, float scale, float *dw)
{
    if (is_bf16(s)) {
        struct tr_product p = {.rows = s.out,
                               .cols = s.in,
                               .k = s.n,
                               .a = dy,
                               .a_stride = s.out,
                               .a_is_across = true,
                               .b = x,
                               .b_stride = s.in,
                               .b_is_across = true,
                               .scale = scale,
                               .adds = true,
                               .y = dw,
                               .y_stride = s.in};
        s.level->multiply(&p, s.words);
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, s.out, s.in, s.n, scale, dy, s.out, x,
                s.in, 1.0f, dw, s.in);
}

void tr_bias(int n, int cols, const float *bias, float *y)
{
    for (int row = 0; row < n; row++, y += cols)
        tr_add((size_t)cols, 1.0f, bias, y);
}

void tr_bias_back(int n, int cols, const float *dy, float *dbias)
{
    for (int row = 0; row < n; row++, dy += cols)
        tr_add((size_t)cols, 1.0f, dy, dbias);
}

void tr_add(size_t n, float factor, const float *restrict x, float *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += factor * x[i];
}

double tr_square(size_t n, const float *x)
{
    enum { PIECE = 1 << 12 }; /* short enough for single floats */
    double sum = 0;
    for (size_t at = 0; at < n; at += PIECE) {
        int piece = (int)pd_min_size(PIECE, n - at);
        sum += (double)cblas_sdot(piece, x + at, 1, x + at, 1);
    }
    return sum;
}
