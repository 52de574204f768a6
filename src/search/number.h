/* SPDX-License-Identifier: Apache-2.0
 * number.h - one number in a text, as exact digits: found, and written in its canonical form. */
#ifndef PD_NUMBER_H
#define PD_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PD_NUMBER_DIGITS = 60 };          /* on either side of the point */
enum { PD_NUMBER_FRACTION_DIGITS = 18 }; /* in a numerator, denominator and their whole */

/* The value is whole.decimals, or whole + numerator / denominator if denominator is not 0; a clock or a
 * ratio ("7:30") is kept as the text it is. */
struct pd_number {
    bool is_negative;
    int n_whole, n_decimals;
    char whole[PD_NUMBER_DIGITS], decimals[PD_NUMBER_DIGITS];
    uint64_t numerator, denominator;
    const char *ratio; /* NULL: none */
    size_t ratio_bytes;
};

/* Reads the number that begins exactly at text[at]: sign, currency sign, digits with thousands
 * separators, point, tight fraction "3/4", mixed "1 1/2", \frac{3}{4}. Returns where it ends; 0: no
 * number begins here (a letter before it, an exponent, too many digits, ...). */
size_t pd_number_scan(const char *text, size_t bytes, size_t at, struct pd_number *number_ret);

/* Writes the canonical form with its NUL: true if it fits. */
bool pd_number_format(const struct pd_number *number, char *text_ret, size_t capacity);

#endif
