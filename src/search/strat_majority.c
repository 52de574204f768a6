/* SPDX-License-Identifier: Apache-2.0
 * strat_majority.c - self-consistency (Wang et al. 2022): the answer that most samples give, with early stop.
 *
 * The stop looks at the first m samples once all of them have ended, m = 1, 2, ..., and the vote is
 * that of the smallest m that decides: so it does not depend on which samples happened to run side by
 * side. Samples beyond m are not counted. */
#include "search/strategy.h"
#include "search/vote.h"

/* Counts the vote. True: more samples would not change it (enough). */
static bool count(const struct pd_search *s, struct pd_tally *tally)
{
    pd_tally_init(tally);
    int n = 0;
    while (n < s->n_samples && s->sample[n].state != PD_SAMPLE_RUNNING) {
        pd_tally_add(tally, s, n++);
        int n_left = s->task.n_samples - n;
        bool is_sure = tally->n_top > 0 &&
                       pd_vote_certainty(tally->n_top, tally->n_second) >= s->task.confidence;
        if (n_left > 0 && (is_sure || tally->n_top > tally->n_second + n_left))
            return true;
    }
    for (; n < s->n_samples; n++) /* those that have ended behind one that still runs */
        pd_tally_add(tally, s, n);
    return false;
}

static bool is_decided(const struct pd_search *s)
{
    struct pd_tally tally;
    return count(s, &tally);
}

static struct pd_choice choose(const struct pd_search *s)
{
    struct pd_tally tally;
    count(s, &tally);
    struct pd_choice choice = {.sample = -1};
    if (tally.winner == PD_NO_GROUP)
        return choice;
    for (int i = 0; i < tally.n_counted;
         i++) { /* the winner's most probable sample speaks for it */
        const struct pd_sample *sample = &s->sample[i];
        if (sample->group == tally.winner &&
            (choice.sample < 0 ||
             pd_sample_mean_log_prob(sample) > pd_sample_mean_log_prob(&s->sample[choice.sample])))
            choice.sample = i;
    }
    choice.confidence = (double)tally.n_top / (double)pd_max_int(tally.n_voters, 1);
    return choice;
}

const struct pd_strategy pd_strategy_majority = {
    .name = "majority",
    .summary = "the answer that most of n samples give; stops when the vote is decided",
    .is_decided = is_decided,
    .choose = choose,
};
