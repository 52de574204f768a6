/* SPDX-License-Identifier: Apache-2.0
 * curve_choices.c - DIR/choices.csv and .svg: what strategy auto planned, by budget and by the chance that it gave one sample
 * of being right, in five bins of as many answers each, and one where it gave none. Nothing is written where no journal
 * has plans. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/curves.h"
#include "cli/svg.h"

/* Bins of chances, and one of unknown ones. */
enum { N_CHANCES = 5, UNKNOWN = N_CHANCES, N_BINS };
enum { LEFT = 150, TOP = 84, CELL_WIDTH = 122, CELL_HEIGHT = 50, CELL_LETTERS = 18 };

struct choices {
    int strategy;
    struct interval bins[N_CHANCES]; /* of the chance; upper end included */
    size_t counts[N_BINS][MAX_GRID][MAX_PLAN_NAMES];
    size_t n[N_BINS][MAX_GRID];
    size_t n_bin[N_BINS], n_all;
};

/* The chances of all rows with a plan, sorted; the caller frees them. */
static double *find_chances(const struct curve_data *data, int strategy, size_t *n_ret)
{
    double *chances = NULL;
    size_t n = 0, capacity = 0;
    for (int j = 0; j < data->grid->n_budgets; j++) {
        const struct curve_cell *cell = curve_cell(data, strategy, j);
        chances = grow(chances, (capacity += cell->n + 1) * sizeof *chances);
        for (size_t i = 0; i < cell->n; i++)
            if (cell->rows[i].plan >= 0 && !isnan(cell->rows[i].difficulty))
                chances[n++] = cell->rows[i].difficulty;
    }
    stats_sort(chances, n);
    *n_ret = n;
    return chances;
}

static int bin_of(const struct choices *choices, double chance)
{
    int bin = isnan(chance) ? UNKNOWN : 0;
    while (bin + 1 < N_CHANCES && chance > choices->bins[bin].high)
        bin++;
    return bin;
}

/* False: the strategy has no plans. */
static bool count_choices(const struct curve_data *data, int strategy, struct choices *choices)
{
    size_t n;
    double *chances = find_chances(data, strategy, &n);
    *choices = (struct choices){.strategy = strategy};
    for (int i = 0; i < N_CHANCES && n > 0; i++) {
        choices->bins[i].low = i > 0 ? choices->bins[i - 1].high : chances[0];
        choices->bins[i].high = stats_percentile(chances, n, (double)(i + 1) / N_CHANCES);
    }
    free(chances);
    for (int j = 0; j < data->grid->n_budgets; j++) {
        const struct curve_cell *cell = curve_cell(data, strategy, j);
        for (size_t i = 0; i < cell->n; i++) {
            const struct curve_row *row = &cell->rows[i];
            if (row->plan < 0)
                continue;
            int bin = bin_of(choices, row->difficulty);
            choices->counts[bin][j][row->plan]++;
            choices->n[bin][j]++;
            choices->n_bin[bin]++;
            choices->n_all++;
        }
    }
    return choices->n_all > 0;
}

/* The plan made most often; the first of equals. */
static int most_often(const size_t counts[MAX_PLAN_NAMES])
{
    int best = 0;
    for (int i = 1; i < MAX_PLAN_NAMES; i++)
        if (counts[i] > counts[best])
            best = i;
    return best;
}

/* Quoted: a plan's words may have a comma. */
static void put_quoted(FILE *file, const char *text)
{
    putc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putc('"', file);
        putc(*text, file);
    }
    putc('"', file);
}

static int write_csv(const struct curve_data *data, const struct choices *choices, const char *dir)
{
    FILE *file = curve_file_open(dir, "choices.csv");
    if (!file)
        return EXIT_FILE;
    fputs("strategy,bin,chance_low,chance_high,budget_ms,n,plan,count\n", file);
    for (int i = 0; i < N_BINS; i++)
        for (int j = 0; j < data->grid->n_budgets; j++) {
            size_t counts[MAX_PLAN_NAMES];
            for (int k = 0; k < MAX_PLAN_NAMES; k++)
                counts[k] = choices->counts[i][j][k];
            for (int plan; counts[plan = most_often(counts)] > 0; counts[plan] = 0) {
                fprintf(file, "%s,", data->grid->strategies[choices->strategy].name);
                if (i == UNKNOWN)
                    fputs(",,", file);
                else
                    fprintf(file, "%d,%.4f,%.4f", i + 1, choices->bins[i].low,
                            choices->bins[i].high);
                fprintf(file, ",%.9g,%zu,", data->grid->budgets[j].ms, choices->n[i][j]);
                put_quoted(file, data->plans[plan]);
                fprintf(file, ",%zu\n", counts[plan]);
            }
        }
    return curve_file_close(file, "choices.csv");
}

/* The row is the bin's place in the picture. */
static void draw_cell(FILE *file, const struct curve_data *data, const struct choices *choices,
                      int bin, int row, int budget)
{
    const size_t *counts = choices->counts[bin][budget];
    size_t n = choices->n[bin][budget];
    double x = LEFT + CELL_WIDTH * budget, y = TOP + CELL_HEIGHT * row;
    struct svg_box box = {x + 1, y + 1, x + CELL_WIDTH - 1, y + CELL_HEIGHT - 1};
    int plan = most_often(counts);
    char style[96];
    if (n == 0) {
        svg_rect(file, box, "fill='#f2f2f2'", NULL);
        return;
    }
    const char *name = data->plans[plan];
    bool is_long = strlen(name) > CELL_LETTERS;
    double share = (double)counts[plan] / (double)n;
    snprintf(style, sizeof style, "rx='3' fill='%s' fill-opacity='%.2f'", svg_color(plan),
             0.12 + 0.4 * share);
    svg_rect(file, box, style, name);
    svg_text(file, x + CELL_WIDTH / 2.0, y + 23,
             "text-anchor='middle' font-size='12' pointer-events='none'", "%.*s%s",
             is_long ? CELL_LETTERS - 2 : CELL_LETTERS, name, is_long ? "..." : "");
    svg_text(file, x + CELL_WIDTH / 2.0, y + 39,
             "text-anchor='middle' font-size='11' fill='#444' pointer-events='none'",
             "%.0f%% of %zu", share * 100, n);
}

static void draw_bin(FILE *file, const struct curve_data *data, const struct choices *choices,
                     int bin, int row)
{
    double y = TOP + CELL_HEIGHT * (row + 0.5);
    if (bin == UNKNOWN)
        svg_text(file, 16, y + 4.5, "", "unknown");
    else
        svg_text(file, 16, y, "", "%.2f to %.2f", choices->bins[bin].low, choices->bins[bin].high);
    if (bin == 0 || bin == N_CHANCES - 1)
        svg_text(file, 16, y + 15, "font-size='11' fill='#666'",
                 bin == 0 ? "the hardest" : "the easiest");
    for (int j = 0; j < data->grid->n_budgets; j++)
        draw_cell(file, data, choices, bin, row, j);
}

static int draw_map(const struct curve_data *data, const struct choices *choices, const char *dir)
{
    int width = LEFT + CELL_WIDTH * data->grid->n_budgets + 20;
    int n_rows = 0;
    FILE *file = curve_file_open(dir, "choices.svg");
    if (!file)
        return EXIT_FILE;
    for (int i = 0; i < N_BINS; i++)
        n_rows += choices->n_bin[i] > 0;
    svg_begin(file, width < 480 ? 480 : width, TOP + CELL_HEIGHT * n_rows + 20,
              "What is planned most often");
    svg_text(file, 16, 24, "font-weight='600'",
             "What %s plans most often, by difficulty and budget",
             data->grid->strategies[choices->strategy].name);
    svg_text(file, 16, TOP - 26, "font-size='11' fill='#666'", "chance that one");
    svg_text(file, 16, TOP - 11, "font-size='11' fill='#666'", "sample is right");
    for (int j = 0; j < data->grid->n_budgets; j++)
        svg_text(file, LEFT + CELL_WIDTH * (j + 0.5), TOP - 11, "text-anchor='middle'", "%s",
                 data->grid->budgets[j].name);
    int row = 0;
    for (int i = 0; i < N_BINS; i++)
        if (choices->n_bin[i] > 0)
            draw_bin(file, data, choices, i, row++);
    svg_end(file);
    return curve_file_close(file, "choices.svg");
}

int curve_choices_write(const struct curve_data *data, const char *dir)
{
    struct choices *choices = grow(NULL, sizeof *choices);
    int code = EXIT_OK;
    int strategy = 0;
    while (strategy < data->grid->n_strategies && !count_choices(data, strategy, choices))
        strategy++;
    if (strategy < data->grid->n_strategies) {
        code = write_csv(data, choices, dir);
        if (code == EXIT_OK)
            code = draw_map(data, choices, dir);
    }
    free(choices);
    return code;
}
