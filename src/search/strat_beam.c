/* SPDX-License-Identifier: Apache-2.0
 * strat_beam.c - beam search over steps (Snell et al. 2024, section 5.2): of n paths the n / width best go on, each as
 * `width` paths; and the same with a look at where each step leads before it is judged. */
#include "search/forest.h"
#include "search/share.h"

static enum pd_verdict advance(struct pd_search *s)
{
    return pd_forest_advance(s, pd_share_best);
}

const struct pd_strategy pd_strategy_beam = {
    .name = "beam",
    .summary = "steps judged side by side; the best go on, --width paths from each",
    .takes_steps = true,
    .wants_scores = true,
    .needs_lanes = true,
    .state_bytes = sizeof(struct pd_forest),
    .begin = pd_forest_begin_one,
    .advance = advance,
    .choose = pd_forest_choose,
};

const struct pd_strategy pd_strategy_lookahead = {
    .name = "lookahead",
    .summary = "beam that judges a step by where the likeliest next ones lead",
    .takes_steps = true,
    .wants_scores = true,
    .needs_lanes = true,
    .lookahead = 1,
    .state_bytes = sizeof(struct pd_forest),
    .begin = pd_forest_begin_one,
    .advance = advance,
    .choose = pd_forest_choose,
};
