/* SPDX-License-Identifier: Apache-2.0
 * curve_table.c - accuracy, time and work by strategy and budget: for people, and as DIR/curves.csv. */
#include <string.h>

#include "cli/cli.h"
#include "cli/curves.h"

static const double overshoot_shares[] = {0.5, 0.9, 0.99, 1};
enum { N_SHARES = sizeof overshoot_shares / sizeof overshoot_shares[0], CELL_WIDTH = 22 };

static const char header[] =
    "strategy,budget_ms,n,correct,accuracy,low,high,mean_ms,p50_ms,p99_ms,max_ms,late,late_by_step,"
    "overshoot_p50_ms,overshoot_p90_ms,overshoot_p99_ms,overshoot_max_ms,mean_samples,mean_tokens,"
    "difference,difference_low,difference_high\n";

static void write_cell(FILE *file, const struct curve_data *data, int strategy, int budget)
{
    const struct curve_cell *cell = curve_cell(data, strategy, budget);
    const struct tally *t = &cell->tally;
    if (cell->n == 0)
        return;
    double n = (double)cell->n;
    struct interval interval = stats_wilson(t->n_correct, t->n);
    fprintf(file, "%s,%.9g,%zu,%zu,%.4f,%.4f,%.4f,%.3f,%.3f,%.3f,%.3f",
            data->grid->strategies[strategy].name, data->grid->budgets[budget].ms, cell->n,
            t->n_correct, curve_accuracy(cell), interval.low, interval.high, curve_mean_ms(cell),
            stats_percentile(t->ms_total, t->n, 0.5), stats_percentile(t->ms_total, t->n, 0.99),
            stats_percentile(t->ms_total, t->n, 1));
    if (t->n_budgeted > 0)
        fprintf(file, ",%zu,%zu", t->n_late, t->n_late_by_step);
    else
        fputs(",,", file);
    for (int i = 0; i < N_SHARES; i++)
        if (t->n_budgeted > 0)
            fprintf(file, ",%.3f",
                    stats_percentile(t->over_ms, t->n_budgeted, overshoot_shares[i]));
        else
            putc(',', file);
    fprintf(file, ",%.2f,%.1f", (double)t->n_samples / n, (double)t->n_tokens / n);
    struct curve_pair pair = curve_pair(cell, curve_cell(data, 0, budget));
    if (strategy > 0 && pair.n > 0) {
        struct interval paired = stats_paired(pair.gained, pair.lost, pair.n);
        fprintf(file, ",%.4f,%.4f,%.4f\n",
                ((double)pair.gained - (double)pair.lost) / (double)pair.n, paired.low,
                paired.high);
    } else {
        fputs(",,,\n", file);
    }
}

int curve_table_write(const struct curve_data *data, const char *dir)
{
    FILE *file = curve_file_open(dir, "curves.csv");
    if (!file)
        return EXIT_FILE;
    fputs(header, file);
    for (int i = 0; i < data->grid->n_strategies; i++)
        for (int j = 0; j < data->grid->n_budgets; j++)
            write_cell(file, data, i, j);
    return curve_file_close(file, "curves.csv");
}

/* The texts of a row of the table; "" where there is nothing. */
typedef void cell_text(const struct curve_data *data, int strategy, int budget, char *text,
                       size_t capacity);

static void say_budget(const struct curve_data *data, int strategy, int budget, char *text,
                       size_t capacity)
{
    (void)strategy;
    snprintf(text, capacity, "%s", data->grid->budgets[budget].name);
}

static void say_accuracy(const struct curve_data *data, int strategy, int budget, char *text,
                         size_t capacity)
{
    const struct curve_cell *cell = curve_cell(data, strategy, budget);
    struct interval interval = stats_wilson(cell->tally.n_correct, cell->n);
    if (cell->n > 0)
        snprintf(text, capacity, "%.1f%% (%.1f to %.1f)", curve_accuracy(cell) * 100,
                 interval.low * 100, interval.high * 100);
}

static void say_ms(const struct curve_data *data, int strategy, int budget, char *text,
                   size_t capacity)
{
    const struct curve_cell *cell = curve_cell(data, strategy, budget);
    if (cell->n > 0)
        snprintf(text, capacity, "%.0f ms", curve_mean_ms(cell));
}

static void say_difference(const struct curve_data *data, int strategy, int budget, char *text,
                           size_t capacity)
{
    struct curve_pair pair =
        curve_pair(curve_cell(data, strategy, budget), curve_cell(data, 0, budget));
    if (pair.n == 0)
        return;
    struct interval paired = stats_paired(pair.gained, pair.lost, pair.n);
    snprintf(text, capacity, "%+.1f (%+.1f to %+.1f)",
             100 * ((double)pair.gained - (double)pair.lost) / (double)pair.n, paired.low * 100,
             paired.high * 100);
}

static void print_line(const struct curve_data *data, int strategy, const char *name,
                       cell_text *say)
{
    int width = 10;
    for (int i = 0; i < data->grid->n_strategies; i++) {
        int bytes = (int)strlen(data->grid->strategies[i].name);
        width = bytes > width ? bytes : width;
    }
    printf("%-*s", width, name);
    for (int i = 0; i < data->grid->n_budgets; i++) {
        char text[64] = "";
        say(data, strategy, i, text, sizeof text);
        printf(i + 1 < data->grid->n_budgets ? "  %-*s" : "  %.*s", CELL_WIDTH, text);
    }
    putchar('\n');
}

static void print_late(const struct curve_data *data)
{
    size_t n = 0, n_late = 0, n_late_by_step = 0;
    double latest = 0;
    for (int i = 0; i < data->grid->n_strategies * data->grid->n_budgets; i++) {
        const struct tally *t = &data->cells[i].tally;
        n += t->n_budgeted;
        n_late += t->n_late;
        n_late_by_step += t->n_late_by_step;
        double over = stats_percentile(t->over_ms, t->n_budgeted, 1);
        latest = over > latest ? over : latest;
    }
    if (n > 0)
        printf("late: %zu of %zu answers, at most %.1f ms; by more than their longest decode step "
               "%zu\n",
               n_late, n, latest, n_late_by_step);
}

void curve_table_print(const struct curve_data *data, bool is_compared)
{
    print_line(data, 0, "", say_budget);
    for (int i = 0; i < data->grid->n_strategies; i++) {
        print_line(data, i, data->grid->strategies[i].name, say_accuracy);
        print_line(data, i, "  mean", say_ms);
        if (is_compared && i > 0)
            print_line(data, i, "  gain", say_difference);
    }
    if (is_compared && data->grid->n_strategies > 1)
        printf("gain: points more than %s on the same questions\n", data->grid->strategies[0].name);
    print_late(data);
}
