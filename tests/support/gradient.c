/* SPDX-License-Identifier: Apache-2.0
 * gradient.c - gradients against finite differences. */
#include "tests/support/gradient.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

enum { MOST = 40 };

/* Element i of k that are spread over n; the k-th is the one of the largest gradient. */
static size_t element(size_t i, size_t k, size_t n, size_t largest)
{
    return i < k ? i * n / k : largest;
}

void gradient_check(const char *what, double (*loss)(void *context), void *context, float *x,
                    const float *gradient, size_t n, double step, double tolerance)
{
    size_t k = n < MOST ? n : MOST, largest_at = 0;
    for (size_t i = 1; i < n; i++)
        if (fabsf(gradient[i]) > fabsf(gradient[largest_at]))
            largest_at = i;
    double largest = fabs((double)gradient[largest_at]);
    if (largest == 0)
        fail_msg("%s: the gradient is 0 everywhere", what);
    for (size_t i = 0; i <= k; i++) {
        size_t at = element(i, k, n, largest_at);
        float old = x[at];
        volatile float high = old + (float)step, low = old - (float)step;
        x[at] = high;
        double above = loss(context);
        x[at] = low;
        double below = loss(context);
        x[at] = old;
        double slope = (above - below) / ((double)high - (double)low);
        if (!(fabs(slope - (double)gradient[at]) <= tolerance * largest))
            fail_msg("%s[%zu]: the slope is %g, the gradient %g; the largest gradient %g", what, at,
                     slope, (double)gradient[at], largest);
    }
}
