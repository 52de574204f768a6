/* SPDX-License-Identifier: Apache-2.0
 * forest.h - what strategies that judge steps have in common. Paths grow in trees that know nothing of each other. In a
 * tree all write one step; when the last has, all are judged in one round, and the strategy says how many go on from
 * each. Paths that ended leave the tree with their answers, and it is narrower by each of them.
 *
 * It is decided when the answers are sure (weigh.h): with one tree at the end of each round, with several by the first m
 * of them once all those are done, m = 1, 2, ..., whose answers alone then count: which trees happened to grow side by side
 * changes nothing. */
#ifndef PD_FOREST_H
#define PD_FOREST_H

#include "search/strategy.h"

enum {
    PD_FOREST_ROUNDS = 40
}; /* of judging (Snell et al. 2024, section 5.2); then what is there goes on to its end */

/* One path at a step's end. */
struct pd_candidate_path {
    int path;
    double score; /* NAN: none; filled in with the mean of the others, or 0.5 */
    bool is_vetoed;
    int n_next; /* what the strategy decides: paths that go on from here */
};

/* The candidates of a round, best first: vetoed ones last, then by score, then in the order that ties go by; those
 * that were written twice once only. */
struct pd_round {
    int number; /* 1 behind the first step */
    int width;  /* paths that the tree may have */
    int n;
    struct pd_candidate_path *candidate;
};

/* Sets n_next of each candidate, which is 0, with a sum of at most round->width. */
typedef void pd_forest_share(const struct pd_search *s, const struct pd_round *round);

struct pd_tree {
    int n_roots;  /* 0: not begun */
    int width;    /* of it, less the paths that have ended */
    int n_rounds; /* judged */
    bool is_done;
};

struct pd_forest {
    int n_roots; /* of a tree */
    int n_trees;
    int n_looked;   /* the first so many are done: not sure */
    int n_deciding; /* trees; 0: it is not decided */
    struct pd_tree tree[PD_MAX_SAMPLES];
};

/* Trees of n_roots paths each, for n_samples together; the last one may be smaller. s->state is the forest's. */
void pd_forest_begin(struct pd_search *s, int n_roots);
/* One tree of all samples. */
void pd_forest_begin_one(struct pd_search *s);
enum pd_verdict pd_forest_advance(struct pd_search *s, pd_forest_share *share);
struct pd_choice pd_forest_choose(const struct pd_search *s);

#endif
