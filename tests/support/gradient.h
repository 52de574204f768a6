/* SPDX-License-Identifier: Apache-2.0
 * gradient.h - gradients against finite differences. */
#ifndef GRADIENT_H
#define GRADIENT_H

#include <stddef.h>

/* Fails the test, naming `what`, unless gradient[n] is that of loss by x[n] at up to 40 elements spread over it and the
 * one of the largest gradient: each to within `tolerance` of that. x is moved by `step` to either side, and put back. */
void gradient_check(const char *what, double (*loss)(void *context), void *context, float *x,
                    const float *gradient, size_t n, double step, double tolerance);

#endif
