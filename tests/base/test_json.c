/* SPDX-License-Identifier: Apache-2.0
 * test_json.c - the writer's bytes, and what the reader takes, refuses and finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/json.h"

struct written {
    char text[512];
    size_t bytes;
};

static void put(void *user, const char *text, size_t bytes)
{
    struct written *written = user;
    assert_true(written->bytes + bytes < sizeof written->text);
    memcpy(written->text + written->bytes, text, bytes);
    written->bytes += bytes;
    written->text[written->bytes] = '\0';
}

static void begin(struct pd_json_writer *w, struct written *written)
{
    written->bytes = 0;
    written->text[0] = '\0';
    pd_json_writer_init(w, put, written);
}

static void test_writer_nests_and_puts_commas(void **state)
{
    (void)state;
    struct written written;
    struct pd_json_writer w;
    begin(&w, &written);
    pd_json_begin(&w, '{');
    pd_json_key(&w, "a");
    pd_json_int(&w, -5);
    pd_json_key(&w, "b");
    pd_json_begin(&w, '[');
    pd_json_end(&w, ']');
    pd_json_key(&w, "c\"");
    pd_json_begin(&w, '[');
    pd_json_bool(&w, true);
    pd_json_begin(&w, '{');
    pd_json_end(&w, '}');
    pd_json_text(&w, NULL);
    pd_json_text(&w, "x");
    pd_json_end(&w, ']');
    pd_json_key(&w, "d");
    pd_json_raw(&w, "[1]", 3);
    pd_json_end(&w, '}');
    assert_string_equal(written.text,
                        "{\"a\":-5,\"b\":[],\"c\\\"\":[true,{},null,\"x\"],\"d\":[1]}");
    assert_null(pd_json_check(written.text, written.bytes, NULL));
}

static void test_writer_escapes_strings(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
        {"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
        {"\xff", "\"\xef\xbf\xbd\""},
        {"a\xc3", "\"a\xef\xbf\xbd\""},
        {"\xc3(", "\"\xef\xbf\xbd(\""},
        {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong */
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
        {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xf0\x9f\x98", "\"\xef\xbf\xbd\""}, /* one broken sequence, one mark */
        {"\xe2\x82z", "\"\xef\xbf\xbdz\""},
        {"\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    (void)state;
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        struct written written;
        struct pd_json_writer w;
        begin(&w, &written);
        pd_json_text(&w, cases[i].text);
        assert_string_equal(written.text, cases[i].json);
    }
    struct written written;
    struct pd_json_writer w;
    begin(&w, &written);
    pd_json_string(&w, "a\0b", 3);
    assert_string_equal(written.text, "\"a\\u0000b\"");
}

static void test_writer_rounds_numbers(void **state)
{
    static const struct {
        double value;
        int decimals;
        const char *json;
    } cases[] = {
        {0, 3, "0"},
        {-0.0, 3, "0"},
        {1, 3, "1"},
        {0.5, 3, "0.5"},
        {12.3456, 3, "12.346"},
        {-12.3456, 2, "-12.35"},
        {0.0004, 3, "0"},
        {-0.0004, 3, "0"},
        {0.0006, 3, "0.001"},
        {0.9996, 3, "1"},
        {99.9999, 1, "100"},
        {1.05, 0, "1"},
        {2.5, 0, "3"},
        {0.125, 9, "0.125"},
        {1e-9, 9, "0.000000001"},
        {123456789.25, 2, "123456789.25"},
        {1e15, 3, "1000000000000000"},
        {1e18, 9, "1000000000000000000"},
        {1e300, 0, "18446744073709549568"},
        {-1e300, 0, "-18446744073709549568"},
        {100, 3, "100"},
        {0.1, 1, "0.1"},
        {10.01, 2, "10.01"},
    };
    (void)state;
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        struct written written;
        struct pd_json_writer w;
        begin(&w, &written);
        pd_json_double(&w, cases[i].value, cases[i].decimals);
        assert_string_equal(written.text, cases[i].json);
    }
    static const double zero = 0;
    const double strange[] = {1 / zero, -1 / zero, zero / zero};
    for (size_t i = 0; i < PD_COUNT(strange); i++) {
        struct written written;
        struct pd_json_writer w;
        begin(&w, &written);
        pd_json_double(&w, strange[i], 3);
        assert_string_equal(written.text, "null");
    }
}

static void test_writer_writes_whole_numbers_to_their_ends(void **state)
{
    (void)state;
    struct written written;
    struct pd_json_writer w;
    begin(&w, &written);
    pd_json_begin(&w, '[');
    pd_json_u64(&w, UINT64_MAX);
    pd_json_u64(&w, 0);
    pd_json_int(&w, INT64_MIN);
    pd_json_int(&w, INT64_MAX);
    pd_json_end(&w, ']');
    assert_string_equal(written.text,
                        "[18446744073709551615,0,-9223372036854775808,9223372036854775807]");
}

/* A copy of exactly the text's length, so that a sanitizer sees a byte read too many. */
static char *exact_copy(const char *text, size_t bytes)
{
    char *copy = malloc(bytes > 0 ? bytes : 1);
    assert_non_null(copy);
    return memcpy(copy, text, bytes);
}

static void test_reader_takes_what_is_json(void **state)
{
    static const char *const cases[] = {
        "{}",
        " {} ",
        "\t{\r\n}\n",
        "{\"a\":1}",
        "{ \"a\" : 1 , \"b\" : [ ] , \"c\" : { } }",
        "{\"a\":[1,2,[3,{\"b\":null}],true,false]}",
        "{\"a\":-0,\"b\":0.5,\"c\":1e5,\"d\":1E-5,\"e\":-1.25e+10,\"f\":0e0}",
        "{\"\":\"\"}",
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\\u0000\"}",
        "{\"a\":\"h\xc3\xa9\x7f\"}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
    };
    (void)state;
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        size_t bytes = strlen(cases[i]);
        char *text = exact_copy(cases[i], bytes);
        const char *error = pd_json_check(text, bytes, NULL);
        if (error)
            fail_msg("'%s': %s", cases[i], error);
        /* Cut anywhere, it is none. */
        for (size_t n = 0; n < bytes && strchr(cases[i], '}'); n++) {
            char *part = exact_copy(text, n);
            bool has_rest = strspn(cases[i] + n, " \n") != bytes - n;
            assert_true(!has_rest || pd_json_check(part, n, NULL));
            free(part);
        }
        free(text);
    }
}

static void test_reader_refuses_what_is_not(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "null",
        "[]",
        "1",
        "\"a\"",
        "{",
        "}",
        "{]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1}}",
        "{\"a\":1} x",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":1e}",
        "{\"a\":-}",
        "{\"a\":0x1}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":True}",
        "{\"a\":nul}",
        "{\"a\":truefalse}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1 2]}",
        "{\"a\":[1}",
        "{\"a\":[1}]",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\ud83d\"}",
        "{\"a\":\"\\ude00\"}",
        "{\"a\":\"\\ud83d\\u0041\"}",
        "{\"a\":\"\\ud83dx\"}",
        "{\"a\":\"x}",
        "{\"a\":\"\\\"}",
        "{\"a\":\"\\",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc3\"}",
        "{\"a\":\"\xc0\xaf\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"a\":\"\xf4\x90\x80\x80\"}",
        "{1:2}",
        "{\"a\":1}{\"b\":2}",
        "\xef\xbb\xbf{}",
        "{\"a\" 1}",
        "{\"a\"::1}",
        "{\"a\":/**/1}",
        "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
    };
    (void)state;
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        size_t bytes = strlen(cases[i]);
        size_t offset = SIZE_MAX;
        char *text = exact_copy(cases[i], bytes);
        if (!pd_json_check(text, bytes, &offset))
            fail_msg("'%s' was taken", cases[i]);
        assert_true(offset <= bytes);
        free(text);
    }
    assert_non_null(pd_json_check("{\"a\":\"\0\"}", 9, NULL));
}

/* No recursion: a megabyte of brackets ends at the cap. */
static void test_reader_stops_at_its_depth(void **state)
{
    (void)state;
    enum { BYTES = 1 << 20 };
    char *text = malloc(BYTES);
    assert_non_null(text);
    memset(text, '[', BYTES);
    memcpy(text, "{\"a\":", 5);
    size_t offset;
    assert_string_equal(pd_json_check(text, BYTES, &offset), "nested too deep");
    assert_int_equal(offset, 5 + PD_JSON_MAX_DEPTH - 1);
    free(text);
}

static struct pd_json_value field(const char *text, const char *key)
{
    assert_null(pd_json_check(text, strlen(text), NULL));
    return pd_json_field(text, strlen(text), key);
}

static void test_reader_finds_fields_of_the_top_level(void **state)
{
    (void)state;
    static const char text[] =
        " { \"x\" : {\"id\":1,\"a\":[\"id\",2]} , \"id\" : \"q\\u0041\" , \"n\":-1.5e2,"
        "\"t\":true,\"f\":false,\"z\":null,\"l\":[1,\"}\"],\"\":7,\"k\\u0065y\":8,\"id\":\"last\" "
        "} ";
    assert_int_equal(field(text, "id").kind, PD_JSON_STRING);
    assert_memory_equal(field(text, "id").raw, "\"last\"", field(text, "id").bytes);
    assert_int_equal(field(text, "x").kind, PD_JSON_OBJECT);
    assert_int_equal(field(text, "n").kind, PD_JSON_NUMBER);
    assert_int_equal(field(text, "t").kind, PD_JSON_BOOL);
    assert_int_equal(field(text, "f").kind, PD_JSON_BOOL);
    assert_int_equal(field(text, "z").kind, PD_JSON_NULL);
    assert_int_equal(field(text, "l").kind, PD_JSON_ARRAY);
    assert_int_equal(field(text, "l").bytes, strlen("[1,\"}\"]"));
    assert_int_equal(field(text, "").bytes, 1);
    assert_int_equal(field(text, "key").kind, PD_JSON_NUMBER);
    assert_int_equal(field(text, "a").kind, PD_JSON_NONE);
    assert_int_equal(field(text, "i").kind, PD_JSON_NONE);
    assert_int_equal(field(text, "idx").kind, PD_JSON_NONE);
    assert_int_equal(field("{}", "id").kind, PD_JSON_NONE);
}

static void test_reader_unescapes_in_place(void **state)
{
    (void)state;
    char text[] =
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\u0000.\"}";
    static const char expected[] = "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0.";
    assert_null(pd_json_check(text, strlen(text), NULL));
    struct pd_json_value value = pd_json_field(text, strlen(text), "a");
    char *out = text + (value.raw - text);
    size_t bytes = pd_json_unescape(value, out);
    assert_int_equal(bytes, sizeof expected - 1);
    assert_memory_equal(out, expected, bytes);
}

static void test_reader_reads_numbers(void **state)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"{\"a\":0}", 0},
        {"{\"a\":-1}", -1},
        {"{\"a\":12.5}", 12.5},
        {"{\"a\":1e3}", 1000},
        {"{\"a\":25E-2}", 0.25},
        {"{\"a\":-1.5e+2}", -150},
        {"{\"a\":123456789}", 123456789},
        {"{\"a\":0.0001}", 0.0001},
        {"{\"a\":0e99999999999}", 0},
        {"{\"a\":1e-99999999999}", 0},
    };
    (void)state;
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        double value = 77;
        assert_true(pd_json_to_double(field(cases[i].text, "a"), &value));
        double error = value - cases[i].value;
        assert_true(error <= 1e-12 && error >= -1e-12);
    }
    double value;
    assert_true(pd_json_to_double(field("{\"a\":1e99999999999}", "a"), &value) && value > 1e308);
    assert_false(pd_json_to_double(field("{\"a\":\"1\"}", "a"), &value));
    assert_false(pd_json_to_double(field("{}", "a"), &value));
}

/* What one writes the other reads: every byte pair, as text. */
static void test_written_strings_read_back(void **state)
{
    (void)state;
    for (int a = 0; a < 0x80; a++)
        for (int b = 0; b < 0x80; b++) {
            struct written written;
            struct pd_json_writer w;
            char text[2] = {(char)a, (char)b};
            char back[16];
            begin(&w, &written);
            pd_json_begin(&w, '{');
            pd_json_key(&w, "a");
            pd_json_string(&w, text, 2);
            pd_json_end(&w, '}');
            assert_null(pd_json_check(written.text, written.bytes, NULL));
            struct pd_json_value value = pd_json_field(written.text, written.bytes, "a");
            assert_int_equal(pd_json_unescape(value, back), 2);
            assert_memory_equal(back, text, 2);
        }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writer_nests_and_puts_commas),
        cmocka_unit_test(test_writer_escapes_strings),
        cmocka_unit_test(test_writer_rounds_numbers),
        cmocka_unit_test(test_writer_writes_whole_numbers_to_their_ends),
        cmocka_unit_test(test_reader_takes_what_is_json),
        cmocka_unit_test(test_reader_refuses_what_is_not),
        cmocka_unit_test(test_reader_stops_at_its_depth),
        cmocka_unit_test(test_reader_finds_fields_of_the_top_level),
        cmocka_unit_test(test_reader_unescapes_in_place),
        cmocka_unit_test(test_reader_reads_numbers),
        cmocka_unit_test(test_written_strings_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
