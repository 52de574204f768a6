/* SPDX-License-Identifier: Apache-2.0
 * test_vocab.c - a vocabulary learned from generated rows, read by the engine: digits and line ends are single tokens,
 * texts come back whole. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "model/tokenizer.h"
#include "models/data/commands.h"
#include "models/data/expand.h"

enum { SIZE = 700 };

static char rows[] = "/tmp/ponder-rows-XXXXXX";
static char file[] = "/tmp/ponder-vocab-XXXXXX";
static unsigned char memory[1 << 22];
static char scratch[1 << 20];
static struct pd_tokenizer *tokenizer;

static int tokenize(const char *text, int32_t *tokens, size_t capacity)
{
    size_t n;
    assert_int_equal(pd_tokenize(tokenizer, text, strlen(text),
                                 (struct pd_tokenize){.parse_special = true}, scratch,
                                 sizeof scratch, tokens, capacity, &n),
                     PONDER_OK);
    return (int)n;
}

static void digits_signs_and_line_ends_are_single_tokens(void **state)
{
    (void)state;
    int32_t tokens[64];
    assert_int_equal(tokenize("48/2=24\n48+24=72\n#72", tokens, 64), 20);
    int32_t line_end;
    assert_int_equal(tokenize("\n", &line_end, 1), 1);
    assert_int_equal(tokens[7], line_end);
    assert_int_equal(tokens[16], line_end);
    assert_int_equal(tokenize("?\n4", tokens, 64), 3);
    assert_int_equal(tokens[1], line_end);
    assert_int_equal(tokenize("=5\n~\n5", tokens, 64), 6);
    assert_int_equal(tokens[2], line_end);
    assert_int_equal(tokens[4], line_end);
}

static void the_end_of_text_is_a_token(void **state)
{
    (void)state;
    assert_int_equal(pd_tokenizer_n_vocab(tokenizer), SIZE);
    assert_int_equal(pd_tokenizer_eos(tokenizer), 0);
    assert_true(pd_tokenizer_ends_text(tokenizer, 0));
    int32_t tokens[4];
    assert_int_equal(tokenize("<|endoftext|>", tokens, 4), 1);
    assert_int_equal(tokens[0], 0);
}

static void any_text_comes_back_whole(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "How many apples does Anna have in all?",
        "3 \xc3\xa9\xc3\xa0 \xe2\x80\x99s \xf0\x9f\x8d\x8e  two  spaces\tand a tab",
        "\x01\x7f\xc2\xa0\xc2\xad",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int32_t tokens[128];
        int n = tokenize(texts[i], tokens, 128);
        char text[256];
        size_t bytes = 0;
        for (int k = 0; k < n; k++)
            bytes += pd_token_text(tokenizer, tokens[k], false, text + bytes, sizeof text - bytes);
        assert_int_equal(bytes, strlen(texts[i]));
        assert_memory_equal(text, texts[i], bytes);
    }
}

static void frequent_words_are_single_tokens(void **state)
{
    (void)state;
    int32_t tokens[16];
    assert_int_equal(tokenize(" How many does have", tokens, 16), 4);
}

static void write_rows(void)
{
    static struct grammar grammar;
    static struct problem problem;
    grammar_read(&grammar, "models/data/grammar");
    FILE *out = fdopen(mkstemp(rows), "w");
    assert_non_null(out);
    for (uint64_t number = 0; number < 3000; number++)
        if (expand_problem(&grammar, 1, number, NULL, 1, 8, &problem))
            write_row(out, "x", problem.question, "1", &problem.steps, "x");
    fclose(out);
    grammar_free(&grammar);
}

static int setup(void **state)
{
    (void)state;
    write_rows();
    close(mkstemp(file));
    char size[8];
    snprintf(size, sizeof size, "%d", SIZE);
    char *arguments[] = {"--size", size, "--out", file, rows};
    assert_int_equal(cmd_vocab(5, arguments), 0);

    size_t bytes;
    static struct pd_gguf gguf;
    char *text = read_file(file, &bytes);
    struct pd_arena a;
    pd_arena_init(&a, memory, sizeof memory);
    char words[256] = "";
    struct pd_error err = {words, sizeof words};
    struct pd_tokenizer_survey survey;
    if (pd_gguf_open(&gguf, (const unsigned char *)text, bytes, &a, &err) != PONDER_OK ||
        pd_tokenizer_survey(&survey, &gguf, SIZE, &err) != PONDER_OK)
        fail_msg("%s", words);
    tokenizer = pd_tokenizer_layout(&survey, &a);
    assert_non_null(tokenizer);
    pd_tokenizer_fill(tokenizer, &gguf);
    free(text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(rows) | unlink(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_signs_and_line_ends_are_single_tokens),
        cmocka_unit_test(the_end_of_text_is_a_token),
        cmocka_unit_test(any_text_comes_back_whole),
        cmocka_unit_test(frequent_words_are_single_tokens),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
