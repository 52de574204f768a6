/* SPDX-License-Identifier: Apache-2.0
 * fuzz_gguf.c - libFuzzer target: any bytes as a model file, up to its tensors and tokens. See README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/damage.h"
#include "tests/support/open_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct opened_model o;
    if (open_model(&o, data, size) == PONDER_OK && open_tokenizer(&o) == PONDER_OK) {
        touch_model(&o);
        touch_tokenizer(&o);
        pd_model_main_format(&o.model);
    } else {
        if (o.error[0] == '\0')
            abort();
        for (const char *c = o.error; *c; c++)
            if (*c < ' ' || *c > '~')
                abort();
    }
    close_model(&o);
    return 0;
}

struct seeds {
    const char *folder;
    int n;
};

/* Every 97th damaged file, so that all kinds of them are there, as a seed. */
static void write_seed(void *user, const struct damage_case *c)
{
    struct seeds *seeds = user;
    char path[512];
    if (seeds->n++ % 97 != 0)
        return;
    snprintf(path, sizeof path, "%s/seed-%d", seeds->folder, seeds->n);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(c->bytes, 1, c->n_bytes, file) != c->n_bytes || fclose(file) != 0) {
        fprintf(stderr, "cannot write %s\n", path);
        exit(1);
    }
}

/* `fuzz_gguf --seeds FOLDER` writes seeds instead of fuzzing. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    if (*argc == 3 && strcmp((*argv)[1], "--seeds") == 0) {
        struct seeds seeds = {(*argv)[2], 0};
        damage_each(write_seed, &seeds);
        damage_flips(1, 10000, write_seed, &seeds);
        exit(0);
    }
    return 0;
}
