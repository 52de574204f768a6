/* SPDX-License-Identifier: Apache-2.0
 * model_file.c - see model_file.h. */
#define _POSIX_C_SOURCE 200809L
#include "tests/support/model_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool model_file_real(const char *name, char path_ret[MODEL_FILE_PATH])
{
    const char *folder = getenv("PONDER_MODELS");
    snprintf(path_ret, MODEL_FILE_PATH, "%s/%s.gguf", folder != NULL ? folder : "models", name);
    return access(path_ret, R_OK) == 0;
}

bool model_file_bytes(const unsigned char *bytes, size_t n_bytes, char path_ret[MODEL_FILE_PATH])
{
    const char *folder = getenv("TMPDIR");
    snprintf(path_ret, MODEL_FILE_PATH, "%s/ponder-tiny-XXXXXX", folder != NULL ? folder : "/tmp");
    int fd = mkstemp(path_ret);
    if (fd < 0)
        return false;
    close(fd);
    bool is_written = gguf_write(path_ret, bytes, n_bytes);
    if (!is_written)
        unlink(path_ret);
    return is_written;
}

bool model_file_of(const struct tiny_options *options, char path_ret[MODEL_FILE_PATH])
{
    struct tiny_model *tiny = tiny_model_new(options);
    bool is_written = model_file_bytes(tiny->bytes, tiny->n_bytes, path_ret);
    tiny_model_free(tiny);
    return is_written;
}

bool model_file_tiny(const char *family, enum pd_format_id format, char path_ret[MODEL_FILE_PATH])
{
    struct tiny_options options;
    tiny_options_default(&options, family, format);
    options.n_ctx_train = 1024;
    return model_file_of(&options, path_ret);
}
