/* SPDX-License-Identifier: Apache-2.0
 * expand.h - one problem from a grammar: a pure function of grammar, seed and number. */
#ifndef DATA_EXPAND_H
#define DATA_EXPAND_H

#include "models/data/grammar.h"

enum { PROBLEM_BYTES = 4096 };

struct problem {
    const struct family *family;
    char question[PROBLEM_BYTES];
    struct steps steps;
};

/* Draws problem `number` of `seed`: a family whose kind begins with one of the comma-separated `kinds` (NULL:
 * any) by weight, then its text until the conditions hold and min_steps <= steps <= max_steps. False if that
 * does not come about in many tries of that family: draw another number. Exits where the grammar is wrong. */
bool expand_problem(const struct grammar *g, uint64_t seed, uint64_t number, const char *kinds,
                    int min_steps, int max_steps, struct problem *problem_ret);

#endif
