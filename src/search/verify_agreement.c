/* SPDX-License-Identifier: Apache-2.0
 * verify_agreement.c - the share of the other answers that are the same. It changes with every path that ends, in
 * whatever order they do: so weigh.c works it out anew for each choice, among the paths that it is made from. */
#include "search/verify.h"

const struct pd_verifier pd_verifier_agreement = {
    .name = "agreement",
    .summary = "the share of the other samples that give the same answer",
    .when = PD_VERIFY_OTHERS,
};
