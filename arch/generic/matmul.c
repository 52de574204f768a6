/* SPDX-License-Identifier: Apache-2.0
 * matmul.c - weight panels times activation rows, in plain C.
 *
 * For each block of 32: the exact integer sum of quants times activations, less the offset times the
 * activation sum, becomes a float and is scaled: acc = acc + (d_w * d_a) * (float)sum; formats with a
 * minimum add acc = acc + m * (d_a * activation sum) after it. */
#include "arch/generic/generic.h"
#include "arch/panel.h"
#include "quant/block.h"

enum { MAX_R = PD_PANEL_MAX_ROWS, TILE = 8 };

/* Quants of a block as 8 vectors of 4-byte groups, one byte each. */
static inline void unpack(int bits, const uint8_t *restrict p, int R,
                          uint8_t q[restrict 8][4 * MAX_R])
{
    const uint8_t *low = p + (size_t)(bits - 4) * (size_t)(4 * R);
    for (int g = 0; g < 8; g++) {
        for (int i = 0; i < 4 * R; i++) {
            if (bits == 8) {
                q[g][i] = p[g * 4 * R + i];
                continue;
            }
            int nibble = low[g / 2 * 4 * R + i] >> (g % 2 * 4) & 15;
            int high = bits == 5   ? p[i] >> g & 1
                       : bits == 6 ? p[g / 4 * 4 * R + i] >> (g % 4 * 2) & 3
                                   : 0;
            q[g][i] = (uint8_t)(nibble | high << 4);
        }
    }
}

/* sum[r] = sum over groups [from, to) of quants times activations. */
static inline void dot_groups(uint8_t q[8][4 * MAX_R], const int8_t *a, int from, int to, int R,
                              int32_t sum[MAX_R])
{
    for (int r = 0; r < R; r++)
        sum[r] = 0;
    for (int g = from; g < to; g++)
        for (int r = 0; r < R; r++)
            for (int i = 0; i < 4; i++)
                sum[r] += q[g][4 * r + i] * a[4 * g + i];
}

/* Where in the panel the kernel is: advances block by block. */
struct cursor {
    const uint8_t *next;
    int block;
    float d[MAX_R], m[MAX_R]; /* of the header: d, and m or dmin (0 without) */
    const uint8_t *scale;
};

static inline const uint8_t *next_block(struct cursor *c, const struct pd_panel_shape *shape, int R)
{
    if (c->block % shape->per_header == 0) {
        for (int r = 0; r < R; r++) {
            c->d[r] = pd_load_f16(c->next + 2 * r);
            c->m[r] = shape->header_bytes == 4 ? pd_load_f16(c->next + 2 * (R + r)) : 0.0f;
        }
        c->next += shape->header_bytes * R;
    }
    c->block++;
    c->scale = c->next;
    const uint8_t *quants = c->next + shape->scale_bytes * R;
    c->next = quants + pd_panel_quant_bytes(shape->bits, R);
    return quants;
}

static inline void add_scaled(float *restrict acc, const float *restrict scale, float d_a,
                              const int32_t *restrict sum, int R)
{
    for (int r = 0; r < R; r++)
        acc[r] = acc[r] + (scale[r] * d_a) * (float)sum[r];
}

/* A tile of at most TILE activation rows against one panel. `format` and R are constants at
 * every call, so each is compiled apart. */
static inline __attribute__((always_inline)) void tile(enum pd_format_id format, int R,
                                                       const uint8_t *panel, int k,
                                                       const struct pd_act *act, int row,
                                                       int n_rows, float *y, size_t y_stride)
{
    const struct pd_panel_shape shape = pd_panel_shape(format);
    bool has_min = shape.header_bytes == 4;
    int n_blocks = k / PD_BLOCK;
    float acc[TILE][MAX_R] = {{0}};
    struct cursor cursor = {.next = panel};
    for (int b = 0; b < n_blocks; b++) {
        uint8_t q[8][4 * MAX_R];
        unpack(shape.bits, next_block(&cursor, &shape, R), R, q);

        float scale[2][MAX_R], min[MAX_R];
        for (int r = 0; r < R; r++) {
            if (format == PD_Q6_K) {
                scale[0][r] = cursor.d[r] * (float)(int8_t)cursor.scale[r];
                scale[1][r] = cursor.d[r] * (float)(int8_t)cursor.scale[R + r];
            } else if (shape.per_header > 1) {
                scale[0][r] = cursor.d[r] * (float)cursor.scale[r];
                min[r] = -(cursor.m[r] * (float)cursor.scale[R + r]);
            } else {
                scale[0][r] = cursor.d[r];
                min[r] = cursor.m[r];
            }
        }
        for (int i = 0; i < n_rows; i++) {
            size_t at = (size_t)(row + i) * (size_t)n_blocks + (size_t)b; /* this row's block */
            const int8_t *a = act->q + at * PD_BLOCK;
            float d_a = act->d[at];
            const int32_t *sum16 = act->sum16 + 2 * at;
            int32_t sum[MAX_R];
            if (format == PD_Q6_K) { /* two sub-blocks of 16 */
                for (int half = 0; half < 2; half++) {
                    dot_groups(q, a, 4 * half, 4 * half + 4, R, sum);
                    for (int r = 0; r < R; r++)
                        sum[r] -= shape.offset * sum16[half];
                    add_scaled(acc[i], scale[half], d_a, sum, R);
                }
                continue;
            }
            dot_groups(q, a, 0, 8, R, sum);
            for (int r = 0; r < R; r++)
                sum[r] -= shape.offset * (sum16[0] + sum16[1]);
            add_scaled(acc[i], scale[0], d_a, sum, R);
            for (int r = 0; has_min && r < R; r++)
                acc[i][r] = acc[i][r] + min[r] * act->dsum[at];
        }
    }
    for (int i = 0; i < n_rows; i++)
        for (int r = 0; r < R; r++)
            y[(size_t)(row + i) * y_stride + (size_t)r] = acc[i][r];
}

static inline float load_float(enum pd_format_id format, const uint8_t *p)
{
    float value;
    if (format == PD_F16)
        return pd_load_f16(p);
    if (format == PD_BF16)
        return pd_bf16_to_f32(pd_load_u16(p));
    memcpy(&value, p, sizeof value);
    return value;
}

static inline __attribute__((always_inline)) void float_tile(enum pd_format_id format, int R,
                                                             const uint8_t *panel, int k,
                                                             const struct pd_act *act, int row,
                                                             int n_rows, float *y, size_t y_stride)
{
    int bytes = format == PD_F32 ? 4 : 2;
    float acc[TILE][MAX_R] = {{0}};
    for (int j = 0; j < k; j++) {
        float w[MAX_R];
        for (int r = 0; r < R; r++)
            w[r] = load_float(format, panel + (size_t)(j * R + r) * (size_t)bytes);
        for (int i = 0; i < n_rows; i++) {
            float x = act->x[(size_t)(row + i) * (size_t)k + (size_t)j];
            for (int r = 0; r < R; r++)
                acc[i][r] = acc[i][r] + w[r] * x;
        }
    }
    for (int i = 0; i < n_rows; i++)
        for (int r = 0; r < R; r++)
            y[(size_t)(row + i) * y_stride + (size_t)r] = acc[i][r];
}

static inline __attribute__((always_inline)) void
panels_times_rows(enum pd_format_id format, int R, const uint8_t *panels, int n_panels, int k,
                  const struct pd_act *act, int n_rows, float *y, size_t y_stride)
{
    size_t panel_bytes = pd_panel_bytes(format, k, R);
    for (int p = 0; p < n_panels; p++, panels += panel_bytes, y += R) {
        for (int row = 0; row < n_rows; row += TILE) {
            int n = n_rows - row < TILE ? n_rows - row : TILE;
            if (format == PD_F32 || format == PD_F16 || format == PD_BF16)
                float_tile(format, R, panels, k, act, row, n, y, y_stride);
            else
                tile(format, R, panels, k, act, row, n, y, y_stride);
        }
    }
}

#define DEFINE(format, R)                                                                          \
    static void matmul_##format##_##R(const uint8_t *panels, int n_panels, int k,                  \
                                      const struct pd_act *act, int n_rows, float *y,              \
                                      size_t y_stride)                                             \
    {                                                                                              \
        panels_times_rows(PD_##format, R, panels, n_panels, k, act, n_rows, y, y_stride);          \
    }
#define FORMATS(X, R)                                                                              \
    X(F32, R)                                                                                      \
    X(F16, R) X(BF16, R) X(Q4_0, R) X(Q4_1, R) X(Q5_0, R) X(Q5_1, R) X(Q8_0, R) X(Q4_K, R)         \
        X(Q5_K, R) X(Q6_K, R)
FORMATS(DEFINE, 8)
FORMATS(DEFINE, 16)

void pd_generic_matmul(struct pd_kernels *k)
{
#define ENTRY(format, R) [PD_##format] = matmul_##format##_##R,
    static pd_matmul_fn *const rows8[PD_FORMATS] = {FORMATS(ENTRY, 8)};
    static pd_matmul_fn *const rows16[PD_FORMATS] = {FORMATS(ENTRY, 16)};
    memcpy(k->matmul, k->panel_rows == 8 ? rows8 : rows16, sizeof rows8);
}
