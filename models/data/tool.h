/* SPDX-License-Identifier: Apache-2.0
 * tool.h - what every subcommand of ponder-problems uses: memory that never fails, messages, options, rows of
 * JSON Lines in and out. These may print and exit: they are no part of the library. */
#ifndef DATA_TOOL_H
#define DATA_TOOL_H

#include <stdio.h>

#include "base/json.h"
#include "models/data/steps.h"

/* Exit codes, as the program `ponder` has them. */
enum { EXIT_USAGE = 2, EXIT_FILE = 3 };

/* Prints "ponder-problems: ..." and exits. */
_Noreturn void die(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Like realloc(), n elements; exits where there is no memory. */
void *grow(void *memory, size_t n, size_t element_bytes);
char *copy_text(const char *text, size_t bytes); /* with a NUL */
char *copy_json(struct pd_json_value string);    /* what a JSON string says */

/* An option of a subcommand: the text behind it, or a flag (n_values 0) that *text becomes its own name of. */
struct option {
    const char *name; /* "--seed" */
    const char **text;
    int n_values;
};

/* Takes the options out of argv and leaves the n_arguments others at its front; exits on an unknown one. */
int parse_options(int argc, char **argv, const struct option *options, size_t n_options);
/* `text` as a number within min..max; exits with the option's name if it is none. */
uint64_t option_u64(const char *name, const char *text, uint64_t min, uint64_t max);

/* `text` as "1-3". */
void option_range(const char *name, const char *text, int *low_ret, int *high_ret);

/* A whole file, with a NUL behind it; exits if it cannot be read. */
char *read_file(const char *path, size_t *bytes_ret);
/* Standard output with a large buffer, and its end: exits if anything could not be written. */
FILE *open_output(void);
void close_output(FILE *file);

/* One row of a problem set. Texts are NUL-terminated and live until free_row(). */
struct row {
    char *id, *question, *answer;
    char *solution; /* annotated, "" if none */
    char *kind;     /* "" if none */
    struct steps steps;
    bool has_steps; /* "steps" was there, and every one of them is right */
    const char *line; /* all of it, as in the file */
    size_t line_bytes;
};

/* Calls take(row) for every row of the file; exits at the first line that is no row. */
void read_rows(const char *path, void (*take)(const struct row *row, void *user), void *user);

/* White space runs as one space, none at the ends; in place. */
void normalise_space(char *text);

/* Begins a row with what every row has, in w; more keys may follow before end_row(). */
void begin_row(struct pd_json_writer *w, FILE *out, const char *id, const char *question,
               const char *answer);
void end_row(struct pd_json_writer *w, FILE *out);

/* Writes one row: level is the number of steps. */
void write_row(FILE *out, const char *id, const char *question, const char *answer,
               const struct steps *steps, const char *kind);

#endif
