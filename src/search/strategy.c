/* SPDX-License-Identifier: Apache-2.0
 * strategy.c - the list of strategies. */
#include "search/strategy.h"

#include <string.h>

static const struct pd_strategy *const strategies[] = {
    &pd_strategy_auto,     &pd_strategy_greedy,  &pd_strategy_majority,  &pd_strategy_best_of_n,
    &pd_strategy_weighted, &pd_strategy_beam,    &pd_strategy_lookahead, &pd_strategy_dvts,
    &pd_strategy_rebase,   &pd_strategy_halving, &pd_strategy_revise,
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

size_t pd_strategy_state_bytes(void)
{
    size_t most = 1;
    for (size_t i = 0; i < PD_COUNT(strategies); i++)
        if (strategies[i]->state_bytes > most)
            most = strategies[i]->state_bytes;
    return most;
}
