/* SPDX-License-Identifier: Apache-2.0
 * curve_run.c - asks every question with every strategy at every budget. Each question goes through all pairs before the
 * next one does, beginning with another pair each time, so that what changes on the machine meanwhile hits all alike. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/curves.h"
#include "cli/eval_row.h"
#include "cli/row_loop.h"

struct run {
    struct ponder *p;
    struct settings *settings;
    const struct grid *grid;
    int n_pairs;
    int n_samples;            /* where a strategy names none */
    struct journal *journals; /* [n_pairs] */
    char (*paths)[4096];      /* [n_pairs] */
    int n_rows;
    int64_t n_asked;
    bool has_failed;
};

static bool is_greedy(const struct grid_strategy *strategy)
{
    return strcmp(strategy->strategy, "greedy") == 0;
}

static int samples_of(const struct run *run, const struct grid_strategy *strategy)
{
    if (is_greedy(strategy))
        return 1;
    return strategy->n_samples > 0 ? strategy->n_samples : run->n_samples;
}

static int ask(struct run *run, int pair, const struct row *row, const char *what, bool *is_asked)
{
    const struct grid_strategy *strategy = &run->grid->strategies[pair / run->grid->n_budgets];
    struct ponder_request *request = &run->settings->request;
    struct outcome outcome;
    request->strategy = strategy->strategy;
    request->n_samples = samples_of(run, strategy);
    request->budget_ms = run->grid->budgets[pair % run->grid->n_budgets].ms;
    struct journal *journal = &run->journals[pair];
    int code = eval_row_ask(run->p, run->settings, row, what, journal, &outcome, is_asked);
    run->n_asked += *is_asked;
    if (*is_asked)
        journal_add(journal, row->id, row->id_bytes);
    return code;
}

static int take_row(void *user, const struct row *row, const char *what)
{
    struct run *run = user;
    int first = run->n_rows++ % run->n_pairs;
    int code = EXIT_OK;
    for (int i = 0; i < run->n_pairs && code == EXIT_OK; i++) {
        int pair = (first + i) % run->n_pairs;
        bool is_asked;
        if (journal_has(&run->journals[pair], row->id, row->id_bytes))
            continue;
        code = ask(run, pair, row, what, &is_asked);
        if (!is_asked) { /* a question that cannot be asked once cannot be asked at all */
            run->has_failed = true;
            break;
        }
    }
    return code;
}

static void take_note(void *user, char *note, size_t capacity)
{
    const struct run *run = user;
    snprintf(note, capacity, ", %lld answers", (long long)run->n_asked);
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

static void settle_run(struct run *run)
{
    settle_lanes(run->settings, 8);
    run->n_samples = run->settings->request.n_samples;
    int most = 1;
    for (int i = 0; i < run->grid->n_strategies; i++) {
        int n = samples_of(run, &run->grid->strategies[i]);
        most = n > most ? n : most;
    }
    if (run->settings->n_lanes == 0)
        run->settings->engine.n_lanes = most < PONDER_MAX_LANES ? most : PONDER_MAX_LANES;
}

int curve_run(struct settings *settings, const struct grid *grid, bool *has_failed_ret)
{
    struct run run = {.settings = settings, .grid = grid};
    struct journal none = {.n_keys = 0};
    struct row_loop loop = {.settings = settings,
                            .journal = &none, /* take_row() looks into each pair's own */
                            .take = take_row,
                            .note = take_note,
                            .user = &run};
    run.n_pairs = grid->n_strategies * grid->n_budgets;
    run.journals = grow(NULL, (size_t)run.n_pairs * sizeof *run.journals);
    run.paths = grow(NULL, (size_t)run.n_pairs * sizeof *run.paths);
    memset(run.journals, 0, (size_t)run.n_pairs * sizeof *run.journals);
    settle_run(&run);
    FILE *data = open_rows(settings->data);
    int code = data ? curve_settings_check(settings) : EXIT_FILE;
    if (code == EXIT_OK)
        code = open_engine(settings, &run.p);
    if (code == EXIT_OK)
        code = check_verifiers(settings, run.p);
    if (code == EXIT_OK)
        code = open_journals(&run);
    if (code == EXIT_OK) {
        warm_engine(settings, run.p, true);
        code = run_rows(&loop, data);
    }
    for (int i = 0; i < run.n_pairs; i++)
        if (run.journals[i].file)
            code = journal_close(&run.journals[i], code);
    if (data)
        fclose(data);
    free(run.journals);
    free(run.paths);
    ponder_free(run.p);
    *has_failed_ret = run.has_failed || loop.has_failed;
    return code;
}
