/* SPDX-License-Identifier: Apache-2.0
 * writer.c - see writer.h. */
#define _POSIX_C_SOURCE   200809L
#define _FILE_OFFSET_BITS 64
#include "quant/quantize/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "quant/quantize/tool.h"

/* Values of our own, which take the place of the file's. */
struct own_value {
    const char *key;
    uint32_t value;
    bool is_set;
};

/* Bytes in memory that grow. */
struct buffer {
    unsigned char *bytes;
    size_t n, capacity;
};

static void add(struct buffer *b, const void *bytes, size_t n)
{
    if (n > b->capacity - b->n) {
        size_t capacity = 2 * (b->n + n);
        unsigned char *grown = take(capacity, 1);
        if (b->n > 0)
            memcpy(grown, b->bytes, b->n);
        free(b->bytes);
        b->bytes = grown;
        b->capacity = capacity;
    }
    memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
}

/* Little-endian. */
static void add_number(struct buffer *b, uint64_t value, size_t n_bytes)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < n_bytes; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
    add(b, bytes, n_bytes);
}

static void add_string(struct buffer *b, const char *text, size_t n)
{
    add_number(b, n, 8);
    add(b, text, n);
}

static void add_metadata(struct buffer *b, const struct pd_gguf *gguf, const struct own_value *own,
                         int n_own)
{
    for (int i = 0; i < gguf->n_kv; i++) {
        const struct pd_gguf_kv *kv = &gguf->kv[i];
        bool is_own = false;
        for (int k = 0; k < n_own; k++)
            is_own = is_own || pd_string_equal(kv->key, own[k].key);
        const unsigned char *entry = (const unsigned char *)kv->key.data - 8;
        if (!is_own)
            add(b, entry, (size_t)(kv->end - entry));
    }
    for (int k = 0; k < n_own; k++) {
        if (!own[k].is_set)
            continue;
        add_string(b, own[k].key, strlen(own[k].key));
        add_number(b, PD_GGUF_U32, 4);
        add_number(b, own[k].value, 4);
    }
}

static int count_metadata(const struct pd_gguf *gguf, const struct own_value *own, int n_own)
{
    int n = gguf->n_kv;
    for (int k = 0; k < n_own; k++)
        n += (own[k].is_set ? 1 : 0) - (pd_gguf_find(gguf, own[k].key) ? 1 : 0);
    return n;
}

static uint64_t round_up(uint64_t n, size_t alignment)
{
    return (n + alignment - 1) / alignment * alignment;
}

/* Everything before the tensors' data, and the places of these. */
static struct buffer make_header(struct writer *writer, const struct pd_gguf *gguf,
                                 const enum pd_format_id *formats, uint32_t file_type)
{
    enum { VERSION = 3, QUANTIZATION_VERSION = 2 };
    bool is_quantised = false;
    for (int i = 0; i < gguf->n_tensors; i++)
        is_quantised = is_quantised || pd_format_get(formats[i])->is_quantised;
    const struct own_value own[] = {
        {"general.file_type", file_type, true},
        {"general.quantization_version", QUANTIZATION_VERSION, is_quantised}};
    struct buffer b = {NULL, 0, 0};
    add(&b, "GGUF", 4);
    add_number(&b, VERSION, 4);
    add_number(&b, (uint64_t)gguf->n_tensors, 8);
    add_number(&b, (uint64_t)count_metadata(gguf, own, 2), 8);
    add_metadata(&b, gguf, own, 2);
    uint64_t offset = 0;
    for (int i = 0; i < gguf->n_tensors; i++) {
        const struct pd_gguf_tensor *t = &gguf->tensor[i];
        const struct pd_format *format = pd_format_get(formats[i]);
        add_string(&b, t->name.data, t->name.bytes);
        add_number(&b, (uint64_t)t->n_dims, 4);
        for (int k = 0; k < t->n_dims; k++)
            add_number(&b, t->ne[k], 8);
        add_number(&b, format->gguf_type, 4);
        add_number(&b, offset, 8);
        writer->offset[i] = offset;
        size_t n = (size_t)(t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3]);
        offset = round_up(offset + pd_format_row_bytes(format, n), gguf->alignment);
    }
    while (b.n % gguf->alignment != 0)
        add(&b, "", 1);
    for (int i = 0; i < gguf->n_tensors; i++)
        writer->offset[i] += b.n;
    writer->n_bytes = b.n + offset;
    return b;
}

static enum ponder_status fail_to_write(const struct writer *writer, const struct pd_error *err)
{
    return pd_fail(err, PONDER_NO_FILE, "cannot write %s: %s", writer->path,
                   strerror(errno ? errno : EIO));
}

static enum ponder_status put(struct writer *writer, uint64_t at, const void *bytes, size_t n_bytes,
                              const struct pd_error *err)
{
    const unsigned char *next = bytes;
    while (n_bytes > 0) {
        ssize_t n = pwrite(writer->fd, next, n_bytes, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_to_write(writer, err);
        next += n;
        at += (uint64_t)n;
        n_bytes -= (size_t)n;
    }
    return PONDER_OK;
}

enum ponder_status writer_open(struct writer *writer, const char *path, const struct pd_gguf *gguf,
                               const enum pd_format_id *formats, uint32_t file_type,
                               const struct pd_error *err)
{
    *writer = (struct writer){.fd = -1, .path = path};
    int n =
        snprintf(writer->temporary, sizeof writer->temporary, "%s.%ld.tmp", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof writer->temporary)
        return pd_fail(err, PONDER_NO_FILE, "%s: the name is too long", path);
    writer->fd = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (writer->fd < 0)
        return fail_to_write(writer, err);
    writer->offset = take((size_t)gguf->n_tensors, sizeof *writer->offset);
    struct buffer header = make_header(writer, gguf, formats, file_type);
    enum ponder_status status = put(writer, 0, header.bytes, header.n, err);
    free(header.bytes);
    /* Padding between tensors is never written: it reads as zeros. */
    if (status == PONDER_OK && ftruncate(writer->fd, (off_t)writer->n_bytes) != 0)
        status = fail_to_write(writer, err);
    if (status != PONDER_OK)
        writer_close(writer);
    return status;
}

enum ponder_status writer_put(struct writer *writer, int tensor, uint64_t at, const void *bytes,
                              size_t n_bytes, const struct pd_error *err)
{
    return put(writer, writer->offset[tensor] + at, bytes, n_bytes, err);
}

/* The new name must be on the disk too. A file system that cannot say so has done what it can. */
static void sync_folder(const char *path)
{
    char folder[MAX_PATH];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

enum ponder_status writer_publish(struct writer *writer, const struct pd_error *err)
{
    bool is_written = fsync(writer->fd) == 0;
    int error = errno;
    is_written = close(writer->fd) == 0 && is_written;
    writer->fd = -1;
    if (!is_written || rename(writer->temporary, writer->path) != 0) {
        errno = is_written ? errno : error;
        enum ponder_status status = fail_to_write(writer, err);
        unlink(writer->temporary);
        return status;
    }
    sync_folder(writer->path);
    return PONDER_OK;
}

void writer_close(struct writer *writer)
{
    if (writer->fd >= 0) {
        close(writer->fd);
        unlink(writer->temporary);
    }
    free(writer->offset);
    *writer = (struct writer){.fd = -1};
}
