/* SPDX-License-Identifier: Apache-2.0
 * packs.h - a model's matrices packed for products in bfloat16 (product.h), once a step instead of once a product. */
#ifndef TRAIN_PACKS_H
#define TRAIN_PACKS_H

#include "base/pool.h"
#include "model.h"
#include "ops.h"
#include "product.h"

/* Makes room beside the model and packs all of its matrices, for the way back too unless the trunk is frozen: call it when what
 * is trained is in params. tr_model_free() frees it. level NULL: nothing. */
void tr_packs_init(struct tr_model *m, const struct tr_product_level *level, struct pd_pool *pool);

/* The trained parameters changed: folds the adapters, and packs anew what follows from them. */
void tr_packs_renew(struct tr_model *m, struct pd_pool *pool);

/* A product of n rows with the matrix, through a pass's scratch. */
static inline struct tr_shape tr_packs_shape(const struct tr_tensor *w, int n,
                                             const struct tr_product_level *level, uint32_t *words)
{
    return (struct tr_shape){n, w->cols, w->rows, level, words, w->forward, w->back};
}

#endif
