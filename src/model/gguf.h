/* SPDX-License-Identifier: Apache-2.0
 * gguf.h - bytes of a GGUF v2/v3 file to a checked directory of metadata and tensors.
 *
 *     magic version n_tensors n_kv | kv * n_kv | tensor info * n_tensors | pad | tensor data
 *
 * Everything is checked here, before anything else looks at it: counts against bytes left, lengths,
 * types, alignment, duplicate names, dimensions, offsets, sizes, overlap with each other and with the
 * end of the file. After pd_gguf_open() returned OK every pointer below is valid for its whole length.
 * Nothing is copied: strings and data point into the file bytes, are not NUL-terminated, and live as
 * long as the mapping. Numbers and tensor data may lie at any address: the file chooses its
 * alignment, 1 included. */
#ifndef PD_GGUF_H
#define PD_GGUF_H

#include <string.h>

#include "base/arena.h"
#include "base/base.h"
#include "quant/format.h"

enum pd_gguf_type { /* metadata value types, as in the file */
    PD_GGUF_U8, PD_GGUF_I8, PD_GGUF_U16, PD_GGUF_I16, PD_GGUF_U32, PD_GGUF_I32, PD_GGUF_F32,
    PD_GGUF_BOOL, PD_GGUF_STRING, PD_GGUF_ARRAY, PD_GGUF_U64, PD_GGUF_I64, PD_GGUF_F64,
    PD_GGUF_TYPES
};

/* Our own limits; a file beyond them is refused with a text that says so. */
enum {
    PD_GGUF_MAX_KV = 4096,
    PD_GGUF_MAX_TENSORS = 65536,
    PD_GGUF_MAX_KEY_BYTES = 1024,
    PD_GGUF_MAX_ALIGNMENT = 4096,
    PD_GGUF_MAX_TOKEN_BYTES = 65535
};

struct pd_string { /* not NUL-terminated */
    const char *data;
    size_t bytes;
};

struct pd_gguf_kv {
    struct pd_string key; /* not empty */
    enum pd_gguf_type type;
    enum pd_gguf_type element_type; /* of an array; never ARRAY: nested arrays are refused */
    uint64_t n;                     /* elements of an array; 1 otherwise */
    const unsigned char *data;      /* the value; for strings, the 8-byte length before the text */
    const unsigned char *end;
};

struct pd_gguf_tensor {
    struct pd_string name;
    uint64_t offset; /* from the start of the tensor data */
    const struct pd_format *format; /* NULL: a type that we know of but cannot compute with */
    uint32_t gguf_type;
    int n_dims;         /* 1..4 */
    uint64_t ne[4];     /* elements, innermost first; 1 beyond n_dims */
    const void *data;   /* NULL if format is NULL */
    size_t bytes;
};

struct pd_gguf {
    uint32_t version;
    size_t alignment;
    int n_kv;
    int n_tensors;
    struct pd_gguf_kv *kv;         /* [n_kv], in file order */
    struct pd_gguf_tensor *tensor; /* [n_tensors], in file order */
    int *kv_by_key;                /* [n_kv], sorted by key */
    int *tensor_by_name;           /* [n_tensors], sorted by name */
};

/* Reads the directory of the file's bytes into scratch. BAD_FILE with a text in err that names the
 * field and its owner; UNSUPPORTED: a version, byte order or nested array that we don't read; NO_MEMORY if
 * scratch is too small (pd_gguf_scratch_bytes() is enough). Time: O(n log n) in what the file holds,
 * independent of what it claims. */
enum ponder_status pd_gguf_open(struct pd_gguf *gguf, const unsigned char *bytes, size_t n_bytes,
                                struct pd_arena *scratch, const struct pd_error *err);

/* Scratch that pd_gguf_open() will need at most; from the header's counts, after checking them. */
enum ponder_status pd_gguf_scratch_bytes(const unsigned char *bytes, size_t n_bytes,
                                         size_t *scratch_bytes_ret, const struct pd_error *err);

/* The same directory in another arena, without reading it again. NO_MEMORY. */
enum ponder_status pd_gguf_copy(struct pd_gguf *copy_ret, const struct pd_gguf *gguf,
                                struct pd_arena *a, const struct pd_error *err);

/* NULL if the file has no such key or tensor. */
const struct pd_gguf_kv *pd_gguf_find(const struct pd_gguf *gguf, const char *key);
const struct pd_gguf_tensor *pd_gguf_find_tensor(const struct pd_gguf *gguf, const char *name);

/* Values by key. Missing: *value_ret stays as it is (put the default there first) and OK is returned, unless
 * required. BAD_FILE: missing but required, wrong type, or out of [min, max]. Integers may be stored in
 * any integer type. */
enum ponder_status pd_gguf_get_int(const struct pd_gguf *gguf, const char *key, bool required,
                                   int64_t min, int64_t max, int64_t *value_ret,
                                   const struct pd_error *err);
enum ponder_status pd_gguf_get_float(const struct pd_gguf *gguf, const char *key, bool required,
                                     double min, double max, double *value_ret,
                                     const struct pd_error *err);
enum ponder_status pd_gguf_get_bool(const struct pd_gguf *gguf, const char *key, bool *value_ret,
                                    const struct pd_error *err);
enum ponder_status pd_gguf_get_string(const struct pd_gguf *gguf, const char *key, bool required,
                                      struct pd_string *value_ret, const struct pd_error *err);

/* Walks the elements of a string array: *cursor starts as kv->data. */
struct pd_string pd_gguf_next_string(const unsigned char **cursor);

/* The name of a type, for error texts. */
const char *pd_gguf_type_name(enum pd_gguf_type type);

/* A little-endian number of 1 to 8 bytes at any address. */
static inline uint64_t pd_gguf_load(const unsigned char *p, size_t bytes)
{
    uint64_t value = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (bytes == sizeof value) { /* lengths of strings: a vocabulary has a hundred thousand */
        memcpy(&value, p, sizeof value);
        return value;
    }
#endif
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)p[i] << 8 * i;
    return value;
}

enum { PD_SHOW_BYTES = 68 };

/* A string of the file made fit for an error text: cut, and '?' for what is not printable ASCII. */
const char *pd_string_show(struct pd_string s, char text_ret[PD_SHOW_BYTES]);

bool pd_string_equal(struct pd_string s, const char *text);

/* Element i of an array of 32-bit numbers (u32, i32, f32 bits). */
uint32_t pd_gguf_array_u32(const struct pd_gguf_kv *kv, uint64_t i);

#endif
