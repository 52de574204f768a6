/* SPDX-License-Identifier: Apache-2.0
 * test_program.c - ponder-quantize from outside: what it writes, what it says, how it exits, and what it leaves behind. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/os.h"
#include "quant/encode.h"
#include "tests/support/open_model.h"
#include "tests/support/program.h"
#include "tests/support/tiny_model.h"

static void write_tiny(const char *name, const char *family, enum pd_format_id format, bool is_tied)
{
    struct tiny_options options;
    tiny_options_default(&options, family, format);
    options.is_tied = is_tied;
    struct tiny_model *tiny = tiny_model_new(&options);
    program_write(name, tiny->bytes, tiny->n_bytes);
    tiny_model_free(tiny);
}

struct opened {
    struct pd_map map;
    struct opened_model model;
};

static void open_file(struct opened *o, const char *name)
{
    char path[PROGRAM_PATH];
    program_path(name, path);
    assert_int_equal(pd_map_open(&o->map, path, NULL), PONDER_OK);
    open_model(&o->model, o->map.data, o->map.bytes);
    if (o->model.status != PONDER_OK)
        fail_msg("%s: %s", name, o->model.error);
}

static void close_file(struct opened *o)
{
    close_model(&o->model);
    pd_map_close(&o->map);
}

static bool is_ours(struct pd_string key)
{
    return pd_string_equal(key, "general.file_type") ||
           pd_string_equal(key, "general.quantization_version");
}

/* Every key of a is in b with the same bytes, but for the two that say what is in the file. */
static void assert_metadata_is_kept(const struct pd_gguf *a, const struct pd_gguf *b)
{
    for (int i = 0; i < a->n_kv; i++) {
        const struct pd_gguf_kv *kv = &a->kv[i];
        char key[128];
        snprintf(key, sizeof key, "%.*s", (int)kv->key.bytes, kv->key.data);
        const struct pd_gguf_kv *other = pd_gguf_find(b, key);
        assert_non_null(other);
        if (is_ours(kv->key))
            continue;
        assert_int_equal(kv->type, other->type);
        assert_int_equal(kv->end - kv->data, other->end - other->data);
        assert_memory_equal(kv->data, other->data, (size_t)(kv->end - kv->data));
    }
}

static double square_error(const float *x, const float *y, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return sum;
}

static float *decoded(const struct pd_gguf_tensor *t, size_t n)
{
    float *values = malloc(n * sizeof *values);
    assert_non_null(values);
    t->format->decode(t->data, values, n / t->format->block_elements);
    return values;
}

/* No further from the original than the plain encoding is. */
static void assert_near(const struct pd_gguf_tensor *a, const struct pd_gguf_tensor *b)
{
    size_t n = (size_t)(a->ne[0] * a->ne[1]);
    float *x = decoded(a, n);
    float *y = decoded(b, n);
    void *blocks = malloc(b->bytes);
    float *plain = malloc(n * sizeof *plain);
    assert_true(blocks != NULL && plain != NULL);
    pd_encode(b->format->id, x, blocks, n / b->format->block_elements);
    b->format->decode(blocks, plain, n / b->format->block_elements);
    assert_true(square_error(x, y, n) <= square_error(x, plain, n) * (1 + 1e-5));
    free(plain);
    free(blocks);
    free(y);
    free(x);
}

static void test_every_format_of_every_family_comes_out_right(void **state)
{
    (void)state;
    static const char *const families[] = {"llama", "qwen2", "qwen3", "gemma3"};
    static const int64_t file_types[PD_FORMATS] = {
        [PD_F32] = 0,  [PD_F16] = 1,  [PD_BF16] = 32, [PD_Q4_0] = 2,  [PD_Q4_1] = 3, [PD_Q5_0] = 8,
        [PD_Q5_1] = 9, [PD_Q8_0] = 7, [PD_Q4_K] = 14, [PD_Q5_K] = 16, [PD_Q6_K] = 18};
    for (int id = 0; id < PD_FORMATS; id++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)id);
        struct tiny_options options;
        tiny_options_default(&options, families[id % 4], format->id);
        options.format = PD_F32; /* with dimensions that the format's blocks fit */
        options.is_tied = id % 2;
        struct tiny_model *tiny = tiny_model_new(&options);
        program_write("in.gguf", tiny->bytes, tiny->n_bytes);
        tiny_model_free(tiny);
        char words[128];
        snprintf(words, sizeof words, "in.gguf out.gguf --type %s", format->name);
        program_assert_run(0, words);
        assert_int_equal(program_count_files(), 2);

        struct opened in, out;
        open_file(&in, "in.gguf");
        open_file(&out, "out.gguf");
        const struct pd_gguf *a = &in.model.gguf, *b = &out.model.gguf;
        assert_metadata_is_kept(a, b);
        int64_t file_type = -1, version = -1;
        pd_gguf_get_int(b, "general.file_type", true, 0, 1000, &file_type, NULL);
        pd_gguf_get_int(b, "general.quantization_version", false, 0, 1000, &version, NULL);
        assert_int_equal(file_type, file_types[id]);
        assert_int_equal(version, format->is_quantised ? 2 : -1);
        assert_int_equal(a->n_tensors, b->n_tensors);
        for (int i = 0; i < a->n_tensors; i++) {
            const struct pd_gguf_tensor *t = &b->tensor[i];
            bool is_layer = t->name.bytes > 4 && memcmp(t->name.data, "blk.", 4) == 0;
            assert_int_equal(t->name.bytes, a->tensor[i].name.bytes);
            assert_memory_equal(t->name.data, a->tensor[i].name.data, t->name.bytes);
            assert_memory_equal(t->ne, a->tensor[i].ne, sizeof t->ne);
            if (t->ne[1] == 1) {
                assert_int_equal(t->format->id, PD_F32);
            } else {
                enum pd_format_id want =
                    !is_layer && format->is_quantised ? PD_Q8_0 : (enum pd_format_id)id;
                assert_int_equal(t->format->id, want);
            }
            assert_near(&a->tensor[i], t);
        }
        close_file(&in);
        close_file(&out);
    }
}

static void test_what_has_its_format_already_keeps_every_bit(void **state)
{
    (void)state;
    write_tiny("in.gguf", "llama", PD_Q4_1, true);
    program_assert_run(0, "in.gguf out.gguf --type Q4_1 --tensor 'token_embd*=Q4_1'");
    struct opened in, out;
    open_file(&in, "in.gguf");
    open_file(&out, "out.gguf");
    for (int i = 0; i < in.model.gguf.n_tensors; i++) {
        const struct pd_gguf_tensor *a = &in.model.gguf.tensor[i], *b = &out.model.gguf.tensor[i];
        assert_int_equal(a->bytes, b->bytes);
        assert_memory_equal(a->data, b->data, a->bytes);
    }
    close_file(&in);
    close_file(&out);
}

static void test_floats_hold_what_quants_say(void **state)
{
    (void)state;
    write_tiny("in.gguf", "qwen3", PD_Q5_1, true);
    program_assert_run(0, "in.gguf wide.gguf --type F32");
    struct opened in, wide;
    open_file(&in, "in.gguf");
    open_file(&wide, "wide.gguf");
    for (int i = 0; i < in.model.gguf.n_tensors; i++) {
        const struct pd_gguf_tensor *a = &in.model.gguf.tensor[i];
        size_t n = (size_t)(a->ne[0] * a->ne[1]);
        float *x = decoded(a, n);
        assert_memory_equal(x, wide.model.gguf.tensor[i].data, n * sizeof *x);
        free(x);
    }
    close_file(&in);
    close_file(&wide);
}

static enum pd_format_id format_in(const char *file, const char *tensor)
{
    struct opened o;
    open_file(&o, file);
    const struct pd_gguf_tensor *t = pd_gguf_find_tensor(&o.model.gguf, tensor);
    assert_non_null(t);
    enum pd_format_id id = t->format->id;
    close_file(&o);
    return id;
}

static void test_rules_choose_formats_and_the_last_one_counts(void **state)
{
    (void)state;
    write_tiny("in.gguf", "llama", PD_F32, false);
    program_assert_run(0, "in.gguf out.gguf --type=Q4_0 --tensor 'blk.*.ffn_*=Q5_1' "
                          "--tensor 'blk.1.ffn_down.weight=Q8_0' --tensor output.weight=F16");
    assert_int_equal(format_in("out.gguf", "blk.0.attn_q.weight"), PD_Q4_0);
    assert_int_equal(format_in("out.gguf", "blk.0.ffn_down.weight"), PD_Q5_1);
    assert_int_equal(format_in("out.gguf", "blk.1.ffn_down.weight"), PD_Q8_0);
    assert_int_equal(format_in("out.gguf", "output.weight"), PD_F16);
    assert_int_equal(format_in("out.gguf", "token_embd.weight"), PD_Q8_0);
    assert_int_equal(format_in("out.gguf", "blk.0.ffn_norm.weight"), PD_F32);
}

static void test_blocks_that_do_not_fit_give_way_to_smaller_ones(void **state)
{
    (void)state;
    write_tiny("in.gguf", "llama", PD_F32, true); /* rows of 64 and 96 */
    program_assert_run(
        0, "in.gguf out.gguf --type Q4_K --tensor 'blk.0.*=Q6_K' --tensor 'blk.1.*=Q5_K'");
    assert_int_equal(format_in("out.gguf", "blk.0.attn_q.weight"), PD_Q8_0);
    assert_int_equal(format_in("out.gguf", "blk.1.attn_q.weight"), PD_Q5_1);
    program_assert_run(0, "in.gguf out.gguf --type Q4_K");
    assert_int_equal(format_in("out.gguf", "blk.0.attn_q.weight"), PD_Q5_0);
}

static void test_nonsense_on_the_command_line_is_refused_in_one_line(void **state)
{
    (void)state;
    write_tiny("in.gguf", "llama", PD_F32, true);
    program_assert_refused(2, "in.gguf out.gguf --type Q3_K",
                           "no format 'Q3_K'; there are F32, F16");
    program_assert_refused(2, "in.gguf out.gguf --type", "--type wants a value");
    program_assert_refused(2, "in.gguf out.gguf --tensor 'blk.*=Q9'", "no format 'Q9'");
    program_assert_refused(2, "in.gguf out.gguf --tensor Q4_0", "wants PATTERN=FORMAT");
    program_assert_refused(2, "in.gguf out.gguf --tensor 'nowhere*=Q4_0'",
                           "'nowhere*' matches no matrix");
    program_assert_refused(2, "in.gguf out.gguf --tensor '*norm.weight=Q4_0'", "matches no matrix");
    program_assert_refused(2, "in.gguf out.gguf --quiet=yes", "--quiet takes no value");
    program_assert_refused(2, "in.gguf out.gguf --fast", "unknown option '--fast'");
    program_assert_refused(2, "in.gguf", "an input and an output file are needed");
    program_assert_refused(2, "in.gguf out.gguf three.gguf", "not 'three.gguf' too");
    program_assert_refused(2, "in.gguf ./in.gguf", "is the input too");
    program_assert_refused(3, "in.gguf .", "no regular file");
    program_assert_refused(3, "in.gguf nowhere/out.gguf",
                           "cannot write nowhere/out.gguf");
    program_assert_refused(3, "nowhere.gguf out.gguf", "nowhere.gguf");
    assert_false(program_has("out.gguf"));
    assert_int_equal(program_count_files(), 1);
    program_assert_run(0, "--help");
    assert_non_null(strstr(program_output(), "Usage: ponder-quantize"));
    program_assert_run(0, "--version");
    program_assert_run(0, "in.gguf out.gguf --quiet");
    assert_string_equal(program_output(), "");
}

static void test_damaged_files_are_refused_in_one_line(void **state)
{
    (void)state;
    struct tiny_options options;
    tiny_options_default(&options, "llama", PD_F16);
    struct tiny_model *tiny = tiny_model_new(&options);
    for (size_t i = 0; i < 24; i++) {
        program_write("in.gguf", tiny->bytes, tiny->n_bytes * i / 24 + (i == 0 ? 1 : 0));
        program_assert_refused(3, "in.gguf out.gguf", "in.gguf: ");
    }
    program_write("in.gguf", (const unsigned char *)"version https://git-lfs", 23);
    program_assert_refused(3, "in.gguf out.gguf", "git-lfs pointer");
    program_write("in.gguf", tiny->bytes, 0);
    program_assert_refused(3, "in.gguf out.gguf", "in.gguf");
    assert_int_equal(program_count_files(), 1);
    tiny_model_free(tiny);
}

static void fill_with_nan(void *user, const char *name, int rows, int cols, float *values)
{
    (void)user;
    for (int i = 0; i < rows * cols; i++)
        values[i] = 0.5f;
    if (strcmp(name, "blk.1.attn_k.weight") == 0)
        values[rows * cols - 1] = NAN;
}

static void test_nan_is_refused_where_it_cannot_be_kept(void **state)
{
    (void)state;
    struct tiny_options options;
    tiny_options_default(&options, "llama", PD_F32);
    options.fill = fill_with_nan;
    struct tiny_model *tiny = tiny_model_new(&options);
    program_write("in.gguf", tiny->bytes, tiny->n_bytes);
    tiny_model_free(tiny);
    program_assert_refused(3, "in.gguf out.gguf",
                           "tensor 'blk.1.attn_k.weight' holds NaN or infinity");
    assert_int_equal(program_count_files(), 1);
    program_assert_run(0, "in.gguf out.gguf --type F16");
}

static void test_a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    write_tiny("in.gguf", "llama", PD_F32, true);
    write_tiny("out.gguf", "llama", PD_Q8_0, true);
    struct stat before, after;
    char path[PROGRAM_PATH];
    program_path("out.gguf", path);
    assert_int_equal(stat(path, &before), 0);
    /* A limit on the size of files is a full disk with another errno; the signal is ignored. */
    for (int blocks = 0; blocks < 200; blocks += 40) {
        char limit[64];
        snprintf(limit, sizeof limit, "trap '' XFSZ; ulimit -f %d", blocks);
        assert_int_equal(program_run(limit, "in.gguf out.gguf --type F32 --quiet"), 3);
        assert_int_equal(program_count_files(), 2);
    }
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_size, after.st_size);
    program_assert_run(0, "in.gguf out.gguf --type F32 --quiet");
}

/* Not a model: what is trained beside one. */
static void test_adapters_pass_through(void **state)
{
    (void)state;
    struct gguf_builder *b = gguf_new(3, 64);
    static const float values[2 * 32] = {1.0f, 2.0f, 3.0f};
    static const float head[4] = {0.25f, -1.0f, 2.0f, 1.0f};
    gguf_add_string(b, "general.type", "adapter");
    gguf_add_string(b, "ponder.prompt", "{question}\n");
    gguf_add_array(b, "ponder.head.value", PD_GGUF_F32, head, 4);
    gguf_add_tensor(b, "blk.0.attn_q.weight.lora_a", 0, 2, (uint64_t[]){32, 2}, values,
                    sizeof values);
    size_t n_bytes;
    unsigned char *bytes = gguf_finish(b, &n_bytes);
    program_write("in.gguf", bytes, n_bytes);
    gguf_free(b);
    free(bytes);
    program_assert_run(0, "in.gguf out.gguf --tensor '*.lora_a=F16'");
    char path[PROGRAM_PATH], block[4096];
    struct pd_map in, out;
    struct pd_gguf a, c;
    struct pd_arena arena;
    pd_arena_init(&arena, block, sizeof block);
    program_path("in.gguf", path);
    assert_int_equal(pd_map_open(&in, path, NULL), PONDER_OK);
    program_path("out.gguf", path);
    assert_int_equal(pd_map_open(&out, path, NULL), PONDER_OK);
    assert_int_equal(pd_gguf_open(&a, in.data, in.bytes, &arena, NULL), PONDER_OK);
    assert_int_equal(pd_gguf_open(&c, out.data, out.bytes, &arena, NULL), PONDER_OK);
    assert_metadata_is_kept(&a, &c);
    assert_int_equal(c.n_tensors, 1);
    assert_int_equal(c.alignment, 64);
    assert_int_equal(c.tensor[0].format->id, PD_F16);
    pd_map_close(&in);
    pd_map_close(&out);
}

static int begin(void **state)
{
    (void)state;
    return program_begin("ponder-quantize");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_every_format_of_every_family_comes_out_right, program_clear),
        cmocka_unit_test_teardown(test_what_has_its_format_already_keeps_every_bit, program_clear),
        cmocka_unit_test_teardown(test_floats_hold_what_quants_say, program_clear),
        cmocka_unit_test_teardown(test_rules_choose_formats_and_the_last_one_counts, program_clear),
        cmocka_unit_test_teardown(test_blocks_that_do_not_fit_give_way_to_smaller_ones,
                                  program_clear),
        cmocka_unit_test_teardown(test_nonsense_on_the_command_line_is_refused_in_one_line,
                                  program_clear),
        cmocka_unit_test_teardown(test_damaged_files_are_refused_in_one_line, program_clear),
        cmocka_unit_test_teardown(test_nan_is_refused_where_it_cannot_be_kept, program_clear),
        cmocka_unit_test_teardown(test_a_full_disk_leaves_the_old_file, program_clear),
        cmocka_unit_test_teardown(test_adapters_pass_through, program_clear),
    };
    return cmocka_run_group_tests(tests, begin, program_end);
}
