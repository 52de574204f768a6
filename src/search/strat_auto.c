/* SPDX-License-Identifier: Apache-2.0
 * strat_auto.c - the strategy whose place the planner gives to another, question by question: planner.h. */
#include "search/strategy.h"

const struct pd_strategy pd_strategy_auto = {
    .name = "auto",
    .summary = "what the question, the device and the budget make worth it, by the table of ponder "
               "calibrate",
    .plans = true,
};
