/* SPDX-License-Identifier: Apache-2.0
 * cmd_solve.c - `ponder solve`: one question, lines of questions, or JSON rows. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/journal.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/rows.h"
#include "cli/trace.h"

static bool has_result(enum ponder_status status)
{
    return status == PONDER_OK || status == PONDER_NO_ANSWER || status == PONDER_NO_TIME ||
           status == PONDER_CANCELLED;
}

static int finish_json(const struct ponder *p, const struct ponder_answer *answer)
{
    struct pd_json_writer w;
    json_to_file(&w, stdout);
    pd_json_begin(&w, '{');
    put_answer_fields(&w, p, answer, true);
    pd_json_end(&w, '}');
    putchar('\n');
    return finish_output(stdout, "standard output", EXIT_OK);
}

static void print_piece(void *user, const char *piece, size_t bytes)
{
    (void)user;
    fwrite(piece, 1, bytes, stdout);
    fflush(stdout);
}

/* Answers one question for people or as one JSON object; what: how messages call it. */
static int solve_one(struct ponder *p, struct settings *settings, char *question, size_t bytes,
                     const char *what, bool is_alone)
{
    struct ponder_request request = settings->request;
    struct ponder_answer answer;
    bool is_terminal = isatty(STDOUT_FILENO);
    if (is_blank(question, bytes)) {
        complain("%s is empty; ask something, such as ponder solve \"What is 3 + 4?\"", what);
        return EXIT_USAGE;
    }
    if (is_terminal && !is_alone && !settings->is_json)
        printf("%.*s\n", (int)bytes, question);
    if (settings->is_stream)
        request.on_text = print_piece;
    struct row row = {.question = question, .question_bytes = bytes};
    enum ponder_status status = trace_ask(settings, p, &row, &request, &answer);
    if (settings->is_stream && answer.n_tokens > 0)
        putchar('\n');
    if (has_result(status) && settings->is_json) {
        int code = finish_json(p, &answer);
        if (code != EXIT_OK)
            return code;
    } else if (has_result(status)) {
        if (answer.answer[0] != '\0' || !is_alone)
            puts(answer.answer);
        if (is_terminal || settings->is_verbose)
            print_answer_details(stdout, p, &answer);
    } else if (!is_alone && !settings->is_json) {
        putchar('\n'); /* one line for each question, so that both files stay side by side */
    }
    int code = finish_output(stdout, "standard output", EXIT_OK);
    if (code != EXIT_OK)
        return code;
    if (status == PONDER_OK || (status == PONDER_CANCELLED && caught_exit_code() != 0))
        return caught_exit_code();
    if (status == PONDER_NO_ANSWER && settings->is_quiet)
        return ponder_status_exit_code(status);
    return complain_status(status, what, p, &answer);
}

/* One question a line. */
static int solve_lines(struct ponder *p, struct settings *settings)
{
    struct line_reader reader = {.file = stdin};
    int64_t n_asked = 0;
    bool has_failed = false;
    int code = EXIT_OK;
    int last = EXIT_OK;
    while (code == EXIT_OK && next_line(&reader)) {
        char what[32];
        if (is_blank(reader.line, reader.bytes))
            continue;
        n_asked++;
        snprintf(what, sizeof what, "line %lld", (long long)reader.number);
        if (reader.is_too_long) {
            complain("%s: longer than 16 MiB", what);
            has_failed = true;
            last = EXIT_USAGE;
            continue;
        }
        last = solve_one(p, settings, reader.line, reader.bytes, what, false);
        has_failed |= last != EXIT_OK;
        code = last == EXIT_FILE ? last : caught_exit_code();
    }
    free(reader.line);
    if (n_asked == 0 && code == EXIT_OK && caught_exit_code() == 0) {
        complain("the question is empty: standard input holds none");
        return EXIT_USAGE;
    }
    if (caught_exit_code() != 0)
        return caught_exit_code();
    if (code != EXIT_OK || n_asked == 1)
        return code != EXIT_OK ? code : last;
    return has_failed ? EXIT_SOME_FAILED : EXIT_OK;
}

/* {"id": ..., "error": "..."}: so that every id of the input is in the output. */
static int put_error_row(struct journal *journal, const struct row *row, const char *error)
{
    struct pd_json_writer w;
    json_to_file(&w, journal->file);
    pd_json_begin(&w, '{');
    pd_json_key(&w, "id");
    pd_json_raw(&w, row->id, row->id_bytes);
    pd_json_key(&w, "error");
    pd_json_text(&w, error);
    pd_json_end(&w, '}');
    return journal_end_line(journal);
}

static int put_answer_row(struct journal *journal, const struct row *row, const struct ponder *p,
                          const struct ponder_answer *answer)
{
    struct pd_json_writer w;
    json_to_file(&w, journal->file);
    pd_json_begin(&w, '{');
    pd_json_key(&w, "id");
    pd_json_raw(&w, row->id, row->id_bytes);
    put_answer_fields(&w, p, answer, true);
    pd_json_end(&w, '}');
    return journal_end_line(journal);
}

static int solve_row(struct ponder *p, struct settings *settings, struct journal *journal,
                     const struct row *row, const char *what, bool *has_failed_ret)
{
    struct ponder_answer answer;
    if (is_blank(row->question, row->question_bytes)) {
        complain("%s: the question is empty", what);
        *has_failed_ret = true;
        return put_error_row(journal, row, "the question is empty");
    }
    enum ponder_status status = trace_ask(settings, p, row, &settings->request, &answer);
    if (status == PONDER_CANCELLED)
        return caught_exit_code(); /* not written: a resumed run asks it again */
    if (has_result(status))
        return put_answer_row(journal, row, p, &answer);
    *has_failed_ret = true;
    complain_status(status, what, p, &answer);
    return put_error_row(journal, row, ponder_status_text(status));
}

static int solve_rows(struct ponder *p, struct settings *settings, FILE *input)
{
    struct journal journal;
    struct progress progress;
    struct line_reader reader = {.file = input};
    bool has_failed = false;
    int64_t n_done = 0;
    int code = journal_open(&journal, settings->resume, true, NULL, NULL);
    if (code != EXIT_OK)
        return code;
    progress_begin(&progress, 0, settings->is_quiet);
    while (code == EXIT_OK && next_line(&reader)) {
        char what[32];
        struct row row;
        if (settings->n_shards > 0 &&
            (reader.number - 1) % settings->n_shards != settings->shard - 1)
            continue;
        if (!reader.is_too_long && is_blank(reader.line, reader.bytes))
            continue;
        snprintf(what, sizeof what, "line %lld", (long long)reader.number);
        const char *error = parse_row(&reader, &row);
        if (row.id && journal_has(&journal, row.id, row.id_bytes))
            continue;
        progress_clear(&progress);
        if (error) {
            complain("%s: %s; skipped", what, error);
            has_failed = true;
            code = row.id ? put_error_row(&journal, &row, error) : EXIT_OK;
        } else {
            code = solve_row(p, settings, &journal, &row, what, &has_failed);
        }
        if (settings->resume && row.id)
            journal_add(&journal, row.id, row.id_bytes);
        progress_show(&progress, ++n_done, " done");
    }
    progress_clear(&progress);
    if (code == EXIT_OK && ferror(input) && caught_exit_code() == 0) {
        complain("cannot read the rows; those before are answered");
        code = EXIT_FILE;
    }
    free(reader.line);
    if (caught_exit_code() != 0)
        code = caught_exit_code();
    return journal_close(&journal, code != EXIT_OK ? code
                                   : has_failed    ? EXIT_SOME_FAILED
                                                   : EXIT_OK);
}

static int check_usage(const struct settings *settings)
{
    const char *error = NULL;
    if (settings->is_stream && (settings->is_json || settings->is_jsonl))
        error = "--stream does not go with --json or --jsonl";
    else if (!settings->is_jsonl && settings->resume)
        error = "--resume goes with --jsonl";
    else if (!settings->is_jsonl && settings->n_shards > 0)
        error = "--shard goes with --jsonl";
    else if (settings->is_jsonl && settings->n_words > 1)
        error = "--jsonl takes one file of rows, or standard input";
    else if (settings->is_quiet && settings->is_verbose)
        error = "--quiet does not go with --verbose";
    else if (strategy_is(settings, "greedy") && settings->n_samples > 1)
        error = "--strategy greedy takes one sample";
    return complain_usage("solve", error);
}

/* Everything about the input that can fail does so before the model is loaded. */
int cmd_solve(struct settings *settings)
{
    struct ponder *p = NULL;
    FILE *rows = NULL;
    bool is_input =
        settings->n_words == 0 || (settings->n_words == 1 && strcmp(settings->words[0], "-") == 0);
    char *question = NULL;
    size_t bytes = 0;
    int code = check_usage(settings);
    if (code != EXIT_OK)
        return code;
    if (settings->is_jsonl)
        code =
            (rows = open_rows(settings->n_words ? settings->words[0] : NULL)) ? EXIT_OK : EXIT_FILE;
    else if (!is_input || (settings->n_words == 0 && isatty(STDIN_FILENO)))
        code = read_text(settings, "question", &question, &bytes);
    if (code == EXIT_OK && question && is_blank(question, bytes)) {
        complain("the question is empty; ask something, such as ponder solve \"What is 3 + 4?\"");
        code = EXIT_USAGE;
    }
    catch_signals(settings);
    settle_strategy(settings);
    settle_lanes(settings, 8);
    if (code == EXIT_OK)
        code = open_engine(settings, &p);
    if (code == EXIT_OK)
        code = check_verifiers(settings, p);
    if (code == EXIT_OK)
        code = trace_open(settings);
    if (code == EXIT_OK)
        warm_engine(settings, p, true);
    if (code == EXIT_OK && rows)
        code = solve_rows(p, settings, rows);
    else if (code == EXIT_OK && question)
        code = solve_one(p, settings, question, bytes, "the question", true);
    else if (code == EXIT_OK)
        code = solve_lines(p, settings);
    code = trace_close(settings, code);
    if (rows && rows != stdin)
        fclose(rows);
    free(question);
    ponder_free(p);
    return code;
}
