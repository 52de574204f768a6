/* SPDX-License-Identifier: Apache-2.0
 * field.c - see field.h. */
#include "search/field.h"

static uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum >= pd_field_prime ? sum - pd_field_prime : sum;
}

static uint64_t negative(uint64_t a)
{
    return a == 0 ? 0 : pd_field_prime - a;
}

/* The product has 104 bits, low and high words from 32-bit halves. 2^52 is 473 here. */
static uint64_t multiply(uint64_t a, uint64_t b)
{
    const uint64_t mask = ((uint64_t)1 << 52) - 1;
    uint64_t a0 = a & 0xffffffff;
    uint64_t a1 = a >> 32;
    uint64_t b0 = b & 0xffffffff;
    uint64_t b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32); /* below 2^20 * 2^32 + 2^32 */
    uint64_t second = a0 * b1 + (middle & 0xffffffff);
    uint64_t high = a1 * b1 + (middle >> 32) + (second >> 32);
    uint64_t low = second << 32 | (a0 * b0 & 0xffffffff);
    uint64_t folded = (low >> 52 | high << 12) * 473 + (low & mask); /* below 2^61 */
    return add((folded >> 52) * 473, (folded & mask) % pd_field_prime);
}

static uint64_t power(uint64_t base, uint64_t exponent)
{
    uint64_t result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = multiply(result, base);
        base = multiply(base, base);
    }
    return result;
}

struct pd_field pd_field_of(int64_t n)
{
    uint64_t magnitude = (n < 0 ? 0 - (uint64_t)n : (uint64_t)n) % pd_field_prime;
    return (struct pd_field){n < 0 ? negative(magnitude) : magnitude, 0};
}

struct pd_field pd_field_add(struct pd_field a, struct pd_field b)
{
    return (struct pd_field){add(a.re, b.re), add(a.im, b.im)};
}

struct pd_field pd_field_negative(struct pd_field a)
{
    return (struct pd_field){negative(a.re), negative(a.im)};
}

struct pd_field pd_field_multiply(struct pd_field a, struct pd_field b)
{
    return (struct pd_field){add(multiply(a.re, b.re), negative(multiply(a.im, b.im))),
                             add(multiply(a.re, b.im), multiply(a.im, b.re))};
}

bool pd_field_inverse(struct pd_field a, struct pd_field *inverse_ret)
{
    /* re^2 + im^2 is 0 for 0 only, since -1 is no square. */
    uint64_t norm = add(multiply(a.re, a.re), multiply(a.im, a.im));
    uint64_t inverse = power(norm, pd_field_prime - 2);
    *inverse_ret = (struct pd_field){multiply(a.re, inverse), negative(multiply(a.im, inverse))};
    return norm != 0;
}

struct pd_field pd_field_power(struct pd_field base, uint64_t exponent)
{
    struct pd_field result = {1, 0};
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = pd_field_multiply(result, base);
        base = pd_field_multiply(base, base);
    }
    return result;
}

struct pd_field pd_field_root(uint64_t n)
{
    n %= pd_field_prime;
    uint64_t root = power(n, (pd_field_prime + 1) / 4);
    if (multiply(root, root) == n)
        return (struct pd_field){root, 0};
    return (struct pd_field){0, power(negative(n), (pd_field_prime + 1) / 4)};
}
