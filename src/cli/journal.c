/* SPDX-License-Identifier: Apache-2.0
 * journal.c - output files that can be gone on with. */
#define _POSIX_C_SOURCE 200809L
#include "cli/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/rows.h"

/* FNV-1a with a last mix: two of a million ids fall together once in 4e7 runs. */
uint64_t journal_key(const char *id, size_t bytes)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)id[i]) * 1099511628211u;
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
    return hash != 0 ? hash : 1;
}

static size_t slot_of(const struct journal *journal, uint64_t key)
{
    size_t mask = journal->capacity - 1;
    size_t slot = (size_t)key & mask;
    while (journal->keys[slot] != 0 && journal->keys[slot] != key)
        slot = (slot + 1) & mask;
    return slot;
}

static void widen(struct journal *journal)
{
    struct journal wider = *journal;
    wider.capacity = journal->capacity ? journal->capacity * 2 : 1024;
    wider.keys = grow(NULL, wider.capacity * sizeof *wider.keys);
    memset(wider.keys, 0, wider.capacity * sizeof *wider.keys);
    for (size_t i = 0; i < journal->capacity; i++)
        if (journal->keys[i] != 0)
            wider.keys[slot_of(&wider, journal->keys[i])] = journal->keys[i];
    free(journal->keys);
    *journal = wider;
}

bool journal_has(const struct journal *journal, const char *id, size_t bytes)
{
    return journal->capacity > 0 && journal->keys[slot_of(journal, journal_key(id, bytes))] != 0;
}

void journal_add(struct journal *journal, const char *id, size_t bytes)
{
    if (journal->n_keys * 2 >= journal->capacity)
        widen(journal);
    uint64_t key = journal_key(id, bytes);
    size_t slot = slot_of(journal, key);
    journal->n_keys += journal->keys[slot] == 0;
    journal->keys[slot] = key;
}

static int complain_file(const char *what, const char *path)
{
    complain("cannot %s %s: %s", what, path, strerror(errno));
    return EXIT_FILE;
}

/* Length of the file up to its last line end: what follows is a line that a crash tore. */
static long whole_bytes(FILE *file)
{
    long whole = 0;
    long at = 0;
    for (int c; (c = getc_unlocked(file)) != EOF;) {
        at++;
        if (c == '\n')
            whole = at;
    }
    return ferror(file) ? -1 : whole;
}

static int take_up(struct journal *journal, void (*on_line)(void *user, char *line, size_t bytes),
                   void *user)
{
    long whole = whole_bytes(journal->file);
    if (whole < 0)
        return complain_file("read", journal->name);
    rewind(journal->file);
    struct line_reader reader = {.file = journal->file};
    while (ftell(journal->file) < whole && next_line(&reader)) {
        if (pd_json_check(reader.line, reader.bytes, NULL)) {
            complain("%s: line %lld is no JSON object; left as it is", journal->name,
                     (long long)reader.number);
            continue;
        }
        struct pd_json_value id = pd_json_field(reader.line, reader.bytes, "id");
        if (id.kind == PD_JSON_NONE)
            continue;
        journal_add(journal, id.raw, id.bytes);
        if (on_line)
            on_line(user, reader.line, reader.bytes);
    }
    free(reader.line);
    if (ftruncate(fileno(journal->file), whole) != 0)
        return complain_file("mend", journal->name);
    if (fseek(journal->file, 0, SEEK_END) != 0)
        return complain_file("write", journal->name);
    return caught_exit_code();
}

int journal_open(struct journal *journal, const char *path, bool is_resumed,
                 void (*on_line)(void *user, char *line, size_t bytes), void *user)
{
    *journal = (struct journal){stdout, "standard output", NULL, 0, 0};
    if (!path)
        return EXIT_OK;
    journal->name = path;
    journal->file = is_resumed ? fopen(path, "r+b") : NULL;
    if (journal->file)
        return take_up(journal, on_line, user);
    if (!is_resumed || errno == ENOENT)
        journal->file = fopen(path, "wb");
    return journal->file ? EXIT_OK : complain_file("write", path);
}

int journal_end_line(struct journal *journal)
{
    putc('\n', journal->file);
    return finish_output(journal->file, journal->name, EXIT_OK);
}

int journal_open_named(struct journal *journal, const struct settings *settings,
                       void (*on_line)(void *user, char *line, size_t bytes), void *user)
{
    return journal_open(journal, settings->resume ? settings->resume : settings->out,
                        settings->resume != NULL, on_line, user);
}

int journal_close(struct journal *journal, int code)
{
    int last = finish_output(journal->file, journal->name, code);
    if (journal->file != stdout && fclose(journal->file) != 0 && last == EXIT_OK)
        last = complain_file("write", journal->name);
    free(journal->keys);
    journal->keys = NULL;
    return last;
}
