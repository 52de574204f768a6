/* SPDX-License-Identifier: Apache-2.0
 * curve_latency.c - DIR/latency.csv and .svg: how long answers took, in parts of their budgets. Counts stand on a logarithmic
 * scale, so that a single late answer shows. */
#include "cli/cli.h"
#include "cli/curves.h"
#include "cli/svg.h"

/* Bins of 1/50 of a budget, each with its upper end; the last has all that is beyond. */
enum { BINS_PER_BUDGET = 50, N_BINS = 60 };
enum { WIDTH = 800, LEFT = 68, RIGHT = 770, TOP = 58, PANEL = 74, PITCH = 108, FOOT = 40 };

struct histogram {
    size_t n, most, n_late, n_late_by_step;
    size_t bins[N_BINS];
    double latest;
};

static int bin_of(double ms_total, double over_ms)
{
    double at = ms_total / (ms_total - over_ms) * BINS_PER_BUDGET;
    int bin = at < N_BINS ? (int)at : N_BINS - 1;
    if (over_ms > 0)
        return bin < BINS_PER_BUDGET ? BINS_PER_BUDGET : bin;
    return bin > 0 && (double)bin >= at ? bin - 1 : bin;
}

static void add_cell(struct histogram *h, const struct curve_cell *cell)
{
    for (size_t i = 0; i < cell->n; i++) {
        const struct curve_row *row = &cell->rows[i];
        size_t *bin = &h->bins[bin_of(row->ms_total, row->over_ms)];
        ++*bin;
        h->n++;
        h->most = *bin > h->most ? *bin : h->most;
        h->latest = row->over_ms > h->latest ? row->over_ms : h->latest;
    }
    h->n_late += cell->tally.n_late;
    h->n_late_by_step += cell->tally.n_late_by_step;
}

static int write_csv(const struct curve_data *data, const char *dir)
{
    FILE *file = curve_file_open(dir, "latency.csv");
    if (!file)
        return EXIT_FILE;
    fputs("strategy,budget_ms,from,to,n,late\n", file);
    for (int i = 0; i < data->grid->n_strategies; i++)
        for (int j = 0; j < data->grid->n_budgets; j++) {
            struct histogram h = {.n = 0};
            if (data->grid->budgets[j].ms <= 0)
                continue;
            add_cell(&h, curve_cell(data, i, j));
            for (int k = 0; k < N_BINS; k++)
                if (h.bins[k] > 0)
                    fprintf(file, "%s,%.9g,%.2f,%.2f,%zu,%d\n", data->grid->strategies[i].name,
                            data->grid->budgets[j].ms, (double)k / BINS_PER_BUDGET,
                            (double)(k + 1) / BINS_PER_BUDGET, h.bins[k], k >= BINS_PER_BUDGET);
        }
    return curve_file_close(file, "latency.csv");
}

static void part_label(double part, char text[24])
{
    snprintf(text, 24, "%.0f%%", part * 100);
}

static void count_label(double count, char text[24])
{
    snprintf(text, 24, "%.0f", count);
}

static void draw_panel(FILE *file, const struct histogram *h, const char *name, int panel,
                       bool is_last)
{
    double top = TOP + PITCH * panel;
    struct svg_axes axes = {
        .box = {LEFT, top, RIGHT, top + PANEL},
        .title = name,
        .x_name = is_last ? "time to answer, in parts of the budget" : NULL,
        .x = {0, (double)N_BINS / BINS_PER_BUDGET, LEFT, RIGHT, false},
        .y = {0.7, h->most > 10 ? 1.3 * (double)h->most : 14, top + PANEL, top, true},
        .x_room = 50,
        .y_room = 14,
        .x_label = is_last ? part_label : NULL,
        .y_label = count_label};
    svg_axes(file, &axes);
    for (int i = 0; i < N_BINS; i++) {
        char title[96];
        double left = svg_at(&axes.x, (double)i / BINS_PER_BUDGET);
        double right = svg_at(&axes.x, (double)(i + 1) / BINS_PER_BUDGET);
        if (h->bins[i] == 0)
            continue;
        snprintf(title, sizeof title, "%zu answers %s %d%%", h->bins[i],
                 i + 1 < N_BINS ? "up to" : "beyond",
                 (i + (i + 1 < N_BINS)) * 100 / BINS_PER_BUDGET);
        svg_rect(file,
                 (struct svg_box){left + 0.7, svg_at(&axes.y, (double)h->bins[i]), right - 0.7,
                                  top + PANEL},
                 i < BINS_PER_BUDGET ? "fill='#0072b2'" : "fill='#d55e00'", title);
    }
    double limit = svg_at(&axes.x, 1);
    svg_line(file, limit, top - 4, limit, top + PANEL, "stroke='#d55e00' stroke-dasharray='4 3'");
    svg_text(file, RIGHT, top - 10, "text-anchor='end' font-size='11' fill='#666'",
             "late: %zu of %zu, at most %.1f ms; by more than a decode step: %zu", h->n_late, h->n,
             h->latest, h->n_late_by_step);
}

int curve_latency_write(const struct curve_data *data, const char *dir)
{
    int n_panels = data->grid->n_strategies;
    int height = TOP + PITCH * (n_panels - 1) + PANEL + FOOT + 12;
    int code = write_csv(data, dir);
    FILE *file = code == EXIT_OK ? curve_file_open(dir, "latency.svg") : NULL;
    if (!file)
        return EXIT_FILE;
    svg_begin(file, WIDTH, height, "Time to answer against budget");
    svg_text(file, LEFT, 22, "font-weight='600'",
             "Answers by time to answer (counts on a logarithmic scale)");
    svg_text(file, RIGHT, 22, "text-anchor='end' fill='#d55e00'", "after the deadline");
    for (int i = 0; i < n_panels; i++) {
        struct histogram h = {.n = 0};
        for (int j = 0; j < data->grid->n_budgets; j++)
            if (data->grid->budgets[j].ms > 0)
                add_cell(&h, curve_cell(data, i, j));
        draw_panel(file, &h, data->grid->strategies[i].name, i, i + 1 == n_panels);
    }
    svg_end(file);
    return curve_file_close(file, "latency.svg");
}
