/* SPDX-License-Identifier: Apache-2.0
 * program.c - see program.h. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/program.h"

static const char *program;
static char folder[96];
static char output[8192]; /* of the last run */

/* The output of a shell command; its exit code. */
static int shell(const char *command, char *text, size_t capacity)
{
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t n = fread(text, 1, capacity - 1, pipe);
    text[n] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int program_begin(const char *name)
{
    const char *where = getenv("TMPDIR");
    program = name;
    snprintf(folder, sizeof folder, "%s/ponder-XXXXXX",
             where && strlen(where) < 70 ? where : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

int program_clear(void **state)
{
    char command[160];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s/*", folder);
    return system(command);
}

int program_end(void **state)
{
    program_clear(state);
    return rmdir(folder);
}

void program_path(const char *file, char path_ret[PROGRAM_PATH])
{
    snprintf(path_ret, PROGRAM_PATH, "%s/%s", folder, file);
}

int program_run(const char *before, const char *words)
{
    const char *build = getenv("BUILD");
    char command[2048];
    build = build ? build : "build";
    snprintf(command, sizeof command, "p=%s%s/%s; cd %s; %s; exec \"$p\" %s </dev/null 2>&1",
             build[0] == '/' ? "" : "$(pwd)/", build, program, folder, before, words);
    return shell(command, output, sizeof output);
}

const char *program_output(void)
{
    return output;
}

void program_assert_run(int exit_code, const char *words)
{
    int code = program_run(":", words);
    if (code != exit_code)
        fail_msg("%s %s: exit %d, not %d: %s", program, words, code, exit_code, output);
}

void program_assert_refused(int exit_code, const char *words, const char *text)
{
    program_assert_run(exit_code, words);
    size_t n = strlen(program);
    if (!strstr(output, text) || strncmp(output, program, n) != 0 || output[n] != ':' ||
        strchr(output, '\n') != output + strlen(output) - 1)
        fail_msg("%s %s: says '%s'", program, words, output);
}

void program_write(const char *file, const void *bytes, size_t n_bytes)
{
    char path[PROGRAM_PATH];
    program_path(file, path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n_bytes, f), n_bytes);
    assert_int_equal(fclose(f), 0);
}

bool program_has(const char *file)
{
    char path[PROGRAM_PATH];
    program_path(file, path);
    return access(path, F_OK) == 0;
}

int program_count_files(void)
{
    char command[160], text[16];
    snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    assert_int_equal(shell(command, text, sizeof text), 0);
    return atoi(text);
}
