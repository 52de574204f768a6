/* SPDX-License-Identifier: Apache-2.0
 * stats.h - the few statistics that eval and bench report. */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include <stddef.h>

/* Sorts values. */
void stats_sort(double *values, size_t n);

/* The nearest-rank percentile of sorted values: the smallest that share (0..1) of all do not exceed.
 * 0 for none. */
double stats_percentile(const double *sorted, size_t n, double share);

/* Sorts values; the nearest-rank percentile at one half. */
double stats_median(double *values, size_t n);

/* Wilson's 95% interval of a share of `hits` in n. */
struct interval {
    double low, high;
};
struct interval stats_wilson(size_t hits, size_t n);

/* The 95% interval of the difference between two shares of the same n, where the second has `gained` hits that the
 * first has not, and `lost` the other way round: (gained - lost) / n. Wald's interval with half an observation more in
 * each of both cells (Agresti and Min 2005), which is right for few differences, and not empty for none. */
struct interval stats_paired(size_t gained, size_t lost, size_t n);

#endif
