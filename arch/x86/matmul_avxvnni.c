/* SPDX-License-Identifier: Apache-2.0
 * matmul_avxvnni.c - matmul_ymm.h with vpdpbusd, which adds four products of unsigned quants and signed
 * activations to a 32-bit sum; no step saturates.
 *
 * The instruction has two encodings. This level is the one with VEX (AVX-VNNI); with PD_AVXVNNI_EVEX defined,
 * the source compiles to that of AVX-512 VL instead, under another name, so that tests can try it on CPUs
 * that have only that. */
#ifdef PD_AVXVNNI_EVEX
#if !defined(__AVX512VNNI__) || !defined(__AVX512VL__)
#error "compile with -mavx2 -mfma -mf16c -mavx512vl -mavx512vnni"
#endif
#define dpbusd            _mm256_dpbusd_epi32
#define pd_avxvnni_matmul pd_avxvnni_matmul_evex
#else
#ifndef __AVXVNNI__
#error "compile with -mavx2 -mfma -mf16c -mavxvnni"
#endif
#define dpbusd _mm256_dpbusd_avx_epi32
#endif
#include "arch/x86/matmul_ymm.h"

INLINE int offset_of(const struct pd_panel_shape *shape)
{
    return shape->offset;
}

INLINE void dot_groups(int bits, int n, const uint8_t *p, const int8_t *a, size_t k, int from,
                       int to, __m256i *sum)
{
#pragma GCC unroll 8
    for (int g = from; g < to; g++) {
        __m256i w = quants(bits, p, g);
        for (int i = 0; i < n; i++)
            sum[i] = dpbusd(sum[i], w, broadcast4(a + (size_t)i * k + 4 * g));
    }
}

QUANT_FORMATS(DEFINE_MATMUL)

void pd_avxvnni_matmul(struct pd_kernels *k)
{
    QUANT_FORMATS(SET_MATMUL)
}
