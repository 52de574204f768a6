/* SPDX-License-Identifier: Apache-2.0
 * table_file.c - see table_file.h. */
#define _POSIX_C_SOURCE 200809L
#include "cli/table_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

enum { MAX_TABLE_BYTES = 1 << 20 };

bool table_path(const struct settings *settings, const char *model, char *text, size_t capacity)
{
    const char *thinks = settings->engine.lora ? settings->engine.lora : model;
    int n = snprintf(text, capacity, "%s.plans.json", thinks);
    return n > 0 && (size_t)n < capacity;
}

/* The whole file, in memory of its own; NULL after a message. */
static char *read_file(const char *path, size_t *bytes_ret)
{
    FILE *file = fopen(path, "rb");
    char *text = grow(NULL, MAX_TABLE_BYTES + 1);
    *bytes_ret = file ? fread(text, 1, MAX_TABLE_BYTES + 1, file) : 0;
    bool has_failed = !file || ferror(file);
    if (has_failed)
        complain("%s: %s", path, strerror(errno));
    else if (*bytes_ret > MAX_TABLE_BYTES)
        complain("%s: too long for a table of ponder calibrate", path);
    has_failed = has_failed || *bytes_ret > MAX_TABLE_BYTES;
    if (file)
        fclose(file);
    if (!has_failed)
        return text;
    free(text);
    return NULL;
}

static int use_file(const struct settings *settings, struct ponder *p, const char *path)
{
    char err[PONDER_ERROR_BYTES] = "";
    size_t bytes;
    bool is_other = false;
    char *text = read_file(path, &bytes);
    if (!text)
        return EXIT_FILE;
    if (bytes == 0)
        text[bytes++] = '\n'; /* an empty file is no table, and not none either */
    enum ponder_status status = ponder_use_table(p, text, bytes, &is_other, err, sizeof err);
    free(text);
    if (status != PONDER_OK) {
        complain("%s: %s; make it with ponder calibrate, or --table none", path, err);
        return EXIT_FILE;
    }
    if (is_other && !settings->is_quiet)
        complain("note: %s was made with another model", path);
    return EXIT_OK;
}

static bool is_none(const struct settings *settings)
{
    return settings->table && strcmp(settings->table, "none") == 0;
}

bool table_is_there(const struct settings *settings, const char *model)
{
    char path[4096];
    return (settings->table && !is_none(settings)) ||
           (!settings->table && table_path(settings, model, path, sizeof path) &&
            access(path, F_OK) == 0);
}

int table_use(const struct settings *settings, struct ponder *p, const char *model)
{
    char path[4096];
    if (!strategy_is(settings, "auto") || !table_is_there(settings, model))
        return EXIT_OK;
    if (settings->table)
        return use_file(settings, p, settings->table);
    table_path(settings, model, path, sizeof path);
    return use_file(settings, p, path);
}
