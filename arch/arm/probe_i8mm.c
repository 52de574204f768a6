/* SPDX-License-Identifier: Apache-2.0
 * probe_i8mm.c - how fast the matrix product instructions can multiply bytes. */
#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile with -march=armv8.2-a+dotprod+i8mm"
#endif

#define DOT          vmmlaq_s32
#define DOT_PRODUCTS 32
#include "arch/arm/probe_dots.h"

void pd_i8mm_probe(struct pd_kernels *k)
{
    k->multiply_add = multiply_add;
}
