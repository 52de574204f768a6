/* SPDX-License-Identifier: Apache-2.0
 * forest.c - see forest.h. */
#include "search/forest.h"

#include <string.h>

#include "search/weigh.h"

void pd_forest_begin(struct pd_search *s, int n_roots)
{
    struct pd_forest *f = s->state;
    f->n_roots = n_roots;
    f->n_trees = pd_div_up(s->task.n_samples, n_roots);
    f->n_looked = f->n_deciding = 0;
    memset(f->tree, 0, sizeof f->tree);
}

void pd_forest_begin_one(struct pd_search *s)
{
    pd_forest_begin(s, s->task.n_samples);
}

/* ---- beginning ---- */

/* Begins trees in order as long as there is room for a whole one; the first one in any case, as wide as can be. */
static void begin_trees(struct pd_search *s, struct pd_forest *f)
{
    for (int t = 0; t < f->n_trees; t++) {
        struct pd_tree *tree = &f->tree[t];
        if (tree->n_roots > 0)
            continue;
        int room = pd_search_room(s);
        int n = pd_min_int(f->n_roots, s->task.n_samples - t * f->n_roots);
        if (s->n_started == s->first_root)
            n = pd_min_int(n, room);
        if (n > room || n == 0)
            return;
        for (int i = 0; i < n; i++)
            if (pd_search_start(s, t * f->n_roots + i, t) != PD_NO_PATH)
                tree->n_roots++;
        tree->width = tree->n_roots;
    }
}

/* ---- a round ---- */

/* True if no path of the tree is writing. */
static bool has_halted(const struct pd_search *s, int t)
{
    for (int i = 0; i < s->n_running; i++)
        if (s->path[s->running[i]].tag == t)
            return false;
    return true;
}

/* True if two paths have written the same. */
static bool are_same(const struct pd_path *a, const struct pd_path *b)
{
    return a->n_tokens == b->n_tokens &&
           memcmp(a->token, b->token, (size_t)a->n_tokens * sizeof *a->token) == 0;
}

static bool is_better(const struct pd_search *s, const struct pd_candidate_path *a,
                      const struct pd_candidate_path *b)
{
    if (a->is_vetoed != b->is_vetoed)
        return b->is_vetoed;
    if (a->score != b->score)
        return a->score > b->score;
    return pd_path_is_before(&s->path[a->path], &s->path[b->path]);
}

/* Missing scores become what is to be expected of them. */
static void fill_missing(struct pd_candidate_path *candidate, int n)
{
    double sum = 0.0;
    int n_scores = 0;
    for (int i = 0; i < n; i++) {
        if (!isnan(candidate[i].score)) {
            sum += candidate[i].score;
            n_scores++;
        }
    }
    for (int i = 0; i < n; i++)
        if (isnan(candidate[i].score))
            candidate[i].score = n_scores > 0 ? sum / n_scores : 0.5;
}

static void sort(const struct pd_search *s, struct pd_candidate_path *candidate, int n)
{
    for (int i = 1; i < n; i++) {
        struct pd_candidate_path moving = candidate[i];
        int at = i;
        for (; at > 0 && is_better(s, &moving, &candidate[at - 1]); at--)
            candidate[at] = candidate[at - 1];
        candidate[at] = moving;
    }
}

/* The earlier path of the tree that has written the same as path i; or none. */
static int twin_of(const struct pd_search *s, int t, int i)
{
    for (int j = 0; j < s->n_paths; j++) {
        const struct pd_path *other = &s->path[j];
        if (j != i && other->tag == t && other->state == PD_PATH_HALTED &&
            pd_path_is_before(other, &s->path[i]) && are_same(other, &s->path[i]))
            return j;
    }
    return PD_NO_PATH;
}

/* The paths of the tree that have halted, each text once. */
static int collect(struct pd_search *s, int t, struct pd_candidate_path *candidate)
{
    bool is_twin[PD_MAX_PATHS];
    int n = 0;
    for (int i = 0; i < s->n_paths; i++)
        is_twin[i] = s->path[i].state == PD_PATH_HALTED && s->path[i].tag == t &&
                     twin_of(s, t, i) != PD_NO_PATH;
    for (int i = 0; i < s->n_paths; i++) {
        const struct pd_path *path = &s->path[i];
        if (path->state != PD_PATH_HALTED || path->tag != t)
            continue;
        if (is_twin[i]) {
            pd_search_prune(s, i, "written twice");
            continue;
        }
        int at = n++; /* in an order that does not depend on slots */
        for (; at > 0 && pd_path_is_before(path, &s->path[candidate[at - 1].path]); at--)
            candidate[at] = candidate[at - 1];
        candidate[at] = (struct pd_candidate_path){
            .path = i, .score = pd_path_score(s, path), .is_vetoed = path->scores.is_vetoed};
    }
    fill_missing(candidate, n);
    sort(s, candidate, n);
    return n;
}

/* A round's end: gives back the lanes of paths that are over, and counts them. Cut ones have no answer: while others go
 * on, they never were. */
static void retire(struct pd_search *s, struct pd_tree *tree, int t)
{
    bool goes_on = false;
    for (int i = 0; i < s->n_paths; i++)
        goes_on = goes_on || (s->path[i].tag == t && s->path[i].state == PD_PATH_HALTED);
    for (int i = 0; i < s->n_paths; i++) {
        const struct pd_path *path = &s->path[i];
        if (path->tag != t || path->lane == PD_NO_LANE || !pd_path_is_over(path))
            continue;
        tree->width -= path->state == PD_PATH_ENDED;
        if (path->state == PD_PATH_CUT && goes_on)
            pd_search_prune(s, i, path->cut_by);
        else
            pd_search_release(s, i);
    }
    tree->n_rounds++;
    tree->is_done = !goes_on;
}

/* Lets n_next paths go on from each candidate; lanes of those that end here first. */
static void follow(struct pd_search *s, const struct pd_round *round)
{
    for (int i = 0; i < round->n; i++)
        if (round->candidate[i].n_next == 0)
            pd_search_prune(s, round->candidate[i].path,
                            round->candidate[i].is_vetoed ? "vetoed" : "not chosen");
    for (int i = 0; i < round->n; i++) {
        const struct pd_candidate_path *c = &round->candidate[i];
        for (int j = 1; j < c->n_next; j++) {
            int child = pd_search_fork(s, c->path);
            if (child != PD_NO_PATH)
                pd_search_go_on(s, child);
        }
        if (c->n_next > 0)
            pd_search_go_on(s, c->path);
    }
}

/* The next round begins. */
static void go_on(struct pd_search *s, const struct pd_tree *tree, int t, pd_forest_share *share)
{
    struct pd_candidate_path candidate[PONDER_MAX_LANES];
    struct pd_round round = {
        .number = tree->n_rounds, .width = tree->width, .candidate = candidate};
    round.n = collect(s, t, candidate);
    if (round.number >= PD_FOREST_ROUNDS) {
        for (int i = 0; i < round.n; i++)
            candidate[i].n_next = 1;
    } else {
        share(s, &round);
    }
    follow(s, &round);
}

/* ---- all trees ---- */

/* Paths of the first n_trees that are over, in the order that ties go by. */
static int collect_over(const struct pd_search *s, int n_trees, int *path_ret)
{
    int n_all = pd_weigh_collect(s, path_ret), n = 0;
    for (int i = 0; i < n_all; i++)
        if (s->path[path_ret[i]].tag < n_trees)
            path_ret[n++] = path_ret[i];
    return n;
}

static bool is_sure(const struct pd_search *s, int n_trees)
{
    int paths[PD_MAX_PATHS];
    return pd_weigh_is_sure(s, paths, collect_over(s, n_trees, paths));
}

/* Rounds have ended. */
static bool is_decided(const struct pd_search *s, struct pd_forest *f)
{
    while (f->n_looked < f->n_trees && f->tree[f->n_looked].is_done && f->n_deciding == 0)
        if (is_sure(s, ++f->n_looked))
            f->n_deciding = f->n_looked;
    if (f->n_trees == 1 && is_sure(s, 1))
        f->n_deciding = 1;
    return f->n_deciding > 0;
}

struct pd_choice pd_forest_choose(const struct pd_search *s)
{
    const struct pd_forest *f = s->state;
    int paths[PD_MAX_PATHS];
    return pd_weigh(s, paths,
                    collect_over(s, f->n_deciding > 0 ? f->n_deciding : f->n_trees, paths));
}

enum pd_verdict pd_forest_advance(struct pd_search *s, pd_forest_share *share)
{
    struct pd_forest *f = s->state;
    int to_judge[PONDER_MAX_LANES], to_look[PONDER_MAX_LANES];
    int n = 0, n_look = 0;
    bool is_ready[PD_MAX_SAMPLES], are_done = true, has_ended = false;
    for (int t = 0; t < f->n_trees; t++)
        is_ready[t] = f->tree[t].n_roots > 0 && !f->tree[t].is_done && has_halted(s, t);
    for (int i = 0; i < s->n_paths; i++) {
        struct pd_path *path = &s->path[i];
        if (path->lane == PD_NO_LANE || !is_ready[path->tag])
            continue;
        if (path->state == PD_PATH_HALTED && !path->is_ahead && s->task.lookahead > 0 &&
            f->tree[path->tag].n_rounds + 1 < PD_FOREST_ROUNDS && !path->is_scored)
            to_look[n_look++] = i;
        else
            to_judge[n++] = i;
    }
    if (n_look > 0)
        pd_search_check(s, to_look, n_look);
    for (int i = 0; i < n_look; i++)
        if (!s->path[to_look[i]].is_scored)
            pd_search_look_ahead(s, to_look[i], s->task.lookahead);
    if (n > 0)
        pd_search_score(s, to_judge, n);
    for (int i = 0; i < n; i++)
        if (s->path[to_judge[i]].is_ahead)
            pd_search_look_back(s, to_judge[i]);
    for (int t = 0; t < f->n_trees; t++) {
        is_ready[t] = is_ready[t] && has_halted(s, t); /* not looking ahead */
        has_ended = has_ended || is_ready[t];
        if (is_ready[t])
            retire(s, &f->tree[t], t);
        are_done = are_done && f->tree[t].is_done;
    }
    bool has_decided = has_ended && is_decided(s, f);
    if (are_done || has_decided)
        return are_done ? PD_DONE : PD_DECIDED;
    for (int t = 0; t < f->n_trees; t++)
        if (is_ready[t] && !f->tree[t].is_done)
            go_on(s, &f->tree[t], t, share);
    begin_trees(s, f);
    return PD_GO_ON;
}
