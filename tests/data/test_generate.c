/* SPDX-License-Identifier: Apache-2.0
 * test_generate.c - problems from the grammar: every sum is right, every text is whole, the same seed gives the same. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/data/expand.h"

enum { N_PROBLEMS = 100000 };

static struct grammar grammar;
static struct problem problem;

/* A number of a step in millionths, read without ratio.c. */
static int64_t millionths(const char **at)
{
    int64_t value = 0;
    int64_t unit = 1000000;
    while (isdigit((unsigned char)**at))
        value = 10 * value + 1000000 * (*(*at)++ - '0');
    if (**at == '.')
        for (++*at; isdigit((unsigned char)**at); ++*at)
            value += (unit /= 10) * (**at - '0');
    return value;
}

/* a op b = c, all in millionths: products and quotients to within what rounding of 64 bits may hide. */
static bool is_right(const char *step, int64_t *result_ret)
{
    int64_t a = millionths(&step);
    char op = *step++;
    int64_t b = millionths(&step);
    if (*step++ != '=')
        return false;
    int64_t c = *result_ret = millionths(&step);
    if (*step != '\0')
        return false;
    if (op == '+' || op == '-')
        return c == (op == '+' ? a + b : a - b);
    long double left =
        op == '*' ? (long double)a * (long double)b : (long double)c * (long double)b;
    long double right = op == '*' ? (long double)c * 1e6L : (long double)a * 1e6L;
    long double gap = left > right ? left - right : right - left;
    return gap <= right * 1e-15L;
}

static void assert_text_is_whole(const char *text)
{
    size_t n = strlen(text);
    bool is_good = n > 11 && strchr("?.", text[n - 1]) && !islower((unsigned char)text[0]);
    is_good = is_good && !strpbrk(text, "{}[]@#~|_\\") && !strstr(text, "  ") &&
              !strstr(text, " .") && !strstr(text, " ?") && !strstr(text, " ,") &&
              !strstr(text, "..") && !strstr(text, ",,");
    for (size_t i = 0; is_good && i + 1 < n; i++)
        is_good = text[i] != '$' || isdigit((unsigned char)text[i + 1 + (text[i + 1] == ' ')]);
    if (!is_good)
        fail_msg("%s", text);
}

static void every_step_of_every_problem_is_right(void **state)
{
    (void)state;
    int n = 0;
    int by_steps[MAX_STEPS + 1] = {0};
    for (uint64_t number = 0; n < N_PROBLEMS; number++) {
        assert_true(number < 2 * N_PROBLEMS);
        if (!expand_problem(&grammar, 7, number, NULL, 1, 8, &problem))
            continue;
        n++;
        by_steps[problem.steps.n]++;
        assert_text_is_whole(problem.question);
        for (int i = 0; i < problem.steps.n; i++) {
            char text[STEP_BYTES];
            int64_t result = -1;
            step_format(&problem.steps.step[i], text);
            if (!is_right(text, &result) || result <= 0)
                fail_msg("%s: %s", problem.question, text);
        }
    }
    for (int i = 1; i <= 4; i++)
        assert_true(by_steps[i] > N_PROBLEMS / 50);
}

static void every_kind_of_problem_comes_out(void **state)
{
    (void)state;
    for (int i = 0; i < grammar.n_families; i++) {
        int n = 0;
        for (uint64_t number = 0; number < 200; number++)
            n += expand_problem(&grammar, 3, number, grammar.family[i].kind, 1, 8, &problem);
        if (n < 100)
            fail_msg("%s: %d of 200", grammar.family[i].kind, n);
    }
}

static void the_same_seed_gives_the_same_problem(void **state)
{
    (void)state;
    static struct problem other;
    int n_different = 0;
    for (uint64_t number = 0; number < 500; number++) {
        bool first = expand_problem(&grammar, 5, number, NULL, 1, 8, &problem);
        assert_int_equal(expand_problem(&grammar, 5, number, NULL, 1, 8, &other), first);
        assert_string_equal(problem.question, other.question);
        expand_problem(&grammar, 6, number, NULL, 1, 8, &other);
        n_different += strcmp(problem.question, other.question) != 0;
    }
    assert_true(n_different > 480);
}

static void the_number_of_steps_is_what_was_asked_for(void **state)
{
    (void)state;
    int n = 0;
    for (uint64_t number = 0; number < 3000; number++)
        if (expand_problem(&grammar, 1, number, NULL, 3, 4, &problem)) {
            n++;
            assert_true(problem.steps.n == 3 || problem.steps.n == 4);
        }
    assert_true(n > 300);
}

static char folder[] = "/tmp/ponder-grammar-XXXXXX";

static void write_grammar(const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "%s/a.txt", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Recorded once: whoever changes it changes all data sets. */
static void a_little_grammar_gives_what_it_gave_everywhere(void **state)
{
    (void)state;
    write_grammar("list person!\nAnna|f\nTom|m\na farmer|r\n"
                  "list fruit\npeach\napple\nloaf of bread\n"
                  "rule gives\n{gives|hands} #b.o to $B\n"
                  "family try 2\n"
                  "= [A@person, B@person, o@fruit, a=3..1500, b=2..a-1, p=1..40:0.25]\n"
                  "> [c:=a-b]\n"
                  "{%t:$A has|$A had} #a.o, a~$o.1 for #p.money.\n"
                  "  $A.he @gives. {%t:How many|What number of} $o {%t:does|did} $A.he have?\n");
    struct grammar little;
    grammar_read(&little, folder);
    uint64_t sum = 0;
    for (uint64_t number = 0; number < 200; number++) {
        assert_true(expand_problem(&little, 11, number, NULL, 1, 8, &problem));
        for (const char *at = problem.question; *at; at++)
            sum = sum * 31 + (unsigned char)*at;
        assert_true(strstr(problem.question, "How many") ? strstr(problem.question, "has") != NULL
                                                         : strstr(problem.question, "had") != NULL);
    }
    grammar_free(&little);
    if (sum != UINT64_C(7872375530746786283))
        fail_msg("%llu", (unsigned long long)sum);
}

static void conditions_that_never_hold_end_the_search(void **state)
{
    (void)state;
    write_grammar("family never\n= [a=1..9, ?a>9]\n> [c:=a+1]\nWhat is #a plus one?\n");
    struct grammar little;
    grammar_read(&little, folder);
    assert_false(expand_problem(&little, 1, 1, NULL, 1, 8, &problem));
    grammar_free(&little);
}

static int setup(void **state)
{
    (void)state;
    grammar_read(&grammar, "models/data/grammar");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    grammar_free(&grammar);
    char path[64];
    snprintf(path, sizeof path, "%s/a.txt", folder);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_of_every_problem_is_right),
        cmocka_unit_test(every_kind_of_problem_comes_out),
        cmocka_unit_test(the_same_seed_gives_the_same_problem),
        cmocka_unit_test(the_number_of_steps_is_what_was_asked_for),
        cmocka_unit_test(a_little_grammar_gives_what_it_gave_everywhere),
        cmocka_unit_test(conditions_that_never_hold_end_the_search),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
