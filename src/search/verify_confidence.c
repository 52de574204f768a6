/* SPDX-License-Identifier: Apache-2.0
 * verify_confidence.c - how sure the policy itself was: exp of the mean log-probability of what it drew. No
 * probability of being right, so it ranks and weighs but never ends a search. */
#include "base/real.h"
#include "search/verify.h"

static enum ponder_status score(void *self, const struct pd_verify_item *items, int n,
                                int64_t deadline_ns, float *score_ret)
{
    (void)self;
    (void)deadline_ns;
    for (int i = 0; i < n; i++)
        score_ret[i] = (float)pd_real_exp(items[i].mean_log_prob);
    return PONDER_OK;
}

const struct pd_verifier pd_verifier_confidence = {
    .name = "confidence",
    .summary = "how probable the policy found its own words",
    .when = PD_VERIFY_STEP,
    .score = score,
};
