/* SPDX-License-Identifier: Apache-2.0
 * write_tiny.c - writes one of the tests' random little models to a file.
 *
 *     write_tiny FILE FAMILY FORMAT [untied] [rope-factor=F] [rope-freqs] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/tiny_model.h"

static const struct pd_format *find_format(const char *name)
{
    for (int id = 0; id < PD_FORMATS; id++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)id);
        if (strcmp(format->name, name) == 0)
            return format;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const struct pd_format *format = argc < 4 ? NULL : find_format(argv[3]);
    if (!format) {
        fprintf(stderr,
                "usage: write_tiny FILE FAMILY FORMAT [untied] [rope-factor=F] [rope-freqs]\n");
        return 2;
    }
    struct tiny_options options;
    tiny_options_default(&options, argv[2], format->id);
    for (int i = 4; i < argc; i++) {
        if (strcmp(argv[i], "untied") == 0)
            options.is_tied = false;
        else if (strncmp(argv[i], "rope-factor=", 12) == 0)
            options.rope_factor = strtof(argv[i] + 12, NULL);
        else if (strcmp(argv[i], "rope-freqs") == 0)
            options.has_rope_freqs = true;
    }
    struct tiny_model *tiny = tiny_model_new(&options);
    bool is_written = gguf_write(argv[1], tiny->bytes, tiny->n_bytes);
    tiny_model_free(tiny);
    return is_written ? 0 : 1;
}
