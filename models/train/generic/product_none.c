/* SPDX-License-Identifier: Apache-2.0
 * product_none.c - for CPUs without products in bfloat16 that we know of: everything is done in floats. */
#include "models/train/product.h"

const struct tr_product_level *const tr_product_levels[] = {NULL};
