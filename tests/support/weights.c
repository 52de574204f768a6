/* SPDX-License-Identifier: Apache-2.0
 * weights.c - numbers and weights for what tries and times kernels. */
#include "tests/support/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/panel.h"
#include "base/base.h"
#include "base/rng.h"
#include "quant/encode.h"

static void *allocate(size_t bytes)
{
    void *block = malloc(bytes);
    if (block == NULL) {
        fprintf(stderr, "weights: out of memory\n");
        exit(1);
    }
    return block;
}

float weights_number(uint64_t *seed)
{
    uint64_t bits = pd_rng_mix((*seed)++);
    float value = (float)(bits >> 40) * 0x1p-23f - 1.0f;
    switch (bits % 16) {
    case 0:
        return 0.0f;
    case 1:
        return value * 100.0f;
    case 2:
        return value * 1e-6f;
    default:
        return value;
    }
}

static bool is_finite_block(const struct pd_format *format, const uint8_t *block, float *decoded)
{
    format->decode(block, decoded, 1);
    bool is_finite = true;
    for (int i = 0; i < format->block_elements; i++)
        is_finite = is_finite && isfinite(decoded[i]);
    return is_finite;
}

uint8_t *weights_new(const struct pd_format *format, int rows, int k, uint64_t seed)
{
    size_t row_bytes = pd_format_row_bytes(format, (size_t)k);
    uint8_t *weights = allocate((size_t)rows * row_bytes);
    float *x = allocate((size_t)k * sizeof *x);
    for (int r = 0; r < rows; r++) {
        uint8_t *blocks = weights + (size_t)r * row_bytes;
        for (int i = 0; i < k; i++)
            x[i] = weights_number(&seed);
        pd_encode(format->id, x, blocks, (size_t)(k / format->block_elements));
        for (size_t b = 0; format->is_quantised && r % 3 == 2 && b < row_bytes;
             b += format->block_bytes) {
            do {
                for (size_t i = 0; i < format->block_bytes; i++)
                    blocks[b + i] = (uint8_t)(pd_rng_mix(seed++) >> 13);
            } while (!is_finite_block(format, blocks + b, x));
        }
    }
    free(x);
    return weights;
}

uint8_t *weights_pack(const struct pd_format *format, const uint8_t *weights, int rows, int k,
                      int panel_rows, size_t *n_bytes_ret)
{
    int n_panels = pd_div_up(rows, panel_rows);
    size_t panel_bytes = pd_panel_bytes(format->id, k, panel_rows);
    size_t row_bytes = pd_format_row_bytes(format, (size_t)k);
    uint8_t *panels = allocate((size_t)n_panels * panel_bytes);
    for (int p = 0; p < n_panels; p++)
        pd_panel_pack(format->id, weights + (size_t)(p * panel_rows) * row_bytes, row_bytes,
                      pd_min_int(panel_rows, rows - p * panel_rows), k, panel_rows,
                      panels + (size_t)p * panel_bytes);
    *n_bytes_ret = (size_t)n_panels * panel_bytes;
    return panels;
}
