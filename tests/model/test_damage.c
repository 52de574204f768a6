/* SPDX-License-Identifier: Apache-2.0
 * test_damage.c - damaged files give a one-line error or a right load, soon, and no read past their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/support/damage.h"
#include "tests/support/open_model.h"

struct tally {
    int n_failed, n_loaded;
    clock_t slowest; /* of the processor: a busy machine is not our fault */
};

static void assert_one_line(const char *text, const char *name)
{
    if (text[0] == '\0')
        fail_msg("%s: an error without a text", name);
    for (const char *c = text; *c; c++)
        if (*c < ' ' || *c > '~')
            fail_msg("%s: the text '%s' has byte %d", name, text, *c);
}

static void open_damaged(void *user, const struct damage_case *c)
{
    struct tally *tally = user;
    struct opened_model o;
    clock_t start = clock();
    if (open_model(&o, c->bytes, c->n_bytes) == PONDER_OK) {
        if (c->must_fail && c->layer == DAMAGE_GGUF_OR_MODEL)
            fail_msg("%s: the model loaded", c->name);
        open_tokenizer(&o);
    }
    clock_t spent = clock() - start;
    if (spent > tally->slowest)
        tally->slowest = spent;

    if (o.status == PONDER_OK) {
        tally->n_loaded++;
        touch_model(&o);
        touch_tokenizer(&o);
        pd_model_main_format(&o.model);
        if (c->must_fail)
            fail_msg("%s: loaded", c->name);
    } else {
        tally->n_failed++;
        assert_one_line(o.error, c->name);
        if (o.status != PONDER_BAD_FILE && o.status != PONDER_UNSUPPORTED)
            fail_msg("%s: status %d, '%s'", c->name, o.status, o.error);
        if (c->status != PONDER_OK && o.status != c->status)
            fail_msg("%s: status %d, not %d: '%s'", c->name, o.status, c->status, o.error);
        if (c->says && !strstr(o.error, c->says))
            fail_msg("%s: '%s' does not say '%s'", c->name, o.error, c->says);
    }
    close_model(&o);
}

static void test_damage_gives_a_one_line_error_or_a_right_load(void **state)
{
    (void)state;
    struct tally tally = {0};
    int n = damage_each(open_damaged, &tally);
    print_message("%d damaged files: %d errors, %d loaded, slowest %.2f ms\n", n, tally.n_failed,
                  tally.n_loaded, 1e3 * (double)tally.slowest / CLOCKS_PER_SEC);
    assert_int_equal(n, tally.n_failed + tally.n_loaded);
    assert_true(n >= 10000);
    assert_true(tally.n_failed > n / 2);
    assert_true(tally.slowest < CLOCKS_PER_SEC);
}

static void test_flipped_bits_give_a_one_line_error_or_a_right_load(void **state)
{
    (void)state;
    struct tally tally = {0};
    int n = damage_flips(20240806, 20000, open_damaged, &tally);
    print_message("%d files with flipped bits: %d errors, %d loaded, slowest %.2f ms\n", n,
                  tally.n_failed, tally.n_loaded, 1e3 * (double)tally.slowest / CLOCKS_PER_SEC);
    assert_int_equal(n, tally.n_failed + tally.n_loaded);
    assert_true(tally.n_failed > n / 10);
    assert_true(tally.slowest < CLOCKS_PER_SEC);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage_gives_a_one_line_error_or_a_right_load),
        cmocka_unit_test(test_flipped_bits_give_a_one_line_error_or_a_right_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
