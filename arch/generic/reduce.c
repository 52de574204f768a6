/* SPDX-License-Identifier: Apache-2.0
 * reduce.c - many numbers to one: norms, the largest, sums of exponentials. */
#include <math.h>

#include "arch/exp.h"
#include "arch/generic/generic.h"

static void rms_norm(float *out, const float *x, const float *weight, int n, float eps)
{
    float partial[PD_SUM_LANES] = {0};
    for (int i = 0; i < n; i++)
        partial[i % PD_SUM_LANES] = partial[i % PD_SUM_LANES] + x[i] * x[i];
    float inverse = 1.0f / sqrtf(pd_sum_tree(partial) / (float)n + eps);
    for (int i = 0; i < n; i++)
        out[i] = x[i] * inverse * weight[i];
}

static float max_of(const float *x, int n)
{
    float max = x[0];
    for (int i = 1; i < n; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

static float exp_sum(const float *x, int n, float max, float inverse_temperature)
{
    float partial[PD_SUM_LANES] = {0};
    for (int i = 0; i < n; i++) {
        float e = pd_exp((x[i] - max) * inverse_temperature);
        partial[i % PD_SUM_LANES] = partial[i % PD_SUM_LANES] + e;
    }
    return pd_sum_tree(partial);
}

void pd_generic_reduce(struct pd_kernels *k)
{
    k->rms_norm = rms_norm;
    k->max = max_of;
    k->exp_sum = exp_sum;
}
