/* SPDX-License-Identifier: Apache-2.0
 * real.h - exp, log, sine and cosine in doubles, made of IEEE operations only, so that they give the same bits with
 * every C library (libm's do not). Within a few ulp; for tables and single numbers, not for inner loops. */
#ifndef PD_REAL_H
#define PD_REAL_H

/* e^x; below -700 (and for what is no number) it is 0, above 700 that of 700. */
double pd_real_exp(double x);

/* Natural logarithm of a normal x > 0. */
double pd_real_log(double x);

/* Sine and cosine of |angle| <= 1e9, to about 1e-16 |angle| absolutely. */
void pd_real_sin_cos(double angle, double *sine_ret, double *cosine_ret);

#endif
