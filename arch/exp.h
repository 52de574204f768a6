/* SPDX-License-Identifier: Apache-2.0
 * exp.h - e^x in single float operations, the same bits wherever they are done in this order.
 *
 *   n = round(x / ln 2), r = x - n ln 2 in two steps, e^x = 2^n (1 + r + r^2 p(r))
 *
 * p: weighted least squares on |r| <= ln 2 / 2, reweighted towards the minimax error (3e-9 in exact
 * arithmetic); measured in floats over [-87, 88]: at most 0.7 ulp. Below PD_EXP_MIN the result is 0,
 * above PD_EXP_MAX that of PD_EXP_MAX. */
#ifndef PD_EXP_H
#define PD_EXP_H

#include <stdint.h>
#include <string.h>

#define PD_EXP_MIN      -87.0f
#define PD_EXP_MAX      88.0f
#define PD_EXP_LOG2E    0x1.715476p+0f
#define PD_EXP_LN2_HIGH 0x1.63p-1f /* 355/512: its product with n is exact */
#define PD_EXP_LN2_LOW  -0x1.bd0106p-13f
#define PD_EXP_P0       0x1.fffffcp-2f
#define PD_EXP_P1       0x1.555492p-3f
#define PD_EXP_P2       0x1.5558f2p-5f
#define PD_EXP_P3       0x1.1239e2p-7f
#define PD_EXP_P4       0x1.6a2434p-10f
#define PD_ROUND_MAGIC                                                                             \
    12582912.0f /* 1.5 * 2^23: adding it rounds |x| < 2^22 to an integer, to even */

static inline float pd_exp(float x)
{
    if (!(x >=
          PD_EXP_MIN)) /* NaN too: masks are -infinity, and a score is never a NaN's exponential */
        return 0.0f;
    x = x < PD_EXP_MAX ? x : PD_EXP_MAX;
    float n = (x * PD_EXP_LOG2E + PD_ROUND_MAGIC) - PD_ROUND_MAGIC;
    float r = (x - n * PD_EXP_LN2_HIGH) - n * PD_EXP_LN2_LOW;
    float p = PD_EXP_P4;
    p = p * r + PD_EXP_P3;
    p = p * r + PD_EXP_P2;
    p = p * r + PD_EXP_P1;
    p = p * r + PD_EXP_P0;
    float y = (p * (r * r) + r) + 1.0f;
    uint32_t bits;
    memcpy(&bits, &y, sizeof bits);
    bits += (uint32_t)(int32_t)n << 23;
    memcpy(&y, &bits, sizeof y);
    return y;
}

#endif
