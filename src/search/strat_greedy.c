/* SPDX-License-Identifier: Apache-2.0
 * strat_greedy.c - one sample of likeliest tokens. */
#include "base/real.h"
#include "search/strategy.h"

static bool is_decided(const struct pd_search *s)
{
    return s->sample[0].state != PD_SAMPLE_RUNNING;
}

static struct pd_choice choose(const struct pd_search *s)
{
    const struct pd_sample *sample = &s->sample[0];
    if (s->n_samples == 0 || sample->group == PD_NO_GROUP)
        return (struct pd_choice){.sample = -1};
    return (struct pd_choice){0, pd_real_exp(pd_sample_mean_log_prob(sample))};
}

const struct pd_strategy pd_strategy_greedy = {
    .name = "greedy",
    .summary = "one sample of likeliest tokens",
    .max_samples = 1,
    .is_greedy = true,
    .is_decided = is_decided,
    .choose = choose,
};
