/* SPDX-License-Identifier: Apache-2.0
 * cmd_calibrate.c - `ponder calibrate`: what this device takes, what plans come to on a set of questions, and the table of it. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/plans.h"
#include "cli/row_loop.h"
#include "cli/table_file.h"

enum { DEFAULT_LANES = 16, DEFAULT_MOST = 64 };

/* What is tried, as far as the model has it and --samples allows. */
static const struct candidate {
    struct plan plan;
    bool wants_head, revises;
} candidates[] = {
    {{"greedy", NULL, 1, 0, 0}, false, false},
    {{"majority", "arithmetic", 4, 0, 0}, false, false},
    {{"majority", "arithmetic", 8, 0, 0}, false, false},
    {{"majority", "arithmetic", 16, 0, 0}, false, false},
    {{"majority", "arithmetic", 32, 0, 0}, false, false},
    {{"majority", "arithmetic", 64, 0, 0}, false, false},
    {{"majority", "arithmetic", 128, 0, 0}, false, false},
    {{"best-of-n-weighted", "arithmetic,head", 4, 0, 0}, true, false},
    {{"best-of-n-weighted", "arithmetic,head", 8, 0, 0}, true, false},
    {{"best-of-n-weighted", "arithmetic,head", 16, 0, 0}, true, false},
    {{"best-of-n-weighted", "arithmetic,head", 32, 0, 0}, true, false},
    {{"best-of-n-weighted", "arithmetic,head", 64, 0, 0}, true, false},
    {{"best-of-n-weighted", "arithmetic,head", 128, 0, 0}, true, false},
    {{"beam", "arithmetic,head", 8, 4, 0}, true, false},
    {{"beam", "arithmetic,head", 16, 4, 0}, true, false},
    {{"dvts", "arithmetic,head", 16, 4, 0}, true, false},
    {{"rebase", "arithmetic,head", 16, 0, 0}, true, false},
    {{"revise", NULL, 4, 0, 1}, false, true},
    {{"revise", NULL, 16, 0, 4}, false, true},
    {{"revise", NULL, 16, 0, 8}, false, true},
};

static const double budgets_ms[] = {10, 20, 50, 100, 250, 500, 1000, 2000, 4000};
enum { N_BUDGETS = sizeof budgets_ms / sizeof budgets_ms[0] };
static const struct plans_budgets budgets = {budgets_ms, N_BUDGETS};

struct calibration {
    struct ponder *p;
    struct settings *settings;
    const char *model;
    struct ponder_cost cost;
    const struct plan *plan[MAX_PLANS];
    int n_plans;
    struct asked *asked;
    size_t n_asked, capacity;
    struct journal journal;
    int n_other; /* rows of the journal that are not like this run's */
};

static void choose_plans(struct calibration *c)
{
    struct ponder_info info;
    ponder_describe(c->p, &info);
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        const struct candidate *candidate = &candidates[i];
        if (candidate->plan.n_samples <= c->settings->request.n_samples &&
            (info.has_value_head || !candidate->wants_head) &&
            (info.revision[0] != '\0' || !candidate->revises))
            c->plan[c->n_plans++] = &candidate->plan;
    }
}

static void put_number(struct pd_json_writer *w, const char *key, double value, int decimals)
{
    pd_json_key(w, key);
    pd_json_double(w, value, decimals);
}

static void put_plan(struct pd_json_writer *w, const struct plan *plan)
{
    pd_json_begin(w, '{');
    pd_json_key(w, "strategy");
    pd_json_text(w, plan->strategy);
    if (plan->verifier) {
        pd_json_key(w, "verifier");
        pd_json_text(w, plan->verifier);
    }
    put_number(w, "samples", plan->n_samples, 0);
    if (plan->width > 0)
        put_number(w, "width", plan->width, 0);
    if (plan->n_chains > 0)
        put_number(w, "chains", plan->n_chains, 0);
    pd_json_end(w, '}');
}

static void put_in_memory(void *user, const char *text, size_t bytes)
{
    char *at = *(char **)user;
    memcpy(at, text, bytes);
    at[bytes] = '\0';
    *(char **)user = at + bytes;
}

/* ---- a question ---- */

/* A table of one plan, so that it runs just as strategy auto would run it. */
static enum ponder_status use_plan(struct calibration *c, const struct plan *plan)
{
    static const char one_cell[] = "[[{\"right\":0,\"steps\":0,\"tokens\":0,\"other_ms\":0}]]";
    char text[512], *at = text, err[PONDER_ERROR_BYTES];
    struct pd_json_writer w;
    pd_json_writer_init(&w, put_in_memory, &at);
    pd_json_begin(&w, '{');
    put_number(&w, "ponder_table", 1, 0);
    pd_json_key(&w, "difficulty");
    pd_json_raw(&w, "[]", 2);
    pd_json_key(&w, "plans");
    pd_json_begin(&w, '[');
    put_plan(&w, plan);
    pd_json_end(&w, ']');
    pd_json_key(&w, "cells");
    pd_json_raw(&w, one_cell, sizeof one_cell - 1);
    pd_json_end(&w, '}');
    return ponder_use_table(c->p, text, (size_t)(at - text), NULL, err, sizeof err);
}

static int ask(struct calibration *c, const struct row *row, const struct plan *plan,
               struct asked *asked, struct try *try, const char *what)
{
    struct ponder_answer answer;
    struct ponder_request request = c->settings->request;
    request.strategy = "auto";
    request.n_samples = 0;
    enum ponder_status status = use_plan(c, plan);
    if (status == PONDER_OK)
        status = ponder_solve(c->p, row->question, row->question_bytes, &request, &answer);
    if (status != PONDER_OK && status != PONDER_NO_ANSWER)
        return status == PONDER_CANCELLED ? caught_exit_code()
                                          : complain_status(status, what, c->p, NULL);
    asked->chance = answer.difficulty;
    *try = (struct try){
        .is_right = ponder_answer_equal(answer.answer, row->answer),
        .n_steps = answer.n_steps,
        .n_tokens = answer.n_tokens,
        .ms = answer.ms_total,
        .other_ms = answer.ms_total - answer.ms_passes,
    };
    return EXIT_OK;
}

static void keep(struct calibration *c, const struct asked *asked)
{
    if (c->n_asked == c->capacity) {
        c->capacity = 2 * c->capacity + 256;
        c->asked = grow(c->asked, c->capacity * sizeof *c->asked);
    }
    c->asked[c->n_asked++] = *asked;
}

static int write_line(struct calibration *c, const struct row *row, const struct asked *asked)
{
    struct pd_json_writer w;
    if (!c->journal.file)
        return EXIT_OK;
    json_to_file(&w, c->journal.file);
    pd_json_begin(&w, '{');
    pd_json_key(&w, "id");
    pd_json_raw(&w, row->id, row->id_bytes);
    put_number(&w, "plans", c->n_plans, 0);
    put_number(&w, "chance", asked->chance, 6);
    pd_json_key(&w, "tries"); /* right, steps, tokens, ms, other ms of each plan */
    pd_json_begin(&w, '[');
    for (int i = 0; i < c->n_plans; i++) {
        const struct try *try = &asked->try[i];
        pd_json_int(&w, try->is_right);
        pd_json_double(&w, try->n_steps, 0);
        pd_json_double(&w, try->n_tokens, 0);
        pd_json_double(&w, try->ms, 3);
        pd_json_double(&w, try->other_ms, 3);
    }
    pd_json_end(&w, ']');
    pd_json_end(&w, '}');
    return journal_end_line(&c->journal);
}

/* Takes up a question that an earlier run asked. */
static void take_up_line(void *user, char *line, size_t bytes)
{
    struct calibration *c = user;
    struct asked asked = {.chance = NAN};
    struct pd_json_value array = pd_json_field(line, bytes, "tries"), v;
    const char *at = NULL;
    double n_plans = 0, number[5];
    int n = 0;
    pd_json_to_double(pd_json_field(line, bytes, "plans"), &n_plans);
    pd_json_to_double(pd_json_field(line, bytes, "chance"), &asked.chance);
    for (; n < 5 * c->n_plans && (v = pd_json_next(array, &at)).kind == PD_JSON_NUMBER; n++) {
        pd_json_to_double(v, &number[n % 5]);
        if (n % 5 == 4)
            asked.try[n / 5] =
                (struct try){number[0] != 0, number[1], number[2], number[3], number[4]};
    }
    if (n_plans != c->n_plans || n != 5 * c->n_plans)
        c->n_other++;
    else
        keep(c, &asked);
}

static int take_row(void *user, const struct row *row, const char *what)
{
    struct calibration *c = user;
    struct asked asked = {.chance = NAN};
    int code = EXIT_OK;
    for (int i = 0; i < c->n_plans && code == EXIT_OK; i++)
        code = ask(c, row, c->plan[i], &asked, &asked.try[i], what);
    if (code != EXIT_OK)
        return code;
    keep(c, &asked);
    if (c->journal.file)
        journal_add(&c->journal, row->id, row->id_bytes);
    return write_line(c, row, &asked);
}

static void take_note(void *user, char *note, size_t capacity)
{
    const struct calibration *c = user;
    size_t n_right = 0;
    for (size_t i = 0; i < c->n_asked; i++)
        n_right += c->asked[i].try[c->n_plans - 1].is_right;
    if (c->n_asked > 0)
        snprintf(note, capacity, ", %d plans, %.1f%% right with the last", c->n_plans,
                 100.0 * (double)n_right / (double)c->n_asked);
}

/* ---- the table ---- */

static void put_cost(struct pd_json_writer *w, const struct ponder_cost *cost)
{
    pd_json_begin(w, '{');
    put_number(w, "prompt_row_ns", cost->prompt_row_ns, 0);
    put_number(w, "position_ns", cost->position_ns, 3);
    pd_json_key(w, "lanes");
    pd_json_begin(w, '[');
    for (int i = 0; i < cost->n_points; i++)
        pd_json_int(w, cost->lanes[i]);
    pd_json_end(w, ']');
    pd_json_key(w, "step_ns");
    pd_json_begin(w, '[');
    for (int i = 0; i < cost->n_points; i++)
        pd_json_double(w, cost->step_ns[i], 0);
    pd_json_end(w, ']');
    pd_json_end(w, '}');
}

static void put_plans(struct pd_json_writer *w, const struct calibration *c, const struct plans *p)
{
    pd_json_key(w, "questions");
    pd_json_int(w, (int64_t)c->n_asked);
    pd_json_key(w, "difficulty");
    pd_json_begin(w, '[');
    for (int i = 0; i + 1 < p->n_bins; i++)
        pd_json_double(w, p->edge[i], 6);
    pd_json_end(w, ']');
    pd_json_key(w, "plans");
    pd_json_begin(w, '[');
    for (int i = 0; i < c->n_plans; i++)
        put_plan(w, c->plan[i]);
    pd_json_end(w, ']');
    pd_json_key(w, "cells");
    pd_json_begin(w, '[');
    for (int bin = 0; bin < p->n_bins; bin++) {
        pd_json_begin(w, '[');
        for (int i = 0; i < c->n_plans; i++) {
            const struct mean *cell = &p->cell[bin][i];
            pd_json_begin(w, '{');
            put_number(w, "right", cell->right, 4);
            put_number(w, "steps", cell->n_steps, 2);
            put_number(w, "tokens", cell->n_tokens, 2);
            put_number(w, "other_ms", cell->other_ms > 0.0 ? cell->other_ms : 0.0, 3);
            pd_json_end(w, '}');
        }
        pd_json_end(w, ']');
    }
    pd_json_end(w, ']');
}

static void put_table(FILE *file, const struct calibration *c, const struct plans *p)
{
    struct pd_json_writer w;
    struct ponder_info info;
    ponder_describe(c->p, &info);
    json_to_file(&w, file);
    pd_json_begin(&w, '{');
    put_number(&w, "ponder_table", 1, 0);
    pd_json_key(&w, "model");
    pd_json_text(&w, info.name);
    pd_json_key(&w, "isa");
    pd_json_text(&w, info.isa);
    put_number(&w, "threads", info.n_threads, 0);
    pd_json_key(&w, "cost");
    put_cost(&w, &c->cost);
    if (c->n_asked > 0)
        put_plans(&w, c, p);
    pd_json_end(&w, '}');
    fputc('\n', file);
}

/* Whole or not at all: beside the place first. */
static int write_table(const struct calibration *c, const struct plans *p)
{
    char path[4096], part[4096 + 8];
    if (c->settings->out)
        snprintf(path, sizeof path, "%s", c->settings->out);
    else if (!table_path(c->settings, c->model, path, sizeof path))
        path[0] = '\0';
    snprintf(part, sizeof part, "%s.part", path);
    FILE *file = path[0] != '\0' ? fopen(part, "wb") : NULL;
    if (file) {
        put_table(file, c, p);
        bool is_whole = fflush(file) == 0 && !ferror(file);
        if (fclose(file) == 0 && is_whole && rename(part, path) == 0) {
            if (!c->settings->is_quiet)
                fprintf(stderr, "ponder: wrote %s\n", path);
            return EXIT_OK;
        }
    }
    complain("%s: %s", path, strerror(errno));
    remove(part);
    return EXIT_FILE;
}

/* ---- for people ---- */

static void print_cost(const struct ponder_cost *cost)
{
    printf("a token of a prompt %.1f us, a decode step of\n", cost->prompt_row_ns / 1e3);
    for (int i = 0; i < cost->n_points; i++)
        printf("  %3d lanes  %8.3f ms\n", cost->lanes[i], cost->step_ns[i] / 1e6);
    printf("and %.1f ns for each position that a lane looks back at\n", cost->position_ns);
}

static const char *plan_words(const struct plan *plan, char words[32])
{
    snprintf(words, 32, "%s %d", plan->strategy, plan->n_samples);
    return words;
}

/* The best plan without bins, in hindsight. */
static double best_alone(const struct calibration *c, double budget_ms,
                         const struct plan **plan_ret)
{
    double most = -1.0;
    for (int i = 0; i < c->n_plans; i++) {
        double right = 0, ms = 0;
        for (size_t j = 0; j < c->n_asked; j++) {
            right += c->asked[j].try[i].is_right;
            ms += c->asked[j].try[i].ms;
        }
        if ((ms <= budget_ms * (double)c->n_asked || most < 0.0) &&
            right / (double)c->n_asked > most) {
            most = right / (double)c->n_asked;
            *plan_ret = c->plan[i];
        }
    }
    return most;
}

static void print_choices(const struct calibration *c, const struct plans *p)
{
    char words[32];
    struct mean cv[N_BUDGETS];
    plans_cross_validate(c->asked, c->n_asked, c->n_plans, &budgets, cv);
    printf("\n%zu questions, %d plans. Right by two-fold cross-validation, and the best single "
           "plan in "
           "hindsight:\n",
           c->n_asked, c->n_plans);
    for (int b = 0; b < N_BUDGETS; b++) {
        const struct plan *alone = c->plan[0];
        double right = best_alone(c, budgets_ms[b], &alone);
        printf("  %5.0f ms  %5.1f%% in %7.1f ms    %5.1f%% %s\n", budgets_ms[b], 100 * cv[b].right,
               cv[b].ms, 100 * right, plan_words(alone, words));
    }
    printf("\nPlans by predicted chance that one sample is right (a bin's own questions count "
           "beside %.0f of all):\n",
           p->lean);
    for (int bin = 0; bin < p->n_bins; bin++) {
        if (p->n_bins > 1)
            printf("  from %4.1f%%:", bin > 0 ? 100 * p->edge[bin - 1] : 0.0);
        for (int b = 0; b < N_BUDGETS; b++)
            printf("%s %.0f ms %s", b > 0 ? "," : " ", budgets_ms[b],
                   plan_words(c->plan[plans_best(p, bin, budgets_ms[b])], words));
        printf("\n");
    }
}

static int check_usage(const struct settings *settings)
{
    const char *error = NULL;
    if (settings->n_words > 0)
        error = "calibrate takes its rows with --data FILE";
    else if (settings->resume && !settings->data)
        error = "--resume goes with --data";
    return complain_usage("calibrate", error);
}

static int ask_all(struct calibration *c, FILE *data)
{
    struct row_loop loop = {.settings = c->settings,
                            .journal = &c->journal,
                            .take = take_row,
                            .note = take_note,
                            .user = c};
    int code = EXIT_OK;
    if (c->settings->resume)
        code = journal_open(&c->journal, c->settings->resume, true, take_up_line, c);
    if (code == EXIT_OK && c->n_other > 0) {
        complain("%s: %d rows are of a run with other plans; name another file",
                 c->settings->resume, c->n_other);
        code = EXIT_USAGE;
    }
    if (code == EXIT_OK)
        code = run_rows(&loop, data);
    if (c->journal.file)
        code = journal_close(&c->journal, code);
    if (code == EXIT_OK && c->n_asked == 0) {
        complain("%s: no row with a question and an answer", c->settings->data);
        code = EXIT_FILE;
    }
    return code;
}

int cmd_calibrate(struct settings *settings)
{
    struct calibration c = {.settings = settings};
    struct plans plans = {0};
    int code = check_usage(settings);
    FILE *data = code == EXIT_OK && settings->data ? open_rows(settings->data) : NULL;
    if (code != EXIT_OK || (settings->data && !data))
        return code != EXIT_OK ? code : EXIT_FILE;
    catch_signals(settings);
    settings->n_lanes = settings->n_lanes > 0 ? settings->n_lanes : DEFAULT_LANES;
    settle_lanes(settings, DEFAULT_MOST);
    c.model = find_model(settings);
    code = c.model ? open_engine(settings, &c.p) : EXIT_FILE;
    if (code == EXIT_OK) {
        enum ponder_status status = ponder_measure_cost(c.p, &c.cost);
        if (status != PONDER_OK)
            code = complain_status(status, "measuring", c.p, NULL);
    }
    if (code == EXIT_OK) {
        print_cost(&c.cost);
        fflush(stdout);
        choose_plans(&c);
        warm_engine(settings, c.p, true);
        code = data ? ask_all(&c, data) : EXIT_OK;
    }
    if (code == EXIT_OK && data) {
        plans_fill(&plans, c.asked, c.n_asked, c.n_plans, &budgets);
        print_choices(&c, &plans);
    }
    if (code == EXIT_OK)
        code = write_table(&c, &plans);
    if (code == EXIT_OK)
        code = finish_output(stdout, "standard output", code);
    if (data && data != stdin)
        fclose(data);
    free(c.asked);
    ponder_free(c.p);
    return code;
}
