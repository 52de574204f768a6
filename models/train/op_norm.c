/* SPDX-License-Identifier: Apache-2.0
 * op_norm.c - the root-mean-square norm.
 *
 *   y = w x r, r = 1 / sqrt(mean(x^2) + eps);   dx = r w dy - x r^3 / cols sum(x w dy),   dw = x r dy */
#include <cblas.h>
#include <math.h>

#include "ops.h"

void tr_norm(int n, int cols, float eps, const float *x, const float *w, float *y,
             float *inverse_ret)
{
    for (int row = 0; row < n; row++, x += cols, y += cols) {
        float square = cblas_sdot(cols, x, 1, x, 1);
        float r = 1.0f / sqrtf(square / (float)cols + eps);
        for (int i = 0; i < cols; i++)
            y[i] = x[i] * r * w[i];
        inverse_ret[row] = r;
    }
}

/* dx of one row, or += where adds. Sums in lanes, as in reduce.h. */
static void row_back(int cols, float r, const float *x, const float *w, const float *dy, bool adds,
                     float *dx)
{
    enum { LANES = 16 };
    float lane[LANES] = {0};
    int whole = cols - cols % LANES;
    for (int i = 0; i < whole; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += x[i + j] * w[i + j] * dy[i + j];
    for (int i = whole; i < cols; i++)
        lane[0] += x[i] * w[i] * dy[i];
    float sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += lane[j];
    float c = sum * r * r * r / (float)cols;
    if (adds)
        for (int i = 0; i < cols; i++)
            dx[i] += r * w[i] * dy[i] - c * x[i];
    else
        for (int i = 0; i < cols; i++)
            dx[i] = r * w[i] * dy[i] - c * x[i];
}

void tr_norm_back(const struct tr_norm_back *b)
{
    for (int row = 0; row < b->n; row++) {
        size_t at = tr_area(row, b->cols);
        const float *x = b->x + at, *dy = b->dy + at;
        float r = b->inverse[row];
        for (int i = 0; b->dw && i < b->cols; i++)
            b->dw[i] += x[i] * r * dy[i];
        row_back(b->cols, r, x, b->w, dy, b->adds, b->dx + at);
    }
}
