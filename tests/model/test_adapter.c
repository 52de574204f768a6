/* SPDX-License-Identifier: Apache-2.0
 * test_adapter.c - an adapter's file is read as it is, and one that does not belong to the model, or is no adapter, is
 * refused with words that say what is wrong. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/adapter.h"
#include "ponder.h"
#include "tests/support/model_file.h"
#include "tests/support/open_model.h"
#include "tests/support/tiny_adapter.h"

struct fixture {
    struct tiny_model *tiny;
    struct opened_model base;
    struct tiny_adapter_options options;
};

static void setup(struct fixture *f)
{
    struct tiny_options options;
    tiny_options_default(&options, "llama", PD_Q8_0);
    f->tiny = tiny_model_new(&options);
    assert_int_equal(open_model(&f->base, f->tiny->bytes, f->tiny->n_bytes), PONDER_OK);
    tiny_adapter_default(&f->options, &options);
}

static void teardown(struct fixture *f)
{
    close_model(&f->base);
    tiny_model_free(f->tiny);
}

/* Reads an adapter from bytes, with scratch of exactly the size asked for. */
static enum ponder_status open_bytes(const struct fixture *f, const unsigned char *bytes,
                                     size_t n_bytes, struct pd_adapter *adapter, void *scratch[2],
                                     char err_text[PONDER_ERROR_BYTES])
{
    const struct pd_error err = {err_text, PONDER_ERROR_BYTES};
    struct pd_gguf gguf;
    struct pd_arena a;
    size_t scratch_bytes;
    scratch[0] = scratch[1] = NULL;
    PD_TRY(pd_gguf_scratch_bytes(bytes, n_bytes, &scratch_bytes, &err));
    scratch[0] = malloc(scratch_bytes);
    pd_arena_init(&a, scratch[0], scratch_bytes);
    PD_TRY(pd_gguf_open(&gguf, bytes, n_bytes, &a, &err));
    scratch_bytes = pd_adapter_scratch_bytes(&f->base.model);
    scratch[1] = malloc(scratch_bytes);
    pd_arena_init(&a, scratch[1], scratch_bytes);
    return pd_adapter_open(adapter, &gguf, &f->base.model, &a, &err);
}

static void test_an_adapter_is_what_the_file_holds(void **state)
{
    (void)state;
    struct fixture f;
    struct pd_adapter adapter;
    void *scratch[2];
    char err[PONDER_ERROR_BYTES] = "";
    setup(&f);
    f.options.rank = 6;
    f.options.matrices = 0x3f; /* all but down */
    struct tiny_adapter *tiny = tiny_adapter_new(&f.options);
    enum ponder_status status = open_bytes(&f, tiny->bytes, tiny->n_bytes, &adapter, scratch, err);
    if (status != PONDER_OK)
        fail_msg("%s", err);
    assert_true(adapter.alpha == 8.0);
    assert_int_equal(adapter.max_rank, 6);
    int64_t n = 0;
    for (int i = 0; i < tiny->n_tensors; i++)
        n += (int64_t)tiny->tensor[i].rows * tiny->tensor[i].cols;
    assert_int_equal(adapter.n_parameters, n);
    for (int i = 0; i < adapter.n_layers; i++) {
        const struct pd_adapted_layer *layer = &adapter.layer[i];
        const struct pd_low_rank *gate = &layer->matrix[PD_FFN_GATE];
        char name[64];
        float value;
        snprintf(name, sizeof name, "blk.%d.ffn_gate.weight.lora_b", i);
        gate->b.format->decode(gate->b.data, &value, 1);
        assert_true(value == tiny_adapter_find(tiny, name)->values[0]);
        assert_int_equal(gate->a.rows, 6);
        assert_int_equal(gate->a.cols, f.options.base.n_embd);
        assert_int_equal(gate->b.rows, f.options.base.n_ff);
        assert_null(layer->matrix[PD_FFN_DOWN].a.data);
        assert_null(layer->matrix[PD_ATTN_NORM].a.data);
    }
    free(scratch[0]);
    free(scratch[1]);
    tiny_adapter_free(tiny);
    teardown(&f);
}

/* ---- refused ---- */

static void add(struct gguf_builder *b, const char *name, int cols, int rows, uint32_t type)
{
    float *values = calloc((size_t)(cols * rows), sizeof *values);
    gguf_add_tensor(b, name, type, 2, (uint64_t[]){(uint64_t)cols, (uint64_t)rows}, values,
                    (size_t)(cols * rows) * sizeof *values);
    free(values);
}

struct written {
    const char *type, *kind, *family;
    float alpha;
    struct {
        const char *name;
        int cols, rows;
    } tensor[3];
    enum ponder_status status;
    const char *says;
};

static void test_what_does_not_belong_is_refused_with_words(void **state)
{
    (void)state;
    static const struct written cases[] = {
        {"model",
         "lora",
         "llama",
         1,
         {{NULL, 0, 0}},
         PONDER_UNSUPPORTED,
         "'model', not an adapter"},
        {NULL, "lora", "llama", 1, {{NULL, 0, 0}}, PONDER_UNSUPPORTED, "'model', not an adapter"},
        {"adapter",
         "control_vector",
         "llama",
         1,
         {{NULL, 0, 0}},
         PONDER_UNSUPPORTED,
         "control_vector"},
        {"adapter", NULL, "llama", 1, {{NULL, 0, 0}}, PONDER_BAD_FILE, "adapter.type"},
        {"adapter", "lora", "qwen2", 1, {{NULL, 0, 0}}, PONDER_OTHER_BASE, "qwen2"},
        {"adapter", "lora", "llama", NAN, {{NULL, 0, 0}}, PONDER_BAD_FILE, "alpha"},
        {"adapter", "lora", "llama", 1, {{NULL, 0, 0}}, PONDER_BAD_FILE, "no tensors"},
        {"adapter",
         "lora",
         "llama",
         1,
         {{"blk.0.attn_q.weight.lora_a", 64, 4}},
         PONDER_BAD_FILE,
         "only one of the two"},
        {"adapter",
         "lora",
         "llama",
         1,
         {{"blk.0.attn_q.weight.lora_a", 64, 4}, {"blk.0.attn_q.weight.lora_b", 3, 64}},
         PONDER_BAD_FILE,
         "ranks 4 and 3"},
        {"adapter",
         "lora",
         "llama",
         1,
         {{"blk.0.attn_q.weight.lora_a", 96, 4}},
         PONDER_OTHER_BASE,
         "96 columns, the model's has 64"},
        {"adapter",
         "lora",
         "llama",
         1,
         {{"blk.0.attn_k.weight.lora_b", 4, 64}},
         PONDER_OTHER_BASE,
         "64 rows, the model's has 32"},
        {"adapter",
         "lora",
         "llama",
         1,
         {{"blk.2.attn_q.weight.lora_a", 64, 4}},
         PONDER_OTHER_BASE,
         "it has 2"},
        {"adapter",
         "lora",
         "llama",
         1,
         {{"blk.99999999.attn_q.weight.lora_a", 64, 4}},
         PONDER_UNSUPPORTED,
         "blk.99999999"},
        {"adapter",
         "lora",
         "llama",
         1,
         {{"output.weight.lora_a", 64, 4}},
         PONDER_UNSUPPORTED,
         "output.weight.lora_a"},
        {"adapter",
         "lora",
         "llama",
         1,
         {{"blk.0.attn_norm.weight.lora_a", 64, 4}},
         PONDER_UNSUPPORTED,
         "attn_norm"},
        {"adapter",
         "lora",
         "llama",
         1,
         {{"blk.0.attn_q.weight", 64, 4}},
         PONDER_UNSUPPORTED,
         "attn_q.weight"},
        {"adapter",
         "lora",
         "llama",
         1,
         {{"blk.0.attn_q.weight.lora_a", 64, 1025}},
         PONDER_BAD_FILE,
         "rank 1025"},
    };
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        const struct written *c = &cases[i];
        struct gguf_builder *b = gguf_new(3, 32);
        struct pd_adapter adapter;
        void *scratch[2];
        size_t n_bytes;
        char err[PONDER_ERROR_BYTES] = "";
        if (c->type)
            gguf_add_string(b, "general.type", c->type);
        if (c->kind)
            gguf_add_string(b, "adapter.type", c->kind);
        gguf_add_string(b, "general.architecture", c->family);
        gguf_add_f32(b, "adapter.lora.alpha", c->alpha);
        for (int t = 0; t < 3 && c->tensor[t].name; t++)
            add(b, c->tensor[t].name, c->tensor[t].cols, c->tensor[t].rows, 0);
        unsigned char *bytes = gguf_finish(b, &n_bytes);
        enum ponder_status status = open_bytes(&f, bytes, n_bytes, &adapter, scratch, err);
        if (status != c->status || strstr(err, c->says) == NULL)
            fail_msg("case %d: %s, '%s' does not say '%s'", (int)i, ponder_status_text(status), err,
                     c->says);
        assert_int_equal(ponder_status_exit_code(status), 3);
        free(scratch[0]);
        free(scratch[1]);
        free(bytes);
        gguf_free(b);
    }
    teardown(&f);
}

/* Through the whole start: the file is named, and nothing is left behind. */
static void test_the_engine_names_the_adapter_s_file(void **state)
{
    (void)state;
    struct fixture f;
    char model[MODEL_FILE_PATH], lora[MODEL_FILE_PATH], err[PONDER_ERROR_BYTES];
    struct ponder_options options;
    struct ponder *p = NULL;
    setup(&f);
    assert_true(model_file_of(&f.options.base, model));
    ponder_options_default(&options);
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            f.options.base.n_embd = 96;
        if (i == 2) {
            f.options.base.n_embd = 64;
            f.options.size = NAN;
        }
        struct tiny_adapter *tiny = tiny_adapter_new(&f.options);
        assert_true(model_file_bytes(tiny->bytes, tiny->n_bytes, lora));
        tiny_adapter_free(tiny);
        options.lora = lora;
        enum ponder_status status = ponder_create(model, &options, 0, &p, err, sizeof err);
        assert_int_equal(status, i == 0 ? PONDER_OK : i == 1 ? PONDER_OTHER_BASE : PONDER_BAD_FILE);
        if (i > 0 && strstr(err, i == 1 ? lora : "no number") == NULL)
            fail_msg("%s", err);
        ponder_free(i == 0 ? p : NULL);
        unlink(lora);
    }
    options.lora = "/nowhere/at/all.gguf";
    assert_int_equal(ponder_create(model, &options, 0, &p, err, sizeof err), PONDER_NO_FILE);
    assert_non_null(strstr(err, "/nowhere/at/all.gguf"));
    options.lora = model;
    assert_int_equal(ponder_create(model, &options, 0, &p, err, sizeof err), PONDER_UNSUPPORTED);
    assert_non_null(strstr(err, "not an adapter"));
    unlink(model);
    teardown(&f);
}

/* Reads both ends of what was found. */
static void touch(const struct pd_adapter *adapter)
{
    for (int i = 0; i < adapter->n_layers; i++)
        for (int t = 0; t < PD_LAYER_TENSORS; t++) {
            const struct pd_low_rank *pair = &adapter->layer[i].matrix[t];
            const struct pd_tensor *tensors[2] = {&pair->a, &pair->b};
            for (int k = 0; k < 2 && pair->a.data != NULL; k++) {
                const struct pd_tensor *tensor = tensors[k];
                const struct pd_format *format = tensor->format;
                size_t n_blocks =
                    (size_t)tensor->rows * (size_t)tensor->cols / format->block_elements;
                float values[32];
                format->decode(tensor->data, values, 1);
                format->decode((const char *)tensor->data + (n_blocks - 1) * format->block_bytes,
                               values, 1);
            }
        }
}

static void test_damaged_files_open_or_say_why_not(void **state)
{
    (void)state;
    struct fixture f;
    int n_refused = 0;
    setup(&f);
    struct tiny_adapter *tiny = tiny_adapter_new(&f.options);
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct pd_adapter adapter;
        void *scratch[2];
        char err[PONDER_ERROR_BYTES] = "";
        size_t n_bytes = tiny->n_bytes;
        if (seed % 4 == 0) /* cut */
            n_bytes = (size_t)(pd_rng_u64(seed, 1, 0) % n_bytes) + 1;
        unsigned char *bytes = malloc(n_bytes);
        memcpy(bytes, tiny->bytes, n_bytes);
        for (uint64_t i = 0; i < 1 + seed % 8; i++) /* most of it at the front: the directory */
            bytes[pd_rng_u64(seed, 2, i) % pd_min_size(n_bytes, 4096)] ^=
                (unsigned char)(1u << pd_rng_u64(seed, 3, i) % 8);
        if (open_bytes(&f, bytes, n_bytes, &adapter, scratch, err) == PONDER_OK)
            touch(&adapter);
        else
            n_refused += err[0] != '\0';
        free(scratch[0]);
        free(scratch[1]);
        free(bytes);
    }
    assert_true(n_refused > 1000);
    tiny_adapter_free(tiny);
    teardown(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_adapter_is_what_the_file_holds),
        cmocka_unit_test(test_what_does_not_belong_is_refused_with_words),
        cmocka_unit_test(test_the_engine_names_the_adapter_s_file),
        cmocka_unit_test(test_damaged_files_open_or_say_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
