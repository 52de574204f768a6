/* SPDX-License-Identifier: Apache-2.0
 * matmul_tiles.h - the loops that matmuls of vector units share: panels, activation rows in tiles, formats.
 * A file that includes it has set
 *
 *   R, TILE     outputs of a panel, and the activation rows that its tiles take at once (enum constants)
 *   ROW_COUNTS  ROW_COUNTS_4 or _8, as TILE
 *   FULL_TILES  true if TILE rows and a rest are less work than nearly equal tiles
 *
 * and defines, after it, quant_tile() and float_tile(), then a kernel of each format X by
 * DEFINE_MATMUL(X), to be put into a table by SET_MATMUL(X). */
#ifndef PD_MATMUL_TILES_H
#define PD_MATMUL_TILES_H

#include "arch/kernels.h"
#include "arch/panel.h"

#ifndef FULL_TILES
#define FULL_TILES false
#endif

#define INLINE static inline __attribute__((always_inline))

/* Activation rows [row, row + n), n <= TILE, times the panel at p, into the same rows of y. The format and n
 * are constants at every call. */
INLINE void quant_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                       const struct pd_act *act, int row, float *y, size_t y_stride);
INLINE void float_tile(enum pd_format_id format, int n, const uint8_t *p, int k,
                       const struct pd_act *act, int row, float *y, size_t y_stride);

typedef void tile_fn(const uint8_t *p, int k, const struct pd_act *act, int row, float *y,
                     size_t y_stride);

/* Asks for bytes that will be read soon. */
INLINE void prefetch(const uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch(p + i, 0, 2);
}

/* As few passes as TILE allows, of nearly equal numbers of rows: with 4, 5 rows are 2 and 3. tiles[n - 1]
 * takes n of them. Passes behind the first find the panel in the cache, so meanwhile the memory is asked
 * for the next. */
INLINE void panels_times_rows(enum pd_format_id format, tile_fn *const *tiles,
                              const uint8_t *panels, int n_panels, int k, const struct pd_act *act,
                              int n_rows, float *y, size_t y_stride)
{
    size_t panel_bytes = pd_panel_bytes(format, k, R);
    for (int j = 0; j < n_panels; j++, panels += panel_bytes, y += R) {
        int row = 0;
        int n_passes = (n_rows + TILE - 1) / TILE;
        size_t part = j + 1 < n_panels ? panel_bytes / (size_t)n_passes : 0;
        for (int passes = n_passes; passes > 0; passes--) {
            int n = FULL_TILES && passes > 1 ? TILE : (n_rows - row) / passes;
            if (n_passes > 1)
                prefetch(panels + panel_bytes + (size_t)(n_passes - passes) * part, part);
            tiles[n - 1](panels, k, act, row, y, y_stride);
            row += n;
        }
    }
}

#define ROW_COUNTS_4(X, format) X(format, 1) X(format, 2) X(format, 3) X(format, 4)
#define ROW_COUNTS_8(X, format)                                                                    \
    ROW_COUNTS_4(X, format) X(format, 5) X(format, 6) X(format, 7) X(format, 8)

#define QUANT_FORMATS(X) X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q8_0) X(Q4_K) X(Q5_K) X(Q6_K)
#define FLOAT_FORMATS(X) X(F32) X(F16) X(BF16)

/* A function for each number of rows: compilers are slow with one that holds them all. */
#define DEFINE_TILE(format, n)                                                                     \
    static void tile_##format##_##n(const uint8_t *p, int k, const struct pd_act *act, int row,    \
                                    float *y, size_t y_stride)                                     \
    {                                                                                              \
        if (pd_panel_shape(PD_##format).bits == 0)                                                 \
            float_tile(PD_##format, n, p, k, act, row, y, y_stride);                               \
        else                                                                                       \
            quant_tile(PD_##format, n, p, k, act, row, y, y_stride);                               \
    }
#define TILE_ENTRY(format, n) tile_##format##_##n,

#define DEFINE_MATMUL(format)                                                                      \
    ROW_COUNTS(DEFINE_TILE, format)                                                                \
    static void matmul_##format(const uint8_t *panels, int n_panels, int k,                        \
                                const struct pd_act *act, int n_rows, float *y, size_t y_stride)   \
    {                                                                                              \
        static tile_fn *const tiles[TILE] = {ROW_COUNTS(TILE_ENTRY, format)};                      \
        panels_times_rows(PD_##format, tiles, panels, n_panels, k, act, n_rows, y, y_stride);      \
    }

#define SET_MATMUL(format) k->matmul[PD_##format] = matmul_##format;

#endif
