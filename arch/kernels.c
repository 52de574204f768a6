/* SPDX-License-Identifier: Apache-2.0
 * kernels.c - the generic table, then what this CPU has, in rising order. */
#include "arch/kernels.h"

#include <string.h>

#include "arch/arm/arm.h"
#include "arch/generic/generic.h"
#include "arch/x86/x86.h"

static bool always(void)
{
    return true;
}

static void generic_init(struct pd_kernels *k)
{
    k->panel_rows = 16;
    pd_generic_matmul(k);
    pd_generic_quantise(k);
    pd_generic_elementwise(k);
    pd_generic_rope(k);
    pd_generic_attention(k);
    pd_generic_reduce(k);
    pd_generic_probe(k);
}

static const struct {
    const char *name;
    bool (*is_available)(void);
    void (*init)(struct pd_kernels *k); /* overrides slots of the levels below */
} levels[] = {
    {"generic", always, generic_init},
#if defined(__x86_64__) || defined(__i386__)
    {"avx2", pd_x86_has_avx2, pd_x86_init_avx2},
    {"avxvnni", pd_x86_has_avxvnni, pd_x86_init_avxvnni},
    {"avx512", pd_x86_has_avx512, pd_x86_init_avx512},
#endif
#if defined(__aarch64__) || defined(__ARM_PCS_VFP) /* 32-bit: where floats are passed in registers */
    {"neon", pd_arm_has_neon, pd_arm_init_neon},
#endif
#ifdef __aarch64__
    {"dotprod", pd_arm_has_dotprod, pd_arm_init_dotprod},
    {"i8mm", pd_arm_has_i8mm, pd_arm_init_i8mm},
#endif
};

const char *pd_kernels_isa(int i, bool *available_ret)
{
    if (i < 0 || (size_t)i >= sizeof levels / sizeof levels[0])
        return NULL;
    *available_ret = levels[i].is_available();
    return levels[i].name;
}

bool pd_kernels_init(struct pd_kernels *kernels, const char *isa)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (!levels[i].is_available())
            continue; /* a later one may not need it */
        levels[i].init(kernels);
        kernels->isa = levels[i].name;
        if (isa != NULL && strcmp(isa, levels[i].name) == 0)
            return true;
    }
    return isa == NULL;
}
