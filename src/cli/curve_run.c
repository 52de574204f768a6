/* SPDX-License-Identifier: Apache-2.0
 * curve_run.c - asks every question with every strategy at every budget, in the order of grid_question(). */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/curves.h"
#include "cli/eval_row.h"
#include "cli/progress.h"
#include "cli/row_loop.h"
#include "cli/table_file.h"

struct question {
    struct row row; /* whose texts stand in text */
    char *text;
    char what[32];
    bool is_refused; /* it could not be asked once: not at all */
};

struct run {
    struct ponder *p;
    struct settings *settings;
    const struct grid *grid;
    int n_pairs;
    int n_samples[MAX_GRID];  /* by strategy, as in a request */
    struct journal *journals; /* [n_pairs] */
    char (*paths)[4096];      /* [n_pairs] */
    struct question *questions;
    int n_questions, capacity;
    int last_asked; /* -1: none */
    struct progress progress;
    int64_t n_asked, n_to_ask;
    bool has_failed;
};

/* A text and its end in *at, which moves behind it. NULL stays. */
static char *keep_text(char **at, const char *text, size_t bytes)
{
    char *kept = *at;
    if (!text)
        return NULL;
    memcpy(kept, text, bytes);
    kept[bytes] = '\0';
    *at += bytes + 1;
    return kept;
}

static size_t length_of(const char *text)
{
    return text ? strlen(text) : 0;
}

static int keep_row(void *user, const struct row *row, const char *what)
{
    struct run *run = user;
    if (run->n_questions == run->capacity) {
        run->capacity = run->capacity ? run->capacity * 2 : 256;
        run->questions = grow(run->questions, (size_t)run->capacity * sizeof *run->questions);
    }
    struct question *question = &run->questions[run->n_questions++];
    *question = (struct question){.row = *row};
    snprintf(question->what, sizeof question->what, "%s", what);
    char *at = question->text = grow(NULL, row->id_bytes + row->question_bytes +
                                               length_of(row->answer) + length_of(row->level) + 4);
    question->row.id = keep_text(&at, row->id, row->id_bytes);
    question->row.question = keep_text(&at, row->question, row->question_bytes);
    question->row.answer = keep_text(&at, row->answer, length_of(row->answer));
    question->row.level = keep_text(&at, row->level, length_of(row->level));
    return EXIT_OK;
}

static bool is_asked(const struct run *run, int pair, const struct question *question)
{
    return journal_has(&run->journals[pair], question->row.id, question->row.id_bytes);
}

static int ask(struct run *run, int pair, int number)
{
    struct question *question = &run->questions[number];
    int strategy = pair / run->grid->n_budgets;
    struct ponder_request *request = &run->settings->request;
    struct journal *journal = &run->journals[pair];
    struct outcome outcome;
    bool has_answered;
    if (number == run->last_asked) { /* a single question, or others were done before */
        ponder_reset(run->p);
        ponder_warm(run->p);
    }
    run->last_asked = number;
    request->strategy = run->grid->strategies[strategy].strategy;
    request->n_samples = run->n_samples[strategy];
    request->budget_ms = run->grid->budgets[pair % run->grid->n_budgets].ms;
    int code = eval_row_ask(run->p, run->settings, &question->row, question->what, journal,
                            &outcome, &has_answered);
    if (has_answered)
        journal_add(journal, question->row.id, question->row.id_bytes);
    else
        question->is_refused = run->has_failed = true;
    progress_show(&run->progress, ++run->n_asked, "");
    return code;
}

static int ask_round(struct run *run, int round)
{
    int code = EXIT_OK;
    for (int pair = 0; pair < run->n_pairs && code == EXIT_OK; pair++) {
        int number = grid_question(round, pair, run->n_questions);
        if (number >= 0 && !run->questions[number].is_refused &&
            !is_asked(run, pair, &run->questions[number]))
            code = ask(run, pair, number);
    }
    return code;
}

static int ask_all(struct run *run)
{
    int code = EXIT_OK;
    for (int i = 0; i < run->n_questions; i++)
        for (int pair = 0; pair < run->n_pairs; pair++)
            run->n_to_ask += !is_asked(run, pair, &run->questions[i]);
    progress_begin(&run->progress, run->n_to_ask, run->settings->is_quiet);
    int n_rounds = grid_rounds(run->n_pairs, run->n_questions);
    for (int round = 0; round < n_rounds && code == EXIT_OK; round++)
        code = ask_round(run, round);
    progress_clear(&run->progress);
    return code;
}

static int open_journals(struct run *run)
{
    int code = EXIT_OK;
    for (int i = 0; i < run->n_pairs && code == EXIT_OK; i++) {
        char file[GRID_FILE_BYTES];
        grid_file(run->grid, i / run->grid->n_budgets, i % run->grid->n_budgets, file);
        snprintf(run->paths[i], sizeof run->paths[i], "%s/%s.jsonl", run->settings->curves, file);
        code = journal_open(&run->journals[i], run->paths[i], true, NULL, NULL);
    }
    return code;
}

/* Samples as each strategy would have them alone, and lanes for the one that has most of them. */
static void settle_run(struct run *run)
{
    int n_lanes = 1;
    for (int i = 0; i < run->grid->n_strategies; i++) {
        const struct grid_strategy *strategy = &run->grid->strategies[i];
        struct settings alone = *run->settings;
        alone.request.strategy = strategy->strategy;
        if (strategy->n_samples > 0)
            alone.n_samples = strategy->n_samples;
        else if (strcmp(strategy->strategy, "greedy") == 0)
            alone.n_samples = 1;
        settle_lanes(&alone, 8);
        run->n_samples[i] = alone.request.n_samples;
        n_lanes = alone.engine.n_lanes > n_lanes ? alone.engine.n_lanes : n_lanes;
    }
    run->settings->engine.n_lanes = n_lanes;
}

/* Which table strategy auto goes by is one of the settings, whether or not auto is among these pairs. */
static void find_table(struct settings *settings, char path[4096])
{
    if (!settings->table && table_path(settings, settings->model, path, 4096) && access(path, F_OK) == 0)
        settings->table = path;
}

/* The engine is given the table if the strategy asked for is auto. */
static int open_run(struct run *run)
{
    run->settings->request.strategy = "auto";
    int code = open_engine(run->settings, &run->p);
    if (code == EXIT_OK)
        code = check_verifiers(run->settings, run->p);
    return code == EXIT_OK ? open_journals(run) : code;
}

/* Questions are kept in memory, since pairs ask them at different times. */
static int read_questions(struct run *run)
{
    struct row_loop loop = {.settings = run->settings, .take = keep_row, .user = run};
    FILE *data = open_rows(run->settings->data);
    if (!data)
        return EXIT_FILE;
    int code = run_rows(&loop, data);
    fclose(data);
    run->has_failed = loop.has_failed;
    return code;
}

static void free_run(struct run *run)
{
    for (int i = 0; i < run->n_questions; i++)
        free(run->questions[i].text);
    free(run->questions);
    free(run->journals);
    free(run->paths);
    ponder_free(run->p);
}

int curve_run(struct settings *settings, const struct grid *grid, bool *has_failed_ret)
{
    struct run run = {.settings = settings, .grid = grid, .last_asked = -1};
    char table[4096];
    run.n_pairs = grid->n_strategies * grid->n_budgets;
    run.journals = grow(NULL, (size_t)run.n_pairs * sizeof *run.journals);
    run.paths = grow(NULL, (size_t)run.n_pairs * sizeof *run.paths);
    memset(run.journals, 0, (size_t)run.n_pairs * sizeof *run.journals);
    settle_run(&run);
    find_table(settings, table);
    int code = read_questions(&run);
    if (code == EXIT_OK)
        code = curve_settings_check(settings);
    if (code == EXIT_OK)
        code = open_run(&run);
    if (code == EXIT_OK) {
        warm_engine(settings, run.p, true);
        code = ask_all(&run);
    }
    for (int i = 0; i < run.n_pairs; i++)
        if (run.journals[i].file)
            code = journal_close(&run.journals[i], code);
    *has_failed_ret = run.has_failed;
    free_run(&run);
    return code;
}
