/* SPDX-License-Identifier: Apache-2.0
 * arm.h - what arch/arm/ gives to arch/kernels.c. On 64-bit ARM and on 32-bit ARM with the hard-float ABI. */
#ifndef PD_ARM_H
#define PD_ARM_H

#include "arch/kernels.h"

/* NEON: every 64-bit core; 32-bit ones that have VFPv4 too, for its half floats. */
bool pd_arm_has_neon(void);
void pd_arm_init_neon(struct pd_kernels *k);

/* Dot products of bytes (ARMv8.2, optional there), 64-bit only. */
bool pd_arm_has_dotprod(void);
void pd_arm_init_dotprod(struct pd_kernels *k);

/* Matrix products of bytes (ARMv8.2, optional there) beside those. */
bool pd_arm_has_i8mm(void);
void pd_arm_init_i8mm(struct pd_kernels *k);

void pd_neon_matmul(struct pd_kernels *k);
void pd_neon_attention(struct pd_kernels *k);
void pd_neon_probe(struct pd_kernels *k);

/* 64-bit only: NEON on 32-bit cores flushes subnormal numbers to zero, see float4.h. */
void pd_neon64_quantise(struct pd_kernels *k);
void pd_neon64_elementwise(struct pd_kernels *k);
void pd_neon64_cache(struct pd_kernels *k);
void pd_neon64_reduce(struct pd_kernels *k);
void pd_neon64_rope(struct pd_kernels *k);

void pd_dotprod_matmul(struct pd_kernels *k);
void pd_dotprod_probe(struct pd_kernels *k);

void pd_i8mm_matmul(struct pd_kernels *k);
void pd_i8mm_probe(struct pd_kernels *k);

#endif
