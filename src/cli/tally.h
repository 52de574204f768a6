/* SPDX-License-Identifier: Apache-2.0
 * tally.h - what came of the questions of an evaluation, summed up: accuracy, latency, overshoot, work. */
#ifndef CLI_TALLY_H
#define CLI_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"

enum { MAX_LEVELS = 32, MAX_LEVEL_BYTES = 32 };

struct outcome {
    const char *level; /* NULL: none */
    bool is_answered, is_correct;
    double budget_ms, ms_total, ms_step;
    double ms_passes, ms_expected, ms_planned; /* 0: unknown */
    int64_t n_tokens, n_samples, n_steps;
};

struct level {
    char name[MAX_LEVEL_BYTES];
    size_t n, n_correct;
};

/* Zero-initialised. */
struct tally {
    size_t n, capacity, n_answered, n_correct;
    double *ms_total; /* [n] */
    double *over_ms;  /* [n_budgeted]: ms_total - budget, of the questions that had one */
    double *pass_ratio; /* [n_passes]: what passes took over what they were expected to */
    double *plan_ratio; /* [n_planned]: what answers took over what was planned */
    size_t n_passes, n_planned;
    size_t n_budgeted, n_late, n_late_by_step;
    double max_step_ms;
    int64_t n_tokens, n_samples, n_steps;
    int n_levels;
    struct level
        levels[MAX_LEVELS]; /* in the order met; what comes after MAX_LEVELS is not split */
};

void tally_add(struct tally *tally, const struct outcome *outcome);
/* ", 31.0% right" for progress. */
void tally_note(const struct tally *tally, char *text, size_t capacity);
/* For people, or one object with --json. Sorts what it holds: call it last. */
void tally_print(struct tally *tally, const struct ponder *p, const struct settings *settings);
void tally_free(struct tally *tally);

#endif
