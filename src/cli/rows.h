/* SPDX-License-Identifier: Apache-2.0
 * rows.h - JSON Lines in: lines of any length up to a cap, and the rows in them. */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/json.h"

enum { MAX_LINE_BYTES = 16 << 20 };

/* Zero-initialised but for file; free line after use. */
struct line_reader {
    FILE *file;
    char *line; /* without its line end; bytes of it, zero bytes included */
    size_t bytes, capacity;
    int64_t number;   /* of the line, from 1 */
    bool is_too_long; /* line is what fits, the rest was skipped */
};

/* The next line; false at the end, at a read error (ferror) or when a signal came. */
bool next_line(struct line_reader *reader);

bool is_blank(const char *text, size_t bytes);

/* Opens a file of rows; NULL and "-" are standard input. NULL, after a message, if it cannot. */
FILE *open_rows(const char *path);

/* One row. Points into the line, whose string values are unescaped in place. */
struct row {
    const char *id; /* as JSON, the way it was written; without one, the line's number */
    size_t id_bytes;
    char *question;
    size_t question_bytes;
    char *answer;      /* text or number as text, NUL-terminated; NULL: none */
    const char *level; /* the same */
    char number[24];
};

/* Reads the row in the line. NULL, or what is wrong with it; the id is set as soon as it is known, else
 * NULL. */
const char *parse_row(struct line_reader *reader, struct row *row);

#endif
