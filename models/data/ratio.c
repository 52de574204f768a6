/* SPDX-License-Identifier: Apache-2.0
 * ratio.c - see ratio.h. */
#include "models/data/ratio.h"

static const struct ratio none = {0, 0};

static struct pd_rational rational_of(struct ratio a)
{
    return (struct pd_rational){a.n, a.d};
}

/* What came of an operation; has_value: it succeeded. */
static struct ratio result_of(bool has_value, struct pd_rational result)
{
    return has_value ? (struct ratio){result.numerator, result.denominator} : none;
}

struct ratio ratio_of(int64_t n, int64_t d)
{
    struct pd_rational result = {0, 0};
    bool has_value = pd_rational_make(n, d, &result);
    return result_of(has_value, result);
}

struct ratio ratio_int(int64_t n)
{
    return ratio_of(n, 1);
}

struct ratio ratio_apply(char op, struct ratio a, struct ratio b)
{
    if (!ratio_has_value(a) || !ratio_has_value(b))
        return none;
    struct pd_rational left = rational_of(a), right = rational_of(b), result = {0, 0};
    bool has_value = false;
    switch (op) {
    case '+':
        has_value = pd_rational_add(left, right, &result);
        break;
    case '-':
        has_value = pd_rational_subtract(left, right, &result);
        break;
    case '*':
        has_value = pd_rational_multiply(left, right, &result);
        break;
    case '/':
        has_value = pd_rational_divide(left, right, &result);
        break;
    case '%':
        return a.d != 1 || b.d != 1 || b.n == 0 ? none : ratio_int(a.n % b.n);
    default:
        break;
    }
    return result_of(has_value, result);
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
    return ratio_decimals(a) >= 0 && pd_rational_write(rational_of(a), text_ret);
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
