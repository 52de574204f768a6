/* SPDX-License-Identifier: Apache-2.0
 * write_tiny.c - FAMILY FORMAT FILE: writes a model of tests/support/tiny_model.h to a file. */
#include <stdio.h>
#include <string.h>

#include "tests/support/tiny_model.h"

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: write_tiny FAMILY FORMAT FILE\n");
        return 2;
    }
    int format = 0;
    while (format < PD_FORMATS &&
           strcmp(pd_format_get((enum pd_format_id)format)->name, argv[2]) != 0)
        format++;
    if (format == PD_FORMATS) {
        fprintf(stderr, "write_tiny: no format %s\n", argv[2]);
        return 2;
    }
    struct tiny_options options;
    tiny_options_default(&options, argv[1], (enum pd_format_id)format);
    options.n_ctx_train = 512;
    struct tiny_model *tiny = tiny_model_new(&options);
    bool is_written = gguf_write(argv[3], tiny->bytes, tiny->n_bytes);
    tiny_model_free(tiny);
    if (!is_written)
        perror(argv[3]);
    return is_written ? 0 : 1;
}
