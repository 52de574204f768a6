/* SPDX-License-Identifier: Apache-2.0
 * test_words.c - English for numbers and nouns, and the numbers found in questions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "models/data/mention.h"
#include "models/data/words.h"

static void every_number_in_words_is_read_back(void **state)
{
    (void)state;
    for (int64_t n = 0; n <= 9999; n++) {
        char text[WORDS_BYTES];
        int64_t value;
        assert_true(words_number(n, text));
        assert_int_equal(words_parse(text, &value), strlen(text));
        assert_int_equal(value, n);
    }
    char text[WORDS_BYTES];
    assert_false(words_number(10000, text));
    assert_false(words_number(-1, text));
}

static void words_that_only_begin_like_numbers_are_none(void **state)
{
    (void)state;
    int64_t value;
    assert_int_equal(words_parse("tennis", &value), 0);
    assert_int_equal(words_parse("Someone", &value), 0);
    assert_int_equal(words_parse("tent", &value), 0);
    assert_int_equal(words_parse("Twelve eggs", &value), 6);
    assert_int_equal(words_parse("one hundred and five men", &value), 20);
    assert_int_equal(value, 105);
}

static void nouns_have_their_plurals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"apple", "apples"},    {"peach", "peaches"},   {"cherry", "cherries"},
        {"box", "boxes"},       {"child", "children"},  {"loaf of bread", "loaves of bread"},
        {"toy", "toys"},        {"potato", "potatoes"}, {"goldfish", "goldfish"},
        {"snowman", "snowmen"}, {"woman", "women"},     {"glass of milk", "glasses of milk"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        words_plural(cases[i][0], text, sizeof text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void an_stands_before_vowel_sounds(void **state)
{
    (void)state;
    static const char *const with[] = {"apple", "hour", "8-page", "11 year", "18", "80", "egg"};
    static const char *const without[] = {"uniform", "book",    "1",    "10",
                                          "118",     "one-way", "used", "7"};
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++)
        assert_true(words_wants_an(with[i]));
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++)
        assert_false(words_wants_an(without[i]));
}

static void numbers_of_a_question_are_found_with_what_they_are(void **state)
{
    (void)state;
    struct mention m[MAX_MENTIONS];
    const char *text =
        "At 7:30 on the 3rd, Tom, in 1999, paid $1,250.50 for twelve toys, 1/2 of 20% less "
        "than 5 days a week.";
    int n = mention_find(text, m);
    assert_int_equal(n, 10);
    static const bool is_fixed[] = {true, true, true, true, false, false, true, true, false, false};
    for (int i = 0; i < n; i++)
        assert_int_equal(m[i].is_fixed, is_fixed[i]);
    assert_true(m[4].is_money && m[4].has_separators && m[4].decimals == 2);
    assert_true(ratio_equal(m[4].value, ratio_of(125050, 100)));
    assert_true(m[5].in_words && ratio_equal(m[5].value, ratio_int(12)));
    assert_true(m[8].is_percent);
    assert_int_equal(m[9].most, 7);
}

static void coins_and_notes_keep_their_value(void **state)
{
    (void)state;
    struct mention m[MAX_MENTIONS];
    assert_int_equal(mention_find("Tom paid 12 dollars with three $5 bills.", m), 3);
    assert_true(!m[0].is_fixed && !m[1].is_fixed && m[2].is_fixed);
}

static void another_number_is_written_like_the_one_before(void **state)
{
    (void)state;
    static const struct {
        const char *question;
        int64_t n, d;
        const char *text;
    } cases[] = {
        {"It costs $2.50 now.", 13, 4, "3.25"},   {"It costs $2.50 now.", 5, 2, "2.50"},
        {"There are five now.", 8, 1, "eight"},   {"There are 1,000 now.", 2500, 1, "2,500"},
        {"There are 1000 now.", 2500, 1, "2500"}, {"There are five now.", 37, 1, "37"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mention m[MAX_MENTIONS];
        char text[WORDS_BYTES];
        assert_int_equal(mention_find(cases[i].question, m), 1);
        assert_true(mention_format(&m[0], ratio_of(cases[i].n, cases[i].d), text));
        assert_string_equal(text, cases[i].text);
    }
}

static void words_imply_the_numbers_that_they_stand_for(void **state)
{
    (void)state;
    assert_true(mention_is_implied("twice a week", ratio_int(7)));
    assert_true(mention_is_implied("Half of them", ratio_of(1, 2)));
    assert_true(mention_is_implied("5% of it", ratio_int(100)));
    assert_false(mention_is_implied("some of them", ratio_int(7)));
    assert_false(mention_is_implied("some of them", ratio_int(0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_in_words_is_read_back),
        cmocka_unit_test(words_that_only_begin_like_numbers_are_none),
        cmocka_unit_test(nouns_have_their_plurals),
        cmocka_unit_test(an_stands_before_vowel_sounds),
        cmocka_unit_test(numbers_of_a_question_are_found_with_what_they_are),
        cmocka_unit_test(coins_and_notes_keep_their_value),
        cmocka_unit_test(another_number_is_written_like_the_one_before),
        cmocka_unit_test(words_imply_the_numbers_that_they_stand_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
