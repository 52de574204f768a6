/* SPDX-License-Identifier: Apache-2.0
 * verify.h - the verifiers that need no model. */
#ifndef PD_VERIFY_H
#define PD_VERIFY_H

#include "search/verifier.h"

extern const struct pd_verifier pd_verifier_confidence;

#endif
