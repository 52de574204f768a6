/* SPDX-License-Identifier: Apache-2.0
 * test_arithmetic.c - the arithmetic checker: equations as models and people write them, random ones against a
 * reference, and how often it rejects what people wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/json.h"
#include "base/rng.h"
#include "search/verify.h"
#include "search/verify_arithmetic.h"

static const char *const true_ones[] = {
    "48/2=24",
    "<<48/2=24>>",
    "She sold 48/2 = <<48/2=24>>24 clips",
    "$5 x 3 = $15",
    "12 apples + 3 apples = 15 apples",
    "1,000 + 2,000 = 3,000",
    "20% of 50 = 10",
    "40 kids * 10% = 4 kids",
    "50% + 20% = 70%",
    "20/50 = 40%",
    "3*4+2=14",
    "(3+4)*2=14",
    "2(3+4)=14",
    "10/3=3.33",
    "10/3=3.3",
    "2/3=0.67",
    "1/3=0.3333",
    "5\xc3"
    "\x97"
    "3=15",
    "15\xc3"
    "\xb7"
    "3=5",
    "2+3=5*4=20",
    "2+3=1+4=5",
    "12 = 3*4",
    "-5+3=-2",
    "5*-3=-15",
    "5-8=-3",
    "2^3=8",
    "1 1/2 + 1 = 2.5",
    "24/5 x 10 = 48",
    "10 / 1/2 = 20",
    "- 5 + 3 = 8",
    "1. 5 + 3 = 8",
    "**5 + 3 = 8**",
    "$5 \\times 3 = 15$",
    "0.1+0.2=0.3",
    ".5*4=2",
    "2/3=.67",
    "33 + 1/3 of 30 = 43",
    "1/3 of 30 = 10",
    "12 pens+3 pens=15 pens (5 * 3)",
    "a profit of 20 - 5 = 15",
    "(5+3=8)",
    "((2+3)*(4-1))=15",
    "450 days x $100/day = $45,000",
    "5 + 3 \xe2"
    "\x80"
    "\x93"
    " 2 = 6",
    "<<48/2=24",
};

static const char *const false_ones[] = {
    "48/2=24 and 24+48=73",
    "48/2=25",
    "<<48/2=25>>",
    "She sold 48/2 = <<48/2=24>>23 clips",
    "$5 x 3 = $16",
    "12 apples + 3 apples = 16 apples",
    "1,000 + 2,000 = 3,001",
    "20% of 50 = 11",
    "50% + 20% = 80%",
    "20/50 = 41%",
    "3*4+2=18",
    "(3+4)*2=11",
    "10/3=3.34",
    "10/3=3",
    "2/3=0.66",
    "5\xc2"
    "\xb7"
    "3=16",
    "15\xc3"
    "\xb7"
    "3=6",
    "2+3=1+5=6",
    "12 = 3*5",
    "-5+3=2",
    "5*-3=15",
    "2^3=9",
    "1 1/2 + 1 = 3.5",
    "1. 5 + 3 = 9",
    "**5 + 3 = 9**",
    "$5 \\times 3 = 16$",
    "5 \\cdot 3 = 16",
    "0.1+0.2=0.30000000000000004",
    "1/3 of 30 = 11",
    "a total of 3 + 4 = 8",
    "((2+3)*(4-1))=16",
    "48/2=24\n48+24=73",
    "1200-mile trip / 60 miles an hour = 21 hours",
    "5 + 3 \xe2"
    "\x88"
    "\x92"
    " 2 = 7",
};

static const char *const left_alone[] = {
    "20% of the 50 = 11",
    "200 - 20% = 160",
    "x + 5 = 12",
    "2x = 12",
    "$100 000 x 10/100 = $10,000",
    "1 cheese + 1 meat *+1 vegetable = 3",
    "4 /+ 2 = 8",
    "5x/6=1200",
    "5/0=0",
    "999999999999*999999999999=1",
    "9223372036854775807+1=5",
    "2 hours + 30 minutes = 150 minutes",
    "7:30 + 1:00 = 8:30",
    "1e5+1=7",
    "3 + 4 != 8",
    "3 + 4 >= 8",
    "3 + 4 == 8",
    "5! + 1 = 121",
    "17/5 = 3 remainder 2",
    "3 dozen + 2 = 38",
    "\\frac{1}{2} + 1 = 7",
    "\xc2"
    "\xbd"
    " + 1 = 3",
    "72",
    "#72",
    "x=5",
    "=5",
    "48/2=",
    "100 stickers / 3 friends = 33 stickers, with 1 remaining",
    "14, 400 / 80 = 180",
    "Week 1 + Week 2 = 35 + 35",
    "4 bedrooms = 4 * 121",
    "5A - 5 = 30",
    "$1 / 2 = 50 cents",
    "4 / 3 = 1 and 1/3",
    "3*30 = 30 + M trees",
    "0900-0130 = 0730 hours",
    "half of 6 + 4 = 7",
    "multiplied by 3 + 4 = 20",
    "f(3) + 2 = 11",
    "\\sqrt{16} + 2 = 6",
    "1+2+...+10=55",
    "50\xc2"
    "\xa2"
    " + 50\xc2"
    "\xa2"
    " = $1",
    "rounded, 100 / 7 = 14",
    "48/2=<<24>>",
};

static void check_table(const char *const *texts, size_t n, enum pd_arithmetic expected)
{
    static const char *const names[] = {"left alone", "true", "false"};
    for (size_t i = 0; i < n; i++) {
        /* On the heap and without a NUL, so that a sanitizer sees a byte read too many. */
        size_t bytes = strlen(texts[i]);
        char *text = malloc(bytes);
        assert_non_null(text);
        enum pd_arithmetic found = pd_arithmetic_check(memcpy(text, texts[i], bytes), bytes);
        free(text);
        if (found != expected)
            fail_msg("'%s' is %s, not %s", texts[i], names[found], names[expected]);
    }
}

static void test_true_equations_are_true(void **state)
{
    (void)state;
    check_table(true_ones, PD_COUNT(true_ones), PD_ARITHMETIC_TRUE);
}

static void test_false_equations_are_false(void **state)
{
    (void)state;
    check_table(false_ones, PD_COUNT(false_ones), PD_ARITHMETIC_FALSE);
}

static void test_what_is_in_doubt_is_left_alone(void **state)
{
    (void)state;
    check_table(left_alone, PD_COUNT(left_alone), PD_ARITHMETIC_NONE);
}

/* a op b op c with the usual precedence, as a fraction over `below`. */
static int64_t reference(const int64_t *n, const char *op, int64_t *below)
{
    int64_t left = n[0];
    int64_t right = n[2];
    *below = 1;
    if (op[1] == '*' && op[0] != '*')
        return op[0] == '+' ? left + n[1] * right : left - n[1] * right;
    if (op[1] == '/') {
        *below = right;
        return op[0] == '*'   ? left * n[1]
               : op[0] == '+' ? left * right + n[1]
                              : left * right - n[1];
    }
    left = op[0] == '*' ? left * n[1] : op[0] == '+' ? left + n[1] : left - n[1];
    return op[1] == '*' ? left * right : op[1] == '+' ? left + right : left - right;
}

static void test_random_chains_agree_with_a_reference(void **state)
{
    (void)state;
    static const char first[] = "+-*";
    static const char second[] = "+-*/";
    static const char *const blanks[] = {"", " "};
    for (uint64_t i = 0; i < 30000; i++) {
        int64_t n[3], below;
        for (uint64_t j = 0; j < 3; j++)
            n[j] = 1 + (int64_t)(pd_rng_u64(9, i, j) % 300);
        char op[2] = {first[pd_rng_u64(9, i, 3) % 3], second[pd_rng_u64(9, i, 4) % 4]};
        int64_t above = reference(n, op, &below);
        int64_t off = (int64_t)(pd_rng_u64(9, i, 5) % 3) - 1;
        int64_t result = above / below + off;
        char text[128];
        const char *blank = blanks[pd_rng_u64(9, i, 6) % 2];
        bool has_words = pd_rng_u64(9, i, 7) % 2 == 0;
        int bytes = snprintf(text, sizeof text, "%s%lld%s%c%s%lld%s%c%s%lld%s=%s%lld%s",
                             has_words ? "So it is $" : "", (long long)n[0], blank, op[0], blank,
                             (long long)n[1], blank, op[1], blank, (long long)n[2], blank, blank,
                             (long long)result, has_words ? " in all." : "");
        /* What a calculator shows of 283.998 is 284. */
        int64_t apart = result * below - above;
        bool is_true = (apart < 0 ? -apart : apart) * 200 < below;
        enum pd_arithmetic found = pd_arithmetic_check(text, (size_t)bytes);
        if (found != (is_true ? PD_ARITHMETIC_TRUE : PD_ARITHMETIC_FALSE))
            fail_msg("'%s' is %d, not %d", text, (int)found, (int)is_true);
    }
}

static void test_the_verifier_rejects_false_steps_only(void **state)
{
    (void)state;
    static const char text[] = "1+1=3\n2+2=4";
    const struct pd_verify_item items[] = {
        {.text = text, .text_bytes = sizeof text - 1, .step_begin = 6},
        {.text = text, .text_bytes = 6, .step_begin = 0},
        {.text = text, .text_bytes = sizeof text - 1, .step_begin = sizeof text - 1},
    };
    float score[3];
    assert_true(pd_verifier_arithmetic.vetoes);
    assert_true(pd_verifier_arithmetic.score(NULL, items, 3, 0, score) == PONDER_OK);
    assert_true(isnan(score[0]) && score[1] == 0.0f && isnan(score[2]));
}

static void test_long_lines_take_linear_time(void **state)
{
    (void)state;
    static const char *const parts[] = {"1=",  "1+1=",  "(",   "<<", "x ",  "1 x ", "=",
                                        "a b", "<<1>>", ")1=", "-",  "1/1", "\n=",  "1,111,"};
    enum { BYTES = 1 << 20 };
    char *text = malloc(BYTES);
    assert_non_null(text);
    for (size_t p = 0; p < PD_COUNT(parts); p++) {
        size_t n = strlen(parts[p]);
        for (size_t i = 0; i < BYTES; i++)
            text[i] = parts[p][i % n];
        pd_arithmetic_check(text, BYTES);
    }
    free(text);
}

struct count {
    int n_rows, n_steps, n_judged, n_false_steps, n_false_rows;
};

static void count_row(struct count *c, const char *solution, size_t bytes)
{
    bool is_false = false;
    for (size_t at = 0; at < bytes;) {
        const char *end = memchr(solution + at, '\n', bytes - at);
        size_t n = end ? (size_t)(end - solution) - at : bytes - at;
        enum pd_arithmetic found = pd_arithmetic_check(solution + at, n);
        c->n_steps++;
        c->n_judged += found != PD_ARITHMETIC_NONE;
        c->n_false_steps += found == PD_ARITHMETIC_FALSE;
        is_false |= found == PD_ARITHMETIC_FALSE;
        at += n + 1;
    }
    c->n_rows++;
    c->n_false_rows += is_false;
}

/* Every solution is a right one: what is rejected is a false veto, or a slip of the pen on a right way. */
static void test_solutions_of_people_are_hardly_rejected(void **state)
{
    (void)state;
    enum { VALIDATION_FROM = 7000 };
    const char *folder = getenv("PONDER_DATA");
    char path[512];
    snprintf(path, sizeof path, "%s/gsm8k_train.jsonl", folder ? folder : "../shared/data");
    FILE *file = fopen(path, "r");
    if (!file)
        skip();
    static char row[1 << 16];
    static char solution[1 << 16];
    struct count counts[2] = {{0}, {0}};
    while (fgets(row, sizeof row, file)) {
        struct pd_json_value field = pd_json_field(row, strlen(row), "solution");
        assert_int_equal(field.kind, PD_JSON_STRING);
        count_row(&counts[counts[0].n_rows == VALIDATION_FROM], solution,
                  pd_json_unescape(field, solution));
    }
    fclose(file);
    for (int i = 0; i < 2; i++) {
        const struct count *c = &counts[i];
        printf(
            "%s rows: %d of %d solutions (%.2f%%), %d of %d steps (%.2f%%) rejected, %d judged\n",
            i == 0 ? "first 7000" : "validation", c->n_false_rows, c->n_rows,
            100.0 * c->n_false_rows / c->n_rows, c->n_false_steps, c->n_steps,
            100.0 * c->n_false_steps / c->n_steps, c->n_judged);
        assert_true(c->n_judged * 10 > c->n_steps * 9);
    }
    assert_true((counts[0].n_false_rows + counts[1].n_false_rows) * 200 <
                counts[0].n_rows + counts[1].n_rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_true_equations_are_true),
        cmocka_unit_test(test_false_equations_are_false),
        cmocka_unit_test(test_what_is_in_doubt_is_left_alone),
        cmocka_unit_test(test_random_chains_agree_with_a_reference),
        cmocka_unit_test(test_the_verifier_rejects_false_steps_only),
        cmocka_unit_test(test_long_lines_take_linear_time),
        cmocka_unit_test(test_solutions_of_people_are_hardly_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
