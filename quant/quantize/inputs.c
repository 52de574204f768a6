/* SPDX-License-Identifier: Apache-2.0
 * inputs.c - see inputs.h. */
#include "quant/quantize/inputs.h"

#include <cblas.h>
#include <stdlib.h>

#include "models/train/memory.h"

void inputs_init(struct inputs *inputs, int cols)
{
    *inputs = (struct inputs){.cols = cols};
    inputs->sum = tr_alloc((size_t)cols * (size_t)cols, sizeof *inputs->sum);
}

void inputs_free(struct inputs *inputs)
{
    free(inputs->sum);
    *inputs = (struct inputs){.sum = NULL};
}

void inputs_add(struct inputs *inputs, const float *x, int n)
{
    cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, inputs->cols, n, 1.0f, x, inputs->cols, 1.0f,
                inputs->sum, inputs->cols);
    inputs->n += n;
}

void inputs_importance(const struct inputs *inputs, float *importance_ret)
{
    size_t cols = (size_t)inputs->cols;
    float mean = 0.0f;
    for (size_t i = 0; i < cols; i++)
        mean += inputs->sum[i * (cols + 1)] / (float)cols;
    for (size_t i = 0; i < cols; i++)
        importance_ret[i] = inputs->sum[i * (cols + 1)] + 0.01f * mean;
}
