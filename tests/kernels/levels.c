/* SPDX-License-Identifier: Apache-2.0
 * levels.c - the instruction sets whose kernels can be tried on this CPU. */
#include "tests/kernels/levels.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include "arch/x86/x86.h"

static bool init_stand_in(struct pd_kernels *k, const char *isa)
{
    if (strcmp(isa, "avxvnni") != 0 || !pd_x86_has_avx512() || !pd_kernels_init(k, "avx2"))
        return false;
    pd_avxvnni_matmul_evex(k);
    k->isa = "avxvnni*"; /* the star: in the encoding of AVX-512 */
    return true;
}
#else
static bool init_stand_in(struct pd_kernels *k, const char *isa)
{
    (void)k;
    (void)isa;
    return false;
}
#endif

int levels_find(struct pd_kernels level[LEVELS_MAX])
{
    int n = 0;
    const char *isa;
    bool is_available;
    for (int i = 0; n < LEVELS_MAX && (isa = pd_kernels_isa(i, &is_available)) != NULL; i++) {
        bool is_set =
            is_available ? pd_kernels_init(&level[n], isa) : init_stand_in(&level[n], isa);
        if (is_set)
            n++;
        else
            printf("this CPU lacks %s: left out\n", isa);
    }
    return n;
}
