/* SPDX-License-Identifier: Apache-2.0
 * op_embed.c - tokens to rows of the embedding. */
#include "ops.h"

void tr_embed(int n, int cols, float scale, const int32_t *tokens, const float *w, float *x)
{
    for (int row = 0; row < n; row++, x += cols) {
        const float *from = w + tr_area(tokens[row], cols);
        for (int i = 0; i < cols; i++)
            x[i] = scale * from[i];
    }
}

void tr_embed_back(int n, int cols, float scale, const int32_t *tokens, const float *dx, float *dw)
{
    for (int row = 0; row < n; row++)
        tr_add((size_t)cols, scale, dx + tr_area(row, cols), dw + tr_area(tokens[row], cols));
}
