/* SPDX-License-Identifier: Apache-2.0
 * stats.c - percentiles and intervals. */
#include "cli/stats.h"

#include <stdlib.h>

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

void stats_sort(double *values, size_t n)
{
    if (n > 0)
        qsort(values, n, sizeof *values, compare);
}

double stats_percentile(const double *sorted, size_t n, double share)
{
    if (n == 0)
        return 0;
    double rank = share * (double)n;
    size_t i = (size_t)rank;
    if ((double)i < rank)
        i++;
    return sorted[i > 0 ? i - 1 : 0];
}

double stats_median(double *values, size_t n)
{
    stats_sort(values, n);
    return stats_percentile(values, n, 0.5);
}

/* By Newton's steps, so that the program needs no libm; exact enough from 1 down to 1e-9. */
static double square_root(double value)
{
    double root = value > 1 ? value : 1;
    for (int i = 0; i < 60 && value > 0; i++)
        root = (root + value / root) / 2;
    return value > 0 ? root : 0;
}

static const double z = 1.959963984540054; /* 95% of a normal distribution lie within */

struct interval stats_wilson(size_t hits, size_t n)
{
    if (n == 0)
        return (struct interval){0, 1};
    double count = (double)n;
    double share = (double)hits / count;
    double centre = share + z * z / (2 * count);
    double half = z * square_root(share * (1 - share) / count + z * z / (4 * count * count));
    double scale = 1 + z * z / count;
    return (struct interval){(centre - half) / scale, (centre + half) / scale};
}

struct interval stats_paired(size_t gained, size_t lost, size_t n)
{
    if (n == 0)
        return (struct interval){-1, 1};
    double count = (double)n + 2;
    double sum = (double)gained + (double)lost + 1;
    double centre = ((double)gained - (double)lost) / count;
    double half = z * square_root((sum / count - centre * centre) / count);
    return (struct interval){centre - half < -1 ? -1 : centre - half,
                             centre + half > 1 ? 1 : centre + half};
}
