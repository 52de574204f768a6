/* SPDX-License-Identifier: Apache-2.0
 * golden.h - reads the rows of tests/golden/: JSON objects with texts, hexadecimal bytes and
 * lists of numbers, as the scripts there write them (no blanks, no escapes). Fails the test for
 * what it cannot read. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct golden {
    char *text;
    char **line; /* [n], NUL-terminated */
    int n;
};

struct golden golden_read(const char *path);
void golden_free(struct golden *g);

/* The number of bytes or numbers; -1 if the row has no such key. */
long golden_hex(const char *row, const char *key, unsigned char *bytes_ret, size_t capacity);
long golden_numbers(const char *row, const char *key, int32_t *numbers_ret, size_t capacity);

/* The text of a key; false if the row has none. */
bool golden_text(const char *row, const char *key, char *text_ret, size_t capacity);

#endif
