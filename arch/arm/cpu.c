/* SPDX-License-Identifier: Apache-2.0
 * cpu.c - what this ARM CPU has, as the kernel says it (hwcap); and the tables of each level. */
#include <sys/auxv.h>

#include "arch/arm/arm.h"

#ifdef __aarch64__

bool pd_arm_has_neon(void)
{
    return true;
}

void pd_arm_init_neon(struct pd_kernels *k)
{
    pd_neon_matmul(k);
    pd_neon_attention(k);
    pd_neon_probe(k);
    pd_neon64_quantise(k);
    pd_neon64_elementwise(k);
    pd_neon64_cache(k);
    pd_neon64_reduce(k);
    pd_neon64_rope(k);
}

bool pd_arm_has_dotprod(void)
{
    enum { ASIMDDP = 1 << 20 };
    return (getauxval(AT_HWCAP) & ASIMDDP) != 0;
}

void pd_arm_init_dotprod(struct pd_kernels *k)
{
    pd_dotprod_matmul(k);
    pd_dotprod_probe(k);
}

bool pd_arm_has_i8mm(void)
{
    enum { I8MM = 1 << 13 };
    return pd_arm_has_dotprod() && (getauxval(AT_HWCAP2) & I8MM) != 0;
}

void pd_arm_init_i8mm(struct pd_kernels *k)
{
    pd_i8mm_matmul(k);
    pd_i8mm_probe(k);
}

#else

bool pd_arm_has_neon(void)
{
    enum { NEON = 1 << 12, VFPV4 = 1 << 16, BOTH = NEON | VFPV4 };
    return (getauxval(AT_HWCAP) & BOTH) == BOTH;
}

void pd_arm_init_neon(struct pd_kernels *k)
{
    pd_neon_matmul(k);
    pd_neon_attention(k);
    pd_neon_probe(k);
}

#endif
