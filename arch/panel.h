/* SPDX-License-Identifier: Apache-2.0
 * panel.h - weights as kernels read them: panels of R = panel_rows outputs, walked from front to back.
 *
 * A panel holds R rows of W for all k; rows beyond the last are zero. Within it come the k blocks of 32
 * one after another. The quants of a block are 4-byte groups, R of them side by side: byte 4r + i of group
 * g is row r, element 4g + i, so one vector of R groups meets one broadcast of 4 activations. Quants are
 * unsigned; their offset is taken off with the block's activation sum.
 *
 *   4 bits  4 vectors of 4R bytes: low nibbles are group 2t, high nibbles group 2t + 1
 *   5 bits  4R bytes of fifth bits (bit g of byte 4r + i is element 4g + i's), then as 4 bits
 *   6 bits  2 vectors of upper bit pairs (vector h, pair j of a byte: group 4h + j), then as 4 bits
 *   8 bits  8 vectors, byte = q + 128
 *
 *   Q4_0 Q5_0 Q8_0   d[R] | quants                       half floats
 *   Q4_1 Q5_1        d[R] m[R] | quants
 *   Q4_K Q5_K        per 256: d[R] dmin[R]; per 32: scale[R] min[R] (bytes) | quants
 *   Q6_K             per 256: d[R]; per 32: scale[2][R] (signed bytes) | quants
 *   F32 F16 BF16     R numbers for each k */
#ifndef PD_PANEL_H
#define PD_PANEL_H

#include "quant/format.h"

/* Bytes of one panel of k elements a row. */
size_t pd_panel_bytes(enum pd_format_id format, int k, int panel_rows);

/* Packs rows [0, n_rows) of a panel, n_rows <= panel_rows, from their blocks in the file;
 * the other rows become zero. row_bytes: from one row to the next. */
void pd_panel_pack(enum pd_format_id format, const uint8_t *rows, size_t row_bytes, int n_rows,
                   int k, int panel_rows, uint8_t *panel);

/* Row r of a panel as floats: the same bits as the format's decoder gives. */
void pd_panel_row(enum pd_format_id format, const uint8_t *panel, int r, int k, int panel_rows,
                  float *out);

/* How each format lies in a panel; zeros for floats. */
struct pd_panel_shape {
    int bits;         /* of a quant: 4, 5, 6, 8 */
    int offset;       /* taken off each quant */
    int header_bytes; /* per row and superblock (block, for formats without superblocks) */
    int scale_bytes;  /* per row and block, beside the header */
    int per_header;   /* blocks of 32 a header serves */
};

/* Inline, so that kernels which are compiled for one format see constants. */
static inline struct pd_panel_shape pd_panel_shape(enum pd_format_id format)
{
    static const struct pd_panel_shape shapes[PD_FORMATS] = {
        [PD_Q4_0] = {4, 8, 2, 0, 1}, [PD_Q4_1] = {4, 0, 4, 0, 1},   [PD_Q5_0] = {5, 16, 2, 0, 1},
        [PD_Q5_1] = {5, 0, 4, 0, 1}, [PD_Q8_0] = {8, 128, 2, 0, 1}, [PD_Q4_K] = {4, 0, 4, 2, 8},
        [PD_Q5_K] = {5, 0, 4, 2, 8}, [PD_Q6_K] = {6, 32, 2, 2, 8},
    };
    return shapes[format];
}

/* Bytes of the quants of a block of 32, R rows. */
static inline size_t pd_panel_quant_bytes(int bits, int panel_rows)
{
    return (size_t)(bits * 4 * panel_rows);
}

#endif
