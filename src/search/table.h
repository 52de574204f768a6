/* SPDX-License-Identifier: Apache-2.0
 * table.h - what `ponder calibrate` found: which plans there are, and how often each was right and what it took, on
 * questions of each difficulty; and what a pass through the model takes on the device. One JSON object:
 *
 *   {"ponder_table": 1, "model": "ponder-mini", "isa": "avx512", "threads": 2,
 *    "cost": {"prompt_row_ns": 9000, "position_ns": 40, "lanes": [1, 2, 4], "step_ns": [500000, 600000, 800000]},
 *    "difficulty": [0.1, 0.3, 0.5, 0.7],
 *    "plans": [{"strategy": "majority", "samples": 8, "verifier": "arithmetic"}, ...],
 *    "cells": [[{"right": 0.21, "steps": 30.5, "tokens": 210.0, "other_ms": 0.2}, ...], ...]}
 *
 * difficulty: edges between bins of the predicted chance that one sample is right, rising; none: one bin. cells: for each
 * bin, hardest first, one cell a plan. "cost" may be missing,
 * or what stands below it. */
#ifndef PD_TABLE_H
#define PD_TABLE_H

#include "search/cost.h"
#include "search/plan.h"

enum { PD_TABLE_PLANS = 32, PD_TABLE_BINS = 8, PD_TABLE_NAME_BYTES = 48 };

/* What a plan came to in one bin: means over questions. */
struct pd_cell {
    double right;    /* share of right answers, 0..1 */
    double n_steps;  /* decode steps */
    double n_tokens; /* written, all lanes */
    double other_ns; /* besides the passes: verifiers, drawing */
};

struct pd_table {
    int n_plans; /* 0: there is no table */
    int n_bins;
    double edge[PD_TABLE_BINS - 1];
    struct pd_plan plan[PD_TABLE_PLANS]; /* names are in `name` */
    struct pd_cell cell[PD_TABLE_BINS][PD_TABLE_PLANS];
    struct pd_cost cost; /* n_points 0: not measured */
    int n_threads;       /* that cost was measured with */
    char isa[PD_TABLE_NAME_BYTES], model[PD_TABLE_NAME_BYTES];
    char name[PD_TABLE_PLANS][2][PD_TABLE_NAME_BYTES];
};

/* Reads a table. BAD_FILE: not JSON, a version that is not known here, a value missing or out of range, a strategy or
 * verifier without a name; *t is then without plans. Whether the names exist is for the planner to see. The pointers in
 * *t point into it: it is not to be copied. */
enum ponder_status pd_table_read(struct pd_table *t, const char *text, size_t bytes,
                                 const struct pd_error *err);

/* The bin of a chance; NAN: the middle one. */
int pd_table_bin(const struct pd_table *t, double chance);

/* What a plan is expected to take in a bin, besides the prompt, when each lane looks back at n_past positions. */
double pd_table_plan_ns(const struct pd_table *t, const struct pd_cost *cost, int bin, int plan,
                        double n_past);

#endif
