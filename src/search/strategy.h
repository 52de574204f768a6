/* SPDX-License-Identifier: Apache-2.0
 * strategy.h - a way of thinking: looks at samples, says when it is decided and which sample answers. It never
 * touches tensors, clocks or memory. To add one: a strat_NAME.c with its row, and the row in strategy.c. */
#ifndef PD_STRATEGY_H
#define PD_STRATEGY_H

#include "search/search.h"

struct pd_choice {
    int sample; /* -1: none has an answer yet */
    double confidence;
};

struct pd_strategy {
    const char *name;
    const char *summary;
    int max_samples; /* it can use; 0: any number */
    bool is_greedy;  /* always draws the likeliest token */
    /* Called when samples have ended: true when more cannot change the choice, or not enough to matter. Must look only
     * at what does not depend on the order in which samples happen to end. */
    bool (*is_decided)(const struct pd_search *s);
    /* The best so far: may be asked at any moment. */
    struct pd_choice (*choose)(const struct pd_search *s);
};

extern const struct pd_strategy pd_strategy_greedy;
extern const struct pd_strategy pd_strategy_majority;
extern const struct pd_strategy pd_strategy_best_of_n;

/* By name; NULL: there is none. */
const struct pd_strategy *pd_strategy_find(const char *name);

/* The i-th, for help and error texts; NULL behind the last. */
const struct pd_strategy *pd_strategy_get(int i);

#endif
