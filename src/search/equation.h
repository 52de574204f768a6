/* SPDX-License-Identifier: Apache-2.0
 * equation.h - a line of text as tokens of arithmetic, and the expressions beside its equals signs.
 *
 *     "He has 12 apples + 3 apples = 15 apples left"
 *       word word  12  word  +  3  word  =  15  word word
 *              expression behind |       | expression before
 *
 * Numbers with thousands separators, decimals, percent signs, mixed "1 1/2", currency signs (dropped); the
 * signs + - * / ^ and what stands for them (x, times and division signs, \times, \cdot, \div, dashes); units
 * behind a number. What it does not understand it says so of, rather than guess: see doubts. */
#ifndef PD_EQUATION_H
#define PD_EQUATION_H

#include "base/rational.h"
#include "search/span.h"

enum pd_equation_kind {
    PD_EQ_NUMBER,
    PD_EQ_PLUS,
    PD_EQ_MINUS,
    PD_EQ_TIMES,
    PD_EQ_DIVIDE,
    PD_EQ_POWER,
    PD_EQ_OPEN,
    PD_EQ_CLOSE,
    PD_EQ_EQUALS,
    PD_EQ_WORD,
    PD_EQ_STOP,   /* punctuation: an expression ends */
    PD_EQ_STRANGE /* anything else, which may belong to a number beside it */
};

struct pd_equation_token {
    enum pd_equation_kind kind;
    struct pd_span text;
    bool has_space; /* before it */
    /* of a number */
    struct pd_rational value;
    int n_decimals; /* as written; -1: a fraction or mixed number */
    bool is_percent;
    bool is_money; /* a dollar sign before it */
};

enum { PD_EQUATION_TOKENS = 192 }; /* of a line; what is beyond is not looked at */

struct pd_equation_line {
    struct pd_equation_token token[PD_EQUATION_TOKENS];
    int n_tokens;
    bool is_cut;        /* it has more tokens */
    bool is_rounded;    /* speaks of rounding */
    bool has_remainder; /* speaks of what remains, perhaps of a division */
};

/* An expression: tokens begin to end - 1 of a line. */
struct pd_expression {
    int begin, end;
    int n_operations;
    /* Doubts: an evaluation that comes out true is to be believed all the same, one that comes out false is not. */
    bool is_doubtful;
    bool has_sum;
    int n_percents, n_numbers;
    uint64_t units; /* the units of measure in it, a bit each: 16 bits to a kind */
};

/* How a text that may be read in two ways is read. */
struct pd_reading {
    bool percent_is_unit;   /* "20% + 30% = 50%" as 20 + 30 = 50; else as hundredths */
    bool fractions_are_one; /* "10 / 1/2" as 10 / (1/2); else from left to right */
};

void pd_equation_read(struct pd_span line, struct pd_equation_line *line_ret);

/* The longest expression that ends at token `end`, or begins at token `begin`. False: none is there, or it
 * leans on something that is no number. */
bool pd_expression_before(const struct pd_equation_line *line, int end,
                          struct pd_expression *expression_ret);
bool pd_expression_behind(const struct pd_equation_line *line, int begin,
                          struct pd_expression *expression_ret);

/* The first operand of an expression, a fraction without spaces ("1/2") being one. False: it is all there is. */
bool pd_expression_first(const struct pd_equation_line *line,
                         const struct pd_expression *expression, struct pd_expression *first_ret);

/* True if token `at` is the "of" that multiplies in "20% of 50", "1/2 of 30". */
bool pd_equation_is_of(const struct pd_equation_line *line, int at);

/* False: the value does not fit, or is not defined (a division by 0). */
bool pd_expression_value(const struct pd_equation_line *line,
                         const struct pd_expression *expression, struct pd_reading how,
                         struct pd_rational *value_ret);

#endif
