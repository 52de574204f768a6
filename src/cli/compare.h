/* SPDX-License-Identifier: Apache-2.0
 * compare.h - two ways of thinking by their curves of accuracy over time: how many times as long one takes to be
 * right as often as the other. A curve has one point a budget: mean time and share of right answers; between
 * points the logarithm of time goes straight. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/stats.h"

enum { MAX_CURVE_POINTS = 16, COMPARE_ACCURACIES = 5, COMPARE_RESAMPLES = 1000 };

struct curve_point {
    double ms, accuracy; /* ms > 0 */
};

struct curve {
    int n;
    struct curve_point points[MAX_CURVE_POINTS];
};

/* Puts the points in order of time. */
void curve_sort(struct curve *curve);

/* The least time at which a sorted curve reaches the accuracy: infinite if it never does, the first point's where that
 * is there already. */
double curve_ms(const struct curve *curve, double accuracy);

/* The answers of one way of thinking to the same n questions at each point. */
struct curve_answers {
    int n_points;
    size_t n;
    const double *ms;     /* [n_points][n] */
    const bool *is_right; /* [n_points][n] */
};

struct factor {
    double accuracy;
    double factor; /* time of the first over time of the second */
    struct interval
        interval;    /* 95%, by resampling questions; infinite: the first often never gets there */
    int n_resamples; /* in which either got there; of the largest: with a common accuracy */
};

struct factors {
    int n; /* COMPARE_ACCURACIES; 1 if only one accuracy is common; 0: none is */
    struct factor
        at[COMPARE_ACCURACIES]; /* evenly from the lowest to the highest common accuracy */
    struct factor largest;
};

/* At accuracies that both curves have: from the higher of their first points' up to the lower of their
 * highest. The seed makes the resamples. */
void compare_curves(const struct curve_answers *first, const struct curve_answers *second,
                    uint64_t seed, struct factors *ret);

#endif
