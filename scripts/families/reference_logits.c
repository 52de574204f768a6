/* SPDX-License-Identifier: Apache-2.0
 * reference_logits.c - writes the tests' float64 reference's logits of a prompt, for scripts/check-families.py.
 *
 *     reference_logits MODEL TOKENS LOGITS
 *
 * TOKENS holds 32-bit integers, LOGITS becomes doubles [tokens][vocabulary]. */
#include <stdio.h>
#include <stdlib.h>

#include "base/os.h"
#include "tests/support/reference.h"

enum { MAX_TOKENS = 1024 };

static int fail(const char *what)
{
    fprintf(stderr, "reference_logits: %s\n", what);
    return 1;
}

static int write_logits(const struct pd_model *model, const char *tokens_path, const char *path)
{
    static const struct reference_rounding exact = {false, false};
    int32_t tokens[MAX_TOKENS];
    FILE *in = fopen(tokens_path, "rb");
    if (!in)
        return fail("cannot open the tokens");
    int n_tokens = (int)fread(tokens, sizeof *tokens, MAX_TOKENS, in);
    fclose(in);
    size_t n = (size_t)n_tokens * (size_t)model->hparams.n_vocab;
    double *logits = malloc(n * sizeof *logits);
    FILE *out = fopen(path, "wb");
    if (!logits || !out)
        return fail("cannot write the output");
    reference_logits(model, exact, tokens, n_tokens, logits);
    bool is_written = fwrite(logits, sizeof *logits, n, out) == n;
    is_written = fclose(out) == 0 && is_written;
    free(logits);
    return is_written ? 0 : fail("cannot write the output");
}

int main(int argc, char **argv)
{
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    struct pd_map map;
    struct pd_gguf gguf;
    struct pd_model model;
    struct pd_arena scratch;
    if (argc != 4)
        return fail("usage: reference_logits MODEL TOKENS LOGITS");
    enum { SCRATCH_BYTES = 16 << 20 };
    void *block = malloc(SCRATCH_BYTES);
    if (!block)
        return fail("out of memory");
    pd_arena_init(&scratch, block, SCRATCH_BYTES);
    if (pd_map_open(&map, argv[1], &err) != PONDER_OK)
        return fail(text);
    if (pd_gguf_open(&gguf, map.data, map.bytes, &scratch, &err) != PONDER_OK ||
        pd_model_open(&model, &gguf, &scratch, &err) != PONDER_OK)
        return fail(text);
    int rc = write_logits(&model, argv[2], argv[3]);
    pd_map_close(&map);
    free(block);
    return rc;
}
