/* SPDX-License-Identifier: Apache-2.0
 * test_traits.c - what a file says of itself is read as it is, over what was there before, in as many bytes as were
 * counted; and what cannot be is refused by name. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/traits.h"
#include "tests/support/gguf_builder.h"

enum { N_EMBD = 5 };

/* A file with some metadata, and what came of reading it. */
struct fixture {
    struct gguf_builder *builder;
    unsigned char *bytes;
    struct pd_gguf gguf;
    void *scratch, *block;
    struct pd_traits traits;
    char error[PONDER_ERROR_BYTES];
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){.builder = gguf_new(3, 32), .traits = pd_traits_none()};
}

/* Counts, then reads into exactly that much. */
static enum ponder_status finish(struct fixture *f)
{
    const struct pd_error err = {f->error, sizeof f->error};
    struct pd_arena a;
    size_t n_bytes, scratch_bytes;
    f->bytes = gguf_finish(f->builder, &n_bytes);
    assert_int_equal(pd_gguf_scratch_bytes(f->bytes, n_bytes, &scratch_bytes, &err), PONDER_OK);
    f->scratch = malloc(scratch_bytes);
    pd_arena_init(&a, f->scratch, scratch_bytes);
    assert_int_equal(pd_gguf_open(&f->gguf, f->bytes, n_bytes, &a, &err), PONDER_OK);
    struct pd_traits counted = f->traits;
    pd_arena_init_count(&a);
    PD_TRY(pd_traits_layout(&counted, &f->gguf, N_EMBD, &a, &err));
    size_t block_bytes = pd_arena_block_bytes(&a), used = a.used;
    f->block = malloc(block_bytes);
    pd_arena_init(&a, f->block, block_bytes);
    enum ponder_status status = pd_traits_layout(&f->traits, &f->gguf, N_EMBD, &a, &err);
    assert_int_equal(a.used, used);
    assert_false(a.overflowed);
    return status;
}

static void end(struct fixture *f)
{
    gguf_free(f->builder);
    free(f->bytes);
    free(f->scratch);
    free(f->block);
}

static void add_all(struct gguf_builder *b, const char *prompt, float first)
{
    const float weight[N_EMBD] = {first, -2.0f, 0.5f, 0.0f, 4.0f};
    gguf_add_string(b, "ponder.prompt", prompt);
    gguf_add_string(b, "ponder.answer", "#");
    gguf_add_string(b, "ponder.revision", "~");
    gguf_add_bool(b, "ponder.calculator", true);
    gguf_add_array(b, "ponder.head.value", PD_GGUF_F32, weight, N_EMBD);
    gguf_add_f32(b, "ponder.head.value.bias", -0.25f);
    gguf_add_array(b, "ponder.head.difficulty", PD_GGUF_F32, weight, N_EMBD);
}

static void test_a_file_says_all_of_it(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    add_all(f.builder, "Q: {question}\nA:", 1.5f);
    assert_int_equal(finish(&f), PONDER_OK);
    assert_string_equal(f.traits.prompt, "Q: {question}\nA:");
    assert_string_equal(f.traits.answer, "#");
    assert_string_equal(f.traits.revision, "~");
    assert_true(f.traits.has_calculator);
    assert_true(f.traits.value.weight[0] == 1.5f && f.traits.value.weight[4] == 4.0f);
    assert_true(f.traits.value.bias == -0.25f);
    assert_true(f.traits.difficulty.weight[1] == -2.0f && f.traits.difficulty.bias == 0.0f);
    end(&f);
}

static void test_a_file_without_keys_says_nothing_and_takes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct pd_arena a;
    begin(&f);
    gguf_add_string(f.builder, "general.architecture", "llama");
    assert_int_equal(finish(&f), PONDER_OK);
    assert_string_equal(f.traits.prompt, "");
    assert_null(f.traits.value.weight);
    pd_arena_init_count(&a);
    assert_int_equal(pd_traits_layout(&f.traits, &f.gguf, N_EMBD, &a, NULL), PONDER_OK);
    assert_int_equal(a.used, 0);
    end(&f);
}

static void test_an_adapter_speaks_over_its_base(void **state)
{
    (void)state;
    struct fixture f;
    float weight[N_EMBD] = {9.0f};
    begin(&f);
    f.traits.prompt = "base {question}";
    f.traits.answer = "=>";
    f.traits.value = (struct pd_linear){weight, N_EMBD, 1.0f};
    gguf_add_string(f.builder, "ponder.prompt", "{question}\n");
    assert_int_equal(finish(&f), PONDER_OK);
    assert_string_equal(f.traits.prompt, "{question}\n");
    assert_string_equal(f.traits.answer, "=>");
    assert_ptr_equal(f.traits.value.weight, weight);
    end(&f);
}

static void test_a_probability_is_the_sigmoid_of_the_product(void **state)
{
    (void)state;
    float weight[3] = {1.0f, -2.0f, 0.5f};
    const float x[3] = {0.5f, 0.25f, 4.0f}, huge[3] = {3e38f, -3e38f, 0.0f};
    const float nan[3] = {0.0f, NAN, 0.0f};
    struct pd_linear linear = {weight, 3, -1.0f};
    assert_true(fabs((double)pd_linear_probability(&linear, x) - 1.0 / (1.0 + exp(-1.0))) < 1e-7);
    assert_true(pd_linear_probability(&linear, huge) == 1.0f);
    assert_true(isnan(pd_linear_probability(&linear, nan)));
}

typedef void add_fn(struct gguf_builder *b);

static void add_short_head(struct gguf_builder *b)
{
    const float weight[N_EMBD] = {0};
    gguf_add_array(b, "ponder.head.value", PD_GGUF_F32, weight, N_EMBD - 1);
}

static void add_nan_head(struct gguf_builder *b)
{
    const float weight[N_EMBD] = {0, 0, NAN, 0, 0};
    gguf_add_array(b, "ponder.head.difficulty", PD_GGUF_F32, weight, N_EMBD);
}

static void add_infinite_head(struct gguf_builder *b)
{
    const float weight[N_EMBD] = {0, 0, 0, 0, INFINITY};
    gguf_add_array(b, "ponder.head.value", PD_GGUF_F32, weight, N_EMBD);
}

static void add_integer_head(struct gguf_builder *b)
{
    const int32_t weight[N_EMBD] = {0};
    gguf_add_array(b, "ponder.head.value", PD_GGUF_I32, weight, N_EMBD);
}

static void add_nan_bias(struct gguf_builder *b)
{
    const float weight[N_EMBD] = {0};
    gguf_add_array(b, "ponder.head.value", PD_GGUF_F32, weight, N_EMBD);
    gguf_add_f32(b, "ponder.head.value.bias", NAN);
}

static void add_prompt_without_question(struct gguf_builder *b)
{
    gguf_add_string(b, "ponder.prompt", "Question:");
}

static void add_prompt_with_two(struct gguf_builder *b)
{
    gguf_add_string(b, "ponder.prompt", "{question}{question}");
}

static void add_long_prompt(struct gguf_builder *b)
{
    char text[2000] = "{question}";
    memset(text + strlen(text), 'x', sizeof text - 1 - strlen(text));
    gguf_add_string(b, "ponder.prompt", text);
}

static void add_broken_prompt(struct gguf_builder *b)
{
    gguf_add_string(b, "ponder.prompt", "{question}\xff");
}

static void add_empty_mark(struct gguf_builder *b)
{
    gguf_add_string(b, "ponder.answer", "");
}

static void add_mark_of_two_lines(struct gguf_builder *b)
{
    gguf_add_string(b, "ponder.revision", "~\n");
}

static void add_number_for_bool(struct gguf_builder *b)
{
    gguf_add_u32(b, "ponder.calculator", 1);
}

static void test_what_cannot_be_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        add_fn *add;
        const char *says[2];
    } cases[] = {
        {add_short_head, {"ponder.head.value", "has 4 numbers"}},
        {add_nan_head, {"ponder.head.difficulty", "no number"}},
        {add_infinite_head, {"ponder.head.value", "no number, at 4"}},
        {add_integer_head, {"ponder.head.value", "f32"}},
        {add_nan_bias, {"ponder.head.value.bias", "nan"}},
        {add_prompt_without_question, {"ponder.prompt", "0 times"}},
        {add_prompt_with_two, {"ponder.prompt", "2 times"}},
        {add_long_prompt, {"ponder.prompt", "at most"}},
        {add_broken_prompt, {"ponder.prompt", "UTF-8"}},
        {add_empty_mark, {"ponder.answer", "one line"}},
        {add_mark_of_two_lines, {"ponder.revision", "one line"}},
        {add_number_for_bool, {"ponder.calculator", "bool"}},
    };
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        struct fixture f;
        begin(&f);
        cases[i].add(f.builder);
        assert_int_equal(finish(&f), PONDER_BAD_FILE);
        for (int j = 0; j < 2; j++)
            if (strstr(f.error, cases[i].says[j]) == NULL)
                fail_msg("'%s' does not say '%s'", f.error, cases[i].says[j]);
        end(&f);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_says_all_of_it),
        cmocka_unit_test(test_a_file_without_keys_says_nothing_and_takes_nothing),
        cmocka_unit_test(test_an_adapter_speaks_over_its_base),
        cmocka_unit_test(test_a_probability_is_the_sigmoid_of_the_product),
        cmocka_unit_test(test_what_cannot_be_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
