/* SPDX-License-Identifier: Apache-2.0
 * row_loop.c - see row_loop.h. */
#include "cli/row_loop.h"

#include <stdlib.h>

#include "cli/cli.h"
#include "cli/progress.h"

/* One line of the data; exit code. */
static int take_line(struct row_loop *loop, struct line_reader *reader, struct progress *progress)
{
    char what[32];
    struct row row;
    snprintf(what, sizeof what, "line %lld", (long long)reader->number);
    const char *error = parse_row(reader, &row);
    if (!error && !row.answer)
        error = "there is no text or number in \"answer\"";
    if (!error && is_blank(row.question, row.question_bytes))
        error = "the question is empty";
    if (row.id && loop->journal && journal_has(loop->journal, row.id, row.id_bytes))
        return EXIT_OK;
    if (!error)
        return loop->take(loop->user, &row, what);
    progress_clear(progress);
    complain("%s: %s; skipped", what, error);
    loop->has_failed = true;
    return EXIT_OK;
}

static bool is_in_shard(const struct settings *settings, int64_t line)
{
    return settings->n_shards == 0 || (line - 1) % settings->n_shards == settings->shard - 1;
}

/* Lines of a file that can be read twice; 0: not known. */
static int64_t count_lines(FILE *file, const struct settings *settings)
{
    struct line_reader reader = {.file = file};
    int64_t n = 0;
    if (file == stdin || fseek(file, 0, SEEK_SET) != 0)
        return 0;
    while (next_line(&reader))
        n += is_in_shard(settings, reader.number);
    free(reader.line);
    rewind(file);
    return settings->limit > 0 && n > settings->limit ? settings->limit : n;
}

int run_rows(struct row_loop *loop, FILE *data)
{
    const struct settings *settings = loop->settings;
    struct progress progress;
    struct line_reader reader = {.file = data};
    int64_t n_lines = 0;
    int code = EXIT_OK;
    progress_begin(&progress, count_lines(data, settings), settings->is_quiet);
    while (code == EXIT_OK && (settings->limit == 0 || n_lines < settings->limit) &&
           next_line(&reader)) {
        char note[48] = "";
        if (!is_in_shard(settings, reader.number) ||
            (!reader.is_too_long && is_blank(reader.line, reader.bytes)))
            continue;
        n_lines++;
        code = take_line(loop, &reader, &progress);
        if (loop->note)
            loop->note(loop->user, note, sizeof note);
        progress_show(&progress, n_lines, note);
    }
    progress_clear(&progress);
    if (code == EXIT_OK && ferror(data) && caught_exit_code() == 0) {
        complain("cannot read the rows of --data");
        code = EXIT_FILE;
    }
    free(reader.line);
    return caught_exit_code() != 0 ? caught_exit_code() : code;
}
