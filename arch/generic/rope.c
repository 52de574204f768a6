/* SPDX-License-Identifier: Apache-2.0
 * rope.c - rotary position embedding of one head (Su et al. 2021, section 3.2), in both orders. */
#include "arch/generic/generic.h"
#include "arch/rope.h"

static void rope(float *x, const float *cs, int n)
{
    for (int i = 0; i < n; i++)
        pd_rotate(&x[2 * i], &x[2 * i + 1], cs[i], cs[n + i]);
}

static void rope_neox(float *x, const float *cs, int n)
{
    for (int i = 0; i < n; i++)
        pd_rotate(&x[i], &x[n + i], cs[i], cs[n + i]);
}

void pd_generic_rope(struct pd_kernels *k)
{
    k->rope = rope;
    k->rope_neox = rope_neox;
}
