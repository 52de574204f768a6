/* SPDX-License-Identifier: Apache-2.0
 * plans.c - see plans.h. */
#include "cli/plans.h"

#include <math.h>
#include <stdlib.h>

#include "base/real.h"
#include "cli/cli.h"
#include "cli/stats.h"

#define TOLERANCE 0.005 /* of the share of right answers: that of the planner */

static bool is_left_out(size_t i, int fold)
{
    return fold >= 0 && (int)(i % 2) == fold;
}

/* Edges at equal shares of the chances; none where one is unknown, or where they are too few or alike. */
static void set_edges(struct plans *p, const struct asked *asked, size_t n)
{
    double *chance = grow(NULL, (n + 1) * sizeof *chance);
    bool are_known = n >= MAX_BINS;
    for (size_t i = 0; i < n; i++) {
        chance[i] = asked[i].chance;
        are_known = are_known && !isnan(chance[i]);
    }
    p->n_bins = 1;
    if (are_known) {
        stats_sort(chance, n);
        for (int i = 1; i < MAX_BINS; i++) {
            double edge = chance[n * (size_t)i / MAX_BINS];
            if (edge > chance[0] && (p->n_bins == 1 || edge > p->edge[p->n_bins - 2]))
                p->edge[p->n_bins++ - 1] = edge;
        }
    }
    free(chance);
}

int plans_bin(const struct plans *p, double chance)
{
    int bin = 0;
    while (bin < p->n_bins - 1 && chance >= p->edge[bin])
        bin++;
    return bin;
}

static void add(struct mean *m, const struct try *try)
{
    m->n++;
    m->right += try->is_right;
    m->n_steps += try->n_steps;
    m->n_tokens += try->n_tokens;
    m->ms += try->ms;
    m->other_ms += try->other_ms;
}

static void divide(struct mean *m)
{
    double n = m->n > 0 ? (double)m->n : 1.0;
    m->right /= n;
    m->n_steps /= n;
    m->n_tokens /= n;
    m->ms /= n;
    m->other_ms /= n;
}

/* The mean over plans of one bin, or of all questions. */
static double mean_right(const struct mean *cell, int n_plans)
{
    double sum = 0.0;
    for (int i = 0; i < n_plans; i++)
        sum += cell[i].right;
    return sum / n_plans;
}

/* The logarithm of the odds, kept from the ends. */
static double logit(double share)
{
    share = share < 0.01 ? 0.01 : share > 0.99 ? 0.99 : share;
    return pd_real_log(share / (1.0 - share));
}

/* A bin has few questions: what a plan gains there is taken to be like what it gains on all, in odds. */
static void lean(struct plans *p, const struct mean *all)
{
    double all_right = mean_right(all, p->n_plans);
    for (int bin = 0; bin < p->n_bins; bin++) {
        struct mean *cell = p->cell[bin];
        double bin_right = mean_right(cell, p->n_plans);
        for (int i = 0; i < p->n_plans; i++) {
            double odds = logit(bin_right) + logit(all[i].right) - logit(all_right);
            double expected = 1.0 / (1.0 + pd_real_exp(-odds)), n = (double)cell[i].n;
            cell[i].right = (n * cell[i].right + PLANS_LEAN * expected) / (n + PLANS_LEAN);
        }
    }
}

void plans_fill(struct plans *p, const struct asked *asked, size_t n, int n_plans, int fold)
{
    struct mean all[MAX_PLANS] = {{0}};
    *p = (struct plans){.n_plans = n_plans};
    set_edges(p, asked, n);
    for (size_t i = 0; i < n; i++) {
        if (is_left_out(i, fold))
            continue;
        int bin = plans_bin(p, asked[i].chance);
        for (int j = 0; j < n_plans; j++) {
            add(&p->cell[bin][j], &asked[i].try[j]);
            add(&all[j], &asked[i].try[j]);
        }
    }
    for (int j = 0; j < n_plans; j++) {
        divide(&all[j]);
        for (int bin = 0; bin < p->n_bins; bin++)
            divide(&p->cell[bin][j]);
    }
    lean(p, all);
}

int plans_best(const struct plans *p, int bin, double budget_ms)
{
    const struct mean *cell = p->cell[bin];
    int best = -1, fastest = 0;
    double most = -1.0;
    for (int i = 0; i < p->n_plans; i++) {
        if (cell[i].ms < cell[fastest].ms)
            fastest = i;
        if (cell[i].ms <= budget_ms && cell[i].right > most)
            most = cell[i].right;
    }
    for (int i = 0; i < p->n_plans; i++)
        if (cell[i].ms <= budget_ms && cell[i].right >= most - TOLERANCE &&
            (best < 0 || cell[i].ms < cell[best].ms))
            best = i;
    return best < 0 ? fastest : best;
}

struct mean plans_cross_validate(const struct asked *asked, size_t n, int n_plans, double budget_ms)
{
    struct mean sum = {0};
    for (int fold = 0; fold < 2; fold++) {
        struct plans p;
        plans_fill(&p, asked, n, n_plans, fold);
        for (size_t i = 0; i < n; i++)
            if (is_left_out(i, fold))
                add(&sum, &asked[i].try[plans_best(&p, plans_bin(&p, asked[i].chance), budget_ms)]);
    }
    divide(&sum);
    return sum;
}
