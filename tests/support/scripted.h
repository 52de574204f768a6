/* SPDX-License-Identifier: Apache-2.0
 * scripted.h - a policy and verifiers without a model: what a lane says next, and what it is worth, are hashes of what
 * it has said. Behind the same interfaces as the real ones; and open to a slow search that asks the same hashes.
 *
 * Tokens: 0 ends the text, 1 is a line end, 2..5 are words, 6..11 are answers "#### 0" .. "#### 5". */
#ifndef SCRIPTED_H
#define SCRIPTED_H

#include "search/search.h"

enum { SCRIPT_EOS, SCRIPT_LINE, SCRIPT_WORD, SCRIPT_ANSWER = 6, SCRIPT_END = 12 };
enum { SCRIPT_LANES = 66, SCRIPT_MAX_TOKENS = 200 };

struct script {
    uint64_t seed;
    int n_answers;      /* 1..6 */
    int chance_endless; /* of 16: no answer ever */
    int chance_missing; /* of 16: of a score */
    int chance_vetoed;  /* of 64 */
    int score_steps;    /* scores are multiples of 1 / this: few make ties */
    /* Above 0, paths and scores mean something. A line goes wrong now and then, and the path's answer with it; a score is
     * this much the truth, the rest noise; and into a trap, where it is wrong and the verifier most pleased. */
    float truth;
    int chance_wrong; /* of 64, of a line */
    int chance_trap;  /* of 1024 */
};

/* The token that follows n tokens of a path (and what it has in view, before them); likeliest: whatever the key. */
int32_t script_next(const struct script *script, const int32_t *tokens, int n_before, int n,
                    uint64_t key, bool is_likeliest, float *log_prob_ret);

/* What the verifiers say of a path's n tokens. */
float script_score(const struct script *script, const int32_t *tokens, int n);
bool script_is_vetoed(const struct script *script, const int32_t *tokens, int n);

size_t script_text(int32_t token, char *text_ret, size_t capacity);

/* A search around the scripted policy, in memory of exactly the size that it counted. */
struct scripted {
    struct script script;
    struct pd_search search;
    void *block;
    int n_prompt;
    bool lane_is_used[SCRIPT_LANES];
    int lane_length[SCRIPT_LANES];
    int32_t lane[SCRIPT_LANES][SCRIPT_MAX_TOKENS];
    int output_lane[SCRIPT_LANES + 1]; /* by output; what it comes from is the lane's tokens */
    int output_length[SCRIPT_LANES + 1];
    float hidden[SCRIPT_LANES + 1];
    int n_rows, n_draws, n_score_calls, n_items;
    int cancel_at; /* draws until *cancel is set; 0: never */
    int cancel;
    struct pd_verifier_use scores, rough,
        vetoes; /* to be named in a task; rough: the same scores, not calibrated */
};

struct scripted *scripted_new(const struct script *script, int n_lanes, int max_tokens);
void scripted_free(struct scripted *s);

/* A task with defaults: no deadline, n samples. */
struct pd_task scripted_task(struct scripted *s, int n_samples);

#endif
