/* SPDX-License-Identifier: Apache-2.0
 * plans.c - see plans.h. */
#include "cli/plans.h"

#include <math.h>
#include <stdlib.h>

#include "base/real.h"
#include "cli/cli.h"
#include "cli/stats.h"

#define TOLERANCE 0.005 /* of the share of right answers: that of the planner */

/* Questions more that a bin is taken to have had, all as the plan's gain over all questions says. */
static const double leans[] = {1, 3, 10, 30, 100, 300, 1000, 1e6};
enum { N_LEANS = sizeof leans / sizeof leans[0] };

/* Questions, in any order. */
struct part {
    const struct asked **asked;
    size_t n;
};

/* Edges at equal shares of the chances; none where one is unknown, or where they are too few or alike. */
static void set_edges(struct plans *p, struct part of)
{
    double *chance = grow(NULL, (of.n + 1) * sizeof *chance);
    bool are_known = of.n >= MAX_BINS;
    for (size_t i = 0; i < of.n; i++) {
        chance[i] = of.asked[i]->chance;
        are_known = are_known && !isnan(chance[i]);
    }
    p->n_bins = 1;
    if (are_known) {
        stats_sort(chance, of.n);
        for (int i = 1; i < MAX_BINS; i++) {
            double edge = chance[of.n * (size_t)i / MAX_BINS];
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
static void lean_on(struct plans *p, const struct mean *all, double weight)
{
    double all_right = mean_right(all, p->n_plans);
    for (int bin = 0; bin < p->n_bins; bin++) {
        struct mean *cell = p->cell[bin];
        double bin_right = mean_right(cell, p->n_plans);
        for (int i = 0; i < p->n_plans; i++) {
            double odds = logit(bin_right) + logit(all[i].right) - logit(all_right);
            double expected = 1.0 / (1.0 + pd_real_exp(-odds)), n = (double)cell[i].n;
            cell[i].right = (n * cell[i].right + weight * expected) / (n + weight);
        }
    }
}

static void fill(struct plans *p, struct part from, int n_plans, double lean)
{
    struct mean all[MAX_PLANS] = {{0}};
    *p = (struct plans){.n_plans = n_plans, .lean = lean};
    set_edges(p, from);
    for (size_t i = 0; i < from.n; i++) {
        int bin = plans_bin(p, from.asked[i]->chance);
        for (int j = 0; j < n_plans; j++) {
            add(&p->cell[bin][j], &from.asked[i]->try[j]);
            add(&all[j], &from.asked[i]->try[j]);
        }
    }
    for (int j = 0; j < n_plans; j++) {
        divide(&all[j]);
        for (int bin = 0; bin < p->n_bins; bin++)
            divide(&p->cell[bin][j]);
    }
    lean_on(p, all, lean);
}

/* Every second one, and the others between; half_ret[0].asked is to be freed. */
static void split(struct part of, struct part half_ret[2])
{
    const struct asked **memory = grow(NULL, (of.n + 1) * sizeof *memory);
    half_ret[0] = (struct part){memory, 0};
    half_ret[1] = (struct part){memory + (of.n + 1) / 2, 0};
    for (size_t i = 0; i < of.n; i++) {
        struct part *half = &half_ret[i % 2];
        half->asked[half->n++] = of.asked[i];
    }
}

/* Adds what the questions came to when thought about as the plans say. */
static void use(const struct plans *p, struct part on, double budget_ms, struct mean *sum)
{
    for (size_t i = 0; i < on.n; i++)
        add(sum, &on.asked[i]->try[plans_best(p, plans_bin(p, on.asked[i]->chance), budget_ms)]);
}

/* The lean that serves one half best when it comes from the other, over all budgets; of equals the fastest, then the largest. */
static double choose_lean(struct part from, int n_plans, const struct plans_budgets *budgets)
{
    struct part part[2];
    split(from, part);
    double best = leans[N_LEANS - 1];
    struct mean most = {.right = -1.0};
    for (int k = N_LEANS - 1; k >= 0; k--) {
        struct mean sum = {0};
        for (int fold = 0; fold < 2; fold++) {
            struct plans p;
            fill(&p, part[fold], n_plans, leans[k]);
            for (int b = 0; b < budgets->n; b++)
                use(&p, part[1 - fold], budgets->ms[b], &sum);
        }
        if (sum.right > most.right || (sum.right == most.right && sum.ms < most.ms)) {
            most = sum;
            best = leans[k];
        }
    }
    free(part[0].asked);
    return best;
}

/* Pointers to all of them, to be freed. */
static struct part whole(const struct asked *asked, size_t n)
{
    struct part part = {grow(NULL, (n + 1) * sizeof *part.asked), n};
    for (size_t i = 0; i < n; i++)
        part.asked[i] = &asked[i];
    return part;
}

void plans_fill(struct plans *p, const struct asked *asked, size_t n, int n_plans,
                const struct plans_budgets *budgets)
{
    struct part all = whole(asked, n);
    fill(p, all, n_plans, choose_lean(all, n_plans, budgets));
    free(all.asked);
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

void plans_cross_validate(const struct asked *asked, size_t n, int n_plans,
                          const struct plans_budgets *budgets, struct mean *mean_ret)
{
    struct part all = whole(asked, n);
    struct part part[2];
    split(all, part);
    for (int b = 0; b < budgets->n; b++)
        mean_ret[b] = (struct mean){0};
    for (int fold = 0; fold < 2; fold++) {
        struct plans p;
        fill(&p, part[fold], n_plans, choose_lean(part[fold], n_plans, budgets));
        for (int b = 0; b < budgets->n; b++)
            use(&p, part[1 - fold], budgets->ms[b], &mean_ret[b]);
    }
    for (int b = 0; b < budgets->n; b++)
        divide(&mean_ret[b]);
    free(part[0].asked);
    free(all.asked);
}
