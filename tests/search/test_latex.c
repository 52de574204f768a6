/* SPDX-License-Identifier: Apache-2.0
 * test_latex.c - mathematical answers: what means the same is equal, what does not is not, and equality is an
 * equivalence on random forms of random values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/rng.h"
#include "search/answer.h"
#include "search/field.h"
#include "search/latex.h"

/* Each row: forms of one answer, up to NULL; rows differ from each other. */
static const char *const classes[][9] = {
    {"1/2", "0.5", ".5", "\\frac12", "\\frac{1}{2}", "\\dfrac 1 2", "\\tfrac{3}{6}", "x = 0.50",
     "50\\% / 100"},
    {"-1/2", "-\\frac{1}{2}", "\\frac{-1}{2}", "\\frac{1}{-2}", "-0.5"},
    {"2", "2.0", "\\sqrt{4}", "\\sqrt2\\cdot\\sqrt2", "\\sqrt[3]{8}",
     "\\frac{\\sqrt{8}}{\\sqrt{2}}", "2^1"},
    {"2\\sqrt{3}", "\\sqrt{12}", "2\\sqrt3", "2 \\sqrt 3", "\\frac{6}{\\sqrt{3}}", "2*sqrt(3)",
     "12^{1/2}"},
    {"-2\\sqrt{3}", "-\\sqrt{12}"},
    {"2+\\sqrt{3}", "\\sqrt{3}+2", "\\frac{1}{2-\\sqrt{3}}", "(2+\\sqrt3)"},
    {"2-\\sqrt{3}", "-\\sqrt{3}+2"},
    {"2 \\pm \\sqrt{3}", "2+\\sqrt3, 2-\\sqrt3", "2-\\sqrt{3} \\text{ and } 2+\\sqrt{3}"},
    {"\\frac{\\pi}{4}", "\\frac14\\pi", "0.25\\pi", "\\pi/4", "45\\pi/180"},
    {"\\pi", "3\\pi - 2\\pi"},
    {"3.14"},
    {"3/8000000000000000000", "\\frac{3}{8\\cdot 10^{18}}"}, /* ten times that does not fit */
    {"22/7", "3\\frac{1}{7}", "3 1/7"},
    {"3\\cdot\\frac{1}{7}", "\\frac37"},
    {"x^2+2x+1", "(x+1)^2", "1 + x(x+2)", "x^{2} + 2 \\cdot x + 1", "(1+x)(x+1)"},
    {"x^2-2x+1", "(x-1)^2", "(1-x)^2"},
    {"x^2y+1", "1+yx^2", "1+xyx"},
    {"\\frac{x+1}{x-2}", "\\frac{-x-1}{2-x}", "(x+1)/(x-2)", "\\frac{x^2-1}{(x-1)(x-2)}"},
    {"\\frac{1}{2x}", "\\frac1{2x}", "1/(2x)", "\\frac{0.5}{x}"},
    {"x/2", "1/2x", "\\frac{x}{2}"},
    {"3+4i", "4i+3", "(2+i)^2", "3 + 4 \\cdot i"},
    {"3-4i", "(2-i)^2"},
    {"5", "x=5", "5^\\circ", "5\\text{ cm}", "5 \\text{ cm}^2", "\\$5", "5\\%", "\\boxed{5}",
     "\\sqrt{25}"},
    {"x+y=5", "y+x=5", "5=x+y", "2x+2y=10", "x+y-5=0", "-x-y=-5"},
    {"x+y=6"},
    {"y^2=4x", "4x=y^2", "y^2-4x=0"},
    {"x<5", "5>x"},
    {"x\\le 5", "x \\leq 5", "5 \\ge x", "5 \\geq x", "x <= 5"},
    {"0<x\\le 5", "5 \\ge x > 0"},
    {"(1,2)", "(1, 2)", "\\left(1,2\\right)", "\\left( 1,\\frac{4}{2} \\right)",
     "(\\sqrt{1}, 2.0)"},
    {"(2,1)"},
    {"[1,2]", "\\left[1, 2\\right]", "x \\in [1,2]"},
    {"[1,2)", "\\left[1, 2\\right)"},
    {"\\{1,2\\}", "\\{2,1\\}", "1,2", "2, 1", "1 and 2", "1, 2, 1", "\\{ 2,\\,1 \\}", "x = 1, 2"},
    {"\\{1,2,3\\}", "3, 1, 2", "1, 2, \\text{ and } 3"},
    {"(-\\infty,1)\\cup(2,\\infty)", "(2, \\infty) \\cup \\left(-\\infty, 1\\right)"},
    {"(-\\infty,1]\\cup(2,\\infty)", "[-\\infty,1]\\cup(2,\\infty]"},
    {"\\emptyset", "\\varnothing", "\\{\\}"},
    {"\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}",
     "\\begin{pmatrix} 1.0 & \\frac42 \\\\ 3 & 4 \\\\ \\end{pmatrix}"},
    {"\\begin{pmatrix} 1 & 3 \\\\ 2 & 4 \\end{pmatrix}"},
    {"\\begin{pmatrix} 1 \\\\ 2 \\\\ 3 \\\\ 4 \\end{pmatrix}"},
    {"\\sqrt[3]{2}", "2^{1/3}", "\\frac{\\sqrt[3]{16}}{2}"},
    {"\\sqrt[4]{2}", "2^{\\frac14}"},
    {"\\sqrt{2}", "\\sqrt[4]{4}", "2^{0.5}", "\\frac{2}{\\sqrt{2}}"},
    {"\\sqrt{x}", "\\sqrt{ x }", "x^{1/2}", "\\sqrt x"},
    {"\\sin 3x", "\\sin(3x)", "\\sin{3x}"},
    {"\\sin 3", "\\sin{3}"},
    {"3\\sin x", "3 \\sin (x)"},
    {"\\log_2 3", "\\log_{2}{3}"},
    {"\\log_3 2"},
    {"2^{2005}", "2 \\cdot 2^{2004}", "2^{2000+5}"},
    {"2^{1983}"},
    {"2112_6", "2112_{6}"},
    {"-2112_6", "- 2112_6"},
    {"2112_7"},
    {"2112"},
    {"1{,}234{,}567", "1234567", "1,\\!234,\\!567", "1,234,567"},
    {"123456789012345678901", "123456789012345678901.0"},
    {"123456789012345678902"},
    {"9007199254740046"}, /* twice the prime of field.h */
    {"4503599627370023"},
    {"0", "-0", "x-x"},
    {"-1", "i^2", "e - e - 1"},
    {"x", "\\frac{x^2}{x}"},
    {"X"},
    {"x_1", "x_{1}"},
    {"x_2"},
    {"f(2)<f(1)", "f(1) > f(2)"},
    {"f(1)<f(2)"},
    {"\\text{(B)}", "(B)", "B", "\\text{B}"},
    {"\\text{even}", "even", "Even"},
    {"cat"},
    {"act"},
    {"1:2"},
    {"\\overline{CD}"},
    {"\\overline{DC}"},
};

enum { N_CLASSES = PD_COUNT(classes), N_FORMS = PD_COUNT(classes[0]) };

static void test_forms_of_one_answer_are_equal_and_of_two_are_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CLASSES * N_FORMS; i++)
        for (size_t j = 0; j <= i; j++) {
            const char *a = classes[i / N_FORMS][i % N_FORMS];
            const char *b = classes[j / N_FORMS][j % N_FORMS];
            bool is_same = i / N_FORMS == j / N_FORMS;
            if (a && b && (pd_answer_equal(a, b) != is_same || pd_answer_equal(b, a) != is_same))
                fail_msg("'%s' and '%s' are %sequal", a, b, is_same ? "not " : "");
            if (a && b)
                assert_int_equal(pd_answer_hash(a) == pd_answer_hash(b), is_same);
        }
}

/* What is found and shown means the same as what was written. */
static void test_the_canonical_text_is_equal_to_the_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CLASSES * N_FORMS; i++) {
        const char *a = classes[i / N_FORMS][i % N_FORMS];
        char canonical[PD_ANSWER_BYTES];
        if (!a)
            continue;
        assert_true(pd_answer_normalise(a, strlen(a), canonical, sizeof canonical));
        if (!pd_answer_equal(a, canonical))
            fail_msg("'%s' is shown as '%s'", a, canonical);
    }
}

/* ---- random forms ---- */

struct dice {
    uint64_t seed, n;
};

static int roll(struct dice *d, int sides)
{
    return (int)(pd_rng_u64(d->seed, 17, d->n++) % (uint64_t)sides);
}

/* A text of the value n / m + k sqrt(3) x, in one of many forms; n, k whole, m > 0. */
static void write_form(struct dice *d, int n, int m, int k, char text[160])
{
    char first[64];
    char second[64];
    int times = 1 + roll(d, 5);
    int wide = n * times;
    int deep = m * times;
    switch (roll(d, 5)) { /* formats are constants */
    case 0:
        snprintf(first, sizeof first, "\\frac{%d}{%d}", wide, deep);
        break;
    case 1:
        snprintf(first, sizeof first, "\\dfrac{%d}{%d}", wide, deep);
        break;
    case 2:
        snprintf(first, sizeof first, "%d/%d", wide, deep);
        break;
    case 3:
        snprintf(first, sizeof first, "(%d)/(%d)", wide, deep);
        break;
    default:
        snprintf(first, sizeof first, "\\tfrac{ %d }{ %d }", wide, deep);
    }
    switch (roll(d, 4)) {
    case 0:
        snprintf(second, sizeof second, "(%d)\\sqrt{3}x", k);
        break;
    case 1:
        snprintf(second, sizeof second, "\\frac{%d x}{\\sqrt{3}}", 3 * k);
        break;
    case 2:
        snprintf(second, sizeof second, "x \\cdot (%d) \\cdot \\sqrt{12}/2", k);
        break;
    default:
        snprintf(second, sizeof second, "(%d x - %d x) \\sqrt 3", k + 7, 7);
    }
    bool is_swapped = roll(d, 2) == 0;
    snprintf(text, 160, "%s + %s", is_swapped ? second : first, is_swapped ? first : second);
}

static void test_equality_is_an_equivalence_on_random_forms(void **state)
{
    (void)state;
    enum { VALUES = 24, FORMS = 6 };
    static char text[VALUES][FORMS][160];
    int n[VALUES], m[VALUES], k[VALUES];
    struct dice d = {5, 0};
    for (int i = 0; i < VALUES; i++) {
        n[i] = roll(&d, 9) - 4;
        m[i] = 1 + roll(&d, 4);
        k[i] = 1 + roll(&d, 3);
        for (int f = 0; f < FORMS; f++)
            write_form(&d, n[i], m[i], k[i], text[i][f]);
    }
    for (int i = 0; i < VALUES * FORMS; i++)
        for (int j = 0; j < VALUES * FORMS; j++) {
            int a = i / FORMS;
            int b = j / FORMS;
            bool is_same = n[a] * m[b] == n[b] * m[a] && k[a] == k[b];
            if (pd_answer_equal(text[a][i % FORMS], text[b][j % FORMS]) != is_same)
                fail_msg("'%s' and '%s' are %sequal", text[a][i % FORMS], text[b][j % FORMS],
                         is_same ? "not " : "");
        }
}

/* ---- the field ---- */

static struct pd_field element(struct dice *d)
{
    uint64_t re = pd_rng_u64(d->seed, 18, d->n++) % pd_field_prime;
    uint64_t im = pd_rng_u64(d->seed, 18, d->n++) % pd_field_prime;
    return (struct pd_field){re, roll(d, 4) == 0 ? 0 : im};
}

static void test_the_field_is_one(void **state)
{
    (void)state;
    struct dice d = {6, 0};
    struct pd_field one = {1, 0};
    for (int i = 0; i < 3000; i++) {
        struct pd_field a = element(&d);
        struct pd_field b = element(&d);
        struct pd_field c = element(&d);
        struct pd_field inverse;
        struct pd_field left = pd_field_multiply(a, pd_field_add(b, c));
        struct pd_field right = pd_field_add(pd_field_multiply(a, b), pd_field_multiply(a, c));
        assert_true(pd_field_is_equal(left, right));
        assert_true(pd_field_is_equal(pd_field_multiply(pd_field_multiply(a, b), c),
                                      pd_field_multiply(a, pd_field_multiply(b, c))));
        assert_true(pd_field_inverse(a, &inverse));
        assert_true(pd_field_is_equal(pd_field_multiply(a, inverse), one));
        struct pd_field root = pd_field_root((uint64_t)i);
        assert_true(pd_field_is_equal(pd_field_multiply(root, root), pd_field_of(i)));
    }
    assert_false(pd_field_inverse(pd_field_of(0), &one));
    assert_true(
        pd_field_is_equal(pd_field_of(INT64_MIN),
                          pd_field_negative(pd_field_add(pd_field_of(INT64_MAX), pd_field_of(1)))));
}

/* Texts that could take long, or a deep stack, do not. */
static void test_nested_and_long_texts_are_refused_soon(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "(",    "{",      "\\frac{", "1\\frac{1", "\\sqrt{",          "x^{", "-",       "1,",
        "\\{",  "\\sqrt", "\\frac1", "[1,(",      "\\begin{pmatrix}", "x_",  "\\cup",   "1=",
        "\\pm", "2^",     "\\sin",   "!",         "999999/",          "f(",  "\\text{", "\\left("};
    enum { BYTES = 1000 };
    char text[BYTES + 1];
    unsigned char key[PD_LATEX_KEY_BYTES];
    for (size_t p = 0; p < PD_COUNT(parts); p++) {
        size_t n = strlen(parts[p]);
        for (size_t i = 0; i < BYTES; i++)
            text[i] = parts[p][i % n];
        text[BYTES] = '\0';
        pd_latex_key((struct pd_span){text, BYTES}, key);
        pd_answer_equal(text, "1");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_of_one_answer_are_equal_and_of_two_are_not),
        cmocka_unit_test(test_the_canonical_text_is_equal_to_the_answer),
        cmocka_unit_test(test_equality_is_an_equivalence_on_random_forms),
        cmocka_unit_test(test_the_field_is_one),
        cmocka_unit_test(test_nested_and_long_texts_are_refused_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
