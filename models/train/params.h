/* SPDX-License-Identifier: Apache-2.0
 * params.h - what is trained: arrays of floats that lie here and there, and their places in the flat blocks that
 * gradients and the optimiser's moments are kept in. */
#ifndef TRAIN_PARAMS_H
#define TRAIN_PARAMS_H

#include "base/base.h"

enum { TR_NAME_BYTES = 80, TR_FROZEN = -1 };

struct tr_param {
    char name[TR_NAME_BYTES];
    float *value; /* [n] */
    size_t n, at; /* at: where its part of a flat block begins */
    bool decays;  /* weight decay: matrices, not norms and biases */
};

struct tr_params {
    struct tr_param *param; /* [n] */
    int n, capacity;
    size_t n_values; /* of a flat block */
};

/* The new parameter's number. Parts of flat blocks begin at multiples of 16 floats. */
int tr_params_add(struct tr_params *p, const char *name, float *value, size_t n, bool decays);
void tr_params_free(struct tr_params *p);

/* Its part of a flat block; NULL for TR_FROZEN, and without a block. */
static inline float *tr_param_part(const struct tr_params *p, int number, float *block)
{
    return number == TR_FROZEN || block == NULL ? NULL : block + p->param[number].at;
}

#endif
