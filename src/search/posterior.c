/* SPDX-License-Identifier: Apache-2.0
 * posterior.c - see posterior.h.
 *
 * A path with score c that says answer a: P(says a | a is right) = c, P(says a | another is right) = (1 - c) / (K - 1), of
 * K answers. Up to a factor that all hypotheses share, answer h's posterior is the product over the paths that say h
 * of c (K - 1) / (1 - c); the unseen answer's is 1. */
#include "search/posterior.h"

#include "base/real.h"
#include "search/vote.h"

#define SUREST 0.999 /* no path is surer: one alone must not decide everything */

void pd_posterior_init(struct pd_posterior *p)
{
    p->n_groups = p->n_scored = 0;
}

void pd_posterior_add(struct pd_posterior *p, int group, double score)
{
    for (; p->n_groups <= group; p->n_groups++) {
        p->log_odds[p->n_groups] = 0.0;
        p->n_scores[p->n_groups] = p->n_votes[p->n_groups] = 0;
    }
    p->n_votes[group]++;
    if (isnan(score))
        return;
    score = score > SUREST ? SUREST : score < 1.0 - SUREST ? 1.0 - SUREST : score;
    p->n_scored++;
    p->n_scores[group]++;
    p->log_odds[group] += pd_real_log(score / (1.0 - score));
}

static double by_votes(const struct pd_posterior *p, int group)
{
    int n_other = 0;
    for (int g = 0; g < p->n_groups; g++)
        if (g != group)
            n_other = pd_max_int(n_other, p->n_votes[g]);
    return pd_vote_certainty(p->n_votes[group], n_other);
}

double pd_posterior_of(const struct pd_posterior *p, int group)
{
    if (p->n_scored == 0)
        return by_votes(p, group);
    int n_answers = 1; /* the unseen one */
    for (int g = 0; g < p->n_groups; g++)
        n_answers += p->n_scores[g] > 0;
    double log_others = pd_real_log((double)(n_answers - 1));
    double most = 0.0, total = 0.0, mine = 0.0;
    for (int pass = 0; pass < 2; pass++) {
        for (int g = 0; g < p->n_groups; g++) {
            double log_weight = p->log_odds[g] + p->n_scores[g] * log_others;
            if (p->n_scores[g] == 0)
                continue;
            if (pass == 0)
                most = log_weight > most ? log_weight : most;
            else
                total += pd_real_exp(log_weight - most);
            if (pass == 1 && g == group)
                mine = pd_real_exp(log_weight - most);
        }
    }
    return mine / (total + pd_real_exp(-most));
}
