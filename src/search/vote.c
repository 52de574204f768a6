/* SPDX-License-Identifier: Apache-2.0
 * vote.c - see vote.h. */
#include "search/vote.h"

#include "base/real.h"

void pd_tally_init(struct pd_tally *tally, bool counts_vetoed)
{
    *tally = (struct pd_tally){.counts_vetoed = counts_vetoed, .winner = PD_NO_GROUP};
}

static bool is_ahead(const struct pd_tally *tally, int a, int b)
{
    if (tally->group[a].n != tally->group[b].n)
        return tally->group[a].n > tally->group[b].n;
    if (tally->group[a].weight != tally->group[b].weight)
        return tally->group[a].weight > tally->group[b].weight;
    return tally->group[a].first < tally->group[b].first;
}

void pd_tally_add(struct pd_tally *tally, const struct pd_search *s, int i)
{
    const struct pd_path *path = &s->path[i];
    int at = tally->n_counted++;
    int group = path->group;
    if (path->scores.is_vetoed && !tally->counts_vetoed)
        return;
    tally->n_voters += pd_path_is_finished(path);
    if (group == PD_NO_GROUP)
        return;
    if (tally->group[group].n++ == 0)
        tally->group[group].first = at;
    tally->group[group].weight += pd_real_exp(pd_path_mean_log_prob(path));
    if (tally->winner == PD_NO_GROUP || is_ahead(tally, group, tally->winner))
        tally->winner = group;
    tally->n_top = tally->group[tally->winner].n;
    tally->n_second = 0;
    for (int g = 0; g < s->n_groups; g++)
        if (g != tally->winner)
            tally->n_second = pd_max_int(tally->n_second, tally->group[g].n);
}

void pd_tally_all(struct pd_tally *tally, const struct pd_search *s, bool counts_vetoed)
{
    pd_tally_init(tally, counts_vetoed);
    for (int i = 0; i < s->n_paths; i++)
        pd_tally_add(tally, s, i);
}

double pd_vote_certainty(int n_top, int n_second)
{
    int n = n_top + n_second + 1;
    double term = 1.0; /* C(n, k) / 2^n, k rising */
    for (int i = 0; i < n; i++)
        term *= 0.5;
    double sum = 0.0;
    for (int k = 0; k <= n_top; k++) {
        sum += term;
        term = term * (n - k) / (k + 1);
    }
    return sum;
}
