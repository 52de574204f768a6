/* SPDX-License-Identifier: Apache-2.0
 * writer.h - the GGUF file that is written: the metadata of another one, its tensors in new formats, in any order. It
 * gets its name when all of it is on the disk. */
#ifndef QUANTIZE_WRITER_H
#define QUANTIZE_WRITER_H

#include "model/gguf.h"
#include "models/train/replace.h"

struct writer {
    struct replacement file;
    const char *path;
    uint64_t *offset; /* [tensors] in the file */
    uint64_t n_bytes; /* of the whole file */
};

/* Writes everything but the tensors' data. formats: [tensors]. All metadata is kept but general.file_type and
 * general.quantization_version, which are set (the latter only where something is quantised). NO_FILE: the disk says
 * no. */
enum ponder_status writer_open(struct writer *writer, const char *path, const struct pd_gguf *gguf,
                               const enum pd_format_id *formats, uint32_t file_type,
                               const struct pd_error *err);

/* Bytes of a tensor, from byte `at` of its data on. */
enum ponder_status writer_put(struct writer *writer, int tensor, uint64_t at, const void *bytes,
                              size_t n_bytes, const struct pd_error *err);

/* Gives the whole file its name. */
enum ponder_status writer_publish(struct writer *writer, const struct pd_error *err);

/* Frees everything, and removes a file that was not published. */
void writer_close(struct writer *writer);

#endif
