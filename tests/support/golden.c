/* SPDX-License-Identifier: Apache-2.0
 * golden.c - see golden.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/golden.h"

struct golden golden_read(const char *path)
{
    struct golden g = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        fail_msg("cannot read %s", path);
    size_t bytes = (size_t)ftell(file);
    rewind(file);
    g.text = malloc(bytes + 1);
    if (g.text == NULL || fread(g.text, 1, bytes, file) != bytes)
        fail_msg("cannot read %s", path);
    fclose(file);
    g.text[bytes] = '\0';
    int n_lines = 0;
    for (size_t i = 0; i < bytes; i++)
        n_lines += g.text[i] == '\n';
    g.line = malloc(((size_t)n_lines + 1) * sizeof *g.line);
    for (char *at = g.text; g.line != NULL && *at != '\0'; g.n++) {
        g.line[g.n] = at;
        at = strchr(at, '\n');
        if (at == NULL)
            fail_msg("%s does not end with a new line", path);
        *at++ = '\0';
    }
    return g;
}

void golden_free(struct golden *g)
{
    free(g->text);
    free(g->line);
}

/* Where the value of key begins, or NULL. */
static const char *value_of(const char *row, const char *key)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(row, quoted);
    return at == NULL ? NULL : at + strlen(quoted);
}

bool golden_text(const char *row, const char *key, char *text_ret, size_t capacity)
{
    const char *at = value_of(row, key);
    if (at == NULL)
        return false;
    size_t bytes = *at == '"' ? strcspn(at + 1, "\"") : capacity;
    if (bytes >= capacity)
        fail_msg("no text of at most %zu bytes in %s", capacity, row);
    memcpy(text_ret, at + 1, bytes);
    text_ret[bytes] = '\0';
    return true;
}

long golden_hex(const char *row, const char *key, unsigned char *bytes_ret, size_t capacity)
{
    const char *at = value_of(row, key);
    size_t n = 0;
    if (at == NULL)
        return -1;
    for (at++; *at != '"'; at += 2) {
        unsigned byte = 0;
        if (n == capacity || sscanf(at, "%2x", &byte) != 1)
            fail_msg("no bytes in %s", row);
        bytes_ret[n++] = (unsigned char)byte;
    }
    return (long)n;
}

long golden_numbers(const char *row, const char *key, int32_t *numbers_ret, size_t capacity)
{
    const char *at = value_of(row, key);
    size_t n = 0;
    if (at == NULL)
        return -1;
    while (*at != ']' && at[1] != ']') {
        char *end;
        long number = strtol(at + 1, &end, 10);
        if (n == capacity || end == at + 1)
            fail_msg("no numbers in %s", row);
        numbers_ret[n++] = (int32_t)number;
        at = end;
    }
    return (long)n;
}
