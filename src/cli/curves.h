/* SPDX-License-Identifier: Apache-2.0
 * curves.h - `ponder eval --curves DIR`: accuracy over time. Asking (curve_run.c) writes journals only; all tables and
 * pictures are drawn from them, so that they can be drawn again. In DIR:
 *
 *     run.json                  what was asked with which settings
 *     STRATEGY-BUDGET.jsonl     a journal for each pair, rows as of `eval --out`
 *     curves.csv, .svg          accuracy, time and work of each pair
 *     latency.csv, .svg         how long answers took, relative to their budgets
 *     factors.csv               with --compare: time at equal accuracy
 *     choices.csv, .svg         what strategy auto planned, if it was among them */
#ifndef CLI_CURVES_H
#define CLI_CURVES_H

#include "cli/compare.h"
#include "cli/grid.h"
#include "cli/options.h"
#include "cli/tally.h"

int eval_curves(struct settings *settings);

/* Asks what is not in the journals yet. Exit code; *has_failed_ret: some rows were skipped, after a message. */
int curve_run(struct settings *settings, const struct grid *grid, bool *has_failed_ret);

/* Sees to it that DIR was made with these settings, or makes it theirs. Exit code, after a message if not 0. */
int curve_settings_check(const struct settings *settings);
/* What was asked in DIR: strategies and budgets, which the caller frees. */
int curve_settings_read(const char *dir, char **strategies_ret, char **budgets_ret);

/* One answer. */
struct curve_row {
    uint64_t key; /* of the question's id */
    bool is_correct;
    double ms_total, over_ms;
    double difficulty; /* not a number: not said */
    int plan;          /* of curve_data.plans; -1: none */
};

struct curve_cell {
    size_t n, capacity;
    struct curve_row *rows; /* in the order of keys */
    struct tally tally;
};

enum { MAX_PLAN_NAMES = 64, PLAN_BYTES = 96 };

struct curve_data {
    const struct grid *grid;
    struct curve_cell *cells; /* [strategies][budgets] */
    int n_plans;
    char plans[MAX_PLAN_NAMES][PLAN_BYTES]; /* the last of so many is "others" */
};

/* Reads the journals that are there. Exit code. */
int curve_data_read(struct curve_data *data, const struct grid *grid, const char *dir);
void curve_data_free(struct curve_data *data);
struct curve_cell *curve_cell(const struct curve_data *data, int strategy, int budget);

double curve_mean_ms(const struct curve_cell *cell);
double curve_accuracy(const struct curve_cell *cell);
/* Questions that the cell has right and the other has not, and the other way round, of those in both. */
struct curve_pair {
    size_t n, gained, lost;
};
struct curve_pair curve_pair(const struct curve_cell *cell, const struct curve_cell *other);
/* Two strategies' answers to the questions that all their cells have, for compare_curves(); free them with
 * curve_answers_free(). */
void curve_answers(const struct curve_data *data, const int strategies[2],
                   struct curve_answers answers_ret[2]);
void curve_answers_free(struct curve_answers answers[2]);

/* Tables and pictures into DIR, the table for people to standard output. Exit codes. */
int curve_table_write(const struct curve_data *data, const char *dir);
void curve_table_print(const struct curve_data *data, bool is_compared);
int curve_plot_write(const struct curve_data *data, const char *dir);
int curve_factors_write(const struct curve_data *data, const char *dir, uint64_t seed);
int curve_latency_write(const struct curve_data *data, const char *dir);
int curve_choices_write(const struct curve_data *data, const char *dir);

/* Opens DIR/name for writing; NULL after a message. */
FILE *curve_file_open(const char *dir, const char *name);
int curve_file_close(FILE *file, const char *name);

#endif
