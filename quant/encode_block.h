/* SPDX-License-Identifier: Apache-2.0
 * encode_block.h - a block of any quantised format as plain numbers: what encoders choose before it is packed.
 *
 * Every format is a row of equal parts, each with one grid of values: element = step * q + offset. */
#ifndef PD_ENCODE_BLOCK_H
#define PD_ENCODE_BLOCK_H

#include "quant/block.h"
#include "quant/format.h"

enum { PD_MAX_PARTS = 16 };

/* How the grid of a part is written. */
enum pd_coding_kind {
    PD_SYMMETRIC,  /* step d */
    PD_AFFINE,     /* step d, offset m */
    PD_K_AFFINE,   /* step d scale[part], offset -m min[part]; scale and min 0..63 */
    PD_K_SYMMETRIC /* step d scale[part]; scale -128..127 */
};

struct pd_code {
    uint16_t d, m; /* half floats */
    int8_t scale[PD_MAX_PARTS];
    uint8_t min[PD_MAX_PARTS];
    int8_t q[PD_SUPERBLOCK]; /* low..high */
};

struct pd_coding {
    enum pd_coding_kind kind;
    int n_parts, part_elements;
    int low, high; /* of q */
    void (*pack)(const struct pd_code *code, void *block);
};

/* NULL for formats that are not made of quants. */
const struct pd_coding *pd_coding_get(enum pd_format_id id);

/* The grid of a part, bit for bit what the format's decoder computes with. */
struct pd_grid {
    float step, offset;
};
struct pd_grid pd_code_grid(const struct pd_coding *coding, const struct pd_code *code, int part);

/* The quant of a part's grid that is nearest to value; whatever, if the step is 0. */
int pd_grid_round(const struct pd_coding *coding, struct pd_grid grid, float value);

/* Chooses all quants for the grids that the code has. */
void pd_code_round(const struct pd_coding *coding, struct pd_code *code, const float *x);

/* Half floats as scales are stored: beyond 65504 they saturate, for an infinite one would make NaN of the quants
 * that are 0. */
uint16_t pd_code_half(float value);

/* The integer in [low, high] nearest to value, halves away from low; low for NaN. */
int pd_nearest(float value, int low, int high);

/* Grids from the extremes of the block, so that all of it is in reach: what pd_encode() uses. */
void pd_code_span(const struct pd_coding *coding, struct pd_code *code, const float *x);

/* Grids with the least sum of importance * (x - x')^2 that a search finds, never more than pd_code_span() leaves.
 * importance: [elements], not negative; NULL: all alike. Sets the quants too. */
void pd_code_search(const struct pd_coding *coding, struct pd_code *code, const float *x,
                    const float *importance);

/* The same for one part of a K format's block, whose d and m stay; nothing for other formats. x and importance point at the part;
 * its quants are not set. */
void pd_code_search_part(const struct pd_coding *coding, struct pd_code *code, int part,
                         const float *x, const float *importance);

#endif
