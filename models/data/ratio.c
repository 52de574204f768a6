/* SPDX-License-Identifier: Apache-2.0
 * ratio.c - see ratio.h. */
#include "models/data/ratio.h"

#include <stdio.h>

static const struct ratio none = {0, 0};

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

struct ratio ratio_of(int64_t n, int64_t d)
{
    if (d == 0 || n == INT64_MIN || d == INT64_MIN)
        return none;
    int64_t divisor = common_divisor(n, d);
    if (d < 0)
        divisor = -divisor;
    return (struct ratio){n / divisor, d / divisor};
}

struct ratio ratio_int(int64_t n)
{
    return ratio_of(n, 1);
}

static struct ratio add(struct ratio a, struct ratio b)
{
    int64_t left, right, n, d;
    if (__builtin_mul_overflow(a.n, b.d, &left) || __builtin_mul_overflow(b.n, a.d, &right) ||
        __builtin_add_overflow(left, right, &n) || __builtin_mul_overflow(a.d, b.d, &d))
        return none;
    return ratio_of(n, d);
}

static struct ratio multiply(struct ratio a, struct ratio b)
{
    int64_t n, d;
    if (__builtin_mul_overflow(a.n, b.n, &n) || __builtin_mul_overflow(a.d, b.d, &d))
        return none;
    return ratio_of(n, d);
}

struct ratio ratio_apply(char op, struct ratio a, struct ratio b)
{
    if (!ratio_has_value(a) || !ratio_has_value(b))
        return none;
    switch (op) {
    case '+':
        return add(a, b);
    case '-':
        return add(a, (struct ratio){-b.n, b.d});
    case '*':
        return multiply(a, b);
    case '/':
        return b.n == 0 ? none : multiply(a, ratio_of(b.d, b.n));
    case '%':
        return a.d != 1 || b.d != 1 || b.n == 0 ? none : ratio_int(a.n % b.n);
    default:
        return none;
    }
}

int ratio_compare(struct ratio a, struct ratio b)
{
    struct ratio gap = ratio_apply('-', a, b);
    if (ratio_has_value(gap))
        return (gap.n > 0) - (gap.n < 0);
    double left = (double)a.n / (double)a.d;
    double right = (double)b.n / (double)b.d;
    return (left > right) - (left < right);
}

int ratio_decimals(struct ratio a)
{
    if (!ratio_has_value(a))
        return -1;
    int64_t scale = 1;
    for (int decimals = 0; decimals <= RATIO_DECIMALS; decimals++, scale *= 10)
        if (scale % a.d == 0)
            return decimals;
    return -1;
}

bool ratio_format(struct ratio a, char text_ret[RATIO_BYTES])
{
    int decimals = ratio_decimals(a);
    if (decimals < 0)
        return false;
    int64_t scale = 1;
    for (int i = 0; i < decimals; i++)
        scale *= 10;
    uint64_t n = a.n < 0 ? (uint64_t)-a.n : (uint64_t)a.n;
    uint64_t d = (uint64_t)a.d;
    const char *sign = a.n < 0 ? "-" : "";
    if (decimals == 0)
        snprintf(text_ret, RATIO_BYTES, "%s%llu", sign, (unsigned long long)n);
    else
        snprintf(text_ret, RATIO_BYTES, "%s%llu.%0*llu", sign, (unsigned long long)(n / d),
                 decimals, (unsigned long long)(n % d * ((uint64_t)scale / d)));
    return true;
}

struct ratio ratio_parse(const char *text, const char **end_ret)
{
    const char *at = text;
    int64_t n = 0;
    int64_t d = 1;
    int digits = 0;
    bool fits = true;
    for (bool behind_point = false;; at++) {
        if (*at == '.' && !behind_point && at[1] >= '0' && at[1] <= '9') {
            behind_point = true;
            continue;
        }
        if (*at < '0' || *at > '9')
            break;
        digits++;
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *at - '0', &n) ||
            (behind_point && __builtin_mul_overflow(d, 10, &d)))
            fits = false;
    }
    if (end_ret)
        *end_ret = at;
    return digits > 0 && fits ? ratio_of(n, d) : none;
}
