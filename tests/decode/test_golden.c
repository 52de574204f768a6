/* SPDX-License-Identifier: Apache-2.0
 * test_golden.c - greedy text of the real models, byte for byte, from every instruction set this CPU has. The texts in
 * tests/golden/greedy.txt were made by this program (--write) and read by people; a change of one byte
 * is a change of the engine's numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ponder.h"
#include "tests/support/model_file.h"

static const struct {
    const char *model;
    const char *prompt;
    bool is_question; /* solved; otherwise written on from */
} cases[] = {
    {"smollm2-135m", "What is the capital of France?", false},
    {"smollm2-135m", "Write one sentence about the sea.", false},
    {"smollm2-135m", "A box holds 12 pencils. How many pencils are in 3 boxes?", true},
    {"gemma3-270m", "The capital of France is", false},
    {"gemma3-270m", "Once upon a time there was a", false},
    {"gemma3-270m", "A box holds 12 pencils. How many pencils are in 3 boxes?", true},
};

enum { N_CASES = sizeof cases / sizeof cases[0], TEXT_BYTES = 4096 };

static const char *const golden_path = "tests/golden/greedy.txt";

/* What the engine writes, as a line: newlines become "\n". False: the model is not there. */
static bool write_case(int i, const char *isa, char line[TEXT_BYTES])
{
    char path[MODEL_FILE_PATH];
    if (!model_file_real(cases[i].model, path))
        return false;
    struct ponder_options options = {.n_lanes = 1, .max_tokens = 40, .isa = isa};
    struct ponder_request request = {.strategy = "greedy", .temperature = -1.0f};
    struct ponder_answer answer;
    struct ponder *p;
    char err[PONDER_ERROR_BYTES];
    if (ponder_create(path, &options, 0, &p, err, sizeof err) != PONDER_OK)
        fail_msg("%s", err);
    enum ponder_status status = (cases[i].is_question ? ponder_solve : ponder_generate)(
        p, cases[i].prompt, strlen(cases[i].prompt), &request, &answer);
    assert_true(status == PONDER_OK || status == PONDER_NO_ANSWER);
    size_t n = 0;
    for (size_t j = 0; j < answer.text_bytes && n + 2 < TEXT_BYTES; j++) {
        if (answer.text[j] == '\n') {
            line[n++] = '\\';
            line[n++] = 'n';
        } else {
            line[n++] = answer.text[j];
        }
    }
    line[n] = '\0';
    ponder_free(p);
    return true;
}

static void check_model(const char *model, const char *isa)
{
    FILE *golden = fopen(golden_path, "r");
    assert_non_null(golden);
    char want[TEXT_BYTES], got[TEXT_BYTES];
    for (int i = 0; i < N_CASES; i++) {
        assert_non_null(fgets(want, sizeof want, golden));
        want[strcspn(want, "\n")] = '\0';
        if (strcmp(cases[i].model, model) != 0)
            continue;
        if (!write_case(i, isa, got)) {
            fclose(golden);
            print_message("no model %s: see models/fetch.sh\n", model);
            skip();
        }
        assert_string_equal(got, want);
    }
    fclose(golden);
}

static void test_smollm2_writes_its_golden_text(void **state)
{
    (void)state;
    check_model("smollm2-135m", NULL);
}

static void test_smollm2_writes_the_same_in_plain_c(void **state)
{
    (void)state;
    check_model("smollm2-135m", "generic");
}

static void test_gemma3_writes_its_golden_text(void **state)
{
    (void)state;
    check_model("gemma3-270m", NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--write") == 0) {
        char line[TEXT_BYTES];
        for (int i = 0; i < N_CASES; i++)
            puts(write_case(i, NULL, line) ? line : "");
        return 0;
    }
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smollm2_writes_its_golden_text),
        cmocka_unit_test(test_smollm2_writes_the_same_in_plain_c),
        cmocka_unit_test(test_gemma3_writes_its_golden_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
