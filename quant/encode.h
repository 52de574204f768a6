/* SPDX-License-Identifier: Apache-2.0
 * encode.h - floats to blocks of a tensor format. For tools and tests; the engine never encodes. */
#ifndef PD_ENCODE_H
#define PD_ENCODE_H

#include "quant/format.h"

/* Rounds block_elements * n_blocks numbers to the nearest values that a block with a scale from its own
 * extremes can hold. Numbers too large for the format (65504 times the largest quant) saturate;
 * too small ones become 0. x must not hold NaN or infinity, except with F32, F16 and BF16. */
void pd_encode(enum pd_format_id id, const float *x, void *blocks, size_t n_blocks);

/* The same with scales searched for, block by block, so that the sum of importance * error^2 is small, and never
 * larger than with pd_encode(). importance: one for each number, not negative; NULL: all alike. Some thirty times slower. */
void pd_encode_best(enum pd_format_id id, const float *x, const float *importance, void *blocks,
                    size_t n_blocks);

#endif
