/* SPDX-License-Identifier: Apache-2.0
 * strat_best_of_n.c - of n samples the one with the highest score; without a verifier, of the highest mean
 * log-probability of its tokens. What is vetoed is chosen only when all is. */
#include "base/real.h"
#include "search/flat.h"
#include "search/weigh.h"

static enum pd_verdict advance(struct pd_search *s)
{
    return pd_flat_advance(s, NULL); /* the last sample may be the best one */
}

/* True if path a is better than b, which comes before it. */
static bool is_better(const struct pd_search *s, const double *score, int a, int b)
{
    const struct pd_path *path_a = &s->path[a], *path_b = &s->path[b];
    if (path_a->scores.is_vetoed != path_b->scores.is_vetoed)
        return path_b->scores.is_vetoed;
    if (isnan(score[a]) && isnan(score[b]))
        return pd_path_mean_log_prob(path_a) > pd_path_mean_log_prob(path_b);
    return isnan(score[b]) || score[a] > score[b];
}

static struct pd_choice choose(const struct pd_search *s)
{
    int best = PD_NO_PATH, paths[PD_MAX_PATHS];
    double score[PD_MAX_PATHS];
    for (int i = 0; i < s->n_paths; i++)
        paths[i] = i;
    pd_weigh_scores(s, paths, s->n_paths, score);
    for (int i = 0; i < s->n_paths; i++)
        if (s->path[i].group != PD_NO_GROUP && (best < 0 || is_better(s, score, i, best)))
            best = i;
    if (best < 0)
        return (struct pd_choice){.path = PD_NO_PATH};
    return (struct pd_choice){best, isnan(score[best])
                                        ? pd_real_exp(pd_path_mean_log_prob(&s->path[best]))
                                        : score[best]};
}

const struct pd_strategy pd_strategy_best_of_n = {
    .name = "best-of-n",
    .summary = "of n samples, the one with the highest score (no verifier: mean log-probability)",
    .is_flat = true,
    .advance = advance,
    .choose = choose,
};
