/* SPDX-License-Identifier: Apache-2.0
 * writer.c - see writer.h. Little-endian machines only, as everywhere here. */
#define _POSIX_C_SOURCE   200809L
#define _FILE_OFFSET_BITS 64
#include "quant/quantize/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "models/train/gguf_out.h"
#include "models/train/memory.h"

static const char file_type_key[] = "general.file_type";
static const char version_key[] = "general.quantization_version";

/* The other file's metadata with ours in the place of two of its keys. */
static struct gguf_out make_metadata(const struct pd_gguf *gguf, const enum pd_format_id *formats,
                                     uint32_t file_type)
{
    enum { QUANTIZATION_VERSION = 2 };
    struct gguf_out out;
    bool is_quantised = false;
    gguf_out_begin(&out);
    for (int i = 0; i < gguf->n_kv; i++) {
        const struct pd_gguf_kv *kv = &gguf->kv[i];
        if (!pd_string_equal(kv->key, file_type_key) && !pd_string_equal(kv->key, version_key))
            gguf_out_copy(&out, kv);
    }
    for (int i = 0; i < gguf->n_tensors; i++)
        is_quantised = is_quantised || pd_format_get(formats[i])->is_quantised;
    gguf_out_u32(&out, file_type_key, file_type);
    if (is_quantised)
        gguf_out_u32(&out, version_key, QUANTIZATION_VERSION);
    return out;
}

static uint64_t round_up(uint64_t n, size_t alignment)
{
    return (n + alignment - 1) / alignment * alignment;
}

/* Errors of these are looked at when all of the header is written. */
static void put(struct writer *writer, const void *bytes, size_t n_bytes)
{
    fwrite(bytes, 1, n_bytes, writer->file.file);
}

/* Places from the start of the tensors' data are written; in offset[] they become those from the start of the file. */
static void put_header(struct writer *writer, const struct pd_gguf *gguf,
                       const enum pd_format_id *formats, const struct gguf_out *metadata)
{
    const uint32_t version = 3;
    const uint64_t counts[2] = {(uint64_t)gguf->n_tensors, metadata->n_kv};
    uint64_t offset = 0;
    put(writer, "GGUF", 4);
    put(writer, &version, sizeof version);
    put(writer, counts, sizeof counts);
    put(writer, metadata->kv, metadata->kv_bytes);
    for (int i = 0; i < gguf->n_tensors; i++) {
        const struct pd_gguf_tensor *t = &gguf->tensor[i];
        const struct pd_format *format = pd_format_get(formats[i]);
        const uint64_t name_bytes = t->name.bytes;
        const uint32_t n_dims = (uint32_t)t->n_dims;
        put(writer, &name_bytes, sizeof name_bytes);
        put(writer, t->name.data, t->name.bytes);
        put(writer, &n_dims, sizeof n_dims);
        put(writer, t->ne, n_dims * sizeof t->ne[0]);
        put(writer, &format->gguf_type, sizeof format->gguf_type);
        put(writer, &offset, sizeof offset);
        writer->offset[i] = offset;
        size_t n = (size_t)(t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3]);
        offset = round_up(offset + pd_format_row_bytes(format, n), gguf->alignment);
    }
    uint64_t begin = round_up((uint64_t)ftello(writer->file.file), gguf->alignment);
    for (int i = 0; i < gguf->n_tensors; i++)
        writer->offset[i] += begin;
    writer->n_bytes = begin + offset;
}

static enum ponder_status fail_to_write(const struct writer *writer, const struct pd_error *err)
{
    return pd_fail(err, PONDER_NO_FILE, "cannot write %s: %s", writer->path,
                   strerror(errno ? errno : EIO));
}

enum ponder_status writer_open(struct writer *writer, const char *path, const struct pd_gguf *gguf,
                               const enum pd_format_id *formats, uint32_t file_type,
                               const struct pd_error *err)
{
    *writer = (struct writer){.path = path};
    PD_TRY(replace_begin(&writer->file, path, err));
    writer->offset = tr_alloc((size_t)gguf->n_tensors, sizeof *writer->offset);
    struct gguf_out metadata = make_metadata(gguf, formats, file_type);
    errno = 0;
    put_header(writer, gguf, formats, &metadata);
    gguf_out_free(&metadata);
    /* What lies between tensors is never written: it reads as zeros. */
    if (fflush(writer->file.file) == 0 && !ferror(writer->file.file) &&
        ftruncate(fileno(writer->file.file), (off_t)writer->n_bytes) == 0)
        return PONDER_OK;
    enum ponder_status status = fail_to_write(writer, err);
    writer_close(writer);
    return status;
}

enum ponder_status writer_put(struct writer *writer, int tensor, uint64_t at, const void *bytes,
                              size_t n_bytes, const struct pd_error *err)
{
    errno = 0;
    if (fseeko(writer->file.file, (off_t)(writer->offset[tensor] + at), SEEK_SET) != 0 ||
        fwrite(bytes, 1, n_bytes, writer->file.file) != n_bytes)
        return fail_to_write(writer, err);
    return PONDER_OK;
}

enum ponder_status writer_publish(struct writer *writer, const struct pd_error *err)
{
    return replace_end(&writer->file, err);
}

void writer_close(struct writer *writer)
{
    if (writer->file.file)
        replace_cancel(&writer->file);
    free(writer->offset);
    writer->offset = NULL;
}
