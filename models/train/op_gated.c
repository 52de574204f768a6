/* SPDX-License-Identifier: Apache-2.0
 * op_gated.c - SwiGLU and GeGLU: h = act(gate) up.
 *
 *   SiLU: x s, s = 1 / (1 + e^-x);                     its slope s + x s (1 - s)
 *   GELU: x s(2u), u = sqrt(2/pi) (x + 0.044715 x^3);  the tanh form, for (1 + tanh u) / 2 = s(2u) */
#include "arch/exp.h"
#include "ops.h"

#define GELU_SCALE 1.5957691216057308f /* 2 sqrt(2 / pi) */
#define GELU_CUBE  0.044715f

static inline float sigmoid(float x)
{
    return 1.0f / (1.0f + pd_exp(-x));
}

/* What x is multiplied with, and the slope of the product. */
static inline float silu_gate(float x, float *slope_ret)
{
    float s = sigmoid(x);
    *slope_ret = s + x * s * (1.0f - s);
    return s;
}

static inline float gelu_gate(float x, float *slope_ret)
{
    float s = sigmoid(GELU_SCALE * x * (1.0f + GELU_CUBE * x * x));
    *slope_ret = s + x * s * (1.0f - s) * GELU_SCALE * (1.0f + 3.0f * GELU_CUBE * x * x);
    return s;
}

void tr_gated(enum pd_activation act, size_t n, const float *restrict gate,
              const float *restrict up, float *restrict h)
{
    float slope;
    if (act == PD_SILU)
        for (size_t i = 0; i < n; i++)
            h[i] = gate[i] * silu_gate(gate[i], &slope) * up[i];
    else
        for (size_t i = 0; i < n; i++)
            h[i] = gate[i] * gelu_gate(gate[i], &slope) * up[i];
}

static inline void back(float *restrict gate, float *restrict up, float *restrict dh, float s,
                        float slope)
{
    float x = *gate, u = *up, d = *dh;
    *gate = d * u * slope;
    *up = d * x * s;
    *dh = x * s * u;
}

void tr_gated_back(enum pd_activation act, size_t n, float *restrict gate, float *restrict up,
                   float *restrict dh)
{
    if (act == PD_SILU)
        for (size_t i = 0; i < n; i++) {
            float slope, s = silu_gate(gate[i], &slope);
            back(&gate[i], &up[i], &dh[i], s, slope);
        }
    else
        for (size_t i = 0; i < n; i++) {
            float slope, s = gelu_gate(gate[i], &slope);
            back(&gate[i], &up[i], &dh[i], s, slope);
        }
}
