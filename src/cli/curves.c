/* SPDX-License-Identifier: Apache-2.0
 * curves.c - `ponder eval --curves DIR`, from the options to the pictures. */
#include "cli/curves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static int check_usage(const struct settings *settings)
{
    const char *error = NULL;
    if (settings->out || settings->resume || settings->trace || settings->is_json)
        error =
            "--curves does not go with --out, --resume, --trace or --json: it has files of its own";
    else if (settings->request.average_ms > 0)
        error = "--average-budget is for one strategy's questions: it does not go with --curves";
    else if (settings->request.strategy || settings->request.budget_ms > 0 ||
             settings->request.budget_tokens > 0)
        error =
            "with --curves, --strategies and --budgets take the place of --strategy and --budget";
    else if (settings->data && strcmp(settings->data, "-") == 0)
        error = "--curves wants --data from a file";
    else if (!settings->is_redraw && !(settings->strategies && settings->budgets))
        error = "--curves wants --strategies LIST and --budgets LIST";
    return complain_usage("eval", error);
}

FILE *curve_file_open(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    if (!file)
        complain("cannot write %s: %s", path, strerror(errno));
    return file;
}

int curve_file_close(FILE *file, const char *name)
{
    int code = finish_output(file, name, EXIT_OK);
    return fclose(file) == 0 ? code : EXIT_FILE;
}

static int draw(const struct settings *settings, const struct grid *grid)
{
    struct curve_data data;
    const char *dir = settings->curves;
    int code = curve_data_read(&data, grid, dir);
    if (code == EXIT_OK)
        curve_table_print(&data, settings->is_compare);
    if (code == EXIT_OK)
        code = curve_table_write(&data, dir);
    if (code == EXIT_OK)
        code = curve_plot_write(&data, dir);
    if (code == EXIT_OK)
        code = curve_latency_write(&data, dir);
    if (code == EXIT_OK)
        code = curve_choices_write(&data, dir);
    if (code == EXIT_OK && settings->is_compare)
        code = curve_factors_write(&data, dir, settings->request.seed);
    curve_data_free(&data);
    return finish_output(stdout, "standard output", code);
}

/* Without --strategies and --budgets, --redraw takes those of the last run. */
static int parse_grid(const struct settings *settings, struct grid *grid)
{
    char *strategies = NULL, *budgets = NULL;
    int code = EXIT_OK;
    if (!settings->strategies || !settings->budgets)
        code = curve_settings_read(settings->curves, &strategies, &budgets);
    if (code == EXIT_OK)
        code = grid_parse(grid, settings->strategies ? settings->strategies : strategies,
                          settings->budgets ? settings->budgets : budgets);
    free(strategies);
    free(budgets);
    return code;
}

int eval_curves(struct settings *settings)
{
    struct grid grid;
    bool has_failed = false;
    int code = check_usage(settings);
    if (code == EXIT_OK)
        code = parse_grid(settings, &grid);
    if (code == EXIT_OK && !settings->is_redraw) {
        catch_signals(settings);
        settings->model = find_model(settings);
        code = settings->model ? curve_run(settings, &grid, &has_failed) : EXIT_FILE;
    }
    if (code != EXIT_OK)
        return code;
    code = draw(settings, &grid);
    return code == EXIT_OK && has_failed ? EXIT_SOME_FAILED : code;
}
