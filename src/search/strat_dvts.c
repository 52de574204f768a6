/* SPDX-License-Identifier: Apache-2.0
 * strat_dvts.c - diverse verifier tree search (Beeching et al. 2024): trees that know nothing of each other; in each the
 * best step goes on, as `width` paths. Trees take turns when there are not lanes for all. */
#include "search/forest.h"
#include "search/share.h"

static void begin(struct pd_search *s)
{
    pd_forest_begin(s, s->task.width);
}

static enum pd_verdict advance(struct pd_search *s)
{
    return pd_forest_advance(s, pd_share_best);
}

const struct pd_strategy pd_strategy_dvts = {
    .name = "dvts",
    .summary = "separate trees of --width paths; in each the best step goes on",
    .takes_steps = true,
    .wants_scores = true,
    .state_bytes = sizeof(struct pd_forest),
    .begin = begin,
    .advance = advance,
    .choose = pd_forest_choose,
};
