/* SPDX-License-Identifier: Apache-2.0
 * test_embeddings.c - embeddings taken from a larger model: what is alike there is alike here, at the size that was here. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "models/train/embeddings.h"
#include "models/train/vocabulary.h"
#include "tests/support/model_file.h"
#include "tests/support/tiny_model.h"

enum { RANK = 6, EMBD = 8, LETTERS = 26 };

/* The larger model's rows lie in a space of RANK directions, 'b' where 'a' is. */
static void fill(void *user, const char *name, int rows, int cols, float *values)
{
    (void)user;
    bool is_embedding = strcmp(name, "token_embd.weight") == 0;
    for (int row = 0; row < rows; row++)
        for (int col = 0; col < cols; col++) {
            float sum = rows == 1 ? 1.0f : 0.0f;
            for (int k = 0; is_embedding && k < RANK; k++)
                sum += (pd_rng_float(1, (uint64_t)k, (uint64_t)row) - 0.4f) *
                       (pd_rng_float(2, (uint64_t)k, (uint64_t)col) - 0.5f);
            values[(size_t)row * (size_t)cols + (size_t)col] = sum;
        }
}

struct fixture {
    char path[MODEL_FILE_PATH];
    struct tr_file file;
    struct tr_model large, small;
    struct pd_tokenizer *tokenizer;
    void *block;
    int32_t letter[LETTERS];
};

static void begin(struct fixture *f, int embd)
{
    struct tiny_options options;
    char spec[64], text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    memset(f, 0, sizeof *f);
    tiny_options_default(&options, "llama", PD_F32);
    options.fill = fill;
    assert_true(model_file_of(&options, f->path));
    assert_int_equal(tr_file_open(&f->file, f->path, &err), PONDER_OK);
    assert_int_equal(tr_model_read(&f->large, &f->file.gguf, &err), PONDER_OK);
    int n_vocab = f->large.hparams.n_vocab;
    assert_int_equal(tr_vocabulary_open(&f->file.gguf, n_vocab, &f->tokenizer, &f->block, &err),
                     PONDER_OK);
    snprintf(spec, sizeof spec, "layers=1,embd=%d,heads=2,ff=32", embd);
    assert_int_equal(tr_model_new(&f->small, spec, n_vocab, 3, &err), PONDER_OK);
    for (int i = 0; i < n_vocab; i++) {
        char piece[64];
        size_t bytes = pd_token_text(f->tokenizer, i, false, piece, sizeof piece);
        if (bytes == 1 && piece[0] >= 'a' && piece[0] <= 'z')
            f->letter[piece[0] - 'a'] = i;
    }
}

static void end(struct fixture *f)
{
    tr_model_free(&f->small);
    tr_model_free(&f->large);
    tr_file_close(&f->file);
    free(f->block);
    unlink(f->path);
}

static double distance(const struct tr_model *m, int32_t a, int32_t b)
{
    const float *row = m->token_embd->value;
    int cols = m->hparams.n_embd;
    double sum = 0;
    for (int k = 0; k < cols; k++)
        sum += pow((double)(row[(size_t)a * (size_t)cols + (size_t)k] -
                            row[(size_t)b * (size_t)cols + (size_t)k]),
                   2);
    return sqrt(sum);
}

static double size_of(const struct tr_model *m)
{
    double sum = 0;
    size_t n = (size_t)m->hparams.n_vocab * (size_t)m->hparams.n_embd;
    for (size_t i = 0; i < n; i++)
        sum += pow((double)m->token_embd->value[i], 2);
    return sqrt(sum / (double)n);
}

/* Where the new model has room for all directions, distances keep their proportions. */
static void test_what_is_alike_stays_alike(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, EMBD);
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    double size = size_of(&f.small);
    assert_int_equal(tr_embeddings_take(&f.small, f.tokenizer, f.path, &err), PONDER_OK);
    assert_true(fabs(size_of(&f.small) / size - 1) < 1e-3);
    double ratio =
        distance(&f.small, f.letter[0], f.letter[1]) / distance(&f.large, f.letter[0], f.letter[1]);
    assert_true(ratio > 0);
    for (int a = 0; a < LETTERS; a++)
        for (int b = a + 1; b < LETTERS; b++) {
            double here = distance(&f.small, f.letter[a], f.letter[b]);
            double there = distance(&f.large, f.letter[a], f.letter[b]);
            assert_true(fabs(here / (ratio * there) - 1) < 1e-2);
        }
    end(&f);
}

/* With fewer it keeps the directions that vary most: better than leaving any other out. */
static void test_keeps_what_varies_most(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 4);
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    assert_int_equal(tr_embeddings_take(&f.small, f.tokenizer, f.path, &err), PONDER_OK);
    double dot = 0, here_square = 0, there_square = 0;
    for (int a = 0; a < LETTERS; a++)
        for (int b = a + 1; b < LETTERS; b++) {
            double here = distance(&f.small, f.letter[a], f.letter[b]);
            double there = distance(&f.large, f.letter[a], f.letter[b]);
            dot += here * there;
            here_square += here * here;
            there_square += there * there;
        }
    assert_true(dot / sqrt(here_square * there_square) > 0.97);
    end(&f);
}

/* Tokens without a text, of control, keep what they had. */
static void test_leaves_control_tokens_alone(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, EMBD);
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    float before[EMBD];
    int32_t eos = pd_tokenizer_eos(f.tokenizer);
    const float *row = f.small.token_embd->value + (size_t)eos * EMBD;
    memcpy(before, row, sizeof before);
    assert_int_equal(tr_embeddings_take(&f.small, f.tokenizer, f.path, &err), PONDER_OK);
    assert_memory_equal(row, before, sizeof before);
    end(&f);
}

static void test_says_what_is_wrong(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 512);
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    assert_int_equal(tr_embeddings_take(&f.small, f.tokenizer, f.path, &err), PONDER_UNSUPPORTED);
    assert_non_null(strstr(text, "fewer than the new model's 512"));
    assert_non_null(strstr(text, f.path));
    assert_int_equal(tr_embeddings_take(&f.small, f.tokenizer, "/no/such/file", &err),
                     PONDER_NO_FILE);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_alike_stays_alike),
        cmocka_unit_test(test_keeps_what_varies_most),
        cmocka_unit_test(test_leaves_control_tokens_alone),
        cmocka_unit_test(test_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
