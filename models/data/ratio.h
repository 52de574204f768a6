/* SPDX-License-Identifier: Apache-2.0
 * ratio.h - exact numbers for checking sums: base/rational.h with a value for "none". What overflows or divides by
 * zero gives a ratio without value, and so does anything computed from it. */
#ifndef DATA_RATIO_H
#define DATA_RATIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rational.h"

struct ratio {
    int64_t n, d; /* in lowest terms, d > 0; d == 0: no value */
};

enum { RATIO_BYTES = PD_RATIONAL_TEXT_BYTES, RATIO_DECIMALS = 6 };

struct ratio ratio_of(int64_t n, int64_t d);
struct ratio ratio_int(int64_t n);

/* op: + - * / and % (remainder of whole numbers, of the sign of a). */
struct ratio ratio_apply(char op, struct ratio a, struct ratio b);

/* -1, 0, 1; both must have a value. */
int ratio_compare(struct ratio a, struct ratio b);

static inline bool ratio_has_value(struct ratio a)
{
    return a.d != 0;
}

static inline bool ratio_is_whole(struct ratio a)
{
    return a.d == 1;
}

static inline bool ratio_equal(struct ratio a, struct ratio b)
{
    return a.d != 0 && a.n == b.n && a.d == b.d;
}

/* Decimals it takes to write a in full; -1: more than RATIO_DECIMALS, or no end. */
int ratio_decimals(struct ratio a);

/* "-3", "2.5", as pd_rational_write() does. False if ratio_decimals() is -1. */
bool ratio_format(struct ratio a, char text_ret[RATIO_BYTES]);

/* Reads digits with an optional point (".5", "12", "3.50") from text; *end_ret (if not NULL) stands behind them.
 * No value if none begins there. */
struct ratio ratio_parse(const char *text, const char **end_ret);

#endif
