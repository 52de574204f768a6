/* SPDX-License-Identifier: Apache-2.0
 * rational.c - see rational.h. */
#include "base/rational.h"

#include "base/base.h"

enum { EXACT_DECIMALS = 6, ROUNDED_DECIMALS = 2, MOST_DECIMALS = 8, MOST_FACTORS = 64 };

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool multiply(int64_t a, int64_t b, int64_t *result_ret)
{
    return !__builtin_mul_overflow(a, b, result_ret);
}

bool pd_rational_make(int64_t numerator, int64_t denominator, struct pd_rational *result_ret)
{
    /* INT64_MIN has no negative: left out, so that no sign change below can overflow. */
    if (denominator == 0 || numerator == INT64_MIN || denominator == INT64_MIN)
        return false;
    if (denominator < 0) {
        numerator = -numerator;
        denominator = -denominator;
    }
    int64_t common = (int64_t)greatest_divisor(magnitude(numerator), (uint64_t)denominator);
    *result_ret = (struct pd_rational){numerator / common, denominator / common};
    return true;
}

bool pd_rational_add(struct pd_rational a, struct pd_rational b, struct pd_rational *result_ret)
{
    int64_t common = (int64_t)greatest_divisor((uint64_t)a.denominator, (uint64_t)b.denominator);
    int64_t left;
    int64_t right;
    int64_t sum;
    int64_t denominator;
    return multiply(a.numerator, b.denominator / common, &left) &&
           multiply(b.numerator, a.denominator / common, &right) &&
           !__builtin_add_overflow(left, right, &sum) &&
           multiply(a.denominator, b.denominator / common, &denominator) &&
           pd_rational_make(sum, denominator, result_ret);
}

bool pd_rational_subtract(struct pd_rational a, struct pd_rational b,
                          struct pd_rational *result_ret)
{
    b.numerator = -b.numerator;
    return pd_rational_add(a, b, result_ret);
}

bool pd_rational_multiply(struct pd_rational a, struct pd_rational b,
                          struct pd_rational *result_ret)
{
    struct pd_rational
        left; /* crosswise into lowest terms first: the products are then as small as can be */
    struct pd_rational right;
    int64_t numerator;
    int64_t denominator;
    return pd_rational_make(a.numerator, b.denominator, &left) &&
           pd_rational_make(b.numerator, a.denominator, &right) &&
           multiply(left.numerator, right.numerator, &numerator) &&
           multiply(left.denominator, right.denominator, &denominator) &&
           pd_rational_make(numerator, denominator, result_ret);
}

bool pd_rational_divide(struct pd_rational a, struct pd_rational b, struct pd_rational *result_ret)
{
    struct pd_rational inverse;
    return pd_rational_make(b.denominator, b.numerator, &inverse) &&
           pd_rational_multiply(a, inverse, result_ret);
}

bool pd_rational_power(struct pd_rational base, int exponent, struct pd_rational *result_ret)
{
    struct pd_rational result = {1, 1};
    if (exponent > MOST_FACTORS || exponent < -MOST_FACTORS ||
        (exponent < 0 && !pd_rational_divide(result, base, &base)))
        return false;
    for (int n = exponent < 0 ? -exponent : exponent; n > 0; n--)
        if (!pd_rational_multiply(result, base, &result))
            return false;
    *result_ret = result;
    return true;
}

bool pd_rational_read(const char *digits, size_t bytes, struct pd_rational *result_ret)
{
    int64_t numerator = 0;
    int64_t denominator = 1;
    bool is_decimal = false;
    for (size_t i = 0; i < bytes; i++) {
        if (digits[i] == '.') {
            is_decimal = true;
            continue;
        }
        if (!multiply(numerator, 10, &numerator) ||
            __builtin_add_overflow(numerator, digits[i] - '0', &numerator) ||
            (is_decimal && !multiply(denominator, 10, &denominator)))
            return false;
    }
    return pd_rational_make(numerator, denominator, result_ret);
}

/* value * 10^n_decimals, a half away from 0; *is_exact_ret: nothing was rounded. */
static bool scale(struct pd_rational value, int n_decimals, uint64_t *result_ret,
                  bool *is_exact_ret)
{
    uint64_t numerator = magnitude(value.numerator);
    uint64_t denominator = (uint64_t)value.denominator;
    uint64_t whole = numerator / denominator;
    uint64_t rest = numerator % denominator;
    for (int i = 0; i < n_decimals; i++) {
        if (rest > UINT64_MAX / 10 || whole > UINT64_MAX / 10 - 1)
            return false;
        whole = whole * 10 + rest * 10 / denominator;
        rest = rest * 10 % denominator;
    }
    *is_exact_ret = rest == 0;
    *result_ret = whole + (rest >= denominator - rest && rest != 0);
    return true;
}

bool pd_rational_write(struct pd_rational value, char text_ret[PD_RATIONAL_TEXT_BYTES])
{
    uint64_t scaled = 0;
    int n_decimals = 0;
    bool is_exact = false;
    while (!is_exact && n_decimals <= EXACT_DECIMALS)
        if (!scale(value, n_decimals, &scaled, &is_exact))
            return false;
        else
            n_decimals += !is_exact;
    if (!is_exact) {
        n_decimals = ROUNDED_DECIMALS;
        if (!scale(value, n_decimals, &scaled, &is_exact))
            return false;
        while (scaled < 10 && n_decimals < MOST_DECIMALS)
            if (!scale(value, ++n_decimals, &scaled, &is_exact))
                return false;
        if (scaled == 0)
            return false;
        for (; n_decimals > 0 && scaled % 10 == 0; n_decimals--)
            scaled /= 10;
    }
    char digits[PD_RATIONAL_TEXT_BYTES]; /* from the last one on */
    int n = 0;
    for (int i = 0; i < n_decimals || scaled > 0 || i == n_decimals; i++) {
        if (i > 0 && i == n_decimals)
            digits[n++] = '.';
        digits[n++] = (char)('0' + scaled % 10);
        scaled /= 10;
    }
    if (value.numerator < 0)
        digits[n++] = '-';
    for (int i = 0; i < n; i++)
        text_ret[i] = digits[n - 1 - i];
    text_ret[n] = '\0';
    return true;
}
