/* SPDX-License-Identifier: Apache-2.0
 * levels.h - the instruction sets whose kernels can be tried on this CPU. */
#ifndef LEVELS_H
#define LEVELS_H

#include "arch/kernels.h"

enum { LEVELS_MAX = 8 };

/* Generic, then every level that this CPU has, rising; and where it lacks AVX-VNNI but has AVX-512, the kernels
 * of AVX-VNNI in that encoding. Returns how many. Prints which are left out. */
int levels_find(struct pd_kernels level[LEVELS_MAX]);

#endif
