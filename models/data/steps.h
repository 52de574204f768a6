/* SPDX-License-Identifier: Apache-2.0
 * steps.h - solutions as bare equations, one operation each: "48/2=24", "48+24=72". */
#ifndef DATA_STEPS_H
#define DATA_STEPS_H

#include "models/data/ratio.h"

enum { MAX_STEPS = 24, STEP_BYTES = 3 * RATIO_BYTES };

struct step {
    char op; /* + - * / */
    struct ratio left, right, result;
};

struct steps {
    int n;
    struct step step[MAX_STEPS];
};

/* Appends left op right with its exact result. False, and nothing appended, if there are MAX_STEPS already or one of
 * the three numbers cannot be written in full. */
bool steps_add(struct steps *steps, char op, struct ratio left, struct ratio right);

/* "48/2=24". */
void step_format(const struct step *step, char text_ret[STEP_BYTES]);

/* Reads "48/2=24" back. False unless it is one operation on two numbers and its result is exactly right. */
bool step_parse(const char *text, struct step *step_ret);

/* Appends the operations of an equation as solutions in the wild have them, "(3+4)*2=14", "20%*50=10",
 * "$1,200/12=100": one a step. Where a quotient on the way could not be written ("1/3*60"), the product is
 * taken first. Equations without an operation append nothing. False if it does not parse, a number
 * on the way is negative or cannot be written, or the result said is not the exact one. */
bool steps_add_equation(struct steps *steps, const char *equation);

/* The last result is the answer. */
bool steps_lead_to(const struct steps *steps, struct ratio answer);

#endif
