/* SPDX-License-Identifier: Apache-2.0
 * model_file.h - model files for tests of the public interface, which opens them by path. */
#ifndef MODEL_FILE_H
#define MODEL_FILE_H

#include <stdbool.h>

#include "quant/format.h"
#include "tests/support/tiny_model.h"

enum { MODEL_FILE_PATH = 512 };

/* Path of NAME.gguf in the folder PONDER_MODELS (models). False: it is not there, the test should skip. */
bool model_file_real(const char *name, char path_ret[MODEL_FILE_PATH]);

/* Writes a tiny model of this family and format to a new file, which the caller removes. */
bool model_file_tiny(const char *family, enum pd_format_id format, char path_ret[MODEL_FILE_PATH]);

/* The same of a tiny model with these options, or of these bytes. */
bool model_file_of(const struct tiny_options *options, char path_ret[MODEL_FILE_PATH]);
bool model_file_bytes(const unsigned char *bytes, size_t n_bytes, char path_ret[MODEL_FILE_PATH]);

#endif
