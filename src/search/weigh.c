/* SPDX-License-Identifier: Apache-2.0
 * weigh.c - see weigh.h. */
#include "search/weigh.h"

#include <string.h>

#include "search/posterior.h"
#include "search/vote.h"

int pd_weigh_collect(const struct pd_search *s, int *path_ret)
{
    int n = 0;
    for (int i = 0; i < s->n_paths; i++) {
        if (!pd_path_is_over(&s->path[i]))
            continue;
        int at = n++;
        for (; at > 0 && pd_path_is_before(&s->path[i], &s->path[path_ret[at - 1]]); at--)
            path_ret[at] = path_ret[at - 1];
        path_ret[at] = i;
    }
    return n;
}

/* What the paths that count say. */
struct scale {
    bool counts_vetoed;
    int n_votes, n_scores;
    double score[PD_MAX_PATHS];  /* by place among the paths */
    double weight[PD_MAX_PATHS]; /* by group */
    int votes[PD_MAX_PATHS];
};

static bool counts(const struct scale *scale, const struct pd_path *path)
{
    return path->group != PD_NO_GROUP && (scale->counts_vetoed || !path->scores.is_vetoed);
}

/* Of the verifiers, and of the other votes if agreement counts; alone there is none. */
static double score_of(const struct pd_search *s, const struct scale *scale,
                       const struct pd_path *path)
{
    double score = pd_path_score(s, path);
    if (!s->counts_agreement || !counts(scale, path) || scale->n_votes < 2)
        return score;
    double agreement = (double)(scale->votes[path->group] - 1) / (scale->n_votes - 1);
    return isnan(score) ? agreement : (score + agreement) / 2.0;
}

static void fill_with(const struct pd_search *s, const int *paths, int n, bool counts_vetoed,
                      struct scale *scale)
{
    scale->counts_vetoed = counts_vetoed;
    scale->n_votes = scale->n_scores = 0;
    for (int g = 0; g < s->n_groups; g++) {
        scale->weight[g] = 0.0;
        scale->votes[g] = 0;
    }
    for (int i = 0; i < n; i++) {
        const struct pd_path *path = &s->path[paths[i]];
        if (!counts(scale, path))
            continue;
        scale->n_votes++;
        scale->votes[path->group]++;
    }
    for (int i = 0; i < n; i++) {
        const struct pd_path *path = &s->path[paths[i]];
        double score = scale->score[i] = score_of(s, scale, path);
        if (!counts(scale, path) || isnan(score))
            continue;
        scale->n_scores++;
        scale->weight[path->group] += score;
    }
}

/* Vetoed paths count where there are no others. */
static void fill(const struct pd_search *s, const int *paths, int n, struct scale *scale)
{
    fill_with(s, paths, n, false, scale);
    if (scale->n_votes == 0)
        fill_with(s, paths, n, true, scale);
}

/* The heaviest group; of equals the one with more votes, of those the one that comes first. */
static int heaviest(const struct pd_search *s, const int *paths, int n, const struct scale *scale)
{
    int best = PD_NO_GROUP;
    for (int i = 0; i < n; i++) {
        const struct pd_path *path = &s->path[paths[i]];
        int g = path->group;
        if (!counts(scale, path))
            continue;
        if (best == PD_NO_GROUP || scale->weight[g] > scale->weight[best] ||
            (scale->weight[g] == scale->weight[best] && scale->votes[g] > scale->votes[best]))
            best = g;
    }
    return best;
}

/* The path of the group with the highest score; without scores, the most probable. */
static int speaker(const struct pd_search *s, const int *paths, int n, const struct scale *scale,
                   int group)
{
    int best = PD_NO_PATH;
    double best_value = 0.0;
    for (int i = 0; i < n; i++) {
        const struct pd_path *path = &s->path[paths[i]];
        double value = scale->n_scores > 0 ? scale->score[i] : pd_path_mean_log_prob(path);
        if (!counts(scale, path) || path->group != group)
            continue;
        if (best == PD_NO_PATH || (isnan(best_value) && !isnan(value)) || value > best_value) {
            best = paths[i];
            best_value = value;
        }
    }
    return best;
}

/* The posterior of scores that are probabilities; else the share of the weight, or of the votes. Sums are in the order of
 * paths, never of groups, whose numbers depend on who ends first. */
static double certainty(const struct pd_search *s, const int *paths, int n,
                        const struct scale *scale, int group)
{
    struct pd_posterior posterior;
    int n_seen = 0, place[PD_MAX_PATHS]; /* of groups, as they are seen */
    double total = 0.0;
    pd_posterior_init(&posterior);
    for (int g = 0; g < s->n_groups; g++)
        place[g] = PD_NO_GROUP;
    for (int i = 0; i < n; i++) {
        const struct pd_path *path = &s->path[paths[i]];
        double score = scale->score[i];
        if (!counts(scale, path))
            continue;
        if (place[path->group] == PD_NO_GROUP)
            place[path->group] = n_seen++;
        pd_posterior_add(&posterior, place[path->group], score);
        total += isnan(score) ? 0.0 : score;
    }
    if (s->is_calibrated && scale->n_scores > 0)
        return pd_posterior_of(&posterior, place[group]);
    return total > 0.0 ? scale->weight[group] / total
                       : (double)scale->votes[group] / scale->n_votes;
}

struct pd_choice pd_weigh(const struct pd_search *s, const int *paths, int n)
{
    struct scale scale;
    struct pd_choice choice = {.path = PD_NO_PATH};
    fill(s, paths, n, &scale);
    int group = heaviest(s, paths, n, &scale);
    if (group == PD_NO_GROUP)
        return choice;
    choice.path = speaker(s, paths, n, &scale, group);
    choice.confidence = certainty(s, paths, n, &scale, group);
    return choice;
}

struct pd_choice pd_weigh_all(const struct pd_search *s)
{
    int paths[PD_MAX_PATHS];
    return pd_weigh(s, paths, pd_weigh_collect(s, paths));
}

bool pd_weigh_is_sure(const struct pd_search *s, const int *paths, int n)
{
    struct scale scale;
    int n_others = 0;
    if (s->task.confidence >= 1.0)
        return false;
    fill(s, paths, n, &scale);
    int group = heaviest(s, paths, n, &scale);
    if (group == PD_NO_GROUP || scale.counts_vetoed)
        return false;
    if (s->is_calibrated && scale.n_scores > 0)
        return certainty(s, paths, n, &scale, group) >= s->task.confidence;
    for (int g = 0; g < s->n_groups; g++)
        if (g != group)
            n_others = pd_max_int(n_others, scale.votes[g]);
    return pd_vote_certainty(scale.votes[group], n_others) >= s->task.confidence;
}

void pd_weigh_scores(const struct pd_search *s, const int *paths, int n, double *score_ret)
{
    struct scale scale;
    fill(s, paths, n, &scale);
    memcpy(score_ret, scale.score, (size_t)n * sizeof *score_ret);
}
