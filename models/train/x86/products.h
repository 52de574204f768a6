/* SPDX-License-Identifier: Apache-2.0
 * products.h - the instruction sets of x86 that multiply bfloat16. */
#ifndef TRAIN_X86_PRODUCTS_H
#define TRAIN_X86_PRODUCTS_H

#include "models/train/product.h"

extern const struct tr_product_level tr_product_amx, tr_product_avx512bf16;

#endif
