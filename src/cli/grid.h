/* SPDX-License-Identifier: Apache-2.0
 * grid.h - strategies times budgets, as --strategies and --budgets list them: what curves are drawn of. */
#ifndef CLI_GRID_H
#define CLI_GRID_H

#include <stddef.h>

enum { MAX_GRID = 16, GRID_NAME_BYTES = 40, GRID_FILE_BYTES = 2 * GRID_NAME_BYTES };

struct grid_strategy {
    char name[GRID_NAME_BYTES]; /* as given: "majority:16" */
    const char *strategy;       /* as ponder_strategy() names it */
    int n_samples;              /* 0: as --samples says */
};

struct grid_budget {
    char name[GRID_NAME_BYTES]; /* "250ms", "1s", "none" */
    double ms;                  /* 0: none */
};

struct grid {
    int n_strategies, n_budgets;
    struct grid_strategy strategies[MAX_GRID]; /* in the order given */
    struct grid_budget budgets[MAX_GRID];      /* rising, none last */
};

/* Reads both lists; exit code, after a message if not 0. */
int grid_parse(struct grid *grid, const char *strategies, const char *budgets);

/* In which order pairs 0..n_pairs-1 ask questions 0..n_questions-1. Pairs take turns, so that what changes on the machine
 * meanwhile hits all alike; but no question comes twice running (unless it is the only one), since the engine keeps
 * the last prompt and would have a part of the second answer for nothing. So in a round each pair has a question of
 * its own, pair k the one that pair 0 had k rounds ago. -1: the pair has none in this round. */
int grid_question(int round, int pair, int n_questions);
int grid_rounds(int n_pairs, int n_questions);

/* "majority-16-250ms" for the files of a pair. */
void grid_file(const struct grid *grid, int strategy, int budget, char file[GRID_FILE_BYTES]);

#endif
