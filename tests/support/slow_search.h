/* SPDX-License-Identifier: Apache-2.0
 * slow_search.h - each strategy once more, slow and obvious: paths are whole texts that are written one after the other,
 * copied and sorted; no lanes, no driver. What it says is what the real ones must choose. */
#ifndef SLOW_SEARCH_H
#define SLOW_SEARCH_H

#include "tests/support/scripted.h"

enum { SLOW_MAX_PATHS = 4096, SLOW_NO_ANSWER = -1 };

enum slow_state { SLOW_HALTED, SLOW_ENDED, SLOW_CUT };

struct slow_path {
    enum slow_state state;
    uint64_t key;
    int n_forks, root, number, tree, attempt;
    int32_t view[SCRIPT_MAX_TOKENS + SCRIPT_MAX_TOKENS]; /* tokens in view, then its own */
    int n_view, n;
    int answer;
    double log_prob;
    float score[64]; /* of its steps; NAN too */
    int n_scores;
    bool is_vetoed;
};

struct slow_search {
    const struct script *script;
    int n_samples, max_tokens, width, lookahead, n_chains;
    double confidence;
    enum pd_combine combine;
    bool has_scores, has_vetoes, counts_agreement, cuts_hopeless;
    bool is_calibrated;                    /* scores are probabilities */
    struct slow_path path[SLOW_MAX_PATHS]; /* over */
    int n_paths, n_created;
};

struct slow_choice {
    int path; /* of slow->path; -1 */
    double confidence;
};

/* What a path with these scores is worth; NAN. */
double slow_combined(const float *score, int n, enum pd_combine how);

struct slow_choice slow_majority(struct slow_search *slow);
struct slow_choice slow_best_of_n(struct slow_search *slow);
struct slow_choice slow_weighted(struct slow_search *slow);
struct slow_choice slow_beam(struct slow_search *slow);
struct slow_choice slow_dvts(struct slow_search *slow);
struct slow_choice slow_rebase(struct slow_search *slow);
struct slow_choice slow_halving(struct slow_search *slow);
struct slow_choice slow_revise(struct slow_search *slow);

/* The weighted vote of paths that are over, in their order. */
struct slow_choice slow_weigh(const struct slow_search *slow, const int *paths, int n);

#endif
