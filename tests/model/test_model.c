/* SPDX-License-Identifier: Apache-2.0
 * test_model.c - hyper-parameters and tensors of every family, and of the real models. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/os.h"
#include "tests/support/open_model.h"
#include "tests/support/tiny_model.h"

static const char *const families[] = {"llama", "qwen2", "qwen3", "gemma3"};

/* Opens a tiny model; its bytes stay in *tiny_ret. */
static void open_tiny(const struct tiny_options *options, struct tiny_model **tiny_ret,
                      struct opened_model *o)
{
    *tiny_ret = tiny_model_new(options);
    open_model(o, (*tiny_ret)->bytes, (*tiny_ret)->n_bytes);
    if (o->status != PONDER_OK)
        fail_msg("%s: %s", options->family, o->error);
}

static void close_tiny(struct tiny_model *tiny, struct opened_model *o)
{
    close_model(o);
    tiny_model_free(tiny);
}

static void assert_same_tensor(const struct pd_tensor *t, const struct tiny_model *tiny,
                               const char *name)
{
    const struct tiny_tensor *expected = tiny_find(tiny, name);
    assert_non_null(expected);
    assert_non_null(t->data);
    assert_int_equal(t->rows, expected->rows);
    assert_int_equal(t->cols, expected->cols);
    assert_int_equal(t->format->id, expected->format);
    size_t n = (size_t)t->rows * (size_t)t->cols;
    float *values = calloc(n, sizeof *values);
    assert_non_null(values);
    t->format->decode(t->data, values, n / t->format->block_elements);
    assert_memory_equal(values, expected->values, n * sizeof *values);
    free(values);
}

static void test_every_family_opens_in_every_format(void **state)
{
    (void)state;
    for (size_t f = 0; f < PD_COUNT(families); f++) {
        for (int format = 0; format < PD_FORMATS; format++) {
            struct tiny_options options;
            struct tiny_model *tiny;
            struct opened_model o;
            tiny_options_default(&options, families[f], (enum pd_format_id)format);
            open_tiny(&options, &tiny, &o);
            assert_string_equal(o.model.family->name, families[f]);
            assert_string_equal(pd_model_main_format(&o.model),
                                pd_format_get((enum pd_format_id)format)->name);
            close_tiny(tiny, &o);
        }
    }
}

static void test_hyper_parameters_are_those_of_the_file(void **state)
{
    (void)state;
    for (size_t f = 0; f < PD_COUNT(families); f++) {
        struct tiny_options options;
        struct tiny_model *tiny;
        struct opened_model o;
        tiny_options_default(&options, families[f], PD_F32);
        open_tiny(&options, &tiny, &o);
        const struct pd_hparams *h = &o.model.hparams;
        assert_int_equal(h->n_layers, options.n_layers);
        assert_int_equal(h->n_embd, options.n_embd);
        assert_int_equal(h->n_ff, options.n_ff);
        assert_int_equal(h->n_heads, options.n_heads);
        assert_int_equal(h->n_kv_heads, options.n_kv_heads);
        assert_int_equal(h->head_dim, options.head_dim);
        assert_int_equal(h->rope_dim, options.head_dim);
        assert_int_equal(h->n_vocab, options.n_vocab);
        assert_int_equal(h->n_ctx_train, options.n_ctx_train);
        assert_true(h->rms_eps == options.rms_eps);
        assert_true(h->rope_base == (double)options.rope_base);
        assert_true(h->rope_scale == 1);
        assert_true(fabsf(h->attention_scale * sqrtf((float)options.head_dim) - 1) < 1e-6f);
        assert_int_equal(o.model.name.bytes, 4);
        assert_memory_equal(o.model.name.data, "tiny", 4);
        close_tiny(tiny, &o);
    }
}

static void test_only_gemma_has_windows_and_scales_its_embedding(void **state)
{
    (void)state;
    for (size_t f = 0; f < PD_COUNT(families); f++) {
        struct tiny_options options;
        struct tiny_model *tiny;
        struct opened_model o;
        bool is_gemma = strcmp(families[f], "gemma3") == 0;
        tiny_options_default(&options, families[f], PD_F32);
        open_tiny(&options, &tiny, &o);
        const struct pd_hparams *h = &o.model.hparams;
        assert_int_equal(h->window, is_gemma ? options.window : 0);
        assert_true(h->rope_base_local == (is_gemma ? 10000.0 : h->rope_base));
        assert_true(h->embedding_scale == (is_gemma ? sqrtf((float)options.n_embd) : 1.0f));
        for (int layer = 0; layer < h->n_layers; layer++)
            assert_int_equal(pd_layer_is_windowed(h, layer), is_gemma && layer != 5);
        close_tiny(tiny, &o);
    }
}

static void test_tensors_are_those_of_the_file(void **state)
{
    (void)state;
    static const char *const suffix[PD_LAYER_TENSORS] = {
        "attn_norm.weight",
        "attn_q.weight",
        "attn_k.weight",
        "attn_v.weight",
        "attn_q.bias",
        "attn_k.bias",
        "attn_v.bias",
        "attn_q_norm.weight",
        "attn_k_norm.weight",
        "attn_output.weight",
        "post_attention_norm.weight",
        "ffn_norm.weight",
        "ffn_gate.weight",
        "ffn_up.weight",
        "ffn_down.weight",
        "post_ffw_norm.weight",
    };
    for (size_t f = 0; f < PD_COUNT(families); f++) {
        struct tiny_options options;
        struct tiny_model *tiny;
        struct opened_model o;
        tiny_options_default(&options, families[f], PD_Q5_0);
        open_tiny(&options, &tiny, &o);
        int n_found = 0;
        for (int layer = 0; layer < options.n_layers; layer++) {
            for (int i = 0; i < PD_LAYER_TENSORS; i++) {
                char name[64];
                snprintf(name, sizeof name, "blk.%d.%s", layer, suffix[i]);
                const struct pd_tensor *t = &o.model.layer[layer].tensor[i];
                if (tiny_find(tiny, name)) {
                    assert_same_tensor(t, tiny, name);
                    n_found++;
                } else {
                    assert_null(t->data);
                }
            }
        }
        assert_same_tensor(&o.model.token_embd, tiny, "token_embd.weight");
        assert_same_tensor(&o.model.output_norm, tiny, "output_norm.weight");
        assert_null(o.model.rope_freqs.data);
        assert_int_equal(n_found + 2, tiny->n_tensors);
        close_tiny(tiny, &o);
    }
}

static void test_output_is_the_embedding_when_tied(void **state)
{
    (void)state;
    struct tiny_options options;
    struct tiny_model *tiny;
    struct opened_model o;
    tiny_options_default(&options, "llama", PD_Q8_0);
    open_tiny(&options, &tiny, &o);
    assert_ptr_equal(o.model.output.data, o.model.token_embd.data);
    close_tiny(tiny, &o);

    options.is_tied = false;
    open_tiny(&options, &tiny, &o);
    assert_same_tensor(&o.model.output, tiny, "output.weight");
    assert_ptr_not_equal(o.model.output.data, o.model.token_embd.data);
    close_tiny(tiny, &o);
}

static void test_parameters_are_the_elements_of_all_tensors(void **state)
{
    (void)state;
    struct tiny_options options;
    struct tiny_model *tiny;
    struct opened_model o;
    tiny_options_default(&options, "qwen3", PD_Q4_K);
    open_tiny(&options, &tiny, &o);
    int64_t n = 0;
    for (int i = 0; i < tiny->n_tensors; i++)
        n += (int64_t)tiny->tensor[i].rows * tiny->tensor[i].cols;
    assert_int_equal(o.model.n_parameters, n);
    close_tiny(tiny, &o);
}

static void test_rope_scaling_is_linear_or_a_tensor(void **state)
{
    (void)state;
    struct tiny_options options;
    struct tiny_model *tiny;
    struct opened_model o;
    tiny_options_default(&options, "llama", PD_F32);
    options.rope_factor = 8;
    options.has_rope_freqs = true;
    open_tiny(&options, &tiny, &o);
    assert_true(o.model.hparams.rope_scale == 0.125);
    assert_same_tensor(&o.model.rope_freqs, tiny, "rope_freqs.weight");
    assert_int_equal(o.model.rope_freqs.cols, options.head_dim / 2);
    close_tiny(tiny, &o);
}

static void test_other_dimensions_and_alignments_open(void **state)
{
    (void)state;
    static const uint32_t alignments[] = {1, 2, 8, 64, 4096};
    for (size_t i = 0; i < PD_COUNT(alignments); i++) {
        struct tiny_options options;
        struct tiny_model *tiny;
        struct opened_model o;
        tiny_options_default(&options, "gemma3", PD_Q4_0);
        options.n_layers = 1;
        options.n_heads = 6;
        options.n_kv_heads = 3;
        options.n_embd = 96;
        options.n_vocab = 333;
        options.alignment = alignments[i];
        open_tiny(&options, &tiny, &o);
        assert_int_equal(o.gguf.alignment, alignments[i]);
        assert_int_equal(o.model.layer[0].tensor[PD_ATTN_K].rows, 3 * options.head_dim);
        close_tiny(tiny, &o);
    }
}

/* Opens a tiny model again, after something was added to its builder. */
static void reopen(struct tiny_model *tiny, struct opened_model *o)
{
    close_model(o);
    free(tiny->bytes);
    tiny->bytes = gguf_finish(tiny->builder, &tiny->n_bytes);
    if (open_model(o, tiny->bytes, tiny->n_bytes) != PONDER_OK)
        fail_msg("%s", o->error);
}

static void test_tensors_off_the_main_path_are_ignored(void **state)
{
    (void)state;
    static const char *const names[] = {"value_head.weight", "direction.536870912", "cls.weight",
                                        "block.0.attn_q.weight"};
    static const float values[16] = {1};
    struct tiny_options options;
    struct tiny_model *tiny;
    struct opened_model o;
    tiny_options_default(&options, "llama", PD_F32);
    open_tiny(&options, &tiny, &o);
    for (size_t i = 0; i < PD_COUNT(names); i++)
        gguf_add_tensor(tiny->builder, names[i], 0, 1, (const uint64_t[]){16}, values, 64);
    reopen(tiny, &o);
    assert_int_equal(o.gguf.n_tensors, tiny->n_tensors + (int)PD_COUNT(names));
    close_tiny(tiny, &o);
}

static void test_a_number_may_be_an_array_of_one_value(void **state)
{
    (void)state;
    static const uint32_t per_layer[] = {2, 2};
    struct tiny_options options;
    struct tiny_model *tiny;
    struct opened_model o;
    tiny_options_default(&options, "llama", PD_F32);
    open_tiny(&options, &tiny, &o);
    gguf_add_array(tiny->builder, "llama.attention.head_count_kv", PD_GGUF_U32, per_layer, 2);
    const size_t old =
        gguf_find_field(tiny->builder, GGUF_FIELD_KEY, "llama.attention.head_count_kv")->offset;
    free(tiny->bytes);
    tiny->bytes = gguf_finish(tiny->builder, &tiny->n_bytes);
    tiny->bytes[old] = '~'; /* hides the number that was there */
    close_model(&o);
    assert_int_equal(open_model(&o, tiny->bytes, tiny->n_bytes), PONDER_OK);
    assert_int_equal(o.model.hparams.n_kv_heads, 2);
    close_tiny(tiny, &o);
}

static void test_rope_scaling_none_ignores_its_factor(void **state)
{
    (void)state;
    struct tiny_options options;
    struct tiny_model *tiny;
    struct opened_model o;
    tiny_options_default(&options, "qwen2", PD_F32);
    open_tiny(&options, &tiny, &o);
    gguf_add_string(tiny->builder, "qwen2.rope.scaling.type", "none");
    gguf_add_f32(tiny->builder, "qwen2.rope.scaling.factor", 4);
    reopen(tiny, &o);
    assert_true(o.model.hparams.rope_scale == 1);
    close_tiny(tiny, &o);
}

static void test_a_window_pattern_of_the_file_wins(void **state)
{
    (void)state;
    struct tiny_options options;
    struct tiny_model *tiny;
    struct opened_model o;
    tiny_options_default(&options, "gemma3", PD_F32);
    open_tiny(&options, &tiny, &o);
    gguf_add_u32(tiny->builder, "gemma3.attention.sliding_window_pattern", 2);
    gguf_add_f32(tiny->builder, "gemma3.rope.freq_base_swa", 5000);
    reopen(tiny, &o);
    for (int layer = 0; layer < options.n_layers; layer++)
        assert_int_equal(pd_layer_is_windowed(&o.model.hparams, layer), layer % 2 == 0);
    assert_true(o.model.hparams.rope_base_local == 5000);
    close_tiny(tiny, &o);
}

static void test_scratch_is_exact(void **state)
{
    (void)state;
    struct tiny_options options;
    struct tiny_model *tiny;
    struct opened_model o;
    tiny_options_default(&options, "llama", PD_F32);
    open_tiny(&options, &tiny, &o);
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    struct pd_arena arena;

    /* A block that starts on a boundary needs PD_ARENA_ALIGN - 1 bytes less. */
    size_t bytes;
    assert_int_equal(pd_gguf_scratch_bytes(tiny->bytes, tiny->n_bytes, &bytes, &err), PONDER_OK);
    unsigned char *block = aligned_alloc(PD_ARENA_ALIGN, (bytes + 2 * PD_ARENA_ALIGN) / 64 * 64);
    assert_non_null(block);
    bytes -= PD_ARENA_ALIGN - 1;
    pd_arena_init(&arena, block, bytes);
    struct pd_gguf gguf;
    assert_int_equal(pd_gguf_open(&gguf, tiny->bytes, tiny->n_bytes, &arena, &err), PONDER_OK);
    assert_int_equal(arena.used, bytes);
    pd_arena_init(&arena, block, bytes - 1);
    assert_int_equal(pd_gguf_open(&gguf, tiny->bytes, tiny->n_bytes, &arena, &err),
                     PONDER_NO_MEMORY);
    assert_string_not_equal(text, "");
    free(block);

    bytes = pd_model_scratch_bytes(&o.gguf);
    block = aligned_alloc(PD_ARENA_ALIGN, (bytes + 2 * PD_ARENA_ALIGN) / 64 * 64);
    assert_non_null(block);
    bytes -= PD_ARENA_ALIGN - 1;
    struct pd_model model;
    pd_arena_init(&arena, block, bytes);
    assert_int_equal(pd_model_open(&model, &o.gguf, &arena, &err), PONDER_OK);
    assert_int_equal(arena.used, bytes);
    pd_arena_init(&arena, block, bytes - 1);
    assert_int_equal(pd_model_open(&model, &o.gguf, &arena, &err), PONDER_NO_MEMORY);
    free(block);
    close_tiny(tiny, &o);
}

static void test_the_list_names_every_family(void **state)
{
    (void)state;
    char list[128] = "";
    for (size_t i = 0; i < PD_COUNT(families); i++) {
        struct pd_string name = {families[i], strlen(families[i])};
        assert_string_equal(pd_family_find(name)->name, families[i]);
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "",
                 families[i]);
    }
    assert_string_equal(pd_family_list(), list);
    assert_null(pd_family_find((struct pd_string){"llam", 4}));
    assert_null(pd_family_find((struct pd_string){"llama4", 6}));
}

/* Opens models/<name>, and checks that it takes no time to speak of. Skips without the file. */
static void open_real(const char *name, struct pd_map *map, struct opened_model *o)
{
    char path[512], text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    const char *folder = getenv("PONDER_MODELS");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "models", name);
    if (pd_map_open(map, path, &err) != PONDER_OK) {
        print_message("%s: get it with models/fetch.sh\n", text);
        skip();
    }
    open_model(o, map->data, map->bytes); /* first touch of the pages */
    close_model(o);
    clock_t start = clock();
    open_model(o, map->data, map->bytes);
    double ms = 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC;
    print_message("%s: opened in %.2f ms\n", name, ms);
    if (o->status != PONDER_OK)
        fail_msg("%s: %s", name, o->error);
    assert_true(ms < 500); /* a quadratic walk over the vocabulary would take minutes */
}

static void test_smollm2_opens(void **state)
{
    (void)state;
    struct pd_map map;
    struct opened_model o;
    open_real("smollm2-135m.gguf", &map, &o);
    const struct pd_hparams expected = {.n_layers = 30,
                                        .n_embd = 576,
                                        .n_ff = 1536,
                                        .n_heads = 9,
                                        .n_kv_heads = 3,
                                        .head_dim = 64,
                                        .rope_dim = 64,
                                        .n_vocab = 49152,
                                        .n_ctx_train = 8192};
    const struct pd_hparams *h = &o.model.hparams;
    assert_string_equal(o.model.family->name, "llama");
    assert_memory_equal(h, &expected, offsetof(struct pd_hparams, rms_eps));
    assert_true(h->rms_eps == 1e-5f);
    assert_true(h->rope_base == 100000);
    assert_int_equal(h->window, 0);
    assert_int_equal(o.model.n_parameters, 134515008);
    assert_string_equal(pd_model_main_format(&o.model), "Q4_1");
    assert_ptr_equal(o.model.output.data, o.model.token_embd.data);
    touch_model(&o);
    close_model(&o);
    pd_map_close(&map);
}

static void test_gemma3_opens(void **state)
{
    (void)state;
    struct pd_map map;
    struct opened_model o;
    open_real("gemma3-270m.gguf", &map, &o);
    const struct pd_hparams expected = {.n_layers = 18,
                                        .n_embd = 640,
                                        .n_ff = 2048,
                                        .n_heads = 4,
                                        .n_kv_heads = 1,
                                        .head_dim = 256,
                                        .rope_dim = 256,
                                        .n_vocab = 262144,
                                        .n_ctx_train = 32768};
    const struct pd_hparams *h = &o.model.hparams;
    assert_string_equal(o.model.family->name, "gemma3");
    assert_memory_equal(h, &expected, offsetof(struct pd_hparams, rms_eps));
    assert_true(h->rms_eps == 1e-6f);
    assert_true(h->rope_base == 1e6);
    assert_true(h->rope_base_local == 1e4);
    assert_true(h->attention_scale == 1.0f / 16);
    assert_int_equal(h->window, 512);
    assert_int_equal(h->window_period, 6);
    assert_true(h->embedding_scale == sqrtf(640));
    assert_int_equal(o.model.n_parameters, 268098176);
    touch_model(&o);
    close_model(&o);
    pd_map_close(&map);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_family_opens_in_every_format),
        cmocka_unit_test(test_hyper_parameters_are_those_of_the_file),
        cmocka_unit_test(test_only_gemma_has_windows_and_scales_its_embedding),
        cmocka_unit_test(test_tensors_are_those_of_the_file),
        cmocka_unit_test(test_output_is_the_embedding_when_tied),
        cmocka_unit_test(test_parameters_are_the_elements_of_all_tensors),
        cmocka_unit_test(test_rope_scaling_is_linear_or_a_tensor),
        cmocka_unit_test(test_other_dimensions_and_alignments_open),
        cmocka_unit_test(test_tensors_off_the_main_path_are_ignored),
        cmocka_unit_test(test_a_number_may_be_an_array_of_one_value),
        cmocka_unit_test(test_rope_scaling_none_ignores_its_factor),
        cmocka_unit_test(test_a_window_pattern_of_the_file_wins),
        cmocka_unit_test(test_scratch_is_exact),
        cmocka_unit_test(test_the_list_names_every_family),
        cmocka_unit_test(test_smollm2_opens),
        cmocka_unit_test(test_gemma3_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
