/* SPDX-License-Identifier: Apache-2.0
 * test_utf8.c - what is valid UTF-8, what invalid bytes are read as, and where text may be cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static void test_every_code_point_comes_back(void **state)
{
    (void)state;
    for (uint32_t code_point = 0; code_point <= 0x10FFFF; code_point++) {
        unsigned char bytes[PD_UTF8_MAX_BYTES];
        uint32_t back;
        size_t n = pd_utf8_encode(code_point, bytes);
        bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
        if (pd_utf8_decode(bytes, n, &back) != n || back != code_point ||
            pd_utf8_is_valid((char *)bytes, n) == is_surrogate)
            fail_msg("U+%04X", (unsigned)code_point);
        for (size_t cut = 1; cut < n; cut++)
            if (pd_utf8_is_valid((char *)bytes, cut) || pd_utf8_decode(bytes, cut, &back) != 1 ||
                back != PD_UTF8_REPLACEMENT)
                fail_msg("U+%04X cut to %zu bytes", (unsigned)code_point, cut);
    }
}

struct text {
    const char *bytes;
    size_t n;
};
#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof literal - 1                                                                \
    }

static void test_strict_reading_refuses_what_is_no_utf8(void **state)
{
    (void)state;
    static const struct text invalid[] = {
        TEXT("\x80"),
        TEXT("\xBF"),
        TEXT("\xC0\x80"),
        TEXT("\xC1\xBF"),
        TEXT("\xC3"),
        TEXT("\xC3("),
        TEXT("\xE0\x80\x80"),
        TEXT("\xE0\x9F\xBF"),
        TEXT("\xED\xA0\x80"),
        TEXT("\xED\xBF\xBF"),
        TEXT("\xF0\x80\x80\x80"),
        TEXT("\xF0\x8F\xBF\xBF"),
        TEXT("\xE2\x82"),
        TEXT("\xE2\x28\xA1"),
        TEXT("\xF4\x90\x80\x80"),
        TEXT("\xF5\x80\x80\x80"),
        TEXT("\xFF"),
        TEXT("\xF8\x88\x80\x80\x80"),
    };
    static const struct text valid[] = {
        TEXT(""),
        TEXT("a\0b"),
        TEXT("\xC2\x80"),
        TEXT("\xE0\xA0\x80"),
        TEXT("\xED\x9F\xBF"),
        TEXT("\xEE\x80\x80"),
        TEXT("\xEF\xBF\xBF"),
        TEXT("\xF0\x90\x80\x80"),
        TEXT("\xF4\x8F\xBF\xBF"),
    };
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        char within[16];
        int n = snprintf(within, sizeof within, "a%.*sb", (int)invalid[i].n, invalid[i].bytes);
        assert_false(pd_utf8_is_valid(invalid[i].bytes, invalid[i].n));
        assert_false(pd_utf8_is_valid(within, (size_t)n));
    }
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        assert_true(pd_utf8_is_valid(valid[i].bytes, valid[i].n));
}

static void test_lenient_reading_takes_any_bytes(void **state)
{
    (void)state;
    static const struct {
        struct text text;
        uint32_t code_point;
        size_t bytes;
    } cases[] = {
        {TEXT("\x80"), 0xFFFD, 1},
        {TEXT("\xC0\x80"), 0, 2}, /* overlong */
        {TEXT("\xE0\x80\xAF"), '/', 3},
        {TEXT("\xED\xA0\x80"), 0xD800, 3},
        {TEXT("\xC3("), 0xFFFD, 1},
        {TEXT("\xE2\x82("), 0xFFFD, 1},
        {TEXT("\xF4\x90\x80\x80"), 0xFFFD, 1}, /* above U+10FFFF */
        {TEXT("\xF7\xBF\xBF\xBF"), 0xFFFD, 1},
        {TEXT("\xF8\x88\x80\x80\x80"), 0xFFFD, 1},
        {TEXT("\0x"), 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t code_point;
        assert_int_equal(pd_utf8_decode((const unsigned char *)cases[i].text.bytes, cases[i].text.n,
                                        &code_point),
                         cases[i].bytes);
        assert_int_equal(code_point, cases[i].code_point);
    }
}

static void test_only_what_may_become_valid_is_held_back(void **state)
{
    (void)state;
    static const struct {
        struct text text;
        size_t complete;
    } cases[] = {
        {TEXT(""), 0},
        {TEXT("abc"), 3},
        {TEXT("a\xC3"), 1},
        {TEXT("a\xC3\xA9"), 3},
        {TEXT("a\xE2"), 1},
        {TEXT("a\xE2\x82"), 1},
        {TEXT("a\xE2\x82\xAC"), 4},
        {TEXT("a\xF0\x9F\x98"), 1},
        {TEXT("\xF0\x9F\x98\x80"), 4},
        {TEXT("\xF0\x9F\x98\x80\xF0"), 4},
        {TEXT("a\xC0"), 2},         /* begins nothing */
        {TEXT("a\xE0\x80"), 3},     /* overlong whatever follows */
        {TEXT("a\xED\xA0"), 3},     /* a surrogate */
        {TEXT("a\xF4\x90"), 3},     /* above U+10FFFF */
        {TEXT("a\x80\x80\x80"), 4}, /* continues nothing */
        {TEXT("\x80"), 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (pd_utf8_complete_bytes(cases[i].text.bytes, cases[i].text.n) != cases[i].complete)
            fail_msg("case %zu", i);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point_comes_back),
        cmocka_unit_test(test_strict_reading_refuses_what_is_no_utf8),
        cmocka_unit_test(test_lenient_reading_takes_any_bytes),
        cmocka_unit_test(test_only_what_may_become_valid_is_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
