/* SPDX-License-Identifier: Apache-2.0
 * vote.h - counting equal answers, and when a vote is decided. */
#ifndef PD_VOTE_H
#define PD_VOTE_H

#include "search/search.h"

struct pd_tally {
    bool counts_vetoed;
    int n_counted; /* paths */
    int n_voters;  /* of them, those that are finished, with an answer or without, and not vetoed */
    int winner;    /* group; PD_NO_GROUP: none has a vote */
    int n_top;     /* votes of the winner */
    int n_second;  /* votes of the runner-up */
    struct {
        int n;         /* votes */
        int first;     /* its first path, in the order of counting */
        double weight; /* sum of its paths' exp(mean log-probability) */
    } group[PD_MAX_PATHS];
};

/* counts_vetoed: also paths that a verifier has vetoed. */
void pd_tally_init(struct pd_tally *tally, bool counts_vetoed);

/* Counts path i. Of groups with equal votes the one with more weight wins, of those the one whose first path was
 * counted first. */
void pd_tally_add(struct pd_tally *tally, const struct pd_search *s, int i);

/* Counts all paths there are. */
void pd_tally_all(struct pd_tally *tally, const struct pd_search *s, bool counts_vetoed);

/* Adaptive consistency (Aggarwal et al. 2023, section 3.2, the Beta criterion in closed form): the
 * probability that the top answer beats the runner-up, given their votes and a uniform prior:
 * Pr(Bin(a + b + 1, 1/2) <= a). */
double pd_vote_certainty(int n_top, int n_second);

#endif
