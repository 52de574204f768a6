/* SPDX-License-Identifier: Apache-2.0
 * cmd_eval.c - `ponder eval`: asks every question of a set, and hands the outcomes to the tally. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/curves.h"
#include "cli/eval_row.h"
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

/* Counts a row that an earlier run wrote. */
static void take_up_row(void *user, char *line, size_t bytes)
{
    struct eval *eval = user;
    char level[MAX_LEVEL_BYTES];
    struct outcome outcome;
    if (eval_row_read(line, bytes, level, &outcome))
        tally_add(&eval->tally, &outcome);
}

static int take_row(void *user, const struct row *row, const char *what)
{
    struct eval *eval = user;
    struct journal *journal = eval->has_journal ? &eval->journal : NULL;
    struct outcome outcome;
    bool is_asked;
    int code = eval_row_ask(eval->p, eval->settings, row, what, journal, &outcome, &is_asked);
    if (is_asked)
        tally_add(&eval->tally, &outcome);
    else
        eval->has_failed = true;
    if (journal)
        journal_add(journal, row->id, row->id_bytes);
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
    if (settings->n_words > 0)
        error = "eval takes its rows with --data FILE";
    else if (!settings->data && !settings->is_redraw)
        error = "eval needs --data FILE";
    else if (!settings->curves && (settings->strategies || settings->budgets ||
                                   settings->is_compare || settings->is_redraw))
        error = "--strategies, --budgets, --compare and --redraw go with --curves DIR";
    else if (settings->out && settings->resume)
        error = "--out starts a new file, --resume goes on with one: give one of them";
    else if (settings->is_quiet && settings->is_verbose)
        error = "--quiet does not go with --verbose";
    else if (strategy_is(settings, "greedy") && settings->n_samples > 1)
        error = "--strategy greedy takes one sample";
    return complain_usage("eval", error);
}

static int open_journal(struct eval *eval)
{
    const struct settings *settings = eval->settings;
    eval->has_journal = settings->out || settings->resume;
    if (!eval->has_journal)
        return EXIT_OK;
    return journal_open_named(&eval->journal, settings, take_up_row, eval);
}

int cmd_eval(struct settings *settings)
{
    struct eval eval = {.settings = settings};
    int code = check_usage(settings);
    if (code == EXIT_OK && settings->curves)
        return eval_curves(settings);
    FILE *data = code == EXIT_OK ? open_rows(settings->data) : NULL;
    if (!data)
        return code != EXIT_OK ? code : EXIT_FILE;
    catch_signals(settings);
    settle_strategy(settings);
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
