/* SPDX-License-Identifier: Apache-2.0
 * trace.h - where the numbers of a solution come from. */
#ifndef DATA_TRACE_H
#define DATA_TRACE_H

#include "models/data/mention.h"
#include "models/data/steps.h"

/* What a percentage p becomes in a sum. */
enum form {
    FORM_PLAIN,        /* p */
    FORM_HUNDREDTHS,   /* p/100 */
    FORM_REST,         /* 1 - p/100 */
    FORM_MORE,         /* 1 + p/100 */
    FORM_PERCENT_REST, /* 100 - p */
    FORM_PERCENT_MORE, /* 100 + p */
};

struct source {
    enum { FROM_CONSTANT, FROM_STEP, FROM_VALUE } from;
    int index;      /* of the step or value */
    enum form form; /* of a value */
    struct ratio constant;
};

/* Numbers of the question with the same value are one value. */
struct value {
    struct ratio number;
    bool is_fixed, is_used;
};

struct trace {
    int n_mentions, n_values, n_steps, n_ties;
    struct {
        int step, value;
    } tie[2 * MAX_STEPS]; /* an operand is both: their numbers must stay equal */
    struct mention mention[MAX_MENTIONS];
    int value_of[MAX_MENTIONS]; /* of each mention */
    struct value value[MAX_MENTIONS];
    struct source left[MAX_STEPS], right[MAX_STEPS];
};

/* Traces every operand to the question, an earlier step or a known constant. NULL, or why it cannot, in words. */
const char *trace_solution(const char *question, const struct steps *steps,
                           struct trace *trace_ret);

/* The steps with other numbers for the values. False if one of them cannot be written, or a tie breaks. */
bool trace_compute(const struct trace *trace, const struct steps *old, const struct ratio *number,
                   struct steps *steps_ret);

#endif
