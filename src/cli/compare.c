/* SPDX-License-Identifier: Apache-2.0
 * compare.c - see compare.h. */
#include "cli/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/real.h"
#include "base/rng.h"
#include "cli/cli.h"

enum { N_STEPS = 100 }; /* in which the largest factor is looked for along the common accuracies */

static const double LEAST_MS = 0.001; /* keeps logarithms finite */

void curve_sort(struct curve *curve)
{
    for (int i = 1; i < curve->n; i++) {
        struct curve_point point = curve->points[i];
        int j = i;
        for (; j > 0 && curve->points[j - 1].ms > point.ms; j--)
            curve->points[j] = curve->points[j - 1];
        curve->points[j] = point;
    }
}

double curve_ms(const struct curve *curve, double accuracy)
{
    const struct curve_point *p = curve->points;
    int i = 0;
    while (i < curve->n && p[i].accuracy < accuracy)
        i++;
    if (i == curve->n)
        return INFINITY;
    if (i == 0)
        return p[0].ms;
    double part = (accuracy - p[i - 1].accuracy) / (p[i].accuracy - p[i - 1].accuracy);
    double low = pd_real_log(p[i - 1].ms);
    return pd_real_exp(low + part * (pd_real_log(p[i].ms) - low));
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* The curve of questions drawn with replacement: drawn[i] of them; NULL: of all as they are. */
static void draw_curve(const struct curve_answers *answers, const size_t *drawn,
                       struct curve *curve)
{
    curve->n = answers->n_points;
    for (int point = 0; point < answers->n_points; point++) {
        const double *ms = answers->ms + (size_t)point * answers->n;
        const bool *is_right = answers->is_right + (size_t)point * answers->n;
        double sum_ms = 0;
        size_t n_right = 0;
        for (size_t i = 0; i < answers->n; i++) {
            size_t question = drawn ? drawn[i] : i;
            sum_ms += ms[question];
            n_right += is_right[question];
        }
        double count = (double)answers->n;
        double mean_ms = larger(sum_ms / count, LEAST_MS);
        curve->points[point] = (struct curve_point){mean_ms, (double)n_right / count};
    }
    curve_sort(curve);
}

static double highest(const struct curve *curve)
{
    double accuracy = 0;
    for (int i = 0; i < curve->n; i++)
        accuracy = larger(accuracy, curve->points[i].accuracy);
    return accuracy;
}

/* False: there is no accuracy that both have. */
static bool find_common(const struct curve pair[2], struct interval *ret)
{
    ret->low = larger(pair[0].points[0].accuracy, pair[1].points[0].accuracy);
    double highs[] = {highest(&pair[0]), highest(&pair[1])};
    ret->high = highs[0] < highs[1] ? highs[0] : highs[1];
    return ret->high >= ret->low;
}

/* Infinite: only the second gets there; 0: only the first; not a number: neither. */
static double factor_at(const struct curve pair[2], double accuracy)
{
    double first = curve_ms(&pair[0], accuracy);
    double second = curve_ms(&pair[1], accuracy);
    return isinf(first) && isinf(second) ? NAN : first / second;
}

static double accuracy_of(struct interval range, int i, int n)
{
    return n > 0 ? range.low + (range.high - range.low) * i / n : range.low;
}

static struct factor find_largest(const struct curve pair[2], struct interval range)
{
    struct factor largest = {.factor = 0};
    for (int i = 0; i <= N_STEPS; i++) {
        double accuracy = accuracy_of(range, i, N_STEPS);
        double factor = factor_at(pair, accuracy);
        if (factor > largest.factor) {
            largest.accuracy = accuracy;
            largest.factor = factor;
        }
    }
    return largest;
}

/* Factors of all resamples; each place has as many as were numbers. */
struct resamples {
    int n[COMPARE_ACCURACIES + 1];
    double factor[COMPARE_ACCURACIES + 1][COMPARE_RESAMPLES];
};

static void keep(struct resamples *resamples, int place, double factor)
{
    if (!isnan(factor))
        resamples->factor[place][resamples->n[place]++] = factor;
}

static void finish(struct resamples *resamples, int place, struct factor *factor)
{
    double *values = resamples->factor[place];
    size_t n = (size_t)resamples->n[place];
    stats_sort(values, n);
    factor->n_resamples = (int)n;
    factor->interval.low = stats_percentile(values, n, 0.025);
    factor->interval.high = stats_percentile(values, n, 0.975);
}

void compare_curves(const struct curve_answers *first, const struct curve_answers *second,
                    uint64_t seed, struct factors *ret)
{
    struct curve pair[2];
    struct interval range, resampled_range;
    *ret = (struct factors){.n = 0};
    if (first->n == 0 || first->n_points == 0 || second->n_points == 0)
        return;
    draw_curve(first, NULL, &pair[0]);
    draw_curve(second, NULL, &pair[1]);
    if (!find_common(pair, &range))
        return;
    ret->n = range.high > range.low ? COMPARE_ACCURACIES : 1;
    for (int i = 0; i < ret->n; i++) {
        ret->at[i].accuracy = accuracy_of(range, i, ret->n - 1);
        ret->at[i].factor = factor_at(pair, ret->at[i].accuracy);
    }
    ret->largest = find_largest(pair, range);

    struct resamples *resamples = grow(NULL, sizeof *resamples);
    size_t *drawn = grow(NULL, first->n * sizeof *drawn);
    memset(resamples->n, 0, sizeof resamples->n);
    for (uint64_t r = 0; r < COMPARE_RESAMPLES; r++) {
        for (size_t i = 0; i < first->n; i++)
            drawn[i] = (size_t)(pd_rng_u64(seed, r, i) % first->n);
        draw_curve(first, drawn, &pair[0]);
        draw_curve(second, drawn, &pair[1]);
        for (int i = 0; i < ret->n; i++)
            keep(resamples, i, factor_at(pair, ret->at[i].accuracy));
        if (find_common(pair, &resampled_range))
            keep(resamples, COMPARE_ACCURACIES, find_largest(pair, resampled_range).factor);
    }
    for (int i = 0; i < ret->n; i++)
        finish(resamples, i, &ret->at[i]);
    finish(resamples, COMPARE_ACCURACIES, &ret->largest);
    free(drawn);
    free(resamples);
}
