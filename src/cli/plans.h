/* SPDX-License-Identifier: Apache-2.0
 * plans.h - from what plans came to on many questions to a table of what they are worth: bins of difficulty, cells,
 * and how well choosing by them would have done, by two-fold cross-validation. */
#ifndef CLI_PLANS_H
#define CLI_PLANS_H

#include <stdbool.h>
#include <stddef.h>

enum { MAX_PLANS = 32, MAX_BINS = 5 };

/* A candidate. */
struct plan {
    const char *strategy, *verifier; /* verifier NULL: none is named */
    int n_samples, width, n_chains;  /* 0: not named */
};

/* What one plan came to on one question. */
struct
try {
    bool is_right;
    double n_steps, n_tokens, ms, other_ms;
};

/* A question with one try of each plan. */
struct asked {
    double chance; /* that one sample is right, predicted; NAN: unknown */
    struct try try[MAX_PLANS];
};

struct mean {
    size_t n;
    double right, n_steps, n_tokens, ms, other_ms;
};

struct plans {
    int n_plans, n_bins;
    double edge[MAX_BINS - 1]; /* between bins of chance, rising */
    double lean;               /* see plans_fill() */
    struct mean cell[MAX_BINS][MAX_PLANS];
};

/* Times a question that a table is to serve. */
struct plans_budgets {
    const double *ms;
    int n;
};

/* Bins of equal counts, one bin where a chance is unknown, and the mean of each plan in each. The share of right answers leans on what the
 * plan gains over all questions, as if `lean` questions more had shown that: as many as serve one half of the questions best when the other
 * half is all that is known. */
void plans_fill(struct plans *p, const struct asked *asked, size_t n, int n_plans,
                const struct plans_budgets *budgets);

int plans_bin(const struct plans *p, double chance);

/* The plan that is right most often of those that take at most budget_ms on average in the bin (the fastest, if none does); of those within
 * half a point the fastest. */
int plans_best(const struct plans *p, int bin, double budget_ms);

/* For each budget: share of right answers and mean time when each question is thought about as the other half of the questions says (which
 * chose its lean for itself). */
void plans_cross_validate(const struct asked *asked, size_t n, int n_plans,
                          const struct plans_budgets *budgets, struct mean *mean_ret);

#endif
