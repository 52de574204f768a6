/* SPDX-License-Identifier: Apache-2.0
 * verifier.h - what judges a line of thought: one struct of functions a kind, one call a round for all lanes.
 *
 * A score is a probability: of the final answer becoming right, given what is written so far. NAN is "nothing to say",
 * and is left out wherever scores are put together; it never counts as 0. The search asks for a path's scores in order,
 * each step once (a step that lookahead wrote and took back may be asked about, and then another in its place).
 *
 * To add one without a model of its own: a verify_NAME.c with its row, and the row in verifier.c. One that needs a
 * model is given to the search when the engine is made: pd_search_add_verifier(). */
#ifndef PD_VERIFIER_H
#define PD_VERIFIER_H

#include <math.h>

#include "base/base.h"

/* What everything that is judged in one run belongs to. */
struct pd_verify_question {
    const char *text; /* as it was asked */
    size_t text_bytes;
    const int32_t *token; /* the policy's prompt, all of it */
    int n_tokens;
};

/* A path at the end of a step. Tokens and text are all that it has written so far. */
struct pd_verify_item {
    int lane; /* the policy's. A path may change lanes, and a lane paths: what a verifier remembers of a lane it must
               * compare with the tokens */
    const int32_t *token;
    int n_tokens; /* the one that ends the step is among them (a line end) or not (end of text) */
    const char *text;
    size_t text_bytes;
    size_t step_begin;    /* in text: what was not judged before */
    int step_first_token; /* the same in token */
    bool is_answer;       /* the path has ended: nothing will follow */
    const float *
        hidden; /* [n_embd] final norm, of the row from which the step's end was drawn; NULL unless asked for */
    double mean_log_prob; /* of the path's own tokens, natural */
    double
        mean_certainty; /* pd_head_certainty() of what they were drawn from; unless asked for, 0 */
};

enum pd_verify_when {
    PD_VERIFY_STEP,   /* at every step's end, and at the end */
    PD_VERIFY_ANSWER, /* at the end only */
    PD_VERIFY_OTHERS /* not by itself: when a choice is made, from what the others answer. It has no functions */
};

struct pd_verifier {
    const char *name, *summary;
    enum pd_verify_when when;
    bool wants_hidden, wants_certainty;
    bool
        vetoes; /* 0 means false for sure: asked before the others, who are not asked about what it rejects; its other
                  * scores do not count */
    bool is_calibrated; /* its scores may be taken for probabilities: they may end a search early */
    /* A question begins; or NULL. A failure: it says nothing in this run. */
    enum ponder_status (*begin)(void *self, const struct pd_verify_question *question);
    /* A score for each of n items, n <= PONDER_MAX_LANES. NO_TIME: the clock passed deadline_ns (0: none) before it was
     * done. On any failure all its scores of this round are missing. */
    enum ponder_status (*score)(void *self, const struct pd_verify_item *items, int n,
                                int64_t deadline_ns, float *score_ret);
};

/* A verifier and what it works on. */
struct pd_verifier_use {
    const struct pd_verifier *type;
    void *self;
};

enum { PD_MAX_VERIFIERS = 8 }; /* that a search may know */

/* Those that need no model: the i-th; NULL behind the last. */
const struct pd_verifier *pd_verifier_get(int i);

/* ---- scores of a path ---- */

/* How the scores of its steps become one (Snell et al. 2024, section 5.1 found `last` best). */
enum pd_combine { PD_COMBINE_LAST, PD_COMBINE_MIN, PD_COMBINE_PRODUCT, PD_COMBINE_MEAN };

struct pd_scores {
    int n; /* steps that have a score */
    float last, min;
    double product, sum;
    bool is_vetoed;
};

void pd_scores_add(struct pd_scores *scores, float score);

/* NAN: no step has one. */
double pd_scores_combined(const struct pd_scores *scores, enum pd_combine how);

/* Asks each verifier about the items, the vetoing ones first; score_ret: the mean of those that have something to say,
 * else NAN; is_vetoed_ret: a vetoing one said 0. */
void pd_verify(const struct pd_verifier_use *verifiers, int n_verifiers,
               const struct pd_verify_item *items, int n, int64_t deadline_ns, float *score_ret,
               bool *is_vetoed_ret);

#endif
