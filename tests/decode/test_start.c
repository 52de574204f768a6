/* SPDX-License-Identifier: Apache-2.0
 * test_start.c - which kernels a start takes, and what memory it holds on the way. */
#define _DEFAULT_SOURCE
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/kernels.h"
#include "ponder.h"
#include "tests/support/interpose.h"
#include "tests/support/model_file.h"

/* What this process held at most while it opened the model, beside what the engine says it needs, in MiB. */
static int peak_beside_plan(const char *path)
{
    char err[PONDER_ERROR_BYTES] = "";
    struct ponder_options options;
    struct ponder_info info;
    struct ponder *p;
    struct rusage usage;
    ponder_options_default(&options);
    options.n_lanes = 1;
    options.n_threads = 1;
    if (ponder_create(path, &options, 0, &p, err, sizeof err) != PONDER_OK ||
        getrusage(RUSAGE_SELF, &usage) != 0)
        return INT_MAX;
    ponder_describe(p, &info);
    ponder_free(p);
    return (int)(usage.ru_maxrss / 1024 - (long)(info.memory_bytes >> 20));
}

/* With one thread, which gives back what it has read before it reads on: how much several hold at once depends on when
 * the system lets each run. The peak is a process's, so the try is one. */
static void test_the_file_does_not_lie_in_memory_beside_its_panels(void **state)
{
    (void)state;
#ifndef __x86_64__
    print_message("an emulator's own memory counts too\n");
    skip();
#endif
    enum { MIB_ASIDE = 24 };
    char path[MODEL_FILE_PATH];
    if (!interpose_works() || !model_file_real("smollm2-135m", path)) {
        print_message("needs a real model and no sanitizer\n");
        skip();
    }
    int fd[2], beside = INT_MAX;
    assert_int_equal(pipe(fd), 0);
    pid_t child = fork();
    if (child == 0) {
        beside = peak_beside_plan(path);
        _exit(write(fd[1], &beside, sizeof beside) == sizeof beside ? 0 : 1);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(read(fd[0], &beside, sizeof beside), sizeof beside);
    close(fd[0]);
    close(fd[1]);
    if (beside >= MIB_ASIDE)
        fail_msg("%d MiB beside what is planned, of which %d were expected", beside, MIB_ASIDE);
}

static enum ponder_status create(const char *path, const char *isa, char err[PONDER_ERROR_BYTES])
{
    struct ponder_options options;
    struct ponder *p;
    ponder_options_default(&options);
    options.n_lanes = 1;
    options.max_prompt_tokens = 8;
    options.max_tokens = 8;
    options.isa = isa;
    enum ponder_status status = ponder_create(path, &options, 0, &p, err, PONDER_ERROR_BYTES);
    if (status == PONDER_OK)
        ponder_free(p);
    return status;
}

static void test_an_instruction_set_that_cannot_be_had_is_told_from_one_that_is_none(void **state)
{
    (void)state;
    char path[MODEL_FILE_PATH], err[PONDER_ERROR_BYTES] = "", want[64];
    const char *name;
    bool is_available;
    assert_true(model_file_tiny("llama", PD_Q4_1, path));
    for (int i = 0; (name = pd_kernels_isa(i, &is_available)) != NULL; i++) {
        enum ponder_status status = create(path, name, err);
        assert_int_equal(status, is_available ? PONDER_OK : PONDER_BAD_ARGUMENT);
        snprintf(want, sizeof want, "this CPU lacks instruction set '%s'; it has: generic", name);
        if (!is_available && strstr(err, want) != err)
            fail_msg("'%s'", err);
    }
    assert_int_equal(create(path, "avx9000", err), PONDER_BAD_ARGUMENT);
    snprintf(want, sizeof want, "instruction set 'avx9000' is unknown; here there are: generic");
    if (strstr(err, want) != err)
        fail_msg("'%s'", err);
    /* The names are those that work, each of them. */
    for (int i = 0; (name = pd_kernels_isa(i, &is_available)) != NULL; i++)
        assert_true((strstr(err + strlen(want) - strlen("generic"), name) != NULL) == is_available);
    unlink(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_file_does_not_lie_in_memory_beside_its_panels),
        cmocka_unit_test(test_an_instruction_set_that_cannot_be_had_is_told_from_one_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
