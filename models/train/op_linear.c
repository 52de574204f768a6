/* SPDX-License-Identifier: Apache-2.0
 * op_linear.c - products with matrices of weights, biases, sums. */
#include <cblas.h>

#include "ops.h"
#include "product.h"

/* Thinner than this, packing takes longer than is saved. */
enum { THINNEST = 48 };

static bool is_bf16(struct tr_shape s)
{
    return s.words != NULL && s.n >= THINNEST && s.in >= THINNEST && s.out >= THINNEST;
}

size_t tr_shape_words(int n, int in, int out)
{
    size_t y = tr_product_bf16_words(n, out, in), dx = tr_product_bf16_words(n, in, out);
    size_t dw = tr_product_bf16_words(out, in, n), most = y > dx ? y : dx;
    return most > dw ? most : dw;
}

void tr_linear(struct tr_shape s, const float *x, const float *w, float *y, bool adds)
{
    if (is_bf16(s)) {
        struct tr_product p = {s.n, s.out, s.in, x, w, s.in, s.in, false, false, 1, adds, y, s.out};
        tr_product_bf16(&p, s.words);
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s.n, s.out, s.in, 1.0f, x, s.in, w, s.in,
                adds ? 1.0f : 0.0f, y, s.out);
}

void tr_linear_dx(struct tr_shape s, const float *dy, const float *w, float *dx, bool adds)
{
    if (is_bf16(s)) {
        struct tr_product p = {s.n,   s.in, s.out, dy,   w,  s.out, s.in,
                               false, true, 1,     adds, dx, s.in};
        tr_product_bf16(&p, s.words);
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s.n, s.in, s.out, 1.0f, dy, s.out, w,
                s.in, adds ? 1.0f : 0.0f, dx, s.in);
}

void tr_linear_dw(struct tr_shape s, const float *dy, const float *x, float scale, float *dw)
{
    if (is_bf16(s)) {
        struct tr_product p = {s.out, s.in, s.n,   dy,   x,  s.out, s.in,
                               true,  true, scale, true, dw, s.in};
        tr_product_bf16(&p, s.words);
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
