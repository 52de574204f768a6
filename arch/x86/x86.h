/* SPDX-License-Identifier: Apache-2.0
 * x86.h - what arch/x86/ gives to arch/kernels.c. */
#ifndef PD_X86_H
#define PD_X86_H

#include "arch/kernels.h"

/* AVX2, FMA and F16C, with the operating system saving the wide registers. */
bool pd_x86_has_avx2(void);
void pd_x86_init_avx2(struct pd_kernels *k);

void pd_avx2_matmul(struct pd_kernels *k);
void pd_avx2_quantise(struct pd_kernels *k);
void pd_avx2_elementwise(struct pd_kernels *k);
void pd_avx2_attention(struct pd_kernels *k);
void pd_avx2_reduce(struct pd_kernels *k);
void pd_avx2_rope(struct pd_kernels *k);
void pd_avx2_probe(struct pd_kernels *k);

/* AVX-VNNI beside those: dot products of bytes in 256-bit vectors, with the short (VEX) encoding. */
bool pd_x86_has_avxvnni(void);
void pd_x86_init_avxvnni(struct pd_kernels *k);

void pd_avxvnni_matmul(struct pd_kernels *k);
void pd_avxvnni_matmul_evex(struct pd_kernels *k); /* for tests only, see the file */

/* AVX-512 F, BW, VL, DQ and VNNI, likewise. */
bool pd_x86_has_avx512(void);
void pd_x86_init_avx512(struct pd_kernels *k);

void pd_avx512_matmul(struct pd_kernels *k);
void pd_avx512_quantise(struct pd_kernels *k);
void pd_avx512_elementwise(struct pd_kernels *k);
void pd_avx512_attention(struct pd_kernels *k);
void pd_avx512_reduce(struct pd_kernels *k);
void pd_avx512_probe(struct pd_kernels *k);

#endif
