/* SPDX-License-Identifier: Apache-2.0
 * test_gguf.c - the directory of a sound GGUF file says what was put in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "model/gguf.h"
#include "tests/support/gguf_builder.h"

struct opened {
    struct pd_gguf gguf;
    unsigned char *bytes;
    void *scratch;
    char text[PONDER_ERROR_BYTES];
    struct pd_error err;
};

/* Finishes and opens what was built; the builder goes. */
static enum ponder_status open_built(struct opened *o, struct gguf_builder *b)
{
    size_t n_bytes, scratch_bytes = 0;
    struct pd_arena arena;
    *o = (struct opened){.text = ""};
    o->err = (struct pd_error){o->text, sizeof o->text};
    o->bytes = gguf_finish(b, &n_bytes);
    gguf_free(b);
    PD_TRY(pd_gguf_scratch_bytes(o->bytes, n_bytes, &scratch_bytes, &o->err));
    o->scratch = malloc(scratch_bytes);
    pd_arena_init(&arena, o->scratch, scratch_bytes);
    return pd_gguf_open(&o->gguf, o->bytes, n_bytes, &arena, &o->err);
}

static void must_open(struct opened *o, struct gguf_builder *b)
{
    if (open_built(o, b) != PONDER_OK)
        fail_msg("%s", o->text);
}

static void close_opened(struct opened *o)
{
    free(o->bytes);
    free(o->scratch);
}

static int64_t get_int(struct opened *o, const char *key)
{
    int64_t value = 0;
    assert_int_equal(pd_gguf_get_int(&o->gguf, key, true, INT64_MIN, INT64_MAX, &value, &o->err),
                     PONDER_OK);
    return value;
}

static double get_float(struct opened *o, const char *key)
{
    double value = 0;
    assert_int_equal(pd_gguf_get_float(&o->gguf, key, true, -1e300, 1e300, &value, &o->err),
                     PONDER_OK);
    return value;
}

static void test_numbers_of_every_type_come_back(void **state)
{
    (void)state;
    struct gguf_builder *b = gguf_new(3, 32);
    gguf_add_number(b, "u8", PD_GGUF_U8, &(uint8_t){255});
    gguf_add_number(b, "i8", PD_GGUF_I8, &(int8_t){-128});
    gguf_add_number(b, "u16", PD_GGUF_U16, &(uint16_t){65535});
    gguf_add_number(b, "i16", PD_GGUF_I16, &(int16_t){-32768});
    gguf_add_number(b, "u32", PD_GGUF_U32, &(uint32_t){UINT32_MAX});
    gguf_add_number(b, "i32", PD_GGUF_I32, &(int32_t){INT32_MIN});
    gguf_add_number(b, "u64", PD_GGUF_U64, &(uint64_t){1234567890123});
    gguf_add_number(b, "i64", PD_GGUF_I64, &(int64_t){INT64_MIN});
    gguf_add_number(b, "f64", PD_GGUF_F64, &(double){0.1});
    gguf_add_f32(b, "f32", 0.1f);
    gguf_add_bool(b, "yes", true);
    gguf_add_bool(b, "no", false);
    struct opened o;
    must_open(&o, b);
    assert_int_equal(o.gguf.n_kv, 12);
    assert_int_equal(get_int(&o, "u8"), 255);
    assert_int_equal(get_int(&o, "i8"), -128);
    assert_int_equal(get_int(&o, "u16"), 65535);
    assert_int_equal(get_int(&o, "i16"), -32768);
    assert_int_equal(get_int(&o, "u32"), UINT32_MAX);
    assert_int_equal(get_int(&o, "i32"), INT32_MIN);
    assert_int_equal(get_int(&o, "u64"), 1234567890123);
    assert_int_equal(get_int(&o, "i64"), INT64_MIN);
    assert_true(get_float(&o, "f64") == 0.1);
    assert_true(get_float(&o, "f32") == (double)0.1f);
    bool yes = false, no = true;
    assert_int_equal(pd_gguf_get_bool(&o.gguf, "yes", &yes, &o.err), PONDER_OK);
    assert_int_equal(pd_gguf_get_bool(&o.gguf, "no", &no, &o.err), PONDER_OK);
    assert_true(yes && !no);
    close_opened(&o);
}

static void test_strings_and_arrays_come_back(void **state)
{
    (void)state;
    static const char *const words[] = {"one", "", "three"};
    static const uint32_t numbers[] = {7, UINT32_MAX, 0};
    struct gguf_builder *b = gguf_new(2, 32);
    gguf_add_string(b, "name", "a name");
    gguf_add_string(b, "empty", "");
    gguf_add_string_array(b, "words", words, PD_COUNT(words));
    gguf_add_array(b, "numbers", PD_GGUF_U32, numbers, PD_COUNT(numbers));
    gguf_add_array(b, "nothing", PD_GGUF_F64, NULL, 0);
    struct opened o;
    must_open(&o, b);
    assert_int_equal(o.gguf.version, 2);

    struct pd_string s = {NULL, 0};
    assert_int_equal(pd_gguf_get_string(&o.gguf, "name", true, &s, &o.err), PONDER_OK);
    assert_true(pd_string_equal(s, "a name"));
    assert_int_equal(pd_gguf_get_string(&o.gguf, "empty", true, &s, &o.err), PONDER_OK);
    assert_int_equal(s.bytes, 0);

    const struct pd_gguf_kv *kv = pd_gguf_find(&o.gguf, "words");
    assert_int_equal(kv->type, PD_GGUF_ARRAY);
    assert_int_equal(kv->element_type, PD_GGUF_STRING);
    assert_int_equal(kv->n, 3);
    const unsigned char *cursor = kv->data;
    for (size_t i = 0; i < PD_COUNT(words); i++)
        assert_true(pd_string_equal(pd_gguf_next_string(&cursor), words[i]));
    assert_ptr_equal(cursor, kv->end);

    kv = pd_gguf_find(&o.gguf, "numbers");
    for (size_t i = 0; i < PD_COUNT(numbers); i++)
        assert_int_equal(pd_gguf_array_u32(kv, i), numbers[i]);
    assert_int_equal(pd_gguf_find(&o.gguf, "nothing")->n, 0);
    close_opened(&o);
}

static void test_a_missing_key_keeps_the_default_unless_required(void **state)
{
    (void)state;
    struct opened o;
    must_open(&o, gguf_new(3, 32));
    int64_t whole = 42;
    double real = 4.5;
    bool fact = true;
    struct pd_string s = {"x", 1};
    assert_int_equal(pd_gguf_get_int(&o.gguf, "k", false, 0, 1, &whole, &o.err), PONDER_OK);
    assert_int_equal(pd_gguf_get_float(&o.gguf, "k", false, 0, 1, &real, &o.err), PONDER_OK);
    assert_int_equal(pd_gguf_get_bool(&o.gguf, "k", &fact, &o.err), PONDER_OK);
    assert_int_equal(pd_gguf_get_string(&o.gguf, "k", false, &s, &o.err), PONDER_OK);
    assert_true(whole == 42 && real == 4.5 && fact && s.bytes == 1);
    assert_string_equal(o.text, "");

    assert_int_equal(pd_gguf_get_int(&o.gguf, "k", true, 0, 1, &whole, &o.err), PONDER_BAD_FILE);
    assert_string_equal(o.text, "metadata 'k' is missing");
    assert_int_equal(pd_gguf_get_float(&o.gguf, "k", true, 0, 1, &real, &o.err), PONDER_BAD_FILE);
    assert_int_equal(pd_gguf_get_string(&o.gguf, "k", true, &s, NULL), PONDER_BAD_FILE);
    close_opened(&o);
}

static void test_values_out_of_range_or_of_the_wrong_type_are_refused(void **state)
{
    (void)state;
    struct gguf_builder *b = gguf_new(3, 32);
    gguf_add_u32(b, "five", 5);
    gguf_add_number(b, "huge", PD_GGUF_U64, &(uint64_t){UINT64_MAX});
    gguf_add_f32(b, "half", 0.5f);
    gguf_add_string(b, "text", "5");
    struct opened o;
    must_open(&o, b);
    int64_t whole = -1;
    double real = -1;
    bool fact = false;
    struct pd_string s = {NULL, 0};
    assert_int_equal(pd_gguf_get_int(&o.gguf, "five", true, 6, 9, &whole, &o.err), PONDER_BAD_FILE);
    assert_string_equal(o.text, "metadata 'five' is 5; 6 to 9 is right");
    assert_int_equal(pd_gguf_get_int(&o.gguf, "huge", true, 0, INT64_MAX - 1, &whole, &o.err),
                     PONDER_BAD_FILE);
    assert_int_equal(pd_gguf_get_int(&o.gguf, "half", true, 0, 9, &whole, &o.err), PONDER_BAD_FILE);
    assert_string_equal(o.text, "metadata 'half' is of type f32, not an integer");
    assert_int_equal(pd_gguf_get_float(&o.gguf, "half", true, 1, 2, &real, &o.err),
                     PONDER_BAD_FILE);
    assert_string_equal(o.text, "metadata 'half' is 0.5; 1 to 2 is right");
    assert_int_equal(pd_gguf_get_float(&o.gguf, "five", true, 0, 9, &real, &o.err),
                     PONDER_BAD_FILE);
    assert_int_equal(pd_gguf_get_bool(&o.gguf, "five", &fact, &o.err), PONDER_BAD_FILE);
    assert_int_equal(pd_gguf_get_string(&o.gguf, "five", true, &s, &o.err), PONDER_BAD_FILE);
    assert_int_equal(pd_gguf_get_int(&o.gguf, "text", true, 0, 9, &whole, &o.err), PONDER_BAD_FILE);
    assert_true(whole == -1 && real == -1 && !fact && !s.data);
    close_opened(&o);
}

static void test_tensors_of_every_format_come_back(void **state)
{
    (void)state;
    static unsigned char data[4096];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7);
    struct gguf_builder *b = gguf_new(3, 32);
    for (int f = 0; f < PD_FORMATS; f++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)f);
        const uint64_t ne[] = {2u * format->block_elements, 3};
        gguf_add_tensor(b, format->name, format->gguf_type, 2, ne, data, 6u * format->block_bytes);
    }
    struct opened o;
    must_open(&o, b);
    assert_int_equal(o.gguf.n_tensors, PD_FORMATS);
    for (int f = 0; f < PD_FORMATS; f++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)f);
        const struct pd_gguf_tensor *t = pd_gguf_find_tensor(&o.gguf, format->name);
        assert_non_null(t);
        assert_ptr_equal(t->format, format);
        assert_int_equal(t->n_dims, 2);
        assert_int_equal(t->ne[0], 2 * format->block_elements);
        assert_int_equal(t->ne[1], 3);
        assert_int_equal(t->ne[2] * t->ne[3], 1);
        assert_int_equal(t->bytes, 6 * format->block_bytes);
        assert_memory_equal(t->data, data, t->bytes);
    }
    close_opened(&o);
}

static void test_a_format_that_we_lack_is_listed_without_data(void **state)
{
    (void)state;
    static const unsigned char data[64];
    struct gguf_builder *b = gguf_new(3, 32);
    gguf_add_tensor(b, "iq4", 20, 1, (const uint64_t[]){32}, data, 18);
    gguf_add_tensor(b, "f32", 0, 4, (const uint64_t[]){1, 2, 2, 1}, data, 16);
    struct opened o;
    must_open(&o, b);
    const struct pd_gguf_tensor *t = pd_gguf_find_tensor(&o.gguf, "iq4");
    assert_null(t->format);
    assert_null(t->data);
    assert_int_equal(t->gguf_type, 20);
    assert_int_equal(pd_gguf_find_tensor(&o.gguf, "f32")->offset, 32);
    close_opened(&o);
}

static void test_every_alignment_up_to_a_page_is_read(void **state)
{
    (void)state;
    static const float values[3] = {1, 2, 3};
    for (uint32_t alignment = 1; alignment <= PD_GGUF_MAX_ALIGNMENT; alignment *= 2) {
        struct gguf_builder *b = gguf_new(3, alignment);
        gguf_add_tensor(b, "a", 0, 1, (const uint64_t[]){3}, values, sizeof values);
        gguf_add_tensor(b, "bc", 0, 1, (const uint64_t[]){3}, values, sizeof values);
        struct opened o;
        must_open(&o, b);
        const struct pd_gguf_tensor *t = pd_gguf_find_tensor(&o.gguf, "bc");
        assert_memory_equal(t->data, values, sizeof values);
        assert_int_equal((size_t)((const unsigned char *)t->data - o.bytes) % alignment, 0);
        close_opened(&o);
    }
}

static void test_names_are_found_among_many_and_others_are_not(void **state)
{
    (void)state;
    enum { N = 3000 };
    struct gguf_builder *b = gguf_new(3, 1);
    char name[32];
    for (unsigned i = 1; i < N; i++) { /* not in the order of the alphabet */
        snprintf(name, sizeof name, "n%u", i * 7919 % N);
        gguf_add_u32(b, name, i);
        gguf_add_tensor(b, name, 24, 1, (const uint64_t[]){i}, NULL, 0);
    }
    struct opened o;
    must_open(&o, b);
    for (unsigned i = 1; i < N; i++) {
        snprintf(name, sizeof name, "n%u", i * 7919 % N);
        assert_int_equal(get_int(&o, name), i);
        assert_int_equal(pd_gguf_find_tensor(&o.gguf, name)->ne[0], i);
    }
    static const char *const absent[] = {"", "n", "n0 ", "n2999x", "zzz", "A"};
    for (size_t i = 0; i < PD_COUNT(absent); i++) {
        assert_null(pd_gguf_find(&o.gguf, absent[i]));
        assert_null(pd_gguf_find_tensor(&o.gguf, absent[i]));
    }
    close_opened(&o);
}

static void test_tensors_may_lie_in_any_order_and_apart(void **state)
{
    (void)state;
    static const float values[64] = {1};
    struct gguf_builder *b = gguf_new(3, 32);
    gguf_add_tensor(b, "first", 0, 1, (const uint64_t[]){8}, values, 32);
    gguf_add_tensor(b, "gap", 0, 1, (const uint64_t[]){8}, values, 96);
    gguf_add_tensor(b, "last", 0, 1, (const uint64_t[]){8}, values, 32);
    size_t n_bytes;
    free(gguf_finish(b, &n_bytes));
    struct gguf_field first = *gguf_find_field(b, GGUF_FIELD_OFFSET, "first");
    struct gguf_field last = *gguf_find_field(b, GGUF_FIELD_OFFSET, "last");
    unsigned char *bytes = gguf_finish(b, &n_bytes);
    bytes[first.offset] = 128; /* the two change places */
    bytes[last.offset] = 0;
    struct pd_gguf gguf;
    struct pd_arena arena;
    size_t scratch_bytes = 0;
    assert_int_equal(pd_gguf_scratch_bytes(bytes, n_bytes, &scratch_bytes, NULL), PONDER_OK);
    void *scratch = malloc(scratch_bytes);
    pd_arena_init(&arena, scratch, scratch_bytes);
    assert_int_equal(pd_gguf_open(&gguf, bytes, n_bytes, &arena, NULL), PONDER_OK);
    assert_int_equal(pd_gguf_find_tensor(&gguf, "first")->offset, 128);
    free(scratch);
    free(bytes);
    gguf_free(b);
}

static void test_the_most_of_everything_opens_soon(void **state)
{
    (void)state;
    /* As many tensors as we take, the worst names to compare, and a million strings. */
    enum { N_STRINGS = 1000000 };
    char name[512];
    memset(name, 'x', sizeof name);
    struct gguf_builder *b = gguf_new(3, 1);
    for (unsigned i = 0; i < PD_GGUF_MAX_TENSORS; i++) {
        snprintf(name + 480, 32, "%u", i * 40503 % PD_GGUF_MAX_TENSORS);
        gguf_add_tensor(b, name, 24, 1, (const uint64_t[]){1}, NULL, 0);
    }
    unsigned char *strings = calloc(N_STRINGS + 2, 8);
    assert_non_null(strings);
    strings[0] = PD_GGUF_STRING;
    strings[4] = N_STRINGS & 0xff;
    strings[5] = N_STRINGS >> 8 & 0xff;
    strings[6] = N_STRINGS >> 16;
    gguf_add_raw(b, "strings", PD_GGUF_ARRAY, strings, 12 + 8 * (size_t)N_STRINGS);
    free(strings);
    struct opened o;
    clock_t start = clock(); /* of the processor: other work does not count */
    must_open(&o, b);
    double ms = 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC;
    print_message("%d tensors, %d strings: %.0f ms\n", o.gguf.n_tensors, N_STRINGS, ms);
    assert_int_equal(pd_gguf_find(&o.gguf, "strings")->n, N_STRINGS);
    assert_true(ms < 10000); /* quadratic: minutes */
    close_opened(&o);
}

static void test_texts_of_the_file_are_shown_printable_and_cut(void **state)
{
    (void)state;
    char text[PD_SHOW_BYTES];
    assert_string_equal(pd_string_show((struct pd_string){"a\nb\0\xff~", 6}, text), "a?b??~");
    assert_string_equal(pd_string_show((struct pd_string){NULL, 0}, text), "");
    char longest[200];
    memset(longest, 'y', sizeof longest);
    pd_string_show((struct pd_string){longest, sizeof longest}, text);
    assert_int_equal(strlen(text), PD_SHOW_BYTES - 1);
    assert_string_equal(text + strlen(text) - 4, "y...");
    pd_string_show((struct pd_string){longest, PD_SHOW_BYTES - 4}, text);
    assert_int_equal(strlen(text), PD_SHOW_BYTES - 4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_every_type_come_back),
        cmocka_unit_test(test_strings_and_arrays_come_back),
        cmocka_unit_test(test_a_missing_key_keeps_the_default_unless_required),
        cmocka_unit_test(test_values_out_of_range_or_of_the_wrong_type_are_refused),
        cmocka_unit_test(test_tensors_of_every_format_come_back),
        cmocka_unit_test(test_a_format_that_we_lack_is_listed_without_data),
        cmocka_unit_test(test_every_alignment_up_to_a_page_is_read),
        cmocka_unit_test(test_names_are_found_among_many_and_others_are_not),
        cmocka_unit_test(test_tensors_may_lie_in_any_order_and_apart),
        cmocka_unit_test(test_the_most_of_everything_opens_soon),
        cmocka_unit_test(test_texts_of_the_file_are_shown_printable_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
