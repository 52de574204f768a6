/* SPDX-License-Identifier: Apache-2.0
 * convert.h - tensors from one format to another, all rows on all threads. */
#ifndef QUANTIZE_CONVERT_H
#define QUANTIZE_CONVERT_H

#include "base/pool.h"
#include "quant/quantize/writer.h"

/* How numbers are rounded. */
struct rounding {
    bool is_plain;           /* grids from the extremes of each block; otherwise searched for */
    const float *importance; /* [columns], the same for every row; NULL: all alike */
};

/* The tensor's data in its new format to the writer; as it is, where it has that format already. BAD_FILE: it holds
 * NaN or infinity, which quantised formats cannot. NO_FILE, CANCELLED. */
enum ponder_status convert_tensor(struct writer *writer, struct pd_pool *pool, int index,
                                  const struct pd_gguf_tensor *t, enum pd_format_id id,
                                  struct rounding rounding, const struct pd_error *err);

/* Numbers [rows][cols], all finite, to blocks. */
void convert_floats(struct pd_pool *pool, const float *x, int rows, int cols, enum pd_format_id id,
                    struct rounding rounding, void *blocks_ret);

#endif
