/* SPDX-License-Identifier: Apache-2.0
 * convert.c - see convert.h. Rows go through memory in stretches, so that a tensor of any size needs little of it. */
#include "quant/quantize/convert.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "models/train/memory.h"
#include "quant/encode.h"
#include "quant/quantize/source.h"
#include "quant/quantize/tool.h"

enum { STRETCH_ELEMENTS = 1 << 22 };

struct stretch {
    const struct pd_gguf_tensor *t; /* NULL: values are there already */
    const struct pd_format *to;
    struct rounding rounding;
    size_t cols;
    size_t first; /* row of the tensor */
    int n_rows, n_chunks;
    float *values; /* [rows][cols] */
    unsigned char *blocks;
    atomic_bool has_nonsense;
};

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

/* False: it holds what the new format cannot. */
static bool decode_row(const struct stretch *s, int row, float *values)
{
    const struct pd_format *from = s->t->format;
    const unsigned char *data = s->t->data;
    from->decode(data + (s->first + (size_t)row) * pd_format_row_bytes(from, s->cols), values,
                 s->cols / from->block_elements);
    return !s->to->is_quantised || all_finite(values, s->cols);
}

static void convert_row(struct stretch *s, int row)
{
    float *values = s->values + (size_t)row * s->cols;
    unsigned char *blocks = s->blocks + (size_t)row * pd_format_row_bytes(s->to, s->cols);
    size_t n_blocks = s->cols / s->to->block_elements;
    if (s->t && !decode_row(s, row, values))
        s->has_nonsense = true;
    else if (s->rounding.is_plain)
        pd_encode(s->to->id, values, blocks, n_blocks);
    else
        pd_encode_best(s->to->id, values, s->rounding.importance, blocks, n_blocks);
}

static void convert_chunk(void *context, int phase, int chunk, int thread)
{
    struct stretch *s = context;
    int begin, end;
    (void)phase;
    (void)thread;
    pd_share(s->n_rows, chunk, s->n_chunks, &begin, &end);
    for (int row = begin; row < end; row++)
        convert_row(s, row);
}

static void run_chunks(struct stretch *s, struct pd_pool *pool)
{
    s->n_chunks = pd_pool_chunks(pool, s->n_rows);
    pd_pool_run_chunks(pool, s->n_chunks, convert_chunk, s);
}

static enum ponder_status run_stretches(struct writer *writer, struct pd_pool *pool, int index,
                                        struct stretch *s, int max_rows, const struct pd_error *err)
{
    size_t n_rows = tensor_rows(s->t);
    size_t row_bytes = pd_format_row_bytes(s->to, s->cols);
    for (; s->first < n_rows; s->first += (size_t)max_rows) {
        s->n_rows = (int)pd_min_size((size_t)max_rows, n_rows - s->first);
        run_chunks(s, pool);
        char name[PD_SHOW_BYTES];
        if (s->has_nonsense)
            return pd_fail(err, PONDER_BAD_FILE, "tensor '%s' holds NaN or infinity",
                           pd_string_show(s->t->name, name));
        PD_TRY(check_signals(err));
        PD_TRY(writer_put(writer, index, s->first * row_bytes, s->blocks,
                          (size_t)s->n_rows * row_bytes, err));
    }
    return PONDER_OK;
}

enum ponder_status convert_tensor(struct writer *writer, struct pd_pool *pool, int index,
                                  const struct pd_gguf_tensor *t, enum pd_format_id id,
                                  struct rounding rounding, const struct pd_error *err)
{
    if (t->format->id == id)
        return writer_put(writer, index, 0, t->data, t->bytes, err);
    size_t cols = tensor_cols(t);
    size_t max_rows = cols < STRETCH_ELEMENTS ? STRETCH_ELEMENTS / cols : 1;
    struct stretch s = {.t = t, .to = pd_format_get(id), .rounding = rounding, .cols = cols};
    s.values = tr_alloc(max_rows * cols, sizeof *s.values);
    s.blocks = tr_alloc(max_rows, pd_format_row_bytes(s.to, cols));
    enum ponder_status status = run_stretches(writer, pool, index, &s, (int)max_rows, err);
    free(s.blocks);
    free(s.values);
    return status;
}

void convert_floats(struct pd_pool *pool, const float *x, int rows, int cols, enum pd_format_id id,
                    struct rounding rounding, void *blocks_ret)
{
    struct stretch s = {.to = pd_format_get(id),
                        .rounding = rounding,
                        .cols = (size_t)cols,
                        .n_rows = rows,
                        .values = (float *)x, /* read only, without a tensor */
                        .blocks = blocks_ret};
    run_chunks(&s, pool);
}
