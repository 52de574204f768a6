/* SPDX-License-Identifier: Apache-2.0
 * products.c - the table of x86. */
#include "products.h"

const struct tr_product_level *const tr_product_levels[] = {
    &tr_product_amx,
    &tr_product_avx512bf16,
    NULL,
};
