/* SPDX-License-Identifier: Apache-2.0
 * weights.h - numbers and weights for what tries and times kernels. Out of memory ends the program. */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "arch/kernels.h"

/* A number in [-1, 1), or now and then a larger, a tiny or a zero one. */
float weights_number(uint64_t *seed);

/* rows * k weights in a format's blocks: encoded numbers, and every third row random bytes instead, so that
 * all quants and scales occur (other bytes until the scales are finite). To be freed. */
uint8_t *weights_new(const struct pd_format *format, int rows, int k, uint64_t seed);

/* The same in panels of panel_rows for kernels, ceil(rows / panel_rows) of them. To be freed. */
uint8_t *weights_pack(const struct pd_format *format, const uint8_t *weights, int rows, int k,
                      int panel_rows, size_t *n_bytes_ret);

#endif
