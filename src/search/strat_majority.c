/* SPDX-License-Identifier: Apache-2.0
 * strat_majority.c - self-consistency (Wang et al. 2022): the answer that most samples give, with early stop. What a
 * verifier vetoes has no vote, unless all is vetoed.
 *
 * The stop looks at the first m samples once all of them have ended, m = 1, 2, ..., and the vote is
 * that of the smallest m that decides: so it does not depend on which samples happened to run side by
 * side. Samples beyond m are not counted. */
#include "search/flat.h"
#include "search/vote.h"

/* Counts the vote. True: more samples would not change it (enough). */
static bool count(const struct pd_search *s, struct pd_tally *tally)
{
    pd_tally_init(tally, false);
    int n = 0;
    while (n < s->n_paths && pd_path_is_over(&s->path[n])) {
        pd_tally_add(tally, s, n++);
        int n_left = s->task.n_samples - n;
        bool is_sure = tally->n_top > 0 &&
                       pd_vote_certainty(tally->n_top, tally->n_second) >= s->task.confidence;
        if (n_left > 0 && (is_sure || tally->n_top > tally->n_second + n_left))
            return true;
    }
    for (; n < s->n_paths; n++) /* those that have ended behind one that still runs */
        pd_tally_add(tally, s, n);
    return false;
}

static bool is_decided(struct pd_search *s)
{
    struct pd_tally tally;
    return count(s, &tally);
}

static enum pd_verdict advance(struct pd_search *s)
{
    return pd_flat_advance(s, is_decided);
}

static struct pd_choice choose(const struct pd_search *s)
{
    struct pd_tally tally;
    struct pd_choice choice = {.path = PD_NO_PATH};
    count(s, &tally);
    if (tally.winner == PD_NO_GROUP) {
        pd_tally_all(&tally, s, true);
    }
    if (tally.winner == PD_NO_GROUP)
        return choice;
    for (int i = 0; i < tally.n_counted; i++) { /* the winner's most probable path speaks for it */
        const struct pd_path *path = &s->path[i];
        if (path->group == tally.winner && (tally.counts_vetoed || !path->scores.is_vetoed) &&
            (choice.path < 0 ||
             pd_path_mean_log_prob(path) > pd_path_mean_log_prob(&s->path[choice.path])))
            choice.path = i;
    }
    choice.confidence = (double)tally.n_top / (double)pd_max_int(tally.n_voters, 1);
    return choice;
}

const struct pd_strategy pd_strategy_majority = {
    .name = "majority",
    .summary = "the answer that most of n samples give; stops when the vote is decided",
    .is_flat = true,
    .advance = advance,
    .choose = choose,
};
