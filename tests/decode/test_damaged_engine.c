/* SPDX-License-Identifier: Apache-2.0
 * test_damaged_engine.c - damaged files through the whole engine: what ponder_create() refuses it refuses in one
 * line, and what it loads answers a question and writes on, whatever its weights are by then. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ponder.h"
#include "tests/support/damage.h"

struct tally {
    char path[64];
    int step; /* every step-th case is tried */
    int n_seen, n_failed, n_loaded;
};

static void write_file(const char *path, const unsigned char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void use(struct ponder *p)
{
    static const char question[] = "How many?";
    struct ponder_answer answer;
    struct ponder_request request = {.n_samples = 2, .max_tokens = 3};
    enum ponder_status status = ponder_solve(p, question, sizeof question - 1, &request, &answer);
    assert_true(status == PONDER_OK || status == PONDER_NO_ANSWER || status == PONDER_TOO_LONG);
    request.raw = true;
    request.min_p = 0.1f;
    status = ponder_generate(p, question, sizeof question - 1, &request, &answer);
    assert_true(status == PONDER_OK || status == PONDER_TOO_LONG);
}

static void create(void *user, const struct damage_case *c)
{
    struct tally *tally = user;
    if (tally->n_seen++ % tally->step != 0 || c->n_bytes == 0)
        return;
    write_file(tally->path, c->bytes, c->n_bytes);
    /* Memory is bounded whatever a file claims: a tiny model's damaged header may ask for gigabytes. */
    enum { LIMIT = 64 << 20 };
    struct ponder_options options = {.n_lanes = 2, .max_tokens = 4, .n_threads = 1};
    struct ponder *p;
    char err[PONDER_ERROR_BYTES] = "";
    enum ponder_status status = ponder_create(tally->path, &options, LIMIT, &p, err, sizeof err);
    if (status == PONDER_OK) {
        tally->n_loaded++;
        if (c->must_fail)
            fail_msg("%s: loaded", c->name);
        use(p);
        ponder_free(p);
        return;
    }
    tally->n_failed++;
    if (err[0] == '\0' || strchr(err, '\n') != NULL)
        fail_msg("%s: '%s' is not one line", c->name, err);
    if (status != PONDER_BAD_FILE && status != PONDER_UNSUPPORTED && status != PONDER_NO_MEMORY &&
        status != PONDER_BAD_ARGUMENT) /* a context too short for the options */
        fail_msg("%s: status %d, '%s'", c->name, status, err);
}

static struct tally begin(int step)
{
    struct tally tally = {.path = "/tmp/ponder-damaged-XXXXXX", .step = step};
    int fd = mkstemp(tally.path);
    assert_true(fd >= 0);
    close(fd);
    return tally;
}

static void test_written_damage_ends_in_an_error_or_an_answer(void **state)
{
    (void)state;
    struct tally tally = begin(1);
    damage_each_written(create, &tally);
    unlink(tally.path);
    print_message("%d files: %d errors, %d answered\n", tally.n_seen, tally.n_failed,
                  tally.n_loaded);
    assert_true(tally.n_failed >= 100);
}

static void test_flipped_bits_end_in_an_error_or_an_answer(void **state)
{
    (void)state;
    struct tally tally = begin(1);
    damage_flips(7, 1000, create, &tally);
    unlink(tally.path);
    print_message("%d files: %d errors, %d answered\n", tally.n_seen, tally.n_failed,
                  tally.n_loaded);
    assert_true(tally.n_loaded >= 10 && tally.n_failed >= 100);
}

static void test_every_kind_of_damage_ends_in_an_error_or_an_answer(void **state)
{
    (void)state;
    struct tally tally = begin(29);
    damage_each(create, &tally);
    unlink(tally.path);
    print_message("%d of %d files: %d errors, %d answered\n", tally.n_failed + tally.n_loaded,
                  tally.n_seen, tally.n_failed, tally.n_loaded);
    assert_true(tally.n_failed >= 500);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_damage_ends_in_an_error_or_an_answer),
        cmocka_unit_test(test_flipped_bits_end_in_an_error_or_an_answer),
        cmocka_unit_test(test_every_kind_of_damage_ends_in_an_error_or_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
