/* SPDX-License-Identifier: Apache-2.0
 * strat_greedy.c - one sample of likeliest tokens. */
#include "base/real.h"
#include "search/flat.h"

static enum pd_verdict advance(struct pd_search *s)
{
    return pd_flat_advance(s, NULL);
}

static struct pd_choice choose(const struct pd_search *s)
{
    const struct pd_path *path = &s->path[0];
    if (s->n_paths == 0 || path->group == PD_NO_GROUP)
        return (struct pd_choice){.path = PD_NO_PATH};
    return (struct pd_choice){0, pd_real_exp(pd_path_mean_log_prob(path))};
}

const struct pd_strategy pd_strategy_greedy = {
    .name = "greedy",
    .summary = "one sample of likeliest tokens",
    .is_flat = true,
    .max_samples = 1,
    .is_greedy = true,
    .advance = advance,
    .choose = choose,
};
