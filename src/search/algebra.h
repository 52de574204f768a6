/* SPDX-License-Identifier: Apache-2.0
 * algebra.h - values of algebraic expressions, for comparison only: fractions, roots, pi, i, variables, functions.
 *
 * A value is its images at two points of a finite field (field.h), where each symbol has two values of its own, fixed
 * and as good as random. What is equal as algebra has equal images, whatever form it was written in. The other way
 * round: two fractions whose parts are below 2^25 have equal images only if they are equal; for others a wrong match
 * needs a polynomial of degree d, not 0, to vanish at both points: a chance of about d^2 / 2^104.
 * Not known: relations of functions (sin^2 + cos^2) and of odd roots (the cube of a cube root, but the cube root
 * of 16 is 2 cube roots of 2). */
#ifndef PD_ALGEBRA_H
#define PD_ALGEBRA_H

#include "base/rational.h"
#include "search/field.h"
#include "search/span.h"

enum { PD_ALGEBRA_POINTS = 2 };

struct pd_algebra {
    struct pd_field at[PD_ALGEBRA_POINTS];
    bool is_exact; /* the value is the fraction */
    struct pd_rational exact;
};

/* Those that give a bool: false where it is not defined or not supported. */
struct pd_algebra pd_algebra_of(struct pd_rational value);
struct pd_algebra pd_algebra_i(void);
/* Digits with at most one point, of any length. */
struct pd_algebra pd_algebra_number(struct pd_span digits);
struct pd_algebra pd_algebra_symbol(struct pd_span name);
/* A function of one value. */
struct pd_algebra pd_algebra_function(struct pd_span name, struct pd_algebra of);
struct pd_algebra pd_algebra_add(struct pd_algebra a, struct pd_algebra b);
struct pd_algebra pd_algebra_negative(struct pd_algebra a);
struct pd_algebra pd_algebra_multiply(struct pd_algebra a, struct pd_algebra b);
bool pd_algebra_divide(struct pd_algebra a, struct pd_algebra b, struct pd_algebra *result_ret);
bool pd_algebra_power(struct pd_algebra base, struct pd_algebra exponent,
                      struct pd_algebra *result_ret);
/* The degree-th root, of a negative number its odd root or i times a square root. */
bool pd_algebra_root(struct pd_algebra of, int degree, struct pd_algebra *result_ret);

#endif
