/* SPDX-License-Identifier: Apache-2.0
 * strategy.c - the list of strategies. */
#include "search/strategy.h"

#include <string.h>

static const struct pd_strategy *const strategies[] = {
    &pd_strategy_greedy,
    &pd_strategy_majority,
    &pd_strategy_best_of_n,
};

const struct pd_strategy *pd_strategy_get(int i)
{
    return i >= 0 && (size_t)i < PD_COUNT(strategies) ? strategies[i] : NULL;
}

const struct pd_strategy *pd_strategy_find(const char *name)
{
    for (size_t i = 0; i < PD_COUNT(strategies); i++)
        if (strcmp(strategies[i]->name, name) == 0)
            return strategies[i];
    return NULL;
}
