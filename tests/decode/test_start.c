/* SPDX-License-Identifier: Apache-2.0
 * test_start.c - which kernels a start takes, and what memory it holds on the way. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/kernels.h"
#include "ponder.h"
#include "tests/support/interpose.h"
#include "tests/support/model_file.h"

/* First, for the peak is the process's. */
static void test_the_file_does_not_lie_in_memory_beside_its_panels(void **state)
{
    (void)state;
#ifndef __x86_64__
    print_message("an emulator's own memory counts too\n");
    skip();
#endif
    char path[MODEL_FILE_PATH], err[PONDER_ERROR_BYTES] = "";
    struct ponder_options options;
    struct ponder_info info;
    struct ponder *p;
    struct rusage usage;
    if (!interpose_works() || !model_file_real("smollm2-135m", path)) {
        print_message("needs a real model and no sanitizer\n");
        skip();
    }
    ponder_options_default(&options);
    options.n_lanes = 1;
    if (ponder_create(path, &options, 0, &p, err, sizeof err) != PONDER_OK)
        fail_msg("%s", err);
    ponder_describe(p, &info);
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    size_t peak = (size_t)usage.ru_maxrss * 1024, aside = (size_t)24 << 20;
    ponder_free(p);
    print_message("%.1f MiB planned, %.1f at most\n", (double)info.memory_bytes / 1048576.0,
                  (double)peak / 1048576.0);
    assert_true(peak < info.memory_bytes + aside);
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
