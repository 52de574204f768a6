/* SPDX-License-Identifier: Apache-2.0
 * real.c - see real.h. Series long enough for doubles on a reduced argument. */
#include "base/real.h"

#include <stdint.h>
#include <string.h>

#define LN2_HIGH     0x1.62e42fefp-1 /* 33 bits: products with small integers are exact */
#define LN2_LOW      0x1.473de6af278edp-34
#define HALF_PI_HIGH 0x1.921fb544p+0
#define HALF_PI_LOW  0x1.0b4611a626331p-34
#define EXP_LIMIT    700.0

/* To the nearest integer, |x| < 2^51. */
static double nearest(double x)
{
    const double magic = 0x1.8p52;
    return (x + magic) - magic;
}

/* 2^n, -1022 <= n <= 1023. */
static double power_of_two(int n)
{
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double pd_real_exp(double x)
{
    if (!(x >= -EXP_LIMIT)) /* NaN too */
        return 0.0;
    x = x < EXP_LIMIT ? x : EXP_LIMIT;
    double n = nearest(x / (LN2_HIGH + LN2_LOW));
    double r = (x - n * LN2_HIGH) - n * LN2_LOW; /* |r| <= 0.35 */
    double sum = 1.0;
    for (int i = 14; i > 0; i--) /* 0.35^15 / 15! < 2^-62 */
        sum = 1.0 + sum * r / i;
    return sum * power_of_two((int)n);
}

/* x = 2^n m with m in [0.70, 1.42); log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.18. */
double pd_real_log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int n = (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffu) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.41421356) {
        m *= 0.5;
        n++;
    }
    double s = (m - 1.0) / (m + 1.0);
    double square = s * s;
    double sum = 0.0;
    for (int i = 23; i >= 1; i -= 2) /* 0.18^24 < 2^-59 */
        sum = sum * square + 1.0 / i;
    return n * LN2_HIGH + (n * LN2_LOW + 2.0 * s * sum);
}

void pd_real_sin_cos(double angle, double *sine_ret, double *cosine_ret)
{
    double n = nearest(angle / (HALF_PI_HIGH + HALF_PI_LOW));
    double r = (angle - n * HALF_PI_HIGH) - n * HALF_PI_LOW; /* |r| <= pi / 4 */
    double square = r * r;
    double sine = 1.0, cosine = 1.0;
    for (int i = 18; i > 0; i -= 2) { /* 0.79^20 / 20! < 2^-67 */
        sine = 1.0 - sine * square / (i * (i + 1));
        cosine = 1.0 - cosine * square / (i * (i - 1));
    }
    sine *= r;
    switch ((int)((int64_t)n & 3)) { /* the quarter turn */
    case 0:
        *sine_ret = sine;
        *cosine_ret = cosine;
        break;
    case 1:
        *sine_ret = cosine;
        *cosine_ret = -sine;
        break;
    case 2:
        *sine_ret = -sine;
        *cosine_ret = -cosine;
        break;
    default:
        *sine_ret = -cosine;
        *cosine_ret = sine;
        break;
    }
}
