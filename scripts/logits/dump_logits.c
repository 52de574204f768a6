/* SPDX-License-Identifier: Apache-2.0
 * dump_logits.c - writes the engine's logits of every position of a prompt, for scripts/logits/compare.py.
 *
 *     dump_logits MODEL TOKENS LOGITS [ISA]
 *
 * TOKENS holds 32-bit integers, LOGITS becomes floats [tokens][vocabulary]. */
#include <stdio.h>
#include <stdlib.h>

#include "ponder.h"

enum { MAX_TOKENS = 1024 };

static int fail(const char *what)
{
    fprintf(stderr, "dump_logits: %s\n", what);
    return 1;
}

static int dump(struct ponder *p, const int32_t *tokens, int n_tokens, FILE *out)
{
    struct ponder_info info;
    ponder_describe(p, &info);
    size_t row = (size_t)info.n_vocab;
    int lanes[MAX_TOKENS] = {0};
    float *logits = malloc((size_t)info.n_batch * row * sizeof *logits);
    if (!logits)
        return fail("out of memory");
    enum ponder_status status = ponder_fork(p, -1, &lanes[0]);
    for (int i = 1; i < MAX_TOKENS; i++)
        lanes[i] = lanes[0];
    for (int i = 0; i < n_tokens && status == PONDER_OK; i += info.n_batch) {
        int n = n_tokens - i < info.n_batch ? n_tokens - i : info.n_batch;
        status = ponder_step(p, tokens + i, lanes, n, logits);
        if (status == PONDER_OK &&
            fwrite(logits, sizeof *logits * row, (size_t)n, out) != (size_t)n)
            status = PONDER_NO_FILE;
    }
    free(logits);
    return status == PONDER_OK ? 0 : fail(ponder_status_text(status));
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return fail("usage: dump_logits MODEL TOKENS LOGITS [ISA]");
    int32_t tokens[MAX_TOKENS];
    FILE *in = fopen(argv[2], "rb");
    if (!in)
        return fail("cannot open the tokens");
    int n_tokens = (int)fread(tokens, sizeof *tokens, MAX_TOKENS, in);
    fclose(in);
    FILE *out = fopen(argv[3], "wb");
    if (!out)
        return fail("cannot open the output");

    struct ponder_options options;
    ponder_options_default(&options);
    options.n_lanes = 1;
    options.max_prompt_tokens = MAX_TOKENS;
    options.isa = argc > 4 ? argv[4] : NULL;
    struct ponder *p;
    char err[PONDER_ERROR_BYTES];
    int rc = 1;
    if (ponder_create(argv[1], &options, 0, &p, err, sizeof err) != PONDER_OK) {
        fail(err);
    } else {
        rc = dump(p, tokens, n_tokens, out);
        ponder_free(p);
    }
    if (fclose(out) != 0)
        rc = fail("cannot write the output");
    return rc;
}
