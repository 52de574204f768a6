/* SPDX-License-Identifier: Apache-2.0
 * strat_best_of_n.c - the sample with the highest mean log-probability of its tokens. */
#include "base/real.h"
#include "search/strategy.h"

static bool is_decided(const struct pd_search *s)
{
    (void)s; /* the last sample may be the best one */
    return false;
}

static struct pd_choice choose(const struct pd_search *s)
{
    struct pd_choice best = {.sample = -1};
    double best_mean = 0.0;
    for (int i = 0; i < s->n_samples; i++) {
        if (s->sample[i].group == PD_NO_GROUP)
            continue;
        double mean = pd_sample_mean_log_prob(&s->sample[i]);
        if (best.sample < 0 || mean > best_mean) { /* of equals, the first */
            best.sample = i;
            best_mean = mean;
        }
    }
    if (best.sample >= 0)
        best.confidence = pd_real_exp(best_mean);
    return best;
}

const struct pd_strategy pd_strategy_best_of_n = {
    .name = "best-of-n",
    .summary = "of n samples, the one with the highest mean log-probability",
    .is_decided = is_decided,
    .choose = choose,
};
