/* SPDX-License-Identifier: Apache-2.0
 * lora.c - see lora.h. */
#include "decode/lora.h"

#include <math.h>
#include <string.h>

#include "arch/panel.h"
#include "quant/block.h"

enum {
    TILE = 64, /* outputs that are added at a time: a multiple of any panel's rows */
    MAX_CHUNKS = 128
};

static size_t area(int rows, int columns)
{
    return (size_t)rows * (size_t)columns;
}

static int pad(int rank)
{
    return pd_div_up(rank, PD_BLOCK) * PD_BLOCK;
}

/* ---- layout ---- */

static void panels_layout(struct pd_weight *w, int rows, int cols, int panel_rows,
                          struct pd_arena *a)
{
    *w = (struct pd_weight){.format = PD_Q8_0,
                            .is_quantised = true,
                            .rows = rows,
                            .cols = cols,
                            .n_panels = pd_div_up(rows, panel_rows),
                            .panel_bytes = pd_panel_bytes(PD_Q8_0, cols, panel_rows)};
    w->panels = pd_arena_alloc(a, (size_t)w->n_panels, w->panel_bytes);
}

void pd_lora_layout(struct pd_lora *l, const struct pd_adapter *adapter, int panel_rows,
                    struct pd_arena *a)
{
    *l = (struct pd_lora){adapter->n_layers, PD_NEW(a, struct pd_lora_layer, adapter->n_layers)};
    for (int i = 0; i < adapter->n_layers; i++) {
        struct pd_lora_layer unplaced;
        struct pd_lora_layer *layer = l->layer != NULL ? &l->layer[i] : &unplaced;
        *layer = (struct pd_lora_layer){0};
        for (int t = 0; t < PD_LAYER_TENSORS; t++) {
            const struct pd_low_rank *pair = &adapter->layer[i].matrix[t];
            struct pd_lora_matrix *m = &layer->matrix[t];
            if (pair->a.data == NULL)
                continue;
            m->rank = pair->a.rows;
            m->padded = pad(m->rank);
            panels_layout(&m->a, m->rank, pair->a.cols, panel_rows, a);
            panels_layout(&m->b, pair->b.rows, m->padded, panel_rows, a);
        }
    }
}

void pd_lora_pass_layout(struct pd_lora_pass *pass, const struct pd_adapter *const *adapters,
                         int n_adapters, const struct pd_kernels *kernels, int n_batch,
                         int n_threads, struct pd_arena *a)
{
    *pass = (struct pd_lora_pass){.kernels = kernels, .n_batch = n_batch};
    for (int i = 0; i < n_adapters; i++)
        pass->stride = pd_max_int(pass->stride, pad(adapters[i]->max_rank));
    if (pass->stride == 0)
        return;
    int n = PD_LORA_SLOTS * n_batch;
    pass->t = PD_NEW(a, float, area(n, pass->stride));
    pass->act.q = PD_NEW(a, int8_t, area(n, pass->stride));
    pass->act.d = PD_NEW(a, float, area(n, pass->stride / 32));
    pass->act.dsum = PD_NEW(a, float, area(n, pass->stride / 32));
    pass->act.sum16 = PD_NEW(a, int32_t, area(n, pass->stride / 16));
    pass->tile = PD_NEW(a, float, area(n_threads * n_batch, TILE));
    pass->run = PD_NEW(a, struct pd_lora_run, n_batch);
}

/* ---- packing ---- */

/* Elements [first, first + n) of row r, n <= PD_BLOCK; first is a multiple of that. */
static void decode(const struct pd_tensor *t, int r, int first, int n, float *out)
{
    const struct pd_format *format = t->format;
    const uint8_t *row =
        (const uint8_t *)t->data + (size_t)r * pd_format_row_bytes(format, (size_t)t->cols);
    format->decode(row + pd_format_row_bytes(format, (size_t)first), out,
                   (size_t)(n / format->block_elements));
}

/* The largest magnitude; NaN if one of the numbers is none. */
static float largest(const struct pd_tensor *t)
{
    float max = 0.0f, x[PD_BLOCK];
    for (int r = 0; r < t->rows; r++)
        for (int first = 0; first < t->cols; first += PD_BLOCK) {
            int n = pd_min_int(PD_BLOCK, t->cols - first);
            decode(t, r, first, n, x);
            for (int i = 0; i < n; i++) {
                if (!isfinite(x[i]))
                    return NAN;
                max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
            }
        }
    return max;
}

/* 2^e, -126 <= e <= 127. */
static float power_of_two(int e)
{
    uint32_t bits = (uint32_t)(e + 127) << 23;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The power of two that brings a magnitude to 64..128; 1 for zero. */
static float scale_for(float max)
{
    uint32_t bits;
    memcpy(&bits, &max, sizeof bits);
    int e = (int)(bits >> 23 & 255) - 127;
    return max > 0.0f ? power_of_two(pd_max_int(pd_min_int(6 - e, 120), -120)) : 1.0f;
}

static void pack_block(const float *x, struct pd_block_q8_0 *block)
{
    float max = 0.0f;
    for (int i = 0; i < PD_BLOCK; i++)
        max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
    uint16_t half = pd_f32_to_f16(max / 127.0f);
    float d = pd_f16_to_f32(half);
    block->d[0] = (uint8_t)(half & 255);
    block->d[1] = (uint8_t)(half >> 8);
    for (int i = 0; i < PD_BLOCK; i++) {
        float q = d > 0.0f ? x[i] / d : 0.0f;
        q = q > 127.0f ? 127.0f : q < -127.0f ? -127.0f : q;
        block->qs[i] = (int8_t)(q < 0.0f ? q - 0.5f : q + 0.5f);
    }
}

/* Scaled rows of t to panels of w, whose columns beyond t's are zero. */
static void pack(const struct pd_weight *w, const struct pd_tensor *t, float scale, int panel_rows)
{
    struct pd_block_q8_0 block[PD_PANEL_MAX_ROWS];
    size_t piece_bytes = pd_panel_bytes(PD_Q8_0, PD_BLOCK, panel_rows);
    for (int panel = 0; panel < w->n_panels; panel++)
        for (int first = 0; first < w->cols; first += PD_BLOCK) {
            int n_rows = pd_min_int(panel_rows, w->rows - panel * panel_rows);
            for (int r = 0; r < n_rows; r++) {
                float x[PD_BLOCK] = {0};
                decode(t, panel * panel_rows + r, first, pd_min_int(PD_BLOCK, t->cols - first), x);
                for (int i = 0; i < PD_BLOCK; i++)
                    x[i] *= scale;
                pack_block(x, &block[r]);
            }
            pd_panel_pack(PD_Q8_0, (const uint8_t *)block, sizeof block[0], n_rows, PD_BLOCK,
                          panel_rows,
                          w->panels + (size_t)panel * w->panel_bytes +
                              (size_t)(first / PD_BLOCK) * piece_bytes);
        }
}

static void pack_layer(const struct pd_lora_pack *p, int layer)
{
    for (int t = 0; t < PD_LAYER_TENSORS; t++) {
        const struct pd_low_rank *pair = &p->adapter->layer[layer].matrix[t];
        struct pd_lora_matrix *m = &p->lora->layer[layer].matrix[t];
        if (m->rank == 0)
            continue;
        float max_a = largest(&pair->a), max_b = largest(&pair->b);
        float scale_a = scale_for(max_a), scale_b = scale_for(max_b);
        double alpha = p->adapter->alpha;
        double factor = alpha != 0.0 ? alpha / m->rank : 1.0;
        m->factor = (float)(factor / (double)scale_a / (double)scale_b);
        if (isnan(max_a) || isnan(max_b)) {
            m->factor = NAN;
            continue;
        }
        pack(&m->a, &pair->a, scale_a, p->panel_rows);
        pack(&m->b, &pair->b, scale_b, p->panel_rows);
    }
}

static void run_pack(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)thread;
    const struct pd_lora_pack *p = context;
    int begin, end;
    pd_share(p->lora->n_layers, chunk, p->n_chunks, &begin, &end);
    for (int layer = begin; layer < end; layer++)
        pack_layer(p, layer);
}

struct pd_pool_task pd_lora_pack_task(struct pd_lora_pack *pack_ret, const struct pd_lora *l,
                                      const struct pd_adapter *adapter, int panel_rows)
{
    *pack_ret = (struct pd_lora_pack){l, adapter, panel_rows, pd_min_int(l->n_layers, MAX_CHUNKS)};
    return (struct pd_pool_task){pack_ret->n_chunks, run_pack, pack_ret};
}

enum ponder_status pd_lora_check(const struct pd_lora *l, const struct pd_error *err)
{
    for (int i = 0; i < l->n_layers; i++)
        for (int t = 0; t < PD_LAYER_TENSORS; t++)
            if (!isfinite(l->layer[i].matrix[t].factor))
                return pd_fail(err, PONDER_BAD_FILE,
                               "the adapter's tensors for 'blk.%d.%s' hold what is no number", i,
                               pd_layer_tensor_suffix((enum pd_layer_tensor)t));
    return PONDER_OK;
}

/* ---- a pass ---- */

int pd_lora_slot(enum pd_layer_tensor which)
{
    switch (which) {
    case PD_ATTN_K:
    case PD_FFN_GATE:
        return 1;
    case PD_ATTN_V:
    case PD_FFN_UP:
        return 2;
    default: /* q; the outputs of attention and feed-forward, which are at work alone */
        return 0;
    }
}

/* Where a run's rows begin in a slot, in numbers. */
static size_t place(const struct pd_lora_pass *pass, const struct pd_lora_run *run, int slot)
{
    return area(slot * pass->n_batch + run->first, pass->stride);
}

float *pd_lora_t(const struct pd_lora_pass *pass, const struct pd_lora_run *run, int slot)
{
    return pass->t + place(pass, run, slot);
}

void pd_lora_finish(const struct pd_lora_pass *pass, const struct pd_lora_matrix *m,
                    const struct pd_lora_run *run, int slot, int row, int n)
{
    for (int i = row - run->first; i < row - run->first + n; i++) {
        size_t at = place(pass, run, slot) + area(i, m->padded);
        float *t = pass->t + at;
        memset(t + m->rank, 0, (size_t)(m->padded - m->rank) * sizeof *t);
        pass->kernels->scale(t, m->factor, m->rank);
        pass->kernels->quantise(t, m->padded, pass->act.q + at, pass->act.d + at / 32,
                                pass->act.dsum + at / 32, pass->act.sum16 + at / 16);
    }
}

void pd_lora_add(const struct pd_lora_pass *pass, const struct pd_lora_matrix *m,
                 const struct pd_lora_run *run, int slot, int row, int n, int from, int to,
                 float *out, int stride, int thread)
{
    const struct pd_kernels *kernels = pass->kernels;
    int panel_rows = kernels->panel_rows;
    size_t at = place(pass, run, slot) + area(row - run->first, m->padded);
    const struct pd_act t = {.q = pass->act.q + at,
                             .d = pass->act.d + at / 32,
                             .dsum = pass->act.dsum + at / 32,
                             .sum16 = pass->act.sum16 + at / 16};
    float *tile = pass->tile + area(thread * pass->n_batch, TILE);
    while (from < to) {
        int n_panels = pd_min_int(to - from, TILE / panel_rows);
        kernels->matmul[m->b.format](m->b.panels + (size_t)from * m->b.panel_bytes, n_panels,
                                     m->padded, &t, n, tile, TILE);
        for (int i = 0; i < n; i++)
            kernels->add(out + area(row + i, stride) + from * panel_rows, tile + i * TILE,
                         n_panels * panel_rows);
        from += n_panels;
    }
}
