/* SPDX-License-Identifier: Apache-2.0
 * damage.c - damage by loops: every field gets every bad value of its kind, every boundary is cut. */
#include "tests/support/damage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "tests/support/guarded.h"
#include "tests/support/tiny_model.h"

/* Small models that between them have every kind of field, key and tensor. */
static const struct base {
    const char *family;
    enum pd_format_id format;
    uint32_t alignment;
    bool has_rope;
} bases[] = {
    {"llama", PD_Q8_0, 64, true},
    {"qwen2", PD_F32, 32, false},
    {"gemma3", PD_Q4_0, 32, false},
};

static struct tiny_model *new_base(const struct base *base)
{
    struct tiny_options options;
    tiny_options_default(&options, base->family, base->format);
    options.n_layers = 2;
    options.n_embd = 32;
    options.n_ff = 32;
    options.n_heads = 2;
    options.n_kv_heads = 1;
    options.head_dim = 16;
    options.alignment = base->alignment;
    options.has_rope_freqs = base->has_rope;
    options.rope_factor = base->has_rope ? 2 : 0;
    options.is_tied = !base->has_rope;
    return tiny_model_new(&options);
}

void damage_show(damage_visit visit, void *user, struct damage_case c)
{
    struct guarded copy = guarded_copy(c.bytes, c.n_bytes);
    c.bytes = copy.data;
    visit(user, &c);
    guarded_free(&copy);
}

struct run {
    const struct tiny_model *tiny;
    damage_visit visit;
    void *user;
    int n_cases;
};

static void show(struct run *run, const char *name, size_t n_bytes, bool must_fail)
{
    run->n_cases++;
    damage_show(
        run->visit, run->user,
        (struct damage_case){
            .name = name, .bytes = run->tiny->bytes, .n_bytes = n_bytes, .must_fail = must_fail});
}

static bool is_size(enum gguf_field_kind kind)
{
    static const bool sizes[GGUF_FIELD_KINDS] = {
        [GGUF_FIELD_N_TENSORS] = true,   [GGUF_FIELD_N_KV] = true,
        [GGUF_FIELD_KEY_LENGTH] = true,  [GGUF_FIELD_STRING_LENGTH] = true,
        [GGUF_FIELD_ARRAY_COUNT] = true, [GGUF_FIELD_NAME_LENGTH] = true,
        [GGUF_FIELD_N_DIMS] = true,      [GGUF_FIELD_DIM] = true,
        [GGUF_FIELD_TENSOR_TYPE] = true, [GGUF_FIELD_OFFSET] = true,
        [GGUF_FIELD_TYPE] = true,        [GGUF_FIELD_ARRAY_TYPE] = true,
        [GGUF_FIELD_MAGIC] = true,       [GGUF_FIELD_VERSION] = true,
    };
    return sizes[kind];
}

static void set_number(unsigned char *at, size_t bytes, uint64_t value)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

/* Gives one field of at most 8 bytes every value that is bad for somebody. */
static void spoil_field(struct run *run, const struct gguf_field *field)
{
    unsigned char *at = run->tiny->bytes + field->offset;
    uint64_t right = pd_gguf_load(at, field->bytes);
    uint64_t all = UINT64_MAX >> (64 - 8 * field->bytes);
    const uint64_t values[] = {
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
        12,
        13,
        31,
        33,
        36,
        64,
        255,
        256,
        1025,
        65535,
        65536,
        right + 1,
        right - 1,
        2 * right,
        right / 2,
        right + 32,
        right << 32,
        0x7fc00000, /* NaN, in 32 bits */
        0x7f800000, /* infinity */
        0x7fffffff,
        0x80000000,
        0xffffffff,
        0x100000000,
        UINT64_C(0x1fffffffffffffff),
        UINT64_C(0x2000000000000000), /* times 8 wraps */
        UINT64_C(0x5555555555555555),
        UINT64_C(0x555555555555555a), /* times 3, 24, 48 wraps */
        UINT64_C(0x7fffffffffffffff),
        UINT64_C(0x8000000000000000),
        UINT64_MAX - 31,
        UINT64_MAX - 7,
        UINT64_MAX - 3,
        UINT64_MAX - 1,
        UINT64_MAX,
    };
    for (size_t i = 0; i < PD_COUNT(values); i++) {
        uint64_t value = values[i] & all;
        char name[160];
        if (value == right)
            continue;
        snprintf(name, sizeof name, "%s: field %d of '%s' at %zu is %#" PRIx64 ", not %#" PRIx64,
                 run->tiny->options.family, (int)field->kind, field->owner, field->offset, value,
                 right);
        set_number(at, field->bytes, value);
        show(run, name, run->tiny->n_bytes, is_size(field->kind) && value > 8 * run->tiny->n_bytes);
    }
    set_number(at, field->bytes, right);
}

/* Elements of a string array are alike: the first few stand for all. */
static bool is_repeated(const struct gguf_field *field)
{
    enum { ALIKE = 6 };
    for (size_t i = 1; i <= ALIKE; i++)
        if (strcmp(field[-(ptrdiff_t)i].owner, field->owner) != 0)
            return false;
    return true;
}

/* The first, a middle and the last element of an array of numbers. */
static void spoil_array(struct run *run, const struct gguf_field *field)
{
    size_t bytes = gguf_type_bytes(field->type), last = field->bytes / bytes - 1;
    const size_t elements[] = {0, last / 2, last};
    for (size_t i = 0; i < PD_COUNT(elements); i++) {
        struct gguf_field element = *field;
        element.offset += bytes * elements[i];
        element.bytes = bytes;
        spoil_field(run, &element);
    }
}

/* Bytes that do not print, at both ends of a text: none of them may get into an error text. */
static void spoil_text(struct run *run, const struct gguf_field *field)
{
    static const unsigned char bad[] = {0, '\n', '\r', 0x1b, 0x7f, 0x80, 0xff};
    const size_t ends[] = {0, field->bytes - 1};
    for (size_t i = 0; i < PD_COUNT(ends) * PD_COUNT(bad); i++) {
        unsigned char *at = run->tiny->bytes + field->offset + ends[i / PD_COUNT(bad)];
        unsigned char right = *at;
        char name[160];
        snprintf(name, sizeof name, "%s: text of '%s' has byte %d", run->tiny->options.family,
                 field->owner, bad[i % PD_COUNT(bad)]);
        *at = bad[i % PD_COUNT(bad)];
        show(run, name, run->tiny->n_bytes, false);
        *at = right;
    }
}

static void spoil_fields(struct run *run)
{
    size_t n;
    const struct gguf_field *fields = gguf_fields(run->tiny->builder, &n);
    for (size_t i = 0; i < n; i++) {
        enum gguf_field_kind kind = fields[i].kind;
        if (fields[i].bytes == 0 || (i >= 8 && is_repeated(&fields[i])))
            continue;
        if (is_size(kind) || kind == GGUF_FIELD_NUMBER)
            spoil_field(run, &fields[i]);
        else if (kind == GGUF_FIELD_ARRAY_NUMBERS)
            spoil_array(run, &fields[i]);
        else if (kind == GGUF_FIELD_KEY || kind == GGUF_FIELD_STRING || kind == GGUF_FIELD_NAME)
            spoil_text(run, &fields[i]);
    }
}

/* Each key and tensor goes missing once. Only optional ones may. */
static void spoil_names(struct run *run)
{
    static const char *const needed[] = {
        "general.architecture", ".block_count", ".embedding_length",       ".feed_forward_length",
        ".context_length",      ".head_count",  ".layer_norm_rms_epsilon", ".sliding_window"};
    size_t n;
    const struct gguf_field *fields = gguf_fields(run->tiny->builder, &n);
    for (size_t i = 0; i < n; i++) {
        const char *owner = fields[i].owner;
        bool must_fail = false;
        if (fields[i].kind == GGUF_FIELD_NAME)
            must_fail = strstr(owner, ".bias") == NULL && strcmp(owner, "output.weight") != 0 &&
                        strcmp(owner, "rope_freqs.weight") != 0;
        else if (fields[i].kind != GGUF_FIELD_KEY)
            continue;
        for (size_t k = 0; k < PD_COUNT(needed); k++) {
            const char *found = strstr(owner, needed[k]);
            must_fail = must_fail || (found && strlen(found) == strlen(needed[k]));
        }
        char name[160];
        snprintf(name, sizeof name, "%s: '%s' is missing", run->tiny->options.family, owner);
        run->tiny->bytes[fields[i].offset] ^= 0x20;
        show(run, name, run->tiny->n_bytes, must_fail);
        run->tiny->bytes[fields[i].offset] ^= 0x20;
    }
}

/* Cuts the file at the start and in the middle of every field, and at every byte of its first pages. */
static void truncate_file(struct run *run)
{
    size_t n;
    const struct gguf_field *fields = gguf_fields(run->tiny->builder, &n);
    char name[96];
    for (size_t i = 0; i < n; i++) {
        const size_t cuts[] = {fields[i].offset, fields[i].offset + fields[i].bytes / 2};
        for (size_t k = 0; k < PD_COUNT(cuts); k++) {
            snprintf(name, sizeof name, "%s: cut at %zu", run->tiny->options.family, cuts[k]);
            show(run, name, cuts[k], true);
        }
    }
    for (size_t cut = 0; cut < 4096; cut++) {
        snprintf(name, sizeof name, "%s: cut at byte %zu", run->tiny->options.family, cut);
        show(run, name, cut, true);
    }
    snprintf(name, sizeof name, "%s: cut by one byte", run->tiny->options.family);
    show(run, name, run->tiny->n_bytes - 1, true);
}

int damage_each(damage_visit visit, void *user)
{
    int n_cases = damage_each_written(visit, user);
    for (size_t i = 0; i < PD_COUNT(bases); i++) {
        struct tiny_model *tiny = new_base(&bases[i]);
        struct run run = {tiny, visit, user, 0};
        spoil_fields(&run);
        spoil_names(&run);
        truncate_file(&run);
        n_cases += run.n_cases;
        tiny_model_free(tiny);
    }
    return n_cases;
}

int damage_flips(uint64_t seed, int n, damage_visit visit, void *user)
{
    struct tiny_model *tiny[PD_COUNT(bases)];
    size_t directory_bytes[PD_COUNT(bases)];
    for (size_t i = 0; i < PD_COUNT(bases); i++) {
        tiny[i] = new_base(&bases[i]);
        const struct gguf_field *data =
            gguf_find_field(tiny[i]->builder, GGUF_FIELD_DATA, "token_embd.weight");
        directory_bytes[i] = data->offset;
    }
    for (int i = 0; i < n; i++) {
        struct tiny_model *t = tiny[(size_t)i % PD_COUNT(bases)];
        size_t reach = i % 16 == 0 ? t->n_bytes : directory_bytes[(size_t)i % PD_COUNT(bases)];
        size_t bit[8];
        size_t n_bits = 1 + (size_t)(pd_rng_u64(seed, (uint64_t)i, 0) % PD_COUNT(bit));
        for (size_t k = 0; k < n_bits; k++) {
            bit[k] = (size_t)(pd_rng_u64(seed, (uint64_t)i, k + 1) % (8 * reach));
            t->bytes[bit[k] / 8] ^= (unsigned char)(1u << bit[k] % 8);
        }
        char name[96];
        snprintf(name, sizeof name, "%s: flip %d of seed %" PRIu64, t->options.family, i, seed);
        struct run run = {t, visit, user, 0};
        show(&run, name, t->n_bytes, false);
        for (size_t k = 0; k < n_bits; k++)
            t->bytes[bit[k] / 8] ^= (unsigned char)(1u << bit[k] % 8);
    }
    for (size_t i = 0; i < PD_COUNT(bases); i++)
        tiny_model_free(tiny[i]);
    return n;
}
