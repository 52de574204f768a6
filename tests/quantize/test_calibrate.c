/* SPDX-License-Identifier: Apache-2.0
 * test_calibrate.c - rounding by calibration texts, from outside: what it gains on little models of every family, what
 * it measures, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>

#include <cmocka.h>

#include "base/os.h"
#include "base/rng.h"
#include "tests/support/open_model.h"
#include "tests/support/program.h"
#include "tests/support/reference.h"
#include "tests/support/tiny_model.h"

enum { N_TOKENS = 96 };

static void write_tiny(const char *file, const char *family, enum pd_format_id format)
{
    struct tiny_options options;
    tiny_options_default(&options, family, format);
    options.n_ctx_train = 1024;
    struct tiny_model *tiny = tiny_model_new(&options);
    program_write(file, tiny->bytes, tiny->n_bytes);
    tiny_model_free(tiny);
}

/* Texts of random letters and the like. */
static void write_texts(const char *file, int n, uint64_t seed)
{
    char path[PROGRAM_PATH];
    program_path(file, path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < n; i++) {
        fputs("{\"text\":\"", f);
        for (uint64_t k = 0; k < 80; k++)
            fputc("abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-*/=,.?"
                      [pd_rng_u64(seed, (uint64_t)i, k) % 71],
                  f);
        fputs("\"}\n", f);
    }
    assert_int_equal(fclose(f), 0);
}

/* Exact logits of a file's model for tokens of the kind that write_texts() writes; far from the inputs that were
 * calibrated for, rounding may be worse than without. */
static double *logits_of(const char *file, int *n_vocab_ret)
{
    static const struct reference_rounding exact = {false, false};
    char path[PROGRAM_PATH];
    struct pd_map map;
    struct opened_model o;
    int32_t tokens[N_TOKENS];
    program_path(file, path);
    assert_int_equal(pd_map_open(&map, path, NULL), PONDER_OK);
    if (open_model(&o, map.data, map.bytes) != PONDER_OK)
        fail_msg("%s: %s", file, o.error);
    *n_vocab_ret = o.model.hparams.n_vocab;
    for (int i = 0; i < N_TOKENS; i++)
        tokens[i] = 68 + (int32_t)(pd_rng_u64(3, 0, (uint64_t)i) % 20);
    double *logits = malloc((size_t)N_TOKENS * (size_t)*n_vocab_ret * sizeof *logits);
    assert_non_null(logits);
    reference_logits(&o.model, exact, tokens, N_TOKENS, logits);
    close_model(&o);
    pd_map_close(&map);
    return logits;
}

/* Mean square of what the logits of a file's model are away from those wanted. */
static double distance_of(const char *file, const double *wanted)
{
    int n_vocab;
    double *logits = logits_of(file, &n_vocab);
    double sum = 0.0;
    int n = N_TOKENS * n_vocab;
    for (int i = 0; i < n; i++)
        sum += (logits[i] - wanted[i]) * (logits[i] - wanted[i]) / n;
    free(logits);
    return sum;
}

static void test_making_up_for_errors_brings_logits_nearer(void **state)
{
    (void)state;
    static const struct {
        const char *family, *type;
    } cases[] = {{"llama", "Q4_0"}, {"qwen2", "Q4_1"}, {"qwen3", "Q4_0"}, {"gemma3", "Q4_0"}};
    write_texts("texts.jsonl", 60, 1);
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        static const char *const hows[] = {"--plain", "--calibrate texts.jsonl",
                                           "--calibrate texts.jsonl --gptq"};
        double distance[3];
        int n_vocab;
        write_tiny("in.gguf", cases[i].family, PD_F32);
        double *wanted = logits_of("in.gguf", &n_vocab);
        for (int how = 0; how < 3; how++) {
            char words[128];
            snprintf(words, sizeof words, "in.gguf out.gguf --type %s %s", cases[i].type,
                     hows[how]);
            program_assert_run(0, words);
            distance[how] = distance_of("out.gguf", wanted);
        }
        free(wanted);
        /* As measured at worst, and a tenth to spare: 0.94, 0.70 and 0.75. */
        if (distance[1] > 0.97 * distance[0] || distance[2] > 0.77 * distance[0] ||
            distance[2] > 0.82 * distance[1])
            fail_msg("%s %s: %g plain, %g by importance, %g made up for", cases[i].family,
                     cases[i].type, distance[0], distance[1], distance[2]);
    }
}

static void test_every_format_can_be_calibrated(void **state)
{
    (void)state;
    write_texts("texts.jsonl", 8, 1);
    for (int id = 0; id < PD_FORMATS; id++) {
        char words[160];
        const char *name = pd_format_get((enum pd_format_id)id)->name;
        struct tiny_options options;
        tiny_options_default(&options, "llama", (enum pd_format_id)id);
        options.format = PD_F16;
        options.is_tied = id % 2;
        struct tiny_model *tiny = tiny_model_new(&options);
        program_write("in.gguf", tiny->bytes, tiny->n_bytes);
        tiny_model_free(tiny);
        snprintf(words, sizeof words,
                 "in.gguf out.gguf --calibrate texts.jsonl --gptq --type %s --tensor output*=%s "
                 "--tensor token*=%s",
                 name, name, name);
        if (options.is_tied)
            snprintf(words, sizeof words,
                     "in.gguf out.gguf --calibrate texts.jsonl --gptq --type %s", name);
        program_assert_run(0, words);
        int n_vocab;
        double *wanted = logits_of("in.gguf", &n_vocab);
        assert_true(distance_of("out.gguf", wanted) < 0.2);
        free(wanted);
    }
}

static void test_perplexity_is_what_exact_logits_say(void **state)
{
    (void)state;
    write_tiny("in.gguf", "llama", PD_F32);
    write_texts("texts.jsonl", 3, 2);
    program_assert_run(0, "in.gguf out.gguf --type F16 --eval texts.jsonl");
    double perplexity[2], nll[2];
    const char *line = strchr(program_output(), '\n');
    assert_non_null(line);
    for (int i = 0; i < 2; i++) {
        const char *at = strstr(line, "perplexity ");
        assert_non_null(at);
        assert_int_equal(sscanf(at, "perplexity %lf (%lf nats", &perplexity[i], &nll[i]), 2);
        assert_true(fabs(perplexity[i] - exp(nll[i])) < 1e-3 * perplexity[i]);
        line = at + 1;
    }
    /* Random weights know nothing: about the vocabulary's size. Halves are nearly floats. */
    assert_true(perplexity[0] > 50.0 && perplexity[0] < 1000.0);
    assert_true(fabs(nll[0] - nll[1]) < 1e-3);
    assert_null(strstr(program_output(), "answers"));
}

static void test_problems_are_answered_too(void **state)
{
    (void)state;
    static const char rows[] =
        "{\"question\":\"2 apples  and 3?\",\"answer\":\"5\",\"steps\":[\"2+3=5\"]}\n\n"
        "{\"question\":\"9 apples less 3?\",\"answer\":6,\"solution\":\"9-3=6\"}\n"
        "{\"text\":\"no problem at all\"}\n";
    write_tiny("in.gguf", "llama", PD_F32);
    program_write("rows.jsonl", rows, sizeof rows - 1);
    program_assert_run(0, "in.gguf out.gguf --type Q8_0 --eval rows.jsonl --calibrate rows.jsonl");
    if (!strstr(program_output(), "of 2 answers right"))
        fail_msg("says %s", program_output());
}

static void test_plain_text_calibrates_too(void **state)
{
    (void)state;
    char text[6000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "apples and 12 pears? "[pd_rng_u64(5, 0, i / 3) % 21];
    write_tiny("in.gguf", "llama", PD_F32);
    program_write("text.txt", text, sizeof text);
    program_assert_run(0, "in.gguf a.gguf --calibrate text.txt --gptq");
    program_assert_run(0, "in.gguf b.gguf --calibrate text.txt --gptq --tokens 700");
    int n_vocab;
    double *wanted = logits_of("in.gguf", &n_vocab);
    double a = distance_of("a.gguf", wanted), b = distance_of("b.gguf", wanted);
    free(wanted);
    assert_true(a > 0.0 && b > 0.0 && a != b); /* fewer texts say something else */
}

static void test_texts_that_cannot_be_used_are_refused_in_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *rows, *text;
    } cases[] = {
        {"{\"text\":\"fine, this one\"}\n{\"question\":\"why\"\n", "rows.jsonl:2: "},
        {"{\"question\":7,\"answer\":\"1\"}\n", "rows.jsonl:1: "},
        {"[1, 2]\n", "rows.jsonl:1: "},
        {"\n\n", "rows.jsonl: no text in it"},
        {"{\"text\":\"\"}\n", "no two tokens in a row"},
    };
    write_tiny("in.gguf", "llama", PD_F32);
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        program_write("rows.jsonl", cases[i].rows, strlen(cases[i].rows));
        program_assert_refused(2, "in.gguf out.gguf --calibrate rows.jsonl", cases[i].text);
        assert_false(program_has("out.gguf"));
    }
    program_assert_refused(3, "in.gguf out.gguf --calibrate nowhere.txt", "nowhere.txt");
    program_assert_refused(3, "in.gguf out.gguf --eval nowhere.txt", "nowhere.txt");
    assert_false(program_has("out.gguf"));
    program_assert_refused(2, "in.gguf out.gguf --gptq", "--gptq needs --calibrate");
    program_assert_refused(2, "in.gguf out.gguf --plain --calibrate rows.jsonl", "--plain");
    program_assert_refused(2, "in.gguf out.gguf --calibrate rows.jsonl --tokens 1",
                           "--tokens wants");
    program_assert_refused(2, "in.gguf out.gguf --damping 2", "--damping wants");
    assert_int_equal(program_count_files(), 2);
}

static int begin(void **state)
{
    (void)state;
    return program_begin("ponder-quantize");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_making_up_for_errors_brings_logits_nearer, program_clear),
        cmocka_unit_test_teardown(test_every_format_can_be_calibrated, program_clear),
        cmocka_unit_test_teardown(test_perplexity_is_what_exact_logits_say, program_clear),
        cmocka_unit_test_teardown(test_problems_are_answered_too, program_clear),
        cmocka_unit_test_teardown(test_plain_text_calibrates_too, program_clear),
        cmocka_unit_test_teardown(test_texts_that_cannot_be_used_are_refused_in_one_line,
                                  program_clear),
    };
    return cmocka_run_group_tests(tests, begin, program_end);
}
