/* SPDX-License-Identifier: Apache-2.0
 * params.c - see params.h. */
#include "params.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

int tr_params_add(struct tr_params *p, const char *name, float *value, size_t n, bool decays)
{
    enum { ALIGNMENT = 16 };
    if (p->n == p->capacity) {
        p->capacity = 2 * p->capacity + 64;
        p->param = tr_grow(p->param, (size_t)p->capacity, sizeof *p->param);
    }
    struct tr_param *param = &p->param[p->n];
    *param = (struct tr_param){.value = value, .n = n, .at = p->n_values, .decays = decays};
    snprintf(param->name, sizeof param->name, "%s", name);
    p->n_values += (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return p->n++;
}

void tr_params_free(struct tr_params *p)
{
    free(p->param);
    *p = (struct tr_params){.n = 0};
}
