/* SPDX-License-Identifier: Apache-2.0
 * data.c - files of rows to examples. */
#define _POSIX_C_SOURCE 200809L
#include "data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "example.h"
#include "memory.h"

enum { MOST_COMPLAINTS = 10 };

void tr_data_free(struct tr_data *d)
{
    free(d->token);
    free(d->label_row);
    free(d->label);
    free(d->example);
    free(d->source);
    free(d->part);
    free(d->piece);
    tr_row_free(&d->row);
}

static void complain(struct tr_data *d, const char *path, long line, const char *why)
{
    if (d->n_bad++ < MOST_COMPLAINTS)
        tr_say("%s:%ld: %s: left out", path, line, why);
}

static void take_line(struct tr_data *d, const char *path, long number, const char *line,
                      size_t bytes)
{
    if (strspn(line, " \t\r\n") == bytes)
        return;
    const char *error = tr_row_parse(&d->row, line, bytes);
    if (!error)
        error = tr_examples_add(d, &d->row, (uint64_t)number);
    if (error)
        complain(d, path, number, error);
}

static void sum_up(const struct tr_data *d, const char *path)
{
    if (d->n_bad > MOST_COMPLAINTS)
        tr_say("%s: %d bad rows in all were left out", path, d->n_bad);
    if (d->n_too_long > 0)
        tr_say("%s: %d examples of more than %d tokens were left out", path, d->n_too_long,
               d->max_tokens);
    if (d->n_useless > 0)
        tr_say("%s: %d rows have nothing to learn from for this objective", path, d->n_useless);
}

enum ponder_status tr_data_load(struct tr_data *d, const char *path, double weight,
                                const struct pd_error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return pd_fail(err, PONDER_NO_FILE, "%s: %s", path, strerror(errno));
    int first = d->n_examples;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t bytes;
    d->n_too_long = d->n_bad = d->n_useless = 0;
    errno = 0;
    for (long number = 1; (bytes = getline(&line, &capacity, file)) >= 0; number++)
        take_line(d, path, number, line, (size_t)bytes);
    int why = ferror(file) ? errno : 0;
    free(line);
    fclose(file);
    if (why)
        return pd_fail(err, PONDER_NO_FILE, "%s: %s", path, strerror(why));
    sum_up(d, path);
    if (d->n_examples == first)
        return pd_fail(err, PONDER_BAD_INPUT, "%s: no row to learn from", path);
    d->source = tr_grow(d->source, (size_t)d->n_sources + 1, sizeof *d->source);
    d->source[d->n_sources++] = (struct tr_source){first, d->n_examples - first, weight};
    return PONDER_OK;
}

void tr_data_put(const struct tr_data *d, int i, struct tr_batch *b)
{
    const struct tr_example *e = &d->example[i];
    const int32_t *token = d->token + e->at;
    for (int k = 0; k < e->n_labels; k++) {
        b->label_row[b->n_labels] = b->n + d->label_row[e->label_at + (size_t)k];
        b->label[b->n_labels++] = d->label[e->label_at + (size_t)k];
    }
    b->begin[b->n_sequences++] = b->n;
    for (int k = 0; k < e->n; k++) {
        if (k + 1 < e->n && (token[k + 1] & TR_IS_TARGET)) {
            b->target_row[b->n_targets] = b->n;
            b->target[b->n_targets++] = token[k + 1] & ~TR_IS_TARGET;
        }
        b->position[b->n] = k;
        b->token[b->n++] = token[k] & ~TR_IS_TARGET;
    }
    b->begin[b->n_sequences] = b->n;
}
