/* SPDX-License-Identifier: Apache-2.0
 * plan.h - how to think about a question, before the strategy begins: what a request says, or a table of what is worth
 * it. */
#ifndef PD_PLAN_H
#define PD_PLAN_H

/* Zero and NULL: what the strategy usually has. */
struct pd_plan {
    const char *strategy; /* a name */
    const char *verifier; /* names, parted by commas */
    int n_samples;        /* > 0 */
    int width, lookahead, n_chains;
};

#endif
