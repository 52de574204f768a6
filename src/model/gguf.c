/* SPDX-License-Identifier: Apache-2.0
 * gguf.c - reads the directory of a GGUF file; trusts nothing in it.
 *
 * Two rules keep this safe. A number of the file is compared with the bytes that are left ("n <= left",
 * never "position + n <= size") before it is used for anything. And every tensor passes one last
 * inequality against the real size of the file, whatever was computed before. */
#include "model/gguf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    HEADER_BYTES = 4 + 4 + 8 + 8,
    MIN_KV_BYTES = 8 + 4 + 1,             /* empty key, type, one-byte value */
    MIN_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8, /* empty name, n_dims, one dimension, type, offset */
    DEFAULT_ALIGNMENT = 32
};

static const struct {
    const char *name;
    unsigned char bytes; /* of one number; 0: not a number */
} value_types[PD_GGUF_TYPES] = {
    [PD_GGUF_U8] = {"u8", 1},       [PD_GGUF_I8] = {"i8", 1},     [PD_GGUF_U16] = {"u16", 2},
    [PD_GGUF_I16] = {"i16", 2},     [PD_GGUF_U32] = {"u32", 4},   [PD_GGUF_I32] = {"i32", 4},
    [PD_GGUF_F32] = {"f32", 4},     [PD_GGUF_BOOL] = {"bool", 1}, [PD_GGUF_STRING] = {"string", 0},
    [PD_GGUF_ARRAY] = {"array", 0}, [PD_GGUF_U64] = {"u64", 8},   [PD_GGUF_I64] = {"i64", 8},
    [PD_GGUF_F64] = {"f64", 8},
};

/* What people take for a GGUF file, by its first bytes. */
static const struct {
    const char *start, *what;
} impostors[] = {
    {"version https://git-lfs", "a git-lfs pointer: fetch the file itself with `git lfs pull`"},
    {"<", "a web page or XML: download the file again"},
    {"PK", "a zip archive or PyTorch file: convert it to GGUF"},
    {"lmgg", "a GGML file from before GGUF: convert it again"},
    {"fmgg", "a GGML file from before GGUF: convert it again"},
    {"tjgg", "a GGML file from before GGUF: convert it again"},
    {"FUGG", "big-endian: convert it for little-endian machines"},
};

/* The rest of the file, and whose fields are being read, for error texts. */
struct reader {
    const unsigned char *file, *at, *end;
    const struct pd_error *err;
    const char *owner; /* "metadata", "tensor" */
    int index;
    struct pd_string name;
};

static size_t left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

const char *pd_gguf_type_name(enum pd_gguf_type type)
{
    return value_types[type].name;
}

const char *pd_string_show(struct pd_string s, char text_ret[PD_SHOW_BYTES])
{
    size_t room = PD_SHOW_BYTES - sizeof "...";
    size_t n = pd_min_size(s.bytes, room);
    for (size_t i = 0; i < n; i++)
        text_ret[i] = s.data[i] >= ' ' && s.data[i] <= '~' ? s.data[i] : '?';
    memcpy(text_ret + n, n < s.bytes ? "..." : "", n < s.bytes ? 4 : 1);
    return text_ret;
}

bool pd_string_equal(struct pd_string s, const char *text)
{
    return strlen(text) == s.bytes && (s.bytes == 0 || memcmp(s.data, text, s.bytes) == 0);
}

static enum ponder_status fail_in(const struct reader *r, enum ponder_status status,
                                  const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The text of what is wrong, after whose fault it is: "metadata 17 'llama.block_count': ..." */
static enum ponder_status fail_in(const struct reader *r, enum ponder_status status,
                                  const char *format, ...)
{
    char text[160], name[PD_SHOW_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (r->name.bytes == 0)
        return pd_fail(r->err, status, "%s %d: %s", r->owner, r->index, text);
    return pd_fail(r->err, status, "%s '%s': %s", r->owner, pd_string_show(r->name, name), text);
}

/* The next n_bytes of the file, or NULL (and a text in err) where it ends before. */
static const unsigned char *take(struct reader *r, uint64_t n_bytes, const char *what)
{
    if (n_bytes > left(r)) {
        fail_in(r, PONDER_BAD_FILE,
                "%s needs %" PRIu64 " bytes, %zu are left (incomplete download?)", what, n_bytes,
                left(r));
        return NULL;
    }
    r->at += n_bytes;
    return r->at - n_bytes;
}

static enum ponder_status take_uint(struct reader *r, size_t bytes, const char *what,
                                    uint64_t *value_ret)
{
    const unsigned char *p = take(r, bytes, what);
    if (!p)
        return PONDER_BAD_FILE;
    *value_ret = pd_gguf_load(p, bytes);
    return PONDER_OK;
}

static enum ponder_status take_string(struct reader *r, uint64_t max_bytes, const char *what,
                                      struct pd_string *string_ret)
{
    uint64_t bytes;
    PD_TRY(take_uint(r, 8, what, &bytes));
    if (bytes > max_bytes && bytes <= left(r))
        return fail_in(r, PONDER_BAD_FILE, "%s of %" PRIu64 " bytes; at most %" PRIu64, what, bytes,
                       max_bytes);
    const unsigned char *text = take(r, bytes, what);
    if (!text)
        return PONDER_BAD_FILE;
    *string_ret = (struct pd_string){(const char *)text, (size_t)bytes};
    return PONDER_OK;
}

/* A key or a tensor name; from here on it is the owner in error texts. */
static enum ponder_status take_name(struct reader *r, struct pd_string *name_ret)
{
    r->name = (struct pd_string){NULL, 0};
    PD_TRY(take_string(r, PD_GGUF_MAX_KEY_BYTES, "name", name_ret));
    if (name_ret->bytes == 0)
        return fail_in(r, PONDER_BAD_FILE, "the name is empty");
    r->name = *name_ret;
    return PONDER_OK;
}

static enum ponder_status take_value_type(struct reader *r, const char *what,
                                          enum pd_gguf_type *type_ret)
{
    uint64_t type;
    PD_TRY(take_uint(r, 4, what, &type));
    if (type >= PD_GGUF_TYPES)
        return fail_in(r, PONDER_BAD_FILE, "%s is %" PRIu64 "; GGUF has 0 to %d", what, type,
                       PD_GGUF_TYPES - 1);
    *type_ret = (enum pd_gguf_type)type;
    return PONDER_OK;
}

static enum ponder_status read_array(struct reader *r, struct pd_gguf_kv *kv)
{
    PD_TRY(take_value_type(r, "array element type", &kv->element_type));
    if (kv->element_type == PD_GGUF_ARRAY)
        return fail_in(r, PONDER_UNSUPPORTED, "arrays of arrays are not supported");
    PD_TRY(take_uint(r, 8, "array length", &kv->n));
    bool is_string = kv->element_type == PD_GGUF_STRING;
    size_t min_bytes = is_string ? 8 : value_types[kv->element_type].bytes;
    if (kv->n > left(r) / min_bytes)
        return fail_in(r, PONDER_BAD_FILE,
                       "%" PRIu64 " elements of type %s, %zu bytes are left (incomplete download?)",
                       kv->n, value_types[kv->element_type].name, left(r));
    kv->data = r->at;
    if (!is_string)
        r->at += (size_t)kv->n * min_bytes;
    for (uint64_t i = 0; is_string && i < kv->n; i++) {
        struct pd_string element;
        PD_TRY(take_string(r, PD_GGUF_MAX_TOKEN_BYTES, "array element", &element));
    }
    return PONDER_OK;
}

static enum ponder_status read_kv(struct reader *r, struct pd_gguf_kv *kv)
{
    *kv = (struct pd_gguf_kv){.n = 1};
    PD_TRY(take_name(r, &kv->key));
    PD_TRY(take_value_type(r, "value type", &kv->type));
    struct pd_string text;
    switch (kv->type) {
    case PD_GGUF_ARRAY:
        PD_TRY(read_array(r, kv));
        break;
    case PD_GGUF_STRING:
        kv->data = r->at;
        PD_TRY(take_string(r, UINT64_MAX, "text", &text));
        break;
    default:
        kv->data = take(r, value_types[kv->type].bytes, "value");
        if (!kv->data)
            return PONDER_BAD_FILE;
        if (kv->type == PD_GGUF_BOOL && kv->data[0] > 1)
            return fail_in(r, PONDER_BAD_FILE, "a bool of %d; 0 or 1 is right", kv->data[0]);
    }
    kv->end = r->at;
    return PONDER_OK;
}

/* All that a tensor's entry says; where its data lies is known only after the last entry. */
static enum ponder_status read_tensor(struct reader *r, struct pd_gguf_tensor *t)
{
    *t = (struct pd_gguf_tensor){.ne = {1, 1, 1, 1}};
    uint64_t n_dims, type, n_elements = 1;
    PD_TRY(take_name(r, &t->name));
    PD_TRY(take_uint(r, 4, "number of dimensions", &n_dims));
    if (n_dims < 1 || n_dims > 4)
        return fail_in(r, PONDER_BAD_FILE, "%" PRIu64 " dimensions; 1 to 4 are right", n_dims);
    t->n_dims = (int)n_dims;
    for (int i = 0; i < t->n_dims; i++) {
        PD_TRY(take_uint(r, 8, "dimension", &t->ne[i]));
        if (t->ne[i] == 0)
            return fail_in(r, PONDER_BAD_FILE, "dimension %d is 0", i);
        if (!pd_mul_u64(n_elements, t->ne[i], &n_elements) || n_elements > INT64_MAX)
            return fail_in(r, PONDER_BAD_FILE, "dimension %d is %" PRIu64 ": too many elements", i,
                           t->ne[i]);
    }
    PD_TRY(take_uint(r, 4, "type", &type));
    PD_TRY(take_uint(r, 8, "offset", &t->offset));
    t->gguf_type = (uint32_t)type;
    t->format = pd_format_from_gguf(t->gguf_type);
    if (!t->format && !pd_format_gguf_name(t->gguf_type))
        return fail_in(r, PONDER_BAD_FILE, "unknown tensor type %" PRIu64, type);
    return PONDER_OK;
}

/* Checks one tensor against the data_bytes that the file has after data, and points it there. */
static enum ponder_status place_tensor(const struct reader *r, struct pd_gguf_tensor *t,
                                       size_t alignment, const unsigned char *data,
                                       size_t data_bytes)
{
    if (t->offset % alignment != 0)
        return fail_in(r, PONDER_BAD_FILE, "offset %" PRIu64 " is no multiple of the alignment %zu",
                       t->offset, alignment);
    uint64_t bytes = 0;
    if (t->format) {
        if (t->ne[0] % t->format->block_elements != 0)
            return fail_in(r, PONDER_BAD_FILE, "rows of %" PRIu64 " elements in %s blocks of %d",
                           t->ne[0], t->format->name, t->format->block_elements);
        uint64_t n_blocks = t->ne[0] / t->format->block_elements * t->ne[1] * t->ne[2] * t->ne[3];
        if (!pd_mul_u64(n_blocks, t->format->block_bytes, &bytes))
            bytes = UINT64_MAX;
    }
    if (t->offset > data_bytes || bytes > data_bytes - t->offset)
        return fail_in(r, PONDER_BAD_FILE,
                       "%" PRIu64 " bytes at %" PRIu64 " of the tensor data, which has %zu"
                       " (incomplete download?)",
                       bytes, t->offset, data_bytes);
    t->bytes = (size_t)bytes;
    t->data = t->format ? data + t->offset : NULL;
    return PONDER_OK;
}

/* Things that begin with their name: the key-value pairs, or the tensors. */
struct named {
    const void *first;
    size_t stride;
};

static struct pd_string name_of(struct named items, int i)
{
    struct pd_string name;
    memcpy(&name, (const char *)items.first + items.stride * (size_t)i, sizeof name);
    return name;
}

static int compare_strings(struct pd_string a, struct pd_string b)
{
    int order = memcmp(a.data, b.data, pd_min_size(a.bytes, b.bytes));
    return order ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static int compare_names(struct named items, int a, int b)
{
    return compare_strings(name_of(items, a), name_of(items, b));
}

static int compare_offsets(struct named items, int a, int b)
{
    const struct pd_gguf_tensor *tensor = items.first;
    if (tensor[a].offset != tensor[b].offset)
        return tensor[a].offset < tensor[b].offset ? -1 : 1;
    return (tensor[a].bytes > tensor[b].bytes) - (tensor[a].bytes < tensor[b].bytes);
}

static void sift_down(int *index, int root, int n, struct named items,
                      int (*compare)(struct named, int, int))
{
    for (int child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && compare(items, index[child], index[child + 1]) < 0)
            child++;
        if (compare(items, index[root], index[child]) >= 0)
            return;
        int lifted = index[child];
        index[child] = index[root];
        index[root] = lifted;
    }
}

/* Sorts 0..n - 1 into index. Heap sort: no worst case for a file to aim at, and, unlike the C library's
 * qsort(), no memory. */
static void sort(int *index, int n, struct named items, int (*compare)(struct named, int, int))
{
    for (int i = 0; i < n; i++)
        index[i] = i;
    for (int root = n / 2 - 1; root >= 0; root--)
        sift_down(index, root, n, items, compare);
    for (int last = n - 1; last > 0; last--) {
        int largest = index[0];
        index[0] = index[last];
        index[last] = largest;
        sift_down(index, 0, last, items, compare);
    }
}

/* Sorts by name; BAD_FILE if two have the same. */
static enum ponder_status index_names(const struct reader *r, int *index, int n, struct named items)
{
    sort(index, n, items, compare_names);
    for (int i = 1; i < n; i++) {
        char name[PD_SHOW_BYTES];
        if (compare_names(items, index[i - 1], index[i]) == 0)
            return pd_fail(r->err, PONDER_BAD_FILE, "two %s entries have the name '%s'", r->owner,
                           pd_string_show(name_of(items, index[i]), name));
    }
    return PONDER_OK;
}

/* The place of name in items, or -1. */
static int find_name(const int *index, int n, struct named items, const char *name)
{
    struct pd_string wanted = {name, strlen(name)};
    int low = 0;
    while (low < n) {
        int middle = low + (n - low) / 2;
        int order = compare_strings(name_of(items, index[middle]), wanted);
        if (order == 0)
            return index[middle];
        if (order < 0)
            low = middle + 1;
        else
            n = middle;
    }
    return -1;
}

static enum ponder_status check_overlaps(const struct pd_gguf *gguf, int *index,
                                         const struct pd_error *err)
{
    struct named tensors = {gguf->tensor, sizeof gguf->tensor[0]};
    sort(index, gguf->n_tensors, tensors, compare_offsets);
    for (int i = 1; i < gguf->n_tensors; i++) {
        const struct pd_gguf_tensor *a = &gguf->tensor[index[i - 1]];
        const struct pd_gguf_tensor *b = &gguf->tensor[index[i]];
        char a_name[PD_SHOW_BYTES], b_name[PD_SHOW_BYTES];
        if (b->offset - a->offset < a->bytes)
            return pd_fail(
                err, PONDER_BAD_FILE, "the data of tensors '%s' and '%s' overlaps at %" PRIu64,
                pd_string_show(a->name, a_name), pd_string_show(b->name, b_name), b->offset);
    }
    return PONDER_OK;
}

static enum ponder_status check_magic(const unsigned char *bytes, size_t n_bytes,
                                      const struct pd_error *err)
{
    if (n_bytes >= 4 && memcmp(bytes, "GGUF", 4) == 0)
        return PONDER_OK;
    for (size_t i = 0; i < PD_COUNT(impostors); i++) {
        size_t length = strlen(impostors[i].start);
        if (n_bytes >= length && memcmp(bytes, impostors[i].start, length) == 0)
            return pd_fail(err, PONDER_BAD_FILE, "not a GGUF file, it looks like %s",
                           impostors[i].what);
    }
    return pd_fail(err, PONDER_BAD_FILE, "not a GGUF file: it does not start with 'GGUF'");
}

static enum ponder_status read_count(const unsigned char *at, size_t bytes_after, int min_bytes,
                                     int max, const char *what, int *count_ret,
                                     const struct pd_error *err)
{
    uint64_t count = pd_gguf_load(at, 8);
    if (count > bytes_after / (size_t)min_bytes)
        return pd_fail(err, PONDER_BAD_FILE,
                       "the header says %" PRIu64 " %s, %zu bytes follow (incomplete download?)",
                       count, what, bytes_after);
    if (count > (uint64_t)max)
        return pd_fail(err, PONDER_UNSUPPORTED, "%" PRIu64 " %s; at most %d are supported", count,
                       what, max);
    *count_ret = (int)count;
    return PONDER_OK;
}

static enum ponder_status read_header(struct pd_gguf *gguf, const unsigned char *bytes,
                                      size_t n_bytes, const struct pd_error *err)
{
    *gguf = (struct pd_gguf){.alignment = DEFAULT_ALIGNMENT};
    PD_TRY(check_magic(bytes, n_bytes, err));
    if (n_bytes < HEADER_BYTES)
        return pd_fail(err, PONDER_BAD_FILE,
                       "the file ends in its GGUF header, after %zu bytes (incomplete download?)",
                       n_bytes);
    gguf->version = (uint32_t)pd_gguf_load(bytes + 4, 4);
    if (gguf->version != 0 && (gguf->version & 0xffff) == 0)
        return pd_fail(err, PONDER_UNSUPPORTED,
                       "a big-endian GGUF file: convert it for little-endian machines");
    if (gguf->version != 2 && gguf->version != 3)
        return pd_fail(err, gguf->version == 0 ? PONDER_BAD_FILE : PONDER_UNSUPPORTED,
                       "GGUF version %" PRIu32 "; 2 and 3 are supported: convert it again",
                       gguf->version);
    size_t bytes_after = n_bytes - HEADER_BYTES;
    PD_TRY(read_count(bytes + 16, bytes_after, MIN_KV_BYTES, PD_GGUF_MAX_KV, "metadata entries",
                      &gguf->n_kv, err));
    return read_count(bytes + 8, bytes_after, MIN_TENSOR_BYTES, PD_GGUF_MAX_TENSORS, "tensors",
                      &gguf->n_tensors, err);
}

static void lay_out(struct pd_gguf *gguf, struct pd_arena *a)
{
    gguf->kv = PD_NEW(a, struct pd_gguf_kv, gguf->n_kv);
    gguf->tensor = PD_NEW(a, struct pd_gguf_tensor, gguf->n_tensors);
    gguf->kv_by_key = PD_NEW(a, int, gguf->n_kv);
    gguf->tensor_by_name = PD_NEW(a, int, gguf->n_tensors);
}

enum ponder_status pd_gguf_scratch_bytes(const unsigned char *bytes, size_t n_bytes,
                                         size_t *scratch_bytes_ret, const struct pd_error *err)
{
    struct pd_gguf gguf;
    struct pd_arena count;
    PD_TRY(read_header(&gguf, bytes, n_bytes, err));
    pd_arena_init_count(&count);
    lay_out(&gguf, &count);
    *scratch_bytes_ret = pd_arena_block_bytes(&count);
    return PONDER_OK;
}

static enum ponder_status read_metadata(struct pd_gguf *gguf, struct reader *r)
{
    r->owner = "metadata";
    for (r->index = 0; r->index < gguf->n_kv; r->index++)
        PD_TRY(read_kv(r, &gguf->kv[r->index]));
    PD_TRY(
        index_names(r, gguf->kv_by_key, gguf->n_kv, (struct named){gguf->kv, sizeof gguf->kv[0]}));

    const struct pd_gguf_kv *kv = pd_gguf_find(gguf, "general.alignment");
    if (!kv)
        return PONDER_OK;
    if (kv->type != PD_GGUF_U32)
        return pd_fail(r->err, PONDER_BAD_FILE,
                       "metadata 'general.alignment' is of type %s, not u32",
                       value_types[kv->type].name);
    uint64_t alignment = pd_gguf_load(kv->data, 4);
    if (alignment < 1 || alignment > PD_GGUF_MAX_ALIGNMENT || (alignment & (alignment - 1)) != 0)
        return pd_fail(r->err, PONDER_BAD_FILE,
                       "metadata 'general.alignment' is %" PRIu64
                       "; a power of two up to %d is right",
                       alignment, PD_GGUF_MAX_ALIGNMENT);
    gguf->alignment = (size_t)alignment;
    return PONDER_OK;
}

static enum ponder_status read_tensors(struct pd_gguf *gguf, struct reader *r)
{
    r->owner = "tensor";
    for (r->index = 0; r->index < gguf->n_tensors; r->index++)
        PD_TRY(read_tensor(r, &gguf->tensor[r->index]));

    size_t position = (size_t)(r->at - r->file);
    size_t padding = (gguf->alignment - position % gguf->alignment) % gguf->alignment;
    const unsigned char *data = r->at + pd_min_size(padding, left(r));
    for (int i = 0; i < gguf->n_tensors; i++) {
        struct pd_gguf_tensor *t = &gguf->tensor[i];
        r->name = t->name;
        PD_TRY(place_tensor(r, t, gguf->alignment, data, (size_t)(r->end - data)));
    }
    PD_TRY(check_overlaps(gguf, gguf->tensor_by_name, r->err));
    return index_names(r, gguf->tensor_by_name, gguf->n_tensors,
                       (struct named){gguf->tensor, sizeof gguf->tensor[0]});
}

static enum ponder_status fail_memory(const struct pd_error *err)
{
    return pd_fail(err, PONDER_NO_MEMORY, "no memory for the directory of the model file");
}

enum ponder_status pd_gguf_open(struct pd_gguf *gguf, const unsigned char *bytes, size_t n_bytes,
                                struct pd_arena *scratch, const struct pd_error *err)
{
    PD_TRY(read_header(gguf, bytes, n_bytes, err));
    lay_out(gguf, scratch);
    if (scratch->overflowed)
        return fail_memory(err);
    struct reader r = {
        .file = bytes, .at = bytes + HEADER_BYTES, .end = bytes + n_bytes, .err = err};
    PD_TRY(read_metadata(gguf, &r));
    return read_tensors(gguf, &r);
}

enum ponder_status pd_gguf_copy(struct pd_gguf *copy_ret, const struct pd_gguf *gguf,
                                struct pd_arena *a, const struct pd_error *err)
{
    size_t n_kv = (size_t)gguf->n_kv, n_tensors = (size_t)gguf->n_tensors;
    *copy_ret = *gguf;
    lay_out(copy_ret, a);
    if (a->overflowed)
        return fail_memory(err);
    memcpy(copy_ret->kv, gguf->kv, n_kv * sizeof *gguf->kv);
    memcpy(copy_ret->tensor, gguf->tensor, n_tensors * sizeof *gguf->tensor);
    memcpy(copy_ret->kv_by_key, gguf->kv_by_key, n_kv * sizeof *gguf->kv_by_key);
    memcpy(copy_ret->tensor_by_name, gguf->tensor_by_name,
           n_tensors * sizeof *gguf->tensor_by_name);
    return PONDER_OK;
}

const struct pd_gguf_kv *pd_gguf_find(const struct pd_gguf *gguf, const char *key)
{
    int i =
        find_name(gguf->kv_by_key, gguf->n_kv, (struct named){gguf->kv, sizeof gguf->kv[0]}, key);
    return i < 0 ? NULL : &gguf->kv[i];
}

const struct pd_gguf_tensor *pd_gguf_find_tensor(const struct pd_gguf *gguf, const char *name)
{
    int i = find_name(gguf->tensor_by_name, gguf->n_tensors,
                      (struct named){gguf->tensor, sizeof gguf->tensor[0]}, name);
    return i < 0 ? NULL : &gguf->tensor[i];
}
