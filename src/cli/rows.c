/* SPDX-License-Identifier: Apache-2.0
 * rows.c - JSON Lines in. */
#define _POSIX_C_SOURCE 200809L
#include "cli/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"

bool next_line(struct line_reader *reader)
{
    reader->bytes = 0;
    reader->is_too_long = false;
    int c;
    while ((c = getc_unlocked(reader->file)) != EOF && c != '\n') {
        if (reader->bytes == MAX_LINE_BYTES) {
            reader->is_too_long = true;
            continue;
        }
        if (reader->bytes + 1 >= reader->capacity) {
            reader->capacity = reader->capacity < 4096 ? 4096 : reader->capacity * 2;
            reader->line = grow(reader->line, reader->capacity);
        }
        reader->line[reader->bytes++] = (char)c;
    }
    if (caught_exit_code() != 0 || (c == EOF && (reader->bytes == 0 || ferror(reader->file))))
        return false;
    if (!reader->line)
        reader->line = grow(NULL, reader->capacity = 4096);
    if (reader->bytes > 0 && reader->line[reader->bytes - 1] == '\r')
        reader->bytes--;
    reader->line[reader->bytes] = '\0';
    reader->number++;
    return true;
}

bool is_blank(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n')
            return false;
    return true;
}

FILE *open_rows(const char *path)
{
    if (!path || strcmp(path, "-") == 0)
        return stdin;
    FILE *file = fopen(path, "rb");
    if (!file)
        complain("%s: %s", path, strerror(errno));
    return file;
}

static struct pd_json_value field(const struct line_reader *reader, const char *key)
{
    return pd_json_field(reader->line, reader->bytes, key);
}

static bool is_scalar(struct pd_json_value value)
{
    return value.kind == PD_JSON_STRING || value.kind == PD_JSON_NUMBER;
}

/* The text of a string or number where it stands, with a NUL over its last quote or, for a number, over
 * the byte behind it: to be called when the line is not parsed any more. */
static char *text_of(struct pd_json_value value, size_t *bytes_ret)
{
    char *text = (char *)value.raw; /* points into the reader's own line */
    *bytes_ret = value.kind == PD_JSON_STRING ? pd_json_unescape(value, text) : value.bytes;
    text[*bytes_ret] = '\0';
    return text;
}

const char *parse_row(struct line_reader *reader, struct row *row)
{
    *row = (struct row){.id = NULL};
    if (reader->is_too_long)
        return "the line is longer than 16 MiB";
    const char *error = pd_json_check(reader->line, reader->bytes, NULL);
    if (error)
        return error;
    struct pd_json_value id = field(reader, "id");
    struct pd_json_value question = field(reader, "question");
    struct pd_json_value answer = field(reader, "answer");
    struct pd_json_value level = field(reader, "level");
    if (id.kind != PD_JSON_NONE && !is_scalar(id))
        return "\"id\" is neither text nor number";
    if (id.kind == PD_JSON_NONE) {
        snprintf(row->number, sizeof row->number, "%" PRId64, reader->number);
        row->id = row->number;
        row->id_bytes = strlen(row->number);
    } else {
        row->id = id.raw;
        row->id_bytes = id.bytes;
    }
    if (question.kind != PD_JSON_STRING)
        return "there is no text in \"question\"";
    size_t bytes;
    row->question = text_of(question, &row->question_bytes);
    if (is_scalar(answer))
        row->answer = text_of(answer, &bytes);
    if (is_scalar(level))
        row->level = text_of(level, &bytes);
    return NULL;
}
