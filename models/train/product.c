/* SPDX-License-Identifier: Apache-2.0
 * product.c - see product.h. */
#include "product.h"

const struct tr_product_level *tr_product_best(void)
{
    for (int i = 0; tr_product_levels[i] != NULL; i++)
        if (tr_product_levels[i]->runs())
            return tr_product_levels[i];
    return NULL;
}
