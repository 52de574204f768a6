/* SPDX-License-Identifier: Apache-2.0
 * posterior.h - how probable each answer is, given all that votes and scores say. */
#ifndef PD_POSTERIOR_H
#define PD_POSTERIOR_H

#include "search/search.h"

/* Of the paths counted so far. */
struct pd_posterior {
    int n_groups;
    int n_scored;                  /* paths with a score */
    double log_odds[PD_MAX_PATHS]; /* by group: the sum of log(score / (1 - score)) */
    int n_scores[PD_MAX_PATHS], n_votes[PD_MAX_PATHS];
};

void pd_posterior_init(struct pd_posterior *p);

/* Counts a path that gives an answer; score: its probability of being right, or NAN. */
void pd_posterior_add(struct pd_posterior *p, int group, double score);

/* The probability that this group's answer is right. With scores (CGES, arXiv 2511.02603): paths err
 * independently, a wrong one says each of the other answers equally often; there is one answer more than were seen,
 * which stands for all that were not. Paths without a score are left out. Without any score: adaptive consistency,
 * pd_vote_certainty(). */
double pd_posterior_of(const struct pd_posterior *p, int group);

#endif
