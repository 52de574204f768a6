/* SPDX-License-Identifier: Apache-2.0
 * embeddings.c - see embeddings.h. */
#include "embeddings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "memory.h"
#include "ops.h"
#include "vocabulary.h"

/* LAPACK, column-major: eigenvalues rising, eigenvectors as columns, which are our rows. */
void ssyev_(const char *jobz, const char *uplo, const int *n, float *a, const int *lda, float *w,
            float *work, const int *lwork, int *info);

enum { TEXT_BYTES = 256 };

/* Means of a larger model's rows. */
struct means {
    int n, cols;
    float *row; /* [n][cols] */
    int *token; /* [n] of the new vocabulary */
};

/* The mean of the rows that a text is made of. False: it has no text that the larger model knows. */
static bool mean_of(const struct tr_model *large, const struct pd_tokenizer *theirs,
                    const char *text, size_t bytes, char *scratch, size_t scratch_bytes,
                    float *mean)
{
    int32_t piece[TEXT_BYTES];
    size_t n;
    struct pd_tokenize how = {.goes_on = true};
    int cols = large->hparams.n_embd;
    if (pd_tokenize(theirs, text, bytes, how, scratch, scratch_bytes, piece, TEXT_BYTES, &n) !=
            PONDER_OK ||
        n == 0)
        return false;
    memset(mean, 0, (size_t)cols * sizeof *mean);
    for (size_t i = 0; i < n; i++)
        tr_add((size_t)cols, 1.0f / (float)n, large->token_embd->value + tr_area(piece[i], cols),
               mean);
    return true;
}

static void collect(struct means *means, const struct tr_model *large,
                    const struct pd_tokenizer *theirs, const struct pd_tokenizer *ours)
{
    size_t scratch_bytes = pd_tokenizer_scratch_bytes(TEXT_BYTES);
    char *scratch = tr_alloc(scratch_bytes, 1);
    for (int32_t token = 0; token < pd_tokenizer_n_vocab(ours); token++) {
        char text[TEXT_BYTES];
        size_t bytes = pd_token_text(ours, token, false, text, sizeof text);
        if (bytes == 0 || bytes > sizeof text)
            continue;
        means->token[means->n] = token;
        means->n += mean_of(large, theirs, text, bytes, scratch, scratch_bytes,
                            means->row + tr_area(means->n, means->cols));
    }
    free(scratch);
}

static void centre(struct means *means)
{
    float *sum = tr_alloc((size_t)means->cols, sizeof *sum);
    for (int i = 0; i < means->n; i++)
        tr_add((size_t)means->cols, 1.0f / (float)means->n, means->row + tr_area(i, means->cols),
               sum);
    for (int i = 0; i < means->n; i++)
        tr_add((size_t)means->cols, -1.0f, sum, means->row + tr_area(i, means->cols));
    free(sum);
}

/* The directions, one a row, in which the rows vary, those in which they vary most last. False: LAPACK gave up. */
static bool principal_directions(const struct means *means, float *direction)
{
    int cols = means->cols, work_floats = 64 * cols, info = 0;
    float *value = tr_alloc((size_t)cols, sizeof *value);
    float *work = tr_alloc((size_t)work_floats, sizeof *work);
    cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, cols, means->n, 1.0f / (float)means->n,
                means->row, cols, 0.0f, direction, cols);
    ssyev_("V", "L", &cols, direction, &cols, value, work, &work_floats, &info);
    free(work);
    free(value);
    return info == 0;
}

/* Coordinates along the last directions, as large as the rows were that they replace. */
static void project(struct tr_model *m, const struct means *means, const float *direction)
{
    int embd = m->hparams.n_embd, cols = means->cols;
    float *coordinate = tr_new_floats(tr_area(means->n, embd));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, means->n, embd, cols, 1.0f, means->row,
                cols, direction + tr_area(cols - embd, cols), cols, 0.0f, coordinate, embd);
    double square = tr_square(tr_area(means->n, embd), coordinate), old_square = 0;
    for (int i = 0; i < means->n; i++)
        old_square +=
            tr_square((size_t)embd, m->token_embd->value + tr_area(means->token[i], embd));
    float scale = square > 0 ? (float)sqrt(old_square / square) : 0.0f;
    for (int i = 0; i < means->n; i++) {
        float *to = m->token_embd->value + tr_area(means->token[i], embd);
        for (int k = 0; k < embd; k++)
            to[k] = scale * coordinate[tr_area(i, embd) + (size_t)k];
    }
    tr_free_floats(coordinate, tr_area(means->n, embd));
}

static enum ponder_status take(struct tr_model *m, const struct pd_tokenizer *ours,
                               const struct tr_model *large, const struct pd_tokenizer *theirs,
                               const struct pd_error *err)
{
    int n_vocab = m->hparams.n_vocab, cols = large->hparams.n_embd;
    if (cols < m->hparams.n_embd)
        return pd_fail(err, PONDER_UNSUPPORTED,
                       "%d elements a token, fewer than the new model's %d", cols,
                       m->hparams.n_embd);
    struct means means = {.cols = cols};
    means.row = tr_new_floats(tr_area(n_vocab, cols));
    means.token = tr_alloc((size_t)n_vocab, sizeof *means.token);
    float *direction = tr_new_floats(tr_area(cols, cols));
    collect(&means, large, theirs, ours);
    centre(&means);
    enum ponder_status status = PONDER_OK;
    if (principal_directions(&means, direction))
        project(m, &means, direction);
    else
        status = pd_fail(err, PONDER_BAD_FILE, "embeddings that are no numbers");
    tr_free_floats(direction, tr_area(cols, cols));
    free(means.token);
    tr_free_floats(means.row, tr_area(n_vocab, cols));
    return status;
}

enum ponder_status tr_embeddings_take(struct tr_model *m, const struct pd_tokenizer *tokenizer,
                                      const char *path, const struct pd_error *err)
{
    struct tr_file file;
    struct tr_model large = {.n_tensors = 0};
    struct pd_tokenizer *theirs = NULL;
    void *block = NULL;
    char text[PONDER_ERROR_BYTES - 64] = "";
    const struct pd_error inside = {text, sizeof text};
    PD_TRY(tr_file_open(&file, path, err));
    enum ponder_status status = tr_model_read(&large, &file.gguf, &inside);
    if (status == PONDER_OK)
        status = tr_vocabulary_open(&file.gguf, large.hparams.n_vocab, &theirs, &block, &inside);
    if (status == PONDER_OK)
        status = take(m, tokenizer, &large, theirs, &inside);
    tr_model_free(&large);
    tr_file_close(&file);
    free(block);
    return status == PONDER_OK ? PONDER_OK : pd_fail(err, status, "%s: %s", path, text);
}
