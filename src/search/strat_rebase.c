/* SPDX-License-Identifier: Apache-2.0
 * strat_rebase.c - reward-balanced search (Wu et al. 2024, arXiv 2408.00724): as many paths go on from a step as its
 * score deserves. */
#include "search/forest.h"
#include "search/share.h"

static enum pd_verdict advance(struct pd_search *s)
{
    return pd_forest_advance(s, pd_share_balanced);
}

const struct pd_strategy pd_strategy_rebase = {
    .name = "rebase",
    .summary = "as many paths go on from each step as its score deserves",
    .takes_steps = true,
    .wants_scores = true,
    .needs_lanes = true,
    .state_bytes = sizeof(struct pd_forest),
    .begin = pd_forest_begin_one,
    .advance = advance,
    .choose = pd_forest_choose,
};
