/* SPDX-License-Identifier: Apache-2.0
 * elementwise.c - sums, scalings and gated activations, element by element. */
#include "arch/exp.h"
#include "arch/generic/generic.h"

static void add(float *restrict x, const float *restrict y, int n)
{
    for (int i = 0; i < n; i++)
        x[i] = x[i] + y[i];
}

static void scale(float *x, float factor, int n)
{
    for (int i = 0; i < n; i++)
        x[i] = x[i] * factor;
}

/* silu(g) = g / (1 + e^-g) */
static void silu_mul(float *gate, const float *up, int n)
{
    for (int i = 0; i < n; i++)
        gate[i] = gate[i] / (1.0f + pd_exp(-gate[i])) * up[i];
}

/* gelu(g) = g/2 (1 + tanh(u)), u = sqrt(2 / pi) (g + 0.044715 g^3); 1 + tanh(u) = 2 / (1 + e^-2u), so it
 * is g / (1 + e^-2u). */
static void gelu_mul(float *gate, const float *up, int n)
{
    for (int i = 0; i < n; i++) {
        float g = gate[i];
        float u2 = -1.5957691216f * (g + 0.044715f * (g * g * g));
        gate[i] = g / (1.0f + pd_exp(u2)) * up[i];
    }
}

void pd_generic_elementwise(struct pd_kernels *k)
{
    k->add = add;
    k->scale = scale;
    k->silu_mul = silu_mul;
    k->gelu_mul = gelu_mul;
}
