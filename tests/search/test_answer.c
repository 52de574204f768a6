/* SPDX-License-Identifier: Apache-2.0
 * test_answer.c - finding, normalising and comparing answers: tables of cases, and the solutions of the
 * problem sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/json.h"
#include "search/answer.h"

struct pair {
    const char *text, *answer; /* answer NULL: none is to be found */
};

static const struct pair numbers[] = {
    {"7", "7"},
    {"007", "7"},
    {"-7", "-7"},
    {"0", "0"},
    {"-0", "0"},
    {"-0.00", "0"},
    {"0.50", "0.5"},
    {".5", "0.5"},
    {"-.25", "-0.25"},
    {"5.", "5"},
    {"5.0", "5"},
    {"1,000", "1000"},
    {"1,000.00", "1000"},
    {"12,345,678.90", "12345678.9"},
    {"1{,}000", "1000"},
    {"10,\\!080", "10080"},
    {"$18", "18"},
    {"\\$18", "18"},
    {"$ 18", "18"},
    {"-$18", "-18"},
    {"$-18", "-18"},
    {"$18.50", "18.5"},
    {"$1,234.50.", "1234.5"},
    {"\xe2\x82\xac"
     "5",
     "5"},
    {"\xc2\xa3"
     "5.20",
     "5.2"},
    {"\xe2\x88\x92"
     "5",
     "-5"},
    {"50%", "50"},
    {"50\\%", "50"},
    {"12.5 %", "12.5"},
    {"50 percent", "50"},
    {"18 apples", "18"},
    {"5kg", "5"},
    {"5 km/h", "5"},
    {"25 cm^2", "25"},
    {"25\\text{ cm}^2", "25"},
    {"25 \\text{ square feet}", "25"},
    {"90^\\circ", "90"},
    {"90\xc2\xb0", "90"},
    {"3/4", "0.75"},
    {"3/6", "0.5"},
    {"6/3", "2"},
    {"1/3", "1/3"},
    {"-2/6", "-1/3"},
    {"4/6", "2/3"},
    {"100/7", "100/7"},
    {"1 1/2", "1.5"},
    {"2 1/3", "7/3"},
    {"-1 1/2", "-1.5"},
    {"1,000/3", "1000/3"},
    {"0/5", "0"},
    {"-0/5", "0"},
    {"\\frac{3}{4}", "0.75"},
    {"\\frac{1}{3}", "1/3"},
    {"\\dfrac{9}{7}", "9/7"},
    {"\\tfrac{1}{3}", "1/3"},
    {"\\frac13", "1/3"},
    {"\\frac1{3}", "1/3"},
    {"-\\frac{1}{3}", "-1/3"},
    {"\\frac{-1}{3}", "-1/3"},
    {"\\frac{1}{-3}", "-1/3"},
    {"\\frac{-1}{-3}", "1/3"},
    {"2\\frac{1}{3}", "7/3"},
    {"\\frac{ 14 }{ 6 }", "7/3"},
    {"$\\frac{1}{3}$", "1/3"},
    {"$5$", "5"},
    {"\\(5\\)", "5"},
    {"\\[ 5 \\]", "5"},
    {"**5**", "5"},
    {"`5`", "5"},
    {"_5_", "5"},
    {"\"5\"", "5"},
    {"  5 \n", "5"},
    {"5!", "5"},
    {"\\text{5}", "5"},
    {"\\boxed{5}", "5"},
    {"{5}", "5"},
    {"x=5", "5"},
    {"x = 5", "5"},
    {"3 + 4 = 7", "7"},
    {"3 + 4 = $7", "7"},
    {"7:30", "7:30"},
    {"3:2", "3:2"},
    {"7:30 pm", "7:30"},
    {"seven", "7"},
    {"Twelve", "12"},
    {"zero", "0"},
    {"three apples", "3"},
    {"123456789012345678901234567890", "123456789012345678901234567890"},
    {"123456789012345678901234567890.10", "123456789012345678901234567890.1"},
    {"999999999999999999/3", "333333333333333333"},
    {"1/576460752303423488", "0.00000000000000000173472347597680709441192448139190673828125"},
    {"1/2000000000", "0.0000000005"},
};

static const struct pair others[] = {
    {"(A)", "A"},
    {"B", "B"},
    {"C.", "C"},
    {"D)", "D"},
    {"**E**", "E"},
    {"\\text{(C)}", "C"},
    {"Yes", "yes"},
    {"no.", "no"},
    {"TRUE", "true"},
    {"False", "false"},
    {"The  Red\nBalloon.", "the red balloon"},
    {"Tuesday", "tuesday"},
    {"x", "x"},
    {"X", "X"},
    {"2x", "2x"},
    {"2x + 3", "2x+3"},
    {"2\\sqrt{3}", "2\\sqrt{3}"},
    {"\\dfrac{\\pi}{2}", "\\frac{\\pi}{2}"},
    {"\\tfrac{\\pi}{2}", "\\frac{\\pi}{2}"},
    {"(3, 4)", "(3,4)"},
    {"\\boxed {8}", "8"},
    {"5 and 6", "5 and 6"},
    {"2\\pi x", "2\\pi x"},
    {"\\frac{1}{2} \\sqrt {3} x", "\\frac{1}{2}\\sqrt{3}x"},
    {"x >= 5", "x>=5"},
    {"x \\le 5", "x\\le 5"},
    {"3/0", "3/0"},
    {"1/2/2020", "1/2/2020"},
    {"1.5/2", "1.5/2"},
    {"10^3", "10^3"},
    {"A total of apples", "a total of apples"},
    {"", NULL},
    {"   \n", NULL},
    {"**.**", NULL},
    {"$$", NULL},
};

static const struct pair finds[] = {
    /* rule 1 */
    {"6 / 2 = 3\n#### 3", "3"},
    {"#### 3\n", "3"},
    {"####3", "3"},
    {"#### $1,234.50", "1234.5"},
    {"#### -5 apples", "-5"},
    {"#### **12**", "12"},
    {"#### 3\nwait\n#### 4\n", "4"},
    {"#### 3/4 of it", "0.75"},
    {"#### B", "B"},
    {"#### (C) 12", "C"},
    {"#### yes", "yes"},
    {"#### seven", "7"},
    {"#### 3\nThe answer is 4.", "3"},
    {"#### Step 2\n5 + 6 = 11", "11"},
    {"#### 2. Add them\n5 + 6 = 11", "11"},
    {"##### 9\n5 + 6 = 11", "11"},
    {"### 9\n5 + 6 = 11", "11"},
    {"#### \n5 + 6 = 11", "11"},
    {"#### 12 = 3 * 4", "12"},
    {"#### 2\\sqrt{3}", "2\\sqrt{3}"},
    {"#### $\\frac{\\pi}{4}$ metres", "\\frac{\\pi}{4}"},
    {"#### x^2 + 1", "x^2+1"},
    /* rule 2 */
    {"so \\boxed{7}", "7"},
    {"\\boxed{7} and later 9", "7"},
    {"\\boxed{1} then \\boxed{2}", "2"},
    {"\\boxed{\\frac{1}{3}}", "1/3"},
    {"\\boxed{x = 5}", "5"},
    {"\\boxed{\\text{(B)}}", "B"},
    {"\\boxed{25\\text{ cm}^2}", "25"},
    {"\\boxed{\\$5.50}", "5.5"},
    {"\\boxed {8}", "8"},
    {"\\fbox{8}", "8"},
    {"\\boxed{2\\sqrt{3}}", "2\\sqrt{3}"},
    {"\\boxed{\\{1\\}}", "\\{1\\}"},
    {"\\boxed{7} or \\boxed{8", "7"},
    {"\\boxed{} gives 6", "6"},
    {"\\boxed{7}. The answer is 9.", "7"},
    /* rule 3 */
    {"The answer is 5.", "5"},
    {"the answer is 5", "5"},
    {"The final answer is: 5", "5"},
    {"The answer is: 5", "5"},
    {"Answer: 5", "5"},
    {"answer = 5", "5"},
    {"**Answer:** 5", "5"},
    {"**Answer: 5**", "5"},
    {"The answer is **5**.", "5"},
    {"The answer is $5$.", "5"},
    {"The answer is \\(5\\).", "5"},
    {"The answer is \\[\n5\n\\]", "5"},
    {"The answer is $5.", "5"},
    {"The answer is $1,000.", "1000"},
    {"The answer is 3.5.", "3.5"},
    {"The answer is 3 + 4 = 7.", "7"},
    {"The answer is x = 7", "7"},
    {"The answer is $2\\sqrt{3}$.", "2\\sqrt{3}"},
    {"The answer is $\\frac{\\pi}{4}$ metres. So it is.", "\\frac{\\pi}{4}"},
    {"The answer is 5 apples. There were 12.", "5"},
    {"The answer is 5, since 12 - 7 = 5 and 3 = 3", "5"},
    {"The answer is that he has 5 of the 12 apples.", "5"},
    {"The answer is 5 apples and 3 pears.", "5"},
    {"The answer is 4. No, the answer is 6.", "6"},
    {"The answer is (B).", "B"},
    {"The answer is B.", "B"},
    {"The correct answer is (D) 14.", "D"},
    {"Answer: A", "A"},
    {"Answer: A) 12", "A"},
    {"Answer: A. 12", "A"},
    {"The answer is a total of 12 apples", "12"},
    {"The answer is A total of 12 apples", "12"},
    {"The answer is yes.", "yes"},
    {"The answer is Yes, because 4 > 3.", "yes"},
    {"The answer is no", "no"},
    {"The answer is seven.", "7"},
    {"The answer is ten apples.", "10"},
    {"The answer is Tuesday.", "tuesday"},
    {"The answer is the red one.", "the red one"},
    {"The answer is Rs. 500", "500"},
    {"The answer to the question is 12.", "12"},
    {"The answer would be 12.", "12"},
    {"Final Answer\n12", "12"},
    {"### Final Answer\n\n**12** apples\n", "12"},
    {"**Final Answer**\n12", "12"},
    {"Answer:\n12", "12"},
    {"The answer is 1/3", "1/3"},
    {"The answer is 1 1/2 cups", "1.5"},
    {"The answer is -3.", "-3"},
    {"The answer is 50%.", "50"},
    {"The answer is 7:30 pm.", "7:30"},
    {"The answers are 5 and 6", "6"},
    {"Answer the question: 5 + 3 = 8", "8"},
    {"We answer 5 questions, 3 = 3, total 9", "3"},
    {"The answer is", NULL},
    {"8 apples. The answer is", "8"},
    {"The answer is 3 + 4 =", "4"},
    /* rule 4 */
    {"8 + 2 = 10 meters after the 3rd turn.", "10"},
    {"It takes 120/24 = <<120/24=5>>5 hours to read 120 pages.", "5"},
    {"She has 3 = 3. So 12 in all.", "12"},
    {"x = 5\nSo there are 12 of them", "12"},
    /* rule 5 */
    {"She has 3 and then 12 apples", "12"},
    {"He pays $12.", "12"},
    {"He pays $1,250.75 in all", "1250.75"},
    {"between 3-4", "4"},
    {"10 - 3", "3"},
    {"it is -3", "-3"},
    {"(-3)", "-3"},
    {"The area is 25 cm^2", "25"},
    {"The area is 25 cm^{2}", "25"},
    {"water is H2O, 7 of it", "7"},
    {"take 7 of H2O", "7"},
    {"take 7 of x12", "7"},
    {"3\\times5", "5"},
    {"There are 12.\n2. Then add", "12"},
    {"1. First\n2. Second", NULL},
    {"1) First 5\n2) Second", "5"},
    {"5, 6", "6"},
    {"1,2,3", "3"},
    {"12,34", "34"},
    {"1,0000", "0"},
    {"half past 7:30", "7:30"},
    {"Week 3:210 pages", "210"},
    {"She has seven apples left", "7"},
    {"one of them has Eight legs", "8"},
    {"someone", NULL},
    {"no number here", NULL},
    {"", NULL},
    {"\n", NULL},
    {"=", NULL},
    {"####", NULL},
    {"\\boxed{", NULL},
    {"answer", NULL},
    {"answer:", NULL},
    {"-", NULL},
    {"$", NULL},
    {"7 and 1234567890123456789012345678901234567890123456789012345678901234567890", "7"},
};

struct final_case {
    const char *text;
    bool is_final;
};

static const struct final_case finals[] = {
    {"#### 12\n", true},
    {"#### 12", false},
    {"#### 1", false},
    {"#### Step 1\n", false},
    {"\\boxed{12}", true},
    {"\\boxed{12", false},
    {"The answer is 12.", false}, /* 12.5 may come */
    {"The answer is 12. ", true},
    {"The answer is 12.\n", true},
    {"The answer is 12\n", true},
    {"The answer is 12", false},
    {"The answer is 12 ", false}, /* 12 1/2 */
    {"The answer is 12 apples", false},
    {"The answer is 12 apples.", true},
    {"The answer is **12**.", true},
    {"The answer is 12!", true},
    {"The answer is:\n12", false},
    {"The answer is:\n12\n", true},
    {"The answer is 3 + 4 =\n", false},
    {"The answer is Rs. 5", false},
    {"The answer is Rs. 5\n", true},
    {"She has 12 apples.\n", false},
    {"The answer is\n", false},
    {"", false},
};

struct equal_case {
    const char *a, *b;
    bool is_equal;
};

static const struct equal_case equals[] = {
    {"1,000.0", "1000", true},
    {"1/2", "0.5", true},
    {"3/6", "1/2", true},
    {"\\frac{1}{3}", "2/6", true},
    {"0.3333", "1/3", false},
    {"3.33", "10/3", false},
    {"$5", "5 apples", true},
    {"50%", "50", true},
    {"50%", "0.5", false},
    {"-0", "0", true},
    {"5", "-5", false},
    {"(A)", "A", true},
    {"A", "B", false},
    {"Yes", "yes.", true},
    {"x=5", "5", true},
    {"seven", "7", true},
    {"7:30", "7:30 pm", true},
    {"7:30", "730", false},
    {"", "", false},
    {"", "0", false},
    {"2x", "2", false},
    {"x", "X", false},
    {"x + 1", "x+1", true},
    {"The Cat", "the  cat", true},
    {"1", "1.0000000000000000000000001", false},
    {"12345678901234567890", "12345678901234567891", false},
    {"0.1", "1/10", true},
    {"1 1/2", "3/2", true},
    {"1 1/2", "1.5", true},
};

static void check_table(const struct pair *table, size_t n,
                        bool (*act)(const char *, size_t, char *, size_t))
{
    for (size_t i = 0; i < n; i++) {
        char answer[PD_ANSWER_BYTES];
        /* On the heap and without a NUL, so that a sanitizer sees a byte read too many. */
        size_t bytes = strlen(table[i].text);
        char *text = malloc(bytes + 1);
        assert_non_null(text);
        char *exact = realloc(memcpy(text, table[i].text, bytes), bytes > 0 ? bytes : 1);
        bool is_found = act(exact, bytes, answer, sizeof answer);
        if (!table[i].answer && is_found)
            fail_msg("'%s' gave '%s', not nothing", table[i].text, answer);
        if (table[i].answer && (!is_found || strcmp(answer, table[i].answer) != 0))
            fail_msg("'%s' gave '%s', not '%s'", table[i].text, is_found ? answer : "(nothing)",
                     table[i].answer);
        if (!is_found)
            assert_string_equal(answer, "");
        free(exact);
    }
}

static void test_numbers_have_one_canonical_form(void **state)
{
    (void)state;
    check_table(numbers, PD_COUNT(numbers), pd_answer_normalise);
}

static void test_choices_words_and_latex_have_one_canonical_form(void **state)
{
    (void)state;
    check_table(others, PD_COUNT(others), pd_answer_normalise);
}

static void test_canonical_forms_stay_as_they_are(void **state)
{
    (void)state;
    const struct pair *tables[] = {numbers, others, finds};
    const size_t counts[] = {PD_COUNT(numbers), PD_COUNT(others), PD_COUNT(finds)};
    for (size_t t = 0; t < PD_COUNT(tables); t++)
        for (size_t i = 0; i < counts[t]; i++) {
            const char *form = tables[t][i].answer;
            char again[PD_ANSWER_BYTES];
            if (!form)
                continue;
            assert_true(pd_answer_normalise(form, strlen(form), again, sizeof again));
            assert_string_equal(again, form);
        }
}

static void test_find_follows_its_rules(void **state)
{
    (void)state;
    check_table(finds, PD_COUNT(finds), pd_answer_find);
}

static void test_only_a_closed_answer_is_final(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(finals); i++)
        if (pd_answer_is_final(finals[i].text, strlen(finals[i].text)) != finals[i].is_final)
            fail_msg("'%s' is %sfinal", finals[i].text, finals[i].is_final ? "" : "not ");
}

/* What is_final says holds: no continuation changes the answer. */
static void test_a_final_answer_stays_whatever_follows(void **state)
{
    static const char *const more[] = {"5", ".5", " 1/2", ",000", "\nThen", " and", "%", "/3", "}"};
    (void)state;
    for (size_t i = 0; i < PD_COUNT(finals); i++) {
        char before[PD_ANSWER_BYTES];
        if (!finals[i].is_final)
            continue;
        assert_true(pd_answer_find(finals[i].text, strlen(finals[i].text), before, sizeof before));
        for (size_t j = 0; j < PD_COUNT(more); j++) {
            char text[256];
            char after[PD_ANSWER_BYTES];
            snprintf(text, sizeof text, "%s%s", finals[i].text, more[j]);
            assert_true(pd_answer_find(text, strlen(text), after, sizeof after));
            assert_string_equal(after, before);
        }
    }
}

static void test_equal_compares_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(equals); i++) {
        const struct equal_case *c = &equals[i];
        if (pd_answer_equal(c->a, c->b) != c->is_equal ||
            pd_answer_equal(c->b, c->a) != c->is_equal)
            fail_msg("'%s' and '%s' are %sequal", c->a, c->b, c->is_equal ? "" : "not ");
    }
}

/* Every a/b up to 60: 200 times a and b stay equal to it, and (a+1)/b does not. */
static void test_fractions_reduce_exactly(void **state)
{
    (void)state;
    for (int a = 1; a <= 60; a++)
        for (int b = 1; b <= 60; b++) {
            char small[32], large[32], other[32];
            snprintf(small, sizeof small, "%d/%d", a, b);
            snprintf(large, sizeof large, "\\frac{%d}{%d}", a * 200, b * 200);
            snprintf(other, sizeof other, "%d/%d", a + 1, b);
            assert_true(pd_answer_equal(small, large));
            assert_false(pd_answer_equal(small, other));
        }
}

static void test_too_little_room_is_no_answer(void **state)
{
    (void)state;
    char answer[8];
    assert_true(pd_answer_normalise("1234567", 7, answer, sizeof answer));
    assert_string_equal(answer, "1234567");
    assert_false(pd_answer_normalise("12345678", 8, answer, sizeof answer));
    assert_string_equal(answer, "");
    assert_false(pd_answer_find("#### 12345678", 13, answer, sizeof answer));
    assert_string_equal(answer, "");
}

static void test_bytes_of_any_kind_are_taken(void **state)
{
    (void)state;
    char answer[PD_ANSWER_BYTES];
    static const char text[] = "\0#### 5\0\xff\n";
    assert_true(pd_answer_find(text, sizeof text - 1, answer, sizeof answer));
    assert_string_equal(answer, "5");
    for (int c = 0; c < 256; c++) {
        char pair[2] = {(char)c, '7'};
        pd_answer_find(pair, 2, answer, sizeof answer);
        pd_answer_normalise(pair, 1, answer, sizeof answer);
    }
}

/* Texts that could make a search quadratic take no longer than their length allows. */
static void test_long_texts_take_linear_time(void **state)
{
    static const char *const parts[] = {"answer is ", "#### ", "\\boxed{", "answer to ",
                                        "1 ",         "a",     " ",        "{",
                                        "answer:",    "1,111", "=",        "\\"};
    (void)state;
    enum { BYTES = 1 << 20 };
    char *text = malloc(BYTES);
    assert_non_null(text);
    for (size_t p = 0; p < PD_COUNT(parts); p++) {
        char answer[PD_ANSWER_BYTES];
        size_t n = strlen(parts[p]);
        for (size_t i = 0; i < BYTES; i++)
            text[i] = parts[p][i % n];
        pd_answer_find(text, BYTES, answer, sizeof answer);
        pd_answer_is_final(text, BYTES);
    }
    free(text);
}

struct rate {
    size_t n, n_bare, n_marked, n_boxed;
};

/* Reads one row; counts whether its solution gives its answer, bare, behind "####" and in a box. */
static void count_row(char *line, size_t bytes, struct rate *rate)
{
    char found[PD_ANSWER_BYTES], gold[256], text[8192];
    struct pd_json_value solution = pd_json_field(line, bytes, "solution");
    struct pd_json_value answer = pd_json_field(line, bytes, "answer");
    assert_int_equal(solution.kind, PD_JSON_STRING);
    assert_int_equal(answer.kind, PD_JSON_STRING);
    assert_true(solution.bytes + 300 < sizeof text && answer.bytes < sizeof gold);
    size_t n = pd_json_unescape(solution, text);
    gold[pd_json_unescape(answer, gold)] = '\0';
    rate->n++;
    rate->n_bare += pd_answer_find(text, n, found, sizeof found) && pd_answer_equal(found, gold);
    size_t marked = n + (size_t)snprintf(text + n, sizeof text - n, "\n#### %s", gold);
    rate->n_marked +=
        pd_answer_find(text, marked, found, sizeof found) && pd_answer_equal(found, gold);
    size_t boxed = n + (size_t)snprintf(text + n, sizeof text - n, " \\boxed{%s}", gold);
    rate->n_boxed +=
        pd_answer_find(text, boxed, found, sizeof found) && pd_answer_equal(found, gold);
}

static void count_file(const char *name, struct rate *rate)
{
    char path[512];
    static char line[1 << 16];
    const char *folder = getenv("PONDER_DATA");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "../shared/data", name);
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("no %s\n", path);
        skip();
    }
    *rate = (struct rate){.n = 0};
    while (fgets(line, sizeof line, file))
        count_row(line, strlen(line), rate);
    fclose(file);
    print_message("%s: %zu rows, found bare %zu, behind #### %zu, boxed %zu\n", name, rate->n,
                  rate->n_bare, rate->n_marked, rate->n_boxed);
}

static void test_gsm8k_solutions_give_their_answers(void **state)
{
    (void)state;
    struct rate rate;
    count_file("gsm8k_train.jsonl", &rate);
    assert_int_equal(rate.n_marked, rate.n);
    assert_int_equal(rate.n_boxed, rate.n);
    /* Without a marker: what is left are cents for dollars, rounding, and answers in mid-sentence. */
    assert_true(rate.n_bare * 1000 >= rate.n * 989);
}

static void test_mawps_solutions_give_their_answers(void **state)
{
    (void)state;
    struct rate rate;
    count_file("mawps_train.jsonl", &rate);
    assert_int_equal(rate.n_bare, rate.n);
    assert_int_equal(rate.n_marked, rate.n);
}

static void test_math_solutions_give_their_boxed_answers(void **state)
{
    (void)state;
    struct rate rate;
    count_file("math_train.jsonl", &rate);
    /* Answers of more than PD_ANSWER_BYTES, such as matrices, are not found. */
    assert_true(rate.n_bare * 1000 >= rate.n * 998);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_have_one_canonical_form),
        cmocka_unit_test(test_choices_words_and_latex_have_one_canonical_form),
        cmocka_unit_test(test_canonical_forms_stay_as_they_are),
        cmocka_unit_test(test_find_follows_its_rules),
        cmocka_unit_test(test_only_a_closed_answer_is_final),
        cmocka_unit_test(test_a_final_answer_stays_whatever_follows),
        cmocka_unit_test(test_equal_compares_values),
        cmocka_unit_test(test_fractions_reduce_exactly),
        cmocka_unit_test(test_too_little_room_is_no_answer),
        cmocka_unit_test(test_bytes_of_any_kind_are_taken),
        cmocka_unit_test(test_long_texts_take_linear_time),
        cmocka_unit_test(test_gsm8k_solutions_give_their_answers),
        cmocka_unit_test(test_mawps_solutions_give_their_answers),
        cmocka_unit_test(test_math_solutions_give_their_boxed_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
