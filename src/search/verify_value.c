/* SPDX-License-Identifier: Apache-2.0
 * verify_value.c - the policy's value head: a probability out of the hidden state from which a step's end was drawn. The
 * forward pass has been done anyway, so a score is a product of two vectors. */
#include "model/traits.h"
#include "search/verify.h"

static enum ponder_status score(void *self, const struct pd_verify_item *items, int n,
                                int64_t deadline_ns, float *score_ret)
{
    const struct pd_linear *head = self;
    (void)deadline_ns;
    for (int i = 0; i < n; i++)
        score_ret[i] = items[i].hidden != NULL ? pd_linear_probability(head, items[i].hidden) : NAN;
    return PONDER_OK;
}

const struct pd_verifier pd_verifier_value = {
    .name = "head",
    .summary = "the model's own value head, on hidden states that are there anyway",
    .when = PD_VERIFY_STEP,
    .wants_hidden = true,
    .is_calibrated = true,
    .score = score,
};
