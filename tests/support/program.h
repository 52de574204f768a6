/* SPDX-License-Identifier: Apache-2.0
 * program.h - runs a program of the build ($BUILD) in a folder of its own, and looks at what it says and leaves. Fails
 * the test where something is not as it should be. One folder at a time. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/* For cmocka: the folder is made before the tests, emptied after each, removed in the end. name: of the program. */
int program_begin(const char *name);
int program_clear(void **state);
int program_end(void **state);

enum { PROGRAM_PATH = 160 };
void program_path(const char *file, char path_ret[PROGRAM_PATH]);

/* Runs it with these words, in the folder; before: what the shell is to do first, ":" for nothing. Exit code. */
int program_run(const char *before, const char *words);
/* What it said, on both outputs. */
const char *program_output(void);

void program_assert_run(int exit_code, const char *words);
/* It fails with this code and one line, which begins with its name and holds a text. */
void program_assert_refused(int exit_code, const char *words, const char *text);

void program_write(const char *file, const void *bytes, size_t n_bytes);
bool program_has(const char *file);
int program_count_files(void);

#endif
