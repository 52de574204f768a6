/* SPDX-License-Identifier: Apache-2.0
 * weigh.h - the answer that paths agree on, each by its score. */
#ifndef PD_WEIGH_H
#define PD_WEIGH_H

#include "search/strategy.h"

/* Paths of s that are over, in the order that ties go by; how many. path_ret: [PD_MAX_PATHS]. */
int pd_weigh_collect(const struct pd_search *s, int *path_ret);

/* Best of n weighted (Li et al. 2023; Snell et al. 2024, section 5.1): of the answers that these paths give, the one with
 * the largest sum of scores; its best path speaks for it. The confidence is the posterior if scores are probabilities,
 * else its share of the weight. A missing score is left
 * out; where all are missing, votes count. Vetoed paths count only where all with an answer are. Ties: more votes, then
 * the first. */
struct pd_choice pd_weigh(const struct pd_search *s, const int *paths, int n);

/* The same of all paths that are over: for strategies to choose by. */
struct pd_choice pd_weigh_all(const struct pd_search *s);

/* True if the answer that pd_weigh() would choose is sure enough for task.confidence: the posterior of scores that are
 * probabilities; else the certainty of a vote against the runner-up (vote.h). Vetoed paths are never enough. */
bool pd_weigh_is_sure(const struct pd_search *s, const int *paths, int n);

/* The score of each of these paths: the verifiers', and the share of the others' answers that are the same if that counts
 * (the mean of the two); NAN: none. */
void pd_weigh_scores(const struct pd_search *s, const int *paths, int n, double *score_ret);

#endif
