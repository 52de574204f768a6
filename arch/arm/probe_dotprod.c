/* SPDX-License-Identifier: Apache-2.0
 * probe_dotprod.c - how fast the dot product instructions can multiply bytes. */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif

#define DOT          vdotq_s32
#define DOT_PRODUCTS 16
#include "arch/arm/probe_dots.h"

void pd_dotprod_probe(struct pd_kernels *k)
{
    k->multiply_add = multiply_add;
}
