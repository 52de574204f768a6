/* SPDX-License-Identifier: Apache-2.0
 * sidecar.h - weights packed beforehand, in a file beside the model that is mapped instead of packed.
 *
 *   | header, padded to 4096 bytes | panels, exactly as pd_weights_layout() places them |
 *
 * Nothing in the file is taken for a size or a place: the model says where each panel lies, and the header's fields
 * are only compared with what they must be. So a damaged file can be refused or give wrong weights, no more; and
 * the panels' checksum, which every start compares, finds wrong weights.
 *
 * That the model is still the one that was packed is known by the checksum of the whole model file. It is
 * compared unless the model is the very file that was seen when packing: same device and inode, and neither its time of
 * modification nor of change (which no program can set) has moved by a nanosecond. */
#ifndef PD_SIDECAR_H
#define PD_SIDECAR_H

#include "base/arena.h"
#include "base/checksum.h"
#include "base/os.h"
#include "base/pool.h"
#include "model/model.h"

enum { PD_SIDECAR_HEADER_BYTES = 4096 };

/* Goes up whenever the same model would be packed to other bytes: panels, or their order. */
enum { PD_SIDECAR_VERSION = 1 };

struct pd_sidecar_header {
    uint32_t panel_rows;
    uint64_t panel_bytes, panel_sum; /* of all panels */
    uint64_t model_bytes, model_sum; /* of the model's file */
    struct pd_file_id model_id;      /* zeros: not known */
};

struct pd_sidecar {
    struct pd_map map;
    struct pd_sidecar_header header;
};

/* Reads a header; n_bytes are those of the file. BAD_SIDECAR with a text. */
enum ponder_status pd_sidecar_read(struct pd_sidecar_header *header_ret, const unsigned char *bytes,
                                   size_t n_bytes, const struct pd_error *err);

void pd_sidecar_write(const struct pd_sidecar_header *header,
                      unsigned char bytes_ret[PD_SIDECAR_HEADER_BYTES]);

/* Maps a sidecar and reads its header. NO_FILE, BAD_SIDECAR. */
enum ponder_status pd_sidecar_open(struct pd_sidecar *s, const char *path,
                                   const struct pd_error *err);

/* Fine if none was opened. */
void pd_sidecar_close(struct pd_sidecar *s);

/* An arena over the mapped panels, to lay weights out in; nothing may be written there. */
void pd_sidecar_arena(const struct pd_sidecar *s, struct pd_arena *panels_ret);

/* Without looking at the panels: BAD_SIDECAR: packed from another model; OTHER_SIDECAR: from this one, perhaps, but
 * for other kernels. panel_bytes: what this model's panels take. */
enum ponder_status pd_sidecar_fits(const struct pd_sidecar *s, int panel_rows, size_t panel_bytes,
                                   const struct pd_map *model, const struct pd_error *err);

/* Compares the checksums; the model's only if it may have changed, or always with is_whole. In two steps, between
 * which the tasks are to be run: begin says how many they are; end: BAD_SIDECAR. */
enum { PD_SIDECAR_TASKS = 2 };
struct pd_sidecar_check {
    const struct pd_sidecar *sidecar;
    bool has_model;
    struct pd_checksum panels, model;
};
int pd_sidecar_begin_check(struct pd_sidecar_check *check, const struct pd_sidecar *s,
                           const struct pd_map *model, bool is_whole,
                           struct pd_pool_task tasks_ret[PD_SIDECAR_TASKS]);
enum ponder_status pd_sidecar_end_check(const struct pd_sidecar_check *check,
                                        const struct pd_error *err);

#endif
