/* SPDX-License-Identifier: Apache-2.0
 * test_verifier_list.c - a file among the names of --verifier. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/verifier_list.h"

static void check(const char *list, const char *names, const char *file)
{
    struct settings settings = {.request.verifier = list};
    assert_int_equal(verifier_list_settle(&settings), EXIT_OK);
    assert_string_equal(settings.request.verifier, names);
    if (file)
        assert_string_equal(settings.engine.verifier, file);
    else
        assert_null(settings.engine.verifier);
    options_free(&settings);
}

static void names_stay_as_they_are(void **state)
{
    (void)state;
    check("none", "none", NULL);
    check("", "", NULL);
    check("arithmetic,confidence", "arithmetic,confidence", NULL);
    check(",arithmetic,", ",arithmetic,", NULL);
    check("gguf,.gguf", "gguf,.gguf", NULL); /* no names of files */
}

static void a_file_is_the_engines(void **state)
{
    (void)state;
    check("v.gguf", "model", "v.gguf");
    check("models/v", "model", "models/v");
    check("/", "model", "/");
    check("arithmetic,models/v.gguf", "arithmetic,model", "models/v.gguf");
    check("v.gguf,arithmetic", "model,arithmetic", "v.gguf");
    check("head,./v,arithmetic", "head,model,arithmetic", "./v");
}

static void two_files_are_refused(void **state)
{
    (void)state;
    struct settings settings = {.request.verifier = "a.gguf,head,b/c"};
    assert_int_equal(verifier_list_settle(&settings), EXIT_USAGE);
    assert_null(settings.engine.verifier);
    options_free(&settings);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_stay_as_they_are),
        cmocka_unit_test(a_file_is_the_engines),
        cmocka_unit_test(two_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
