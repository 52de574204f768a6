/* SPDX-License-Identifier: Apache-2.0
 * strat_halving.c - successive halving, or speculative rejection (arXiv 2410.20290) at steps' ends: behind steps 1, 2, 4,
 * 8, ... the worse half of the paths is given up. */
#include "search/forest.h"
#include "search/share.h"

static enum pd_verdict advance(struct pd_search *s)
{
    return pd_forest_advance(s, pd_share_half);
}

const struct pd_strategy pd_strategy_halving = {
    .name = "halving",
    .summary = "gives up the worse half of the samples behind steps 1, 2, 4, 8, ...",
    .takes_steps = true,
    .wants_scores = true,
    .needs_lanes = true,
    .state_bytes = sizeof(struct pd_forest),
    .begin = pd_forest_begin_one,
    .advance = advance,
    .choose = pd_forest_choose,
};
