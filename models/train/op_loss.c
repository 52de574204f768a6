/* SPDX-License-Identifier: Apache-2.0
 * op_loss.c - losses at the end of the model. */
#include <math.h>

#include "arch/exp.h"
#include "ops.h"
#include "reduce.h"

/* x = e^(x - shift); returns their sum. */
static float exponentials(int n, float shift, float *restrict x)
{
    for (int i = 0; i < n; i++)
        x[i] = pd_exp(x[i] - shift);
    return tr_sum(n, x);
}

double tr_cross_entropy(int n, int n_vocab, const int32_t *target, float scale, float *logits)
{
    double loss = 0;
    for (int row = 0; row < n; row++) {
        float *restrict x = logits + tr_area(row, n_vocab);
        float max = tr_max(n_vocab, x), right = x[target[row]];
        float sum = exponentials(n_vocab, max, x);
        loss += (double)(max - right) + log((double)sum);
        float factor = scale / sum;
        for (int i = 0; i < n_vocab; i++)
            x[i] *= factor;
        x[target[row]] -= scale;
    }
    return loss;
}

/* Sum of e (t - x), e = e^t, in lanes (reduce.h); t and x less their largest. e takes t's place. */
static float weigh_differences(int n, float teacher_max, float max, float *restrict t,
                               const float *restrict x)
{
    float lane[TR_LANES] = {0};
    float sum = 0;
    int whole = n - n % TR_LANES;
    for (int i = 0; i < whole; i += TR_LANES)
        for (int j = 0; j < TR_LANES; j++) {
            float e = pd_exp(t[i + j] - teacher_max);
            lane[j] += e * ((t[i + j] - teacher_max) - (x[i + j] - max));
            t[i + j] = e;
        }
    for (int i = whole; i < n; i++) {
        float e = pd_exp(t[i] - teacher_max);
        sum += e * ((t[i] - teacher_max) - (x[i] - max));
        t[i] = e;
    }
    return sum + tr_sum(TR_LANES, lane);
}

/* KL(p || q) = sum p (log p - log q); its gradient by the logits of q is q - p. */
double tr_divergence(int n, int n_vocab, float *teacher, float scale, float *logits)
{
    double loss = 0;
    for (int row = 0; row < n; row++) {
        float *restrict x = logits + tr_area(row, n_vocab);
        float *restrict t = teacher + tr_area(row, n_vocab);
        float max = tr_max(n_vocab, x), teacher_max = tr_max(n_vocab, t);
        float cross = weigh_differences(n_vocab, teacher_max, max, t, x);
        float sum = exponentials(n_vocab, max, x), teacher_sum = tr_sum(n_vocab, t);
        loss += (double)(cross / teacher_sum) - log((double)teacher_sum) + log((double)sum);
        float factor = scale / sum, teacher_factor = scale / teacher_sum;
        for (int i = 0; i < n_vocab; i++)
            x[i] = factor * x[i] - teacher_factor * t[i];
    }
    return loss;
}

static double entropy(double p)
{
    return p > 0 && p < 1 ? -p * log(p) - (1 - p) * log(1 - p) : 0;
}

double tr_binary(float logit, float label, float *d_ret)
{
    double x = (double)logit, y = (double)label;
    *d_ret = (float)(1 / (1 + exp(-x)) - y);
    return (x > 0 ? x : 0) - x * y + log1p(exp(-fabs(x))) - entropy(y);
}
