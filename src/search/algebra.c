/* SPDX-License-Identifier: Apache-2.0
 * algebra.c - see algebra.h. */
#include "search/algebra.h"

#include "base/rng.h"

enum { MAX_ROOT_DEGREE = 12 };

static struct pd_algebra not_exact(void)
{
    return (struct pd_algebra){.is_exact = false};
}

/* The same image at all points. */
static struct pd_algebra constant(struct pd_field image)
{
    struct pd_algebra result = not_exact();
    for (int i = 0; i < PD_ALGEBRA_POINTS; i++)
        result.at[i] = image;
    return result;
}

struct pd_algebra pd_algebra_of(struct pd_rational value)
{
    struct pd_field image = pd_field_of(value.numerator);
    if (value.denominator != 1) {
        /* A denominator that is a multiple of the prime has no image; 0 is as good as any, far from all that is met. */
        struct pd_field inverse = {0, 0};
        pd_field_inverse(pd_field_of(value.denominator), &inverse);
        image = pd_field_multiply(image, inverse);
    }
    struct pd_algebra result = constant(image);
    result.is_exact = true;
    result.exact = value;
    return result;
}

struct pd_algebra pd_algebra_i(void)
{
    return constant((struct pd_field){0, 1});
}

struct pd_algebra pd_algebra_number(struct pd_span digits)
{
    struct pd_rational value;
    if (pd_rational_read(digits.text, digits.bytes, &value))
        return pd_algebra_of(value);
    struct pd_field image = {0, 0};
    struct pd_field scale = {1, 0};
    bool is_decimal = false;
    for (size_t i = 0; i < digits.bytes; i++) {
        if (digits.text[i] == '.') {
            is_decimal = true;
            continue;
        }
        image = pd_field_add(pd_field_multiply(image, pd_field_of(10)),
                             pd_field_of(digits.text[i] - '0'));
        if (is_decimal)
            scale = pd_field_multiply(scale, pd_field_of(10));
    }
    pd_field_inverse(scale, &scale);
    return constant(pd_field_multiply(image, scale));
}

/* FNV-1a. */
static uint64_t hash_of(struct pd_span name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < name.bytes; i++)
        hash = (hash ^ (unsigned char)name.text[i]) * 0x100000001b3u;
    return hash;
}

struct pd_algebra pd_algebra_symbol(struct pd_span name)
{
    struct pd_algebra result = not_exact();
    uint64_t hash = hash_of(name);
    for (int i = 0; i < PD_ALGEBRA_POINTS; i++)
        result.at[i].re = pd_rng_u64(hash, (uint64_t)i, 0) % pd_field_prime;
    return result;
}

struct pd_algebra pd_algebra_function(struct pd_span name, struct pd_algebra of)
{
    struct pd_algebra result = not_exact();
    uint64_t hash = hash_of(name);
    for (int i = 0; i < PD_ALGEBRA_POINTS; i++)
        hash = pd_rng_u64(hash, of.at[i].re, of.at[i].im);
    for (int i = 0; i < PD_ALGEBRA_POINTS; i++)
        result.at[i].re = pd_rng_u64(hash, (uint64_t)i, 1) % pd_field_prime;
    return result;
}

struct pd_algebra pd_algebra_add(struct pd_algebra a, struct pd_algebra b)
{
    struct pd_algebra result;
    for (int i = 0; i < PD_ALGEBRA_POINTS; i++)
        result.at[i] = pd_field_add(a.at[i], b.at[i]);
    result.is_exact = a.is_exact && b.is_exact && pd_rational_add(a.exact, b.exact, &result.exact);
    return result;
}

struct pd_algebra pd_algebra_negative(struct pd_algebra a)
{
    for (int i = 0; i < PD_ALGEBRA_POINTS; i++)
        a.at[i] = pd_field_negative(a.at[i]);
    a.exact.numerator = -a.exact.numerator;
    return a;
}

struct pd_algebra pd_algebra_multiply(struct pd_algebra a, struct pd_algebra b)
{
    struct pd_algebra result;
    for (int i = 0; i < PD_ALGEBRA_POINTS; i++)
        result.at[i] = pd_field_multiply(a.at[i], b.at[i]);
    result.is_exact =
        a.is_exact && b.is_exact && pd_rational_multiply(a.exact, b.exact, &result.exact);
    return result;
}

bool pd_algebra_divide(struct pd_algebra a, struct pd_algebra b, struct pd_algebra *result_ret)
{
    struct pd_algebra result;
    struct pd_field inverse;
    for (int i = 0; i < PD_ALGEBRA_POINTS; i++) {
        bool is_known = i > 0 && pd_field_is_equal(b.at[i], b.at[i - 1]);
        if (!is_known && !pd_field_inverse(b.at[i], &inverse))
            return false;
        result.at[i] = pd_field_multiply(a.at[i], inverse);
    }
    result.is_exact =
        a.is_exact && b.is_exact && pd_rational_divide(a.exact, b.exact, &result.exact);
    *result_ret = result;
    return true;
}

/* Takes the factors of n out that are below 1000: how many times q, the smallest, is in it. What is left at the end
 * is a prime, a square of one, or (above 10^6) taken for a prime. */
static uint64_t take_factor(uint64_t *n, uint64_t *from, int *times_ret)
{
    enum { LARGEST = 1000 };
    *times_ret = 1;
    for (uint64_t q = *from; q < LARGEST && q * q <= *n; q += q == 2 ? 1 : 2) {
        if (*n % q != 0)
            continue;
        for (*times_ret = 0; *n % q == 0; ++*times_ret)
            *n /= q;
        *from = q;
        return q;
    }
    uint64_t rest = *n;
    *n = 1;
    return rest;
}

/* The (times / degree)-th power of a prime; 0 < times < degree. */
static struct pd_algebra prime_root(uint64_t q, int times, int degree)
{
    struct pd_algebra result = not_exact();
    if (times * 2 == degree)
        return constant(pd_field_root(q));
    for (int d = 2; d <= times; d++)
        for (; times % d == 0 && degree % d == 0; degree /= d)
            times /= d;
    char name[] = {'r', 'o', 'o', 't', (char)('0' + degree)};
    struct pd_algebra base = pd_algebra_function(
        (struct pd_span){name, sizeof name}, pd_algebra_of((struct pd_rational){(int64_t)q, 1}));
    for (int i = 0; i < PD_ALGEBRA_POINTS; i++)
        result.at[i] = pd_field_power(base.at[i], (uint64_t)times);
    return result;
}

static bool whole_root(uint64_t n, int degree, struct pd_algebra *result_ret)
{
    struct pd_algebra result = pd_algebra_of((struct pd_rational){1, 1});
    if (n == 0) {
        *result_ret = pd_algebra_of((struct pd_rational){0, 1});
        return true;
    }
    for (uint64_t from = 2; n > 1;) {
        int times;
        uint64_t q = take_factor(&n, &from, &times);
        struct pd_rational whole;
        if (!pd_rational_power((struct pd_rational){(int64_t)q, 1}, times / degree, &whole))
            return false;
        result = pd_algebra_multiply(result, pd_algebra_of(whole));
        if (times % degree != 0)
            result = pd_algebra_multiply(result, prime_root(q, times % degree, degree));
    }
    *result_ret = result;
    return true;
}

bool pd_algebra_root(struct pd_algebra of, int degree, struct pd_algebra *result_ret)
{
    static const char name[] = "root";
    if (degree < 1 || degree > MAX_ROOT_DEGREE)
        return false;
    if (!of.is_exact) {
        char full[] = {name[0], name[1], name[2], name[3], (char)('0' + degree)};
        *result_ret = pd_algebra_function((struct pd_span){full, sizeof full}, of);
        return true;
    }
    struct pd_rational value = of.exact;
    bool is_negative = value.numerator < 0;
    struct pd_algebra above;
    struct pd_algebra below;
    if ((is_negative && degree % 2 == 0 && degree != 2) ||
        !whole_root((uint64_t)(is_negative ? -value.numerator : value.numerator), degree, &above) ||
        !whole_root((uint64_t)value.denominator, degree, &below) ||
        !pd_algebra_divide(above, below, result_ret))
        return false;
    if (is_negative)
        *result_ret = degree == 2 ? pd_algebra_multiply(*result_ret, pd_algebra_i())
                                  : pd_algebra_negative(*result_ret);
    return true;
}

static bool whole_power(struct pd_algebra base, int64_t n, struct pd_algebra *result_ret)
{
    struct pd_algebra one = pd_algebra_of((struct pd_rational){1, 1});
    if (n < 0 && !pd_algebra_divide(one, base, &base))
        return false;
    uint64_t times = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    for (int i = 0; i < PD_ALGEBRA_POINTS; i++)
        result_ret->at[i] = pd_field_power(base.at[i], times);
    result_ret->is_exact = base.is_exact && times <= 64 &&
                           pd_rational_power(base.exact, (int)times, &result_ret->exact);
    return true;
}

bool pd_algebra_power(struct pd_algebra base, struct pd_algebra exponent,
                      struct pd_algebra *result_ret)
{
    if (exponent.is_exact && exponent.exact.denominator <= MAX_ROOT_DEGREE) {
        struct pd_algebra root = base;
        if (exponent.exact.denominator > 1 &&
            !pd_algebra_root(base, (int)exponent.exact.denominator, &root))
            return false;
        return whole_power(root, exponent.exact.numerator, result_ret);
    }
    /* "2^x": a function of x; its own for each base. */
    static const char name[] = "power";
    struct pd_algebra of = pd_algebra_function((struct pd_span){name, sizeof name - 1}, base);
    of = pd_algebra_add(pd_algebra_multiply(of, of), exponent);
    *result_ret = pd_algebra_function((struct pd_span){name, sizeof name - 1}, of);
    return true;
}
