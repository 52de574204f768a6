/* SPDX-License-Identifier: Apache-2.0
 * reduce.h - sums and maxima of rows, in lanes: one accumulator would wait for itself at each element. */
#ifndef TRAIN_REDUCE_H
#define TRAIN_REDUCE_H

enum { TR_LANES = 64 };

static inline float tr_max(int n, const float *x)
{
    float lane[TR_LANES], max = x[0];
    int whole = n - n % TR_LANES;
    for (int j = 0; j < TR_LANES; j++)
        lane[j] = max;
    for (int i = 0; i < whole; i += TR_LANES)
        for (int j = 0; j < TR_LANES; j++)
            lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
    for (int i = whole; i < n; i++)
        max = x[i] > max ? x[i] : max;
    for (int j = 0; j < TR_LANES; j++)
        max = lane[j] > max ? lane[j] : max;
    return max;
}

static inline float tr_sum(int n, const float *x)
{
    float lane[TR_LANES] = {0};
    int whole = n - n % TR_LANES;
    for (int i = 0; i < whole; i += TR_LANES)
        for (int j = 0; j < TR_LANES; j++)
            lane[j] += x[i + j];
    double sum = 0;
    for (int i = whole; i < n; i++)
        sum += (double)x[i];
    for (int j = 0; j < TR_LANES; j++)
        sum += (double)lane[j];
    return (float)sum;
}

#endif
