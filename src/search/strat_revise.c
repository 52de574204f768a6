/* SPDX-License-Identifier: Apache-2.0
 * strat_revise.c - revisions (Snell et al. 2024, section 6): chains side by side, in each one attempt after another with
 * the last four in view. One chain is all in sequence, as many chains as samples all in parallel.
 *
 * It is decided when what the choice would be made from is sure (weigh.h), looked at behind the first attempts of all
 * chains, behind the second ones, and so on: later attempts then do not count, whoever wrote them first.
 *
 * With scores the best of each chain is found first, then the best of those (section 6.1); with votes alone all attempts
 * are counted together, since a chain has too few. */
#include "search/strategy.h"
#include "search/weigh.h"

enum { ATTEMPTS_IN_VIEW = 4 };

struct chain {
    int n_begun; /* attempts; 0: none yet */
    int n_over;  /* of them */
    bool is_done;
};

struct chains {
    int n;
    int n_looked;   /* rounds of attempts: not sure */
    int n_deciding; /* rounds; 0: it is not decided */
    struct chain chain[PD_MAX_SAMPLES];
};

static void begin(struct pd_search *s)
{
    struct chains *c = s->state;
    *c = (struct chains){.n = s->task.n_chains};
}

/* Attempts of a chain: n_samples in all, the first chains one more where it does not come out even. */
static int length_of(const struct pd_search *s, const struct chains *c, int i)
{
    return s->task.n_samples / c->n + (i < s->task.n_samples % c->n);
}

/* The number of the j-th attempt of chain i, among all. */
static int root_of(const struct pd_search *s, const struct chains *c, int i, int j)
{
    int n_longer = s->task.n_samples % c->n;
    return i * (s->task.n_samples / c->n) + pd_min_int(i, n_longer) + j;
}

/* The last finished attempts of a chain, oldest first; how many. */
static int last_attempts(const struct pd_search *s, int tag, int *path_ret)
{
    int paths[PD_MAX_PATHS];
    int n_all = pd_weigh_collect(s, paths), n = 0, n_skipped;
    for (int i = 0; i < n_all; i++)
        if (s->path[paths[i]].tag == tag && s->path[paths[i]].state == PD_PATH_ENDED)
            paths[n++] = paths[i];
    n_skipped = pd_max_int(0, n - ATTEMPTS_IN_VIEW);
    for (int i = n_skipped; i < n; i++)
        path_ret[i - n_skipped] = paths[i];
    return n - n_skipped;
}

/* What follows an attempt that is over. */
static void follow(struct pd_search *s, struct chains *c, int path)
{
    int tag = s->path[path].tag;
    struct chain *chain = &c->chain[tag];
    int attempts[ATTEMPTS_IN_VIEW];
    if (chain->n_begun < length_of(s, c, tag)) {
        int n = last_attempts(s, tag, attempts);
        if (pd_search_revise(s, path, attempts, n, root_of(s, c, tag, chain->n_begun)) !=
            PD_NO_PATH) {
            chain->n_begun++;
            return;
        }
    }
    chain->is_done = true;
    pd_search_release(s, path);
}

/* ---- choosing ---- */

static bool has_scores(const struct pd_search *s, const int *paths, int n)
{
    for (int i = 0; i < n; i++)
        if (!isnan(pd_path_score(s, &s->path[paths[i]])))
            return true;
    return false;
}

/* The paths that the answer is chosen from, of the first n_rounds attempts of each chain; how many. */
static int candidates(const struct pd_search *s, int n_rounds, int *path_ret)
{
    const struct chains *c = s->state;
    int n_all = pd_weigh_collect(s, path_ret), n = 0, n_best = 0;
    for (int i = 0; i < n_all; i++) {
        const struct pd_path *path = &s->path[path_ret[i]];
        if (path->root - s->first_root - root_of(s, c, path->tag, 0) < n_rounds)
            path_ret[n++] = path_ret[i];
    }
    if (!has_scores(s, path_ret, n))
        return n;
    for (int begin = 0, end; begin < n; begin = end) { /* they are in order of chains */
        for (end = begin; end < n && s->path[path_ret[end]].tag == s->path[path_ret[begin]].tag;)
            end++;
        struct pd_choice choice = pd_weigh(s, path_ret + begin, end - begin);
        if (choice.path != PD_NO_PATH)
            path_ret[n_best++] = choice.path;
    }
    return n_best;
}

static struct pd_choice choose(const struct pd_search *s)
{
    const struct chains *c = s->state;
    int paths[PD_MAX_PATHS];
    return pd_weigh(s, paths,
                    candidates(s, c->n_deciding > 0 ? c->n_deciding : PD_MAX_SAMPLES, paths));
}

/* Attempts that are over in all chains; of one that is done, as many as there may be. */
static int rounds_over(const struct pd_search *s, const struct chains *c)
{
    int n_rounds = PD_MAX_SAMPLES;
    for (int i = 0; i < c->n; i++)
        if (!c->chain[i].is_done && c->chain[i].n_over < length_of(s, c, i))
            n_rounds = pd_min_int(n_rounds, c->chain[i].n_over);
    return n_rounds;
}

/* Attempts are over. True: they decide, and there are more to do. */
static bool is_decided(const struct pd_search *s, struct chains *c)
{
    int n_over = rounds_over(s, c), paths[PD_MAX_PATHS];
    bool are_over = n_over == PD_MAX_SAMPLES;
    n_over = pd_min_int(n_over, length_of(s, c, 0));
    while (c->n_looked < n_over && c->n_deciding == 0) {
        int n = ++c->n_looked;
        if (pd_weigh_is_sure(s, paths, candidates(s, n, paths)))
            c->n_deciding = n;
    }
    return c->n_deciding > 0 && !are_over;
}

/* ---- going on ---- */

static enum pd_verdict advance(struct pd_search *s)
{
    struct chains *c = s->state;
    int stopped[PONDER_MAX_LANES];
    int n = 0;
    bool are_done = true, has_ended = false;
    for (int i = 0; i < s->n_paths; i++)
        if (s->path[i].lane != PD_NO_LANE && s->path[i].state != PD_PATH_RUNNING)
            stopped[n++] = i;
    if (n > 0)
        pd_search_score(s, stopped, n);
    for (int i = 0; i < n; i++) {
        const struct pd_path *path = &s->path[stopped[i]];
        has_ended = has_ended || pd_path_is_over(path);
        c->chain[path->tag].n_over += pd_path_is_over(path);
    }
    if (has_ended && is_decided(s, c))
        return PD_DECIDED;
    for (int i = 0; i < n; i++) {
        if (s->path[stopped[i]].state == PD_PATH_HALTED)
            pd_search_go_on(s, stopped[i]);
        else
            follow(s, c, stopped[i]);
    }
    int room = pd_search_room(s);
    for (int i = 0; i < c->n; i++) {
        struct chain *chain = &c->chain[i];
        if (chain->n_begun == 0 && room > 0 &&
            pd_search_start(s, root_of(s, c, i, 0), i) != PD_NO_PATH) {
            chain->n_begun++;
            room--;
        }
        are_done = are_done && chain->is_done;
    }
    return are_done ? PD_DONE : PD_GO_ON;
}

const struct pd_strategy pd_strategy_revise = {
    .name = "revise",
    .summary = "--chains of attempts, each with the last four of its chain in view",
    .uses_scores = true,
    .revises = true,
    .state_bytes = sizeof(struct chains),
    .begin = begin,
    .advance = advance,
    .choose = choose,
};
