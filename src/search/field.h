/* SPDX-License-Identifier: Apache-2.0
 * field.h - the field of p^2 elements a + b i, i * i = -1, for the prime p = 2^52 - 473. Exact values of algebra are mapped into it
 * for comparison: every sum, product and quotient of integers has its image there, and so has the square root of
 * every integer, so that identities of fractions, roots, powers and complex numbers hold in it. */
#ifndef PD_FIELD_H
#define PD_FIELD_H

#include <stdbool.h>
#include <stdint.h>

/* 3 modulo 4: -1 has no square root without i, and of n and -n one has. (p - 1) / 2 is a prime too, so that powers of
 * small numbers come back to 1 only after 2^51 steps: 2^2005 is no small number's image. */
static const uint64_t pd_field_prime = ((uint64_t)1 << 52) - 473;

/* Both below the prime. */
struct pd_field {
    uint64_t re, im;
};

struct pd_field pd_field_of(int64_t n);
struct pd_field pd_field_add(struct pd_field a, struct pd_field b);
struct pd_field pd_field_negative(struct pd_field a);
struct pd_field pd_field_multiply(struct pd_field a, struct pd_field b);
/* False: a is 0. */
bool pd_field_inverse(struct pd_field a, struct pd_field *inverse_ret);
struct pd_field pd_field_power(struct pd_field base, uint64_t exponent);
/* One of the two roots of n, always the same one. */
struct pd_field pd_field_root(uint64_t n);

static inline bool pd_field_is_equal(struct pd_field a, struct pd_field b)
{
    return a.re == b.re && a.im == b.im;
}

#endif
