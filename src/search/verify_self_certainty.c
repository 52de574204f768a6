/* SPDX-License-Identifier: Apache-2.0
 * verify_self_certainty.c - how far from even the policy's distributions were (Kang et al. 2025, "Scalable Best-of-N
 * Selection via Self-Certainty"): the mean over its tokens of pd_head_certainty(), a distance d from 0 to no bound, as
 * d / (1 + d). That keeps its order, which is all that it means: it is no probability of being right. */
#include "search/verify.h"

static enum ponder_status score(void *self, const struct pd_verify_item *items, int n,
                                int64_t deadline_ns, float *score_ret)
{
    (void)self;
    (void)deadline_ns;
    for (int i = 0; i < n; i++)
        score_ret[i] = (float)(items[i].mean_certainty / (1.0 + items[i].mean_certainty));
    return PONDER_OK;
}

const struct pd_verifier pd_verifier_self_certainty = {
    .name = "self-certainty",
    .summary = "how far from even the policy's choice of words was",
    .when = PD_VERIFY_STEP,
    .wants_certainty = true,
    .score = score,
};
