/* SPDX-License-Identifier: Apache-2.0
 * curve_plot.c - DIR/curves.svg: right answers over mean time, a line and its 95% band for each strategy. */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/curves.h"
#include "cli/svg.h"

enum { WIDTH = 800, HEIGHT = 420, LEFT = 68, RIGHT = 590, TOP = 36, BOTTOM = 362 };

struct place {
    double ms, accuracy;
    struct interval interval;
    const char *budget;
};

static int compare_places(const void *left, const void *right)
{
    double a = ((const struct place *)left)->ms;
    double b = ((const struct place *)right)->ms;
    return (a > b) - (a < b);
}

/* The points of a line in order of time. Returns how many. */
static int find_places(const struct curve_data *data, int strategy, struct place places[MAX_GRID])
{
    int n = 0;
    for (int j = 0; j < data->grid->n_budgets; j++) {
        const struct curve_cell *cell = curve_cell(data, strategy, j);
        if (cell->n == 0 || curve_mean_ms(cell) <= 0)
            continue;
        places[n++] = (struct place){curve_mean_ms(cell), curve_accuracy(cell),
                                     stats_wilson(cell->tally.n_correct, cell->n),
                                     data->grid->budgets[j].name};
    }
    qsort(places, (size_t)n, sizeof *places, compare_places);
    return n;
}

/* Room for all lines and bands. */
static void find_scales(const struct curve_data *data, struct svg_axes *axes)
{
    double first = 0, last = 0, low = 1, high = 0;
    for (int i = 0; i < data->grid->n_strategies; i++) {
        struct place places[MAX_GRID];
        int n = find_places(data, i, places);
        for (int j = 0; j < n; j++) {
            first = first <= 0 || places[j].ms < first ? places[j].ms : first;
            last = places[j].ms > last ? places[j].ms : last;
            low = places[j].interval.low < low ? places[j].interval.low : low;
            high = places[j].interval.high > high ? places[j].interval.high : high;
        }
    }
    if (first <= 0)
        first = last = 100;
    if (high < low)
        low = 0, high = 1;
    double pad = last / first > 2 ? 1.12 : 1.5;
    double margin = 0.05 * (high - low);
    axes->x = (struct svg_scale){first / pad, last * pad, LEFT, RIGHT, true};
    axes->y = (struct svg_scale){low > margin ? low - margin : 0,
                                 high < 1 - margin ? high + margin : 1, BOTTOM, TOP, false};
}

static void time_label(double ms, char text[24])
{
    if (ms >= 1000)
        snprintf(text, 24, "%g s", ms / 1000);
    else
        snprintf(text, 24, "%g ms", ms);
}

static void share_label(double share, char text[24])
{
    snprintf(text, 24, "%.3g%%", share * 100);
}

static void draw_band(FILE *file, const struct svg_axes *axes, const struct place *places, int n,
                      const char *color)
{
    char style[96];
    struct svg_point points[2 * MAX_GRID];
    for (int i = 0; i < n; i++) {
        double x = svg_at(&axes->x, places[i].ms);
        points[i] = (struct svg_point){x, svg_at(&axes->y, places[i].interval.high)};
        points[2 * n - 1 - i] = (struct svg_point){x, svg_at(&axes->y, places[i].interval.low)};
    }
    snprintf(style, sizeof style, "fill='%s' fill-opacity='0.13'", color);
    svg_path(file, points, 2 * n, true, style);
}

static void draw_line(FILE *file, const struct svg_axes *axes, const struct place *places, int n,
                      const char *color, const char *name)
{
    char style[96];
    struct svg_point points[MAX_GRID];
    for (int i = 0; i < n; i++)
        points[i] = (struct svg_point){svg_at(&axes->x, places[i].ms),
                                       svg_at(&axes->y, places[i].accuracy)};
    snprintf(style, sizeof style, "stroke='%s' stroke-opacity='0.3'", color);
    for (int i = 0; i < n; i++)
        svg_line(file, points[i].x, svg_at(&axes->y, places[i].interval.low), points[i].x,
                 svg_at(&axes->y, places[i].interval.high), style);
    snprintf(style, sizeof style, "fill='none' stroke='%s' stroke-width='2.5'", color);
    svg_path(file, points, n, false, style);
    snprintf(style, sizeof style, "fill='%s' stroke='#fff'", color);
    for (int i = 0; i < n; i++) {
        char title[160];
        snprintf(title, sizeof title, "%s, budget %s: %.1f%% (%.1f to %.1f) in %.0f ms", name,
                 places[i].budget, places[i].accuracy * 100, places[i].interval.low * 100,
                 places[i].interval.high * 100, places[i].ms);
        svg_circle(file, points[i].x, points[i].y, 4, style, title);
    }
}

static void draw_legend(FILE *file, const struct curve_data *data)
{
    for (int i = 0; i < data->grid->n_strategies; i++) {
        char style[64];
        double y = TOP + 10 + 22 * i;
        snprintf(style, sizeof style, "stroke='%s' stroke-width='2.5'", svg_color(i));
        svg_line(file, RIGHT + 16, y, RIGHT + 40, y, style);
        svg_text(file, RIGHT + 48, y + 4.5, "", "%s", data->grid->strategies[i].name);
    }
}

int curve_plot_write(const struct curve_data *data, const char *dir)
{
    struct svg_axes axes = {.box = {LEFT, TOP, RIGHT, BOTTOM},
                            .title = "Right answers by time to answer",
                            .x_name = "mean time to answer (logarithmic)",
                            .y_name = "right answers",
                            .x_room = 62,
                            .y_room = 36,
                            .x_label = time_label,
                            .y_label = share_label};
    FILE *file = curve_file_open(dir, "curves.svg");
    if (!file)
        return EXIT_FILE;
    find_scales(data, &axes);
    svg_begin(file, WIDTH, HEIGHT, axes.title);
    svg_axes(file, &axes);
    for (int has_lines = 0; has_lines < 2; has_lines++)
        for (int i = 0; i < data->grid->n_strategies; i++) {
            struct place places[MAX_GRID];
            int n = find_places(data, i, places);
            if (has_lines)
                draw_line(file, &axes, places, n, svg_color(i), data->grid->strategies[i].name);
            else
                draw_band(file, &axes, places, n, svg_color(i));
        }
    draw_legend(file, data);
    svg_text(file, RIGHT + 16, BOTTOM, "font-size='11' fill='#666'", "bands: 95%% (Wilson)");
    svg_end(file);
    return curve_file_close(file, "curves.svg");
}
