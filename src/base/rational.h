/* SPDX-License-Identifier: Apache-2.0
 * rational.h - exact fractions of 64-bit integers. Functions give false, and leave *result_ret open, where a
 * result does not fit or is not defined: never a wrong one. */
#ifndef PD_RATIONAL_H
#define PD_RATIONAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In lowest terms, the denominator above 0, so that equal values are equal structs. */
struct pd_rational {
    int64_t numerator, denominator;
};

enum { PD_RATIONAL_TEXT_BYTES = 48 };

static inline bool pd_rational_is_equal(struct pd_rational a, struct pd_rational b)
{
    return a.numerator == b.numerator && a.denominator == b.denominator;
}

bool pd_rational_make(int64_t numerator, int64_t denominator, struct pd_rational *result_ret);
bool pd_rational_add(struct pd_rational a, struct pd_rational b, struct pd_rational *result_ret);
bool pd_rational_subtract(struct pd_rational a, struct pd_rational b,
                          struct pd_rational *result_ret);
bool pd_rational_multiply(struct pd_rational a, struct pd_rational b,
                          struct pd_rational *result_ret);
bool pd_rational_divide(struct pd_rational a, struct pd_rational b, struct pd_rational *result_ret);
/* exponent: -64 to 64; 0 to the power 0 is 1. */
bool pd_rational_power(struct pd_rational base, int exponent, struct pd_rational *result_ret);

/* The number that `bytes` digits with at most one point come to ("12", "0.50", ".5"). */
bool pd_rational_read(const char *digits, size_t bytes, struct pd_rational *result_ret);

/* How a calculator writes a value, with its NUL: THE form of results in generated problems, in training data
 * and behind the "=" of a model with a calculator. "24", "-0.5", "0.0625" where it ends within six decimals;
 * else rounded, a half away from 0, to two decimals, or to as many more, up to eight, as show two digits that
 * are not leading zeros ("3.33", "0.0033"); no zeros at the end. False: it shows as 0 but is none. */
bool pd_rational_write(struct pd_rational value, char text_ret[PD_RATIONAL_TEXT_BYTES]);

#endif
