/* SPDX-License-Identifier: Apache-2.0
 * test_repeats.c - what goes round in circles is cut, and what only looks like it is not; empty samples do not count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "search/repeats.h"
#include "search/strategy.h"
#include "tests/support/scripted.h"

static bool lines_repeat(const char *text)
{
    return pd_lines_repeat(text, strlen(text));
}

static void test_lines_said_three_times_are_found(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "x\nx\nx\n",       "He has 3.\n2+2=4\n2+2=4\n2+2=4\n",        "a\nb\na\nb\na\nb\n",
        "a\n\na\n\na\n\n", "z\na\nb\nc\nd\na\nb\nc\nd\na\nb\nc\nd\n",
    };
    static const char *const no[] = {
        "",
        "\n",
        "x\nx\n",
        "x\nx\nx",         /* the third may go on */
        "x\nx\nx\ny\n",    /* was found before */
        "ax\nx\nx\n",      /* not the same line */
        "x\ny\nx\ny\nx\n", /* two and a half times */
        "x\nxx\nx\n",
        "\n\n\n\n\n\n", /* empty lines do no harm */
        " \n \n \n",
        "a\nb\nc\nd\ne\na\nb\nc\nd\ne\na\nb\nc\nd\ne\n", /* five lines */
    };
    for (size_t i = 0; i < PD_COUNT(yes); i++)
        assert_true(lines_repeat(yes[i]));
    for (size_t i = 0; i < PD_COUNT(no); i++)
        assert_false(lines_repeat(no[i]));
}

static bool slow_tokens_repeat(const int32_t *token, int n)
{
    for (int period = 1; period <= 8 && n >= 32; period++) {
        bool is_same = true;
        for (int i = n - 32; i < n; i++)
            is_same = is_same && token[i] == token[n - 32 + (i - (n - 32)) % period];
        if (is_same)
            return true;
    }
    return false;
}

static void test_tokens_in_a_loop_are_found(void **state)
{
    (void)state;
    int n_found = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        int32_t token[64];
        int n = (int)(pd_rng_u64(seed, 0, 0) % 65), period = 1 + (int)(pd_rng_u64(seed, 0, 1) % 10);
        for (int i = 0; i < n; i++)
            token[i] = (int32_t)(pd_rng_u64(seed, 1, (uint64_t)(i % period)) % 50);
        if (n > 0 && seed % 3 == 0)
            token[pd_rng_u64(seed, 2, 0) % (uint64_t)n] = 50;
        assert_true(pd_tokens_repeat(token, n) == slow_tokens_repeat(token, n));
        n_found += pd_tokens_repeat(token, n);
    }
    assert_true(n_found > 200);
}

/* A number with many zeros, or a line of dashes, is no loop yet. */
static void test_short_runs_are_no_loops(void **state)
{
    (void)state;
    int32_t token[PD_REPEATS_TOKENS] = {1};
    assert_false(pd_tokens_repeat(token, PD_REPEATS_TOKENS));
    token[0] = 0;
    assert_true(pd_tokens_repeat(token, PD_REPEATS_TOKENS));
    assert_false(pd_tokens_repeat(token, PD_REPEATS_TOKENS - 1));
}

static void test_blank_texts_are_blank(void **state)
{
    (void)state;
    assert_true(pd_text_is_blank("", 0));
    assert_true(pd_text_is_blank(" \n\t\n", 4));
    assert_false(pd_text_is_blank("\n.", 2));
}

/* ---- in a search ---- */

/* Says the same line for ever, or nothing at all. */
static void draw_one(void *self, const struct pd_sampling *how, struct pd_draw *draws, int n)
{
    struct scripted *s = self;
    (void)how;
    for (int i = 0; i < n; i++) {
        bool is_empty = s->script.n_answers == 1;
        draws[i].token = is_empty                     ? SCRIPT_EOS
                         : draws[i].position % 2 == 0 ? SCRIPT_WORD
                                                      : SCRIPT_LINE;
        draws[i].log_prob = -1.0f;
    }
}

static const char *end_note;

static void note_end(void *user, const struct ponder_event *event)
{
    (void)user;
    if (strcmp(event->kind, "end") == 0)
        end_note = event->note;
}

/* Tokens written by a sample that says nothing or the same. */
static int n_written(bool is_empty, bool cuts_hopeless, const char *note, int n_ended)
{
    const struct script script = {.n_answers = is_empty ? 1 : 2, .score_steps = 8};
    struct scripted *s = scripted_new(&script, 2, 100);
    struct pd_task task = scripted_task(s, 2);
    struct pd_outcome outcome;
    s->search.policy.draw = draw_one;
    task.cuts_hopeless = cuts_hopeless;
    task.on_event = note_end;
    assert_int_equal(pd_search_run(&s->search, &task, &pd_strategy_majority, 0, &outcome),
                     PONDER_OK);
    assert_string_equal(end_note, note);
    assert_int_equal(outcome.n_ended, n_ended);
    int n = s->search.n_tokens;
    scripted_free(s);
    return n;
}

static void test_samples_that_repeat_are_cut(void **state)
{
    (void)state;
    assert_int_equal(n_written(false, true, "repeats", 0), 2 * 6);
    assert_int_equal(n_written(false, false, "cut", 0), 2 * 100);
}

static void test_empty_samples_are_not_finished(void **state)
{
    (void)state;
    assert_int_equal(n_written(true, true, "empty", 0), 0);
    assert_int_equal(n_written(true, false, "complete", 2), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_said_three_times_are_found),
        cmocka_unit_test(test_tokens_in_a_loop_are_found),
        cmocka_unit_test(test_short_runs_are_no_loops),
        cmocka_unit_test(test_blank_texts_are_blank),
        cmocka_unit_test(test_samples_that_repeat_are_cut),
        cmocka_unit_test(test_empty_samples_are_not_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
