/* SPDX-License-Identifier: Apache-2.0
 * cmd_eval.c - `ponder eval`: asks every question of a set, and hands the outcomes to the tally. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/row_loop.h"
#include "cli/tally.h"
#include "cli/trace.h"

struct eval {
    struct ponder *p;
    struct settings *settings;
    struct journal journal;
    struct tally tally;
    bool has_journal, has_failed;
};

static void put_number(struct pd_json_writer *w, const char *key, double value)
{
    pd_json_key(w, key);
    pd_json_double(w, value, 3);
}

static int put_row(struct eval *eval, const struct row *row, const struct ponder_answer *answer,
                   const struct outcome *outcome)
{
    struct pd_json_writer w;
    if (!eval->has_journal)
        return EXIT_OK;
    json_to_file(&w, eval->journal.file);
    pd_json_begin(&w, '{');
    pd_json_key(&w, "id");
    pd_json_raw(&w, row->id, row->id_bytes);
    pd_json_key(&w, "gold");
    pd_json_text(&w, row->answer);
    pd_json_key(&w, "correct");
    pd_json_bool(&w, outcome->is_correct);
    if (row->level) {
        pd_json_key(&w, "level");
        pd_json_text(&w, row->level);
    }
    put_number(&w, "budget_ms", outcome->budget_ms);
    put_number(&w, "ms_step", outcome->ms_step);
    put_answer_fields(&w, eval->p, answer, true);
    pd_json_end(&w, '}');
    return journal_end_line(&eval->journal);
}

static double number_of(const char *line, size_t bytes, const char *key)
{
    double value = 0;
    pd_json_to_double(pd_json_field(line, bytes, key), &value);
    return value;
}

/* Counts a row that an earlier run wrote. */
static void take_up_row(void *user, char *line, size_t bytes)
{
    struct eval *eval = user;
    char level[MAX_LEVEL_BYTES];
    struct pd_json_value value = pd_json_field(line, bytes, "level");
    struct pd_json_value correct = pd_json_field(line, bytes, "correct");
    struct pd_json_value answer = pd_json_field(line, bytes, "answer");
    struct outcome outcome = {
        .is_answered = answer.kind == PD_JSON_STRING && answer.bytes > 2,
        .is_correct = correct.kind == PD_JSON_BOOL && correct.raw[0] == 't',
        .budget_ms = number_of(line, bytes, "budget_ms"),
        .ms_total = number_of(line, bytes, "ms_total"),
        .ms_step = number_of(line, bytes, "ms_step"),
        .n_tokens = (int64_t)number_of(line, bytes, "tokens"),
        .n_samples = (int64_t)number_of(line, bytes, "samples"),
        .n_steps = (int64_t)number_of(line, bytes, "steps"),
    };
    if (value.kind == PD_JSON_STRING && value.bytes < sizeof level) {
        level[pd_json_unescape(value, level)] = '\0';
        outcome.level = level;
    }
    if (correct.kind == PD_JSON_BOOL)
        tally_add(&eval->tally, &outcome);
}

static int ask(struct eval *eval, const struct row *row, const char *what)
{
    struct ponder_answer answer;
    trace_question(eval->settings, row->id, row->id_bytes, row->question, row->question_bytes);
    enum ponder_status status = ponder_solve(eval->p, row->question, row->question_bytes,
                                             &eval->settings->request, &answer);
    trace_answer(eval->settings, eval->p, &answer);
    say_note(eval->settings, &answer);
    if (status == PONDER_CANCELLED)
        return caught_exit_code();
    if (status != PONDER_OK && status != PONDER_NO_ANSWER && status != PONDER_NO_TIME) {
        complain_status(status, what, eval->p, &answer);
        eval->has_failed = true;
        return EXIT_OK;
    }
    struct outcome outcome = {
        .level = row->level,
        .is_answered = answer.answer[0] != '\0',
        .is_correct = ponder_answer_equal(answer.answer, row->answer),
        .budget_ms = eval->settings->request.budget_ms,
        .ms_total = answer.ms_total,
        .ms_step = answer.ms_step,
        .n_tokens = answer.n_tokens,
        .n_samples = answer.n_samples,
        .n_steps = answer.n_steps,
    };
    tally_add(&eval->tally, &outcome);
    return put_row(eval, row, &answer, &outcome);
}

static int take_row(void *user, const struct row *row, const char *what)
{
    struct eval *eval = user;
    int code = ask(eval, row, what);
    if (eval->has_journal)
        journal_add(&eval->journal, row->id, row->id_bytes);
    return code;
}

static void take_note(void *user, char *note, size_t capacity)
{
    struct eval *eval = user;
    tally_note(&eval->tally, note, capacity);
}

static int ask_all(struct eval *eval, FILE *data)
{
    struct row_loop loop = {.settings = eval->settings,
                            .journal = &eval->journal,
                            .take = take_row,
                            .note = take_note,
                            .user = eval};
    int code = run_rows(&loop, data);
    eval->has_failed = eval->has_failed || loop.has_failed;
    return code;
}

static int check_usage(const struct settings *settings)
{
    const char *error = NULL;
    const char *strategy = settings->request.strategy;
    if (settings->n_words > 0)
        error = "eval takes its rows with --data FILE";
    else if (!settings->data)
        error = "eval needs --data FILE";
    else if (settings->out && settings->resume)
        error = "--out starts a new file, --resume goes on with one: give one of them";
    else if (settings->is_quiet && settings->is_verbose)
        error = "--quiet does not go with --verbose";
    else if (strategy && strcmp(strategy, "greedy") == 0 && settings->n_samples > 1)
        error = "--strategy greedy takes one sample";
    if (!error)
        return EXIT_OK;
    complain("%s; see ponder eval --help", error);
    return EXIT_USAGE;
}

static int open_journal(struct eval *eval)
{
    const struct settings *settings = eval->settings;
    eval->has_journal = settings->out || settings->resume;
    if (!eval->has_journal)
        return EXIT_OK;
    return journal_open(&eval->journal, settings->resume ? settings->resume : settings->out,
                        settings->resume != NULL, take_up_row, eval);
}

int cmd_eval(struct settings *settings)
{
    struct eval eval = {.settings = settings};
    int code = check_usage(settings);
    FILE *data = code == EXIT_OK ? open_rows(settings->data) : NULL;
    if (!data)
        return code != EXIT_OK ? code : EXIT_FILE;
    catch_signals(settings);
    settle_lanes(settings, 8);
    code = open_engine(settings, &eval.p);
    if (code == EXIT_OK)
        code = check_verifiers(settings, eval.p);
    if (code == EXIT_OK)
        code = trace_open(settings);
    if (code == EXIT_OK)
        warm_engine(settings, eval.p, true);
    if (code == EXIT_OK)
        code = open_journal(&eval);
    if (code == EXIT_OK)
        code = ask_all(&eval, data);
    if (eval.journal.file)
        code = journal_close(&eval.journal, code);
    if (eval.p && code != EXIT_FILE) {
        tally_print(&eval.tally, eval.p, settings);
        code = finish_output(stdout, "standard output", code);
    }
    code = trace_close(settings, code);
    if (data != stdin)
        fclose(data);
    tally_free(&eval.tally);
    ponder_free(eval.p);
    return code == EXIT_OK && eval.has_failed ? EXIT_SOME_FAILED : code;
}
