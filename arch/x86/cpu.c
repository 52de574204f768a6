/* SPDX-License-Identifier: Apache-2.0
 * cpu.c - what this x86 CPU has, by cpuid; and the tables of each level. */
#include <cpuid.h>

#include "arch/x86/x86.h"

/* The state components that the operating system saves (extended control register 0). Only
 * callable where cpuid says OSXSAVE. */
static unsigned saved_state(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

bool pd_x86_has_avx2(void)
{
    enum { FMA = 1 << 12, OSXSAVE = 1 << 27, F16C = 1 << 29, AVX2 = 1 << 5, XMM_YMM = 6 };
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & FMA) == 0 || (c & OSXSAVE) == 0 || (c & F16C) == 0)
        return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & AVX2) == 0)
        return false;
    return (saved_state() & XMM_YMM) == XMM_YMM;
}

bool pd_x86_has_avxvnni(void)
{
    enum { AVX_VNNI = 1 << 4 };
    unsigned a, b, c, d;
    if (!pd_x86_has_avx2() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || a < 1)
        return false; /* a: the last subleaf of leaf 7 */
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & AVX_VNNI) != 0;
}

bool pd_x86_has_avx512(void)
{
    enum { F = 1 << 16, DQ = 1 << 17, BW = 1 << 30, VNNI = 1 << 11, MASKS_ZMM = 0xe0 };
    const unsigned VL = 1u << 31;
    unsigned a, b, c, d, needed = F | DQ | BW | VL;
    if (!pd_x86_has_avx2() || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return false;
    return (b & needed) == needed && (c & VNNI) != 0 && (saved_state() & MASKS_ZMM) == MASKS_ZMM;
}

void pd_x86_init_avx2(struct pd_kernels *k)
{
    pd_avx2_matmul(k);
    pd_avx2_quantise(k);
    pd_avx2_elementwise(k);
    pd_avx2_attention(k);
    pd_avx2_reduce(k);
    pd_avx2_rope(k);
    pd_avx2_probe(k);
}

void pd_x86_init_avxvnni(struct pd_kernels *k)
{
    pd_avxvnni_matmul(k);
}

void pd_x86_init_avx512(struct pd_kernels *k)
{
    pd_avx512_matmul(k);
    pd_avx512_quantise(k);
    pd_avx512_elementwise(k);
    pd_avx512_attention(k);
    pd_avx512_reduce(k);
    pd_avx512_probe(k);
}
