/* SPDX-License-Identifier: Apache-2.0
 * matmul_dotprod.c - matmul_neon.h with dot products of bytes. The panels are those of matmul_neon.c, and so
 * are the float formats' kernels. */
#include "arch/arm/dot_groups.h"

QUANT_FORMATS(DEFINE_MATMUL)

void pd_dotprod_matmul(struct pd_kernels *k)
{
    QUANT_FORMATS(SET_MATMUL)
}
