/* SPDX-License-Identifier: Apache-2.0
 * verify.h - the verifiers, one file each. */
#ifndef PD_VERIFY_H
#define PD_VERIFY_H

#include "search/verifier.h"

/* Without a model. */
extern const struct pd_verifier pd_verifier_agreement;
extern const struct pd_verifier pd_verifier_arithmetic;
extern const struct pd_verifier pd_verifier_confidence;
extern const struct pd_verifier pd_verifier_self_certainty;

/* Of a model with a value head: self is its struct pd_linear. */
extern const struct pd_verifier pd_verifier_value;

#endif
