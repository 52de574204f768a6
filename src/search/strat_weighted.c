/* SPDX-License-Identifier: Apache-2.0
 * strat_weighted.c - best of n weighted: the answer with the largest sum of scores. Stops when the posterior is sure,
 * if the scores are probabilities; as with majority, by the first m samples once all of them have ended. */
#include "search/flat.h"
#include "search/weigh.h"

struct progress {
    int n_looked; /* at that many first samples: not sure */
    int n_deciding;
};

static void begin(struct pd_search *s)
{
    *(struct progress *)s->state = (struct progress){0};
}

static void first_paths(int n, int *path_ret)
{
    for (int i = 0; i < n; i++)
        path_ret[i] = i;
}

static bool is_decided(struct pd_search *s)
{
    struct progress *progress = s->state;
    int paths[PD_MAX_SAMPLES];
    if (s->task.confidence >= 1.0 || !s->is_calibrated)
        return false;
    while (progress->n_looked < s->n_paths && pd_path_is_over(&s->path[progress->n_looked])) {
        int n = ++progress->n_looked;
        first_paths(n, paths);
        if (pd_weigh(s, paths, n).confidence >= s->task.confidence) {
            progress->n_deciding = n;
            return true;
        }
    }
    return false;
}

static enum pd_verdict advance(struct pd_search *s)
{
    return pd_flat_advance(s, is_decided);
}

static struct pd_choice choose(const struct pd_search *s)
{
    const struct progress *progress = s->state;
    int paths[PD_MAX_SAMPLES];
    if (progress->n_deciding == 0)
        return pd_weigh_all(s);
    first_paths(progress->n_deciding, paths);
    return pd_weigh(s, paths, progress->n_deciding);
}

const struct pd_strategy pd_strategy_weighted = {
    .name = "best-of-n-weighted",
    .summary = "the answer with the largest sum of its samples' scores",
    .is_flat = true,
    .wants_scores = true,
    .state_bytes = sizeof(struct progress),
    .begin = begin,
    .advance = advance,
    .choose = choose,
};
