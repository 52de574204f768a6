/* SPDX-License-Identifier: Apache-2.0
 * strat_best_of_n.c - of n samples the one with the highest score; without a verifier, of the highest mean
 * log-probability of its tokens. What is vetoed is chosen only when all is. */
#include "base/real.h"
#include "search/flat.h"

static enum pd_verdict advance(struct pd_search *s)
{
    return pd_flat_advance(s, NULL); /* the last sample may be the best one */
}

/* True if a is better than b, which comes before it. */
static bool is_better(const struct pd_search *s, const struct pd_path *a, const struct pd_path *b)
{
    if (a->scores.is_vetoed != b->scores.is_vetoed)
        return b->scores.is_vetoed;
    double score_a = pd_path_score(s, a), score_b = pd_path_score(s, b);
    if (isnan(score_a) && isnan(score_b))
        return pd_path_mean_log_prob(a) > pd_path_mean_log_prob(b);
    return isnan(score_b) || score_a > score_b;
}

static struct pd_choice choose(const struct pd_search *s)
{
    int best = PD_NO_PATH;
    for (int i = 0; i < s->n_paths; i++)
        if (s->path[i].group != PD_NO_GROUP &&
            (best < 0 || is_better(s, &s->path[i], &s->path[best])))
            best = i;
    if (best < 0)
        return (struct pd_choice){.path = PD_NO_PATH};
    double score = pd_path_score(s, &s->path[best]);
    return (struct pd_choice){
        best, isnan(score) ? pd_real_exp(pd_path_mean_log_prob(&s->path[best])) : score};
}

const struct pd_strategy pd_strategy_best_of_n = {
    .name = "best-of-n",
    .summary = "of n samples, the one with the highest score (no verifier: mean log-probability)",
    .is_flat = true,
    .advance = advance,
    .choose = choose,
};
