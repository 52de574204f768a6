/* SPDX-License-Identifier: Apache-2.0
 * test_pretokenize.c - words as the pre-tokenizers' regular expressions cut them. The expected
 * words were made with Python's regex (scripts/make-token-goldens.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "model/pretokenize.h"
#include "model/unicode_table.h"
#include "tests/support/golden.h"

enum { MAX_TEXT = 4096 };

static const struct pd_pretokenizer *find(const char *name)
{
    const struct pd_pretokenizer *pre =
        pd_pretokenizer_find((struct pd_string){name, strlen(name)});
    if (pre == NULL)
        fail_msg("no pre-tokenizer %s", name);
    return pre;
}

static void check_golden(const char *name)
{
    static unsigned char text[MAX_TEXT];
    static int32_t words[MAX_TEXT];
    const struct pd_pretokenizer *pre = find(name);
    struct golden texts = golden_read("tests/golden/texts.jsonl");
    struct golden splits = golden_read("tests/golden/splits.jsonl");
    int n_compared = 0;
    assert_int_equal(texts.n, splits.n);
    for (int i = 0; i < texts.n; i++) {
        size_t n = (size_t)golden_hex(texts.line[i], "hex", text, MAX_TEXT);
        long n_words = golden_numbers(splits.line[i], name, words, MAX_TEXT);
        if (n_words < 0)
            continue; /* not valid UTF-8 */
        size_t begin = 0;
        for (long w = 0; w < n_words; w++) {
            size_t end = begin < n ? pd_pretokenize(pre, text, n, begin) : begin;
            if (end != begin + (size_t)words[w])
                fail_msg("line %d, word %ld has %zu bytes, not %d: %s", i + 1, w, end - begin,
                         (int)words[w], texts.line[i]);
            begin = end;
        }
        assert_int_equal(begin, n);
        n_compared++;
    }
    assert_true(n_compared > 300);
    golden_free(&texts);
    golden_free(&splits);
}

static void test_gpt2_cuts_like_its_expression(void **state)
{
    (void)state;
    check_golden("gpt-2");
}

static void test_smollm_cuts_like_its_expressions(void **state)
{
    (void)state;
    check_golden("smollm");
}

static void test_llama_bpe_cuts_like_its_expression(void **state)
{
    (void)state;
    check_golden("llama-bpe");
}

static void test_qwen2_cuts_like_its_expression(void **state)
{
    (void)state;
    check_golden("qwen2");
}

static void test_default_cuts_like_its_expressions(void **state)
{
    (void)state;
    check_golden("default");
}

static void test_other_names_cut_alike(void **state)
{
    (void)state;
    assert_true(find("llama3")->split == find("llama-bpe")->split);
    assert_true(find("llama-v3")->ignore_merges && find("llama3")->ignore_merges);
    assert_int_equal(find("llama-v3")->max_digits, 3);
    assert_int_equal(find("deepseek-r1-qwen")->max_digits, find("qwen2")->max_digits);
    assert_null(pd_pretokenizer_find((struct pd_string){"gpt-2x", 6}));
    assert_null(pd_pretokenizer_find((struct pd_string){"gpt-", 4}));
}

static void test_every_listed_name_is_found(void **state)
{
    (void)state;
    const char *at = pd_pretokenizer_list();
    for (;;) {
        size_t bytes = strcspn(at, ",");
        assert_non_null(pd_pretokenizer_find((struct pd_string){at, bytes}));
        if (at[bytes] == '\0')
            break;
        at += bytes + 2;
    }
}

/* Any bytes: words are not empty, and no word ends within a character. */
static void test_words_of_random_bytes_cover_the_text(void **state)
{
    (void)state;
    static const char *const names[] = {"gpt-2", "smollm", "llama-bpe", "qwen2", "default"};
    static const char pool[] = "'sre \n\r\t1290aZ.,=\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xFF";
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        unsigned char text[24];
        for (size_t i = 0; i < sizeof text; i++) {
            random = random * 1664525 + 1013904223;
            text[i] = (unsigned char)pool[(random >> 16) % (sizeof pool - 1)];
        }
        const struct pd_pretokenizer *pre = find(names[round % 5]);
        size_t character = 0;
        for (size_t begin = 0; begin < sizeof text;) {
            uint32_t code_point;
            size_t end = pd_pretokenize(pre, text, sizeof text, begin);
            assert_true(end > begin && end <= sizeof text);
            while (character < end)
                character += pd_utf8_decode(text + character, sizeof text - character, &code_point);
            assert_int_equal(character, end);
            begin = end;
        }
    }
}

static void test_classes_know_the_corners_of_unicode(void **state)
{
    (void)state;
    static const struct {
        uint32_t code_point;
        enum pd_char_class class;
    } cases[] = {
        {0, PD_CHAR_OTHER},         {'a', PD_CHAR_LETTER},     {'0', PD_CHAR_NUMBER},
        {'_', PD_CHAR_PUNCTUATION}, {'$', PD_CHAR_OTHER},      {0x85, PD_CHAR_SPACE},
        {0xA0, PD_CHAR_SPACE},      {0xAA, PD_CHAR_LETTER},    {0xB2, PD_CHAR_NUMBER},
        {0x0301, PD_CHAR_OTHER},    {0x200B, PD_CHAR_OTHER},   {0x2028, PD_CHAR_SPACE},
        {0x2160, PD_CHAR_NUMBER},   {0x3000, PD_CHAR_SPACE},   {0x3007, PD_CHAR_NUMBER},
        {0x4E00, PD_CHAR_LETTER},   {0xD800, PD_CHAR_OTHER},   {0xFFFD, PD_CHAR_OTHER},
        {0x1F600, PD_CHAR_OTHER},   {0x2EBF0, PD_CHAR_LETTER}, /* new in Unicode 15.1 */
        {0x10FFFF, PD_CHAR_OTHER},
    };
    for (size_t i = 0; i < PD_COUNT(cases); i++)
        if (pd_char_class(cases[i].code_point) != cases[i].class)
            fail_msg("U+%04X", (unsigned)cases[i].code_point);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gpt2_cuts_like_its_expression),
        cmocka_unit_test(test_smollm_cuts_like_its_expressions),
        cmocka_unit_test(test_llama_bpe_cuts_like_its_expression),
        cmocka_unit_test(test_qwen2_cuts_like_its_expression),
        cmocka_unit_test(test_default_cuts_like_its_expressions),
        cmocka_unit_test(test_other_names_cut_alike),
        cmocka_unit_test(test_every_listed_name_is_found),
        cmocka_unit_test(test_words_of_random_bytes_cover_the_text),
        cmocka_unit_test(test_classes_know_the_corners_of_unicode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
