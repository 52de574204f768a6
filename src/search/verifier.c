/* SPDX-License-Identifier: Apache-2.0
 * verifier.c - the list of verifiers without a model; asking several; a path's scores. */
#include "search/verifier.h"

#include "search/verify.h"

static const struct pd_verifier *const verifiers[] = {
    &pd_verifier_confidence,
    &pd_verifier_self_certainty,
    &pd_verifier_agreement,
    &pd_verifier_arithmetic,
};

const struct pd_verifier *pd_verifier_get(int i)
{
    return i >= 0 && (size_t)i < PD_COUNT(verifiers) ? verifiers[i] : NULL;
}

void pd_scores_add(struct pd_scores *scores, float score)
{
    if (isnan(score))
        return;
    if (scores->n == 0 || score < scores->min)
        scores->min = score;
    scores->product = scores->n == 0 ? (double)score : scores->product * (double)score;
    scores->sum += (double)score;
    scores->last = score;
    scores->n++;
}

double pd_scores_combined(const struct pd_scores *scores, enum pd_combine how)
{
    if (scores->n == 0)
        return (double)NAN;
    switch (how) {
    case PD_COMBINE_MIN:
        return (double)scores->min;
    case PD_COMBINE_PRODUCT:
        return scores->product;
    case PD_COMBINE_MEAN:
        return scores->sum / scores->n;
    case PD_COMBINE_LAST:
        break;
    }
    return (double)scores->last;
}

/* Asks one verifier about the items it has to do with, in one call; those that are out, or none of its business, have no
 * score. */
static void ask(const struct pd_verifier_use *use, const struct pd_verify_item *items, int n,
                const bool *is_out, int64_t deadline_ns, float *score_ret)
{
    struct pd_verify_item asked[PONDER_MAX_LANES];
    float score[PONDER_MAX_LANES];
    int index[PONDER_MAX_LANES];
    int n_asked = 0;
    for (int i = 0; i < n; i++) {
        score_ret[i] = NAN;
        if (is_out[i] || (use->type->when == PD_VERIFY_ANSWER && !items[i].is_answer))
            continue;
        index[n_asked] = i;
        asked[n_asked++] = items[i];
    }
    if (n_asked == 0 ||
        use->type->score(use->self, asked, n_asked, deadline_ns, score) != PONDER_OK)
        return;
    for (int i = 0; i < n_asked; i++)
        score_ret[index[i]] = score[i];
}

void pd_verify(const struct pd_verifier_use *uses, int n_verifiers,
               const struct pd_verify_item *items, int n, int64_t deadline_ns, float *score_ret,
               bool *is_vetoed_ret)
{
    float score[PONDER_MAX_LANES];
    double sum[PONDER_MAX_LANES] = {0.0};
    int n_scores[PONDER_MAX_LANES] = {0};
    PD_ASSERT(n <= PONDER_MAX_LANES);
    for (int i = 0; i < n; i++)
        is_vetoed_ret[i] = false;
    for (int v = 0; v < n_verifiers; v++) {
        if (!uses[v].type->vetoes)
            continue;
        ask(&uses[v], items, n, is_vetoed_ret, deadline_ns, score);
        for (int i = 0; i < n; i++)
            is_vetoed_ret[i] = is_vetoed_ret[i] || score[i] == 0.0f;
    }
    for (int v = 0; v < n_verifiers; v++) {
        if (uses[v].type->vetoes)
            continue;
        ask(&uses[v], items, n, is_vetoed_ret, deadline_ns, score);
        for (int i = 0; i < n; i++) {
            if (isnan(score[i]))
                continue;
            sum[i] += (double)score[i];
            n_scores[i]++;
        }
    }
    for (int i = 0; i < n; i++)
        score_ret[i] = n_scores[i] > 0 ? (float)(sum[i] / n_scores[i]) : NAN;
}
