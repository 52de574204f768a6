/* SPDX-License-Identifier: Apache-2.0
 * vote.h - counting equal answers, and when a vote is decided. */
#ifndef PD_VOTE_H
#define PD_VOTE_H

#include "search/search.h"

struct pd_tally {
    int n_counted; /* samples */
    int n_voters;  /* of them, those that are finished, with an answer or without */
    int winner;    /* group; PD_NO_GROUP: none has a vote */
    int n_top;     /* votes of the winner */
    int n_second;  /* votes of the runner-up */
    struct {
        int n;         /* votes */
        int first;     /* its first sample */
        double weight; /* sum of its samples' exp(mean log-probability) */
    } group[PD_MAX_SAMPLES];
};

void pd_tally_init(struct pd_tally *tally);

/* Counts sample i; samples are counted in rising order. Of groups with equal votes the one with more
 * weight wins, of those the one whose first sample came first. */
void pd_tally_add(struct pd_tally *tally, const struct pd_search *s, int i);

/* Adaptive consistency (Aggarwal et al. 2023, section 3.2, the Beta criterion in closed form): the
 * probability that the top answer beats the runner-up, given their votes and a uniform prior:
 * Pr(Bin(a + b + 1, 1/2) <= a). */
double pd_vote_certainty(int n_top, int n_second);

#endif
