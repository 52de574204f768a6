/* SPDX-License-Identifier: Apache-2.0
 * verifier_list.c - see verifier_list.h. */
#include "cli/verifier_list.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* A path, or the name of a model in this folder. */
static bool is_file(const char *word, size_t bytes)
{
    static const char ending[] = ".gguf";
    size_t n = sizeof ending - 1;
    return memchr(word, '/', bytes) || (bytes > n && memcmp(word + bytes - n, ending, n) == 0);
}

int verifier_list_settle(struct settings *settings)
{
    static const char model[] = "model"; /* how the engine calls it */
    const char *list = settings->request.verifier;
    size_t bytes = strlen(list) + 1;
    char *file = grow(NULL, 2 * bytes + sizeof model);
    char *names = file + bytes, *to = names;
    file[0] = '\0';
    for (const char *at = list;;) {
        size_t n = strcspn(at, ",");
        if (!is_file(at, n)) {
            memcpy(to, at, n);
            to += n;
        } else if (file[0] == '\0') {
            memcpy(file, at, n);
            file[n] = '\0';
            memcpy(to, model, sizeof model - 1);
            to += sizeof model - 1;
        } else {
            complain("--verifier: one file at most, not both %s and %.*s", file, (int)n, at);
            free(file);
            return EXIT_USAGE;
        }
        *to = at[n];
        if (at[n] == '\0')
            break;
        to++;
        at += n + 1;
    }
    settings->verifier_words = file;
    settings->request.verifier = names;
    if (file[0] != '\0')
        settings->engine.verifier = file;
    return EXIT_OK;
}
