/* SPDX-License-Identifier: Apache-2.0
 * setup.h - a request to a task: names to strategies and verifiers, and what cannot be had to what can. */
#ifndef PD_SETUP_H
#define PD_SETUP_H

#include "search/plan.h"
#include "search/strategy.h"

/* Fills in the task's samples, width, lookahead, chains, verifiers and combination, from a request whose n_samples
 * is set. What is done otherwise than asked is said in s->note. BAD_ARGUMENT: an unknown name, a number out of range. */
enum ponder_status pd_setup(struct pd_search *s, const struct ponder_request *request,
                            struct pd_task *task, const struct pd_strategy **strategy_ret);

/* The same from a plan, whose names are known: pd_setup_knows(). */
void pd_setup_plan(struct pd_search *s, const struct pd_plan *plan, struct pd_task *task,
                   const struct pd_strategy **strategy_ret);

/* True if there is such a strategy, and such verifiers. */
bool pd_setup_knows(const struct pd_search *s, const struct pd_plan *plan);

/* The i-th verifier of s (NULL: that needs no model). NULL behind the last. */
const struct pd_verifier *pd_setup_verifier(const struct pd_search *s, int i);

#endif
