/* SPDX-License-Identifier: Apache-2.0
 * curve_data.c - what the journals of a folder of curves hold, and questions that several of them have. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/curves.h"
#include "cli/eval_row.h"

static int compare_keys(const void *left, const void *right)
{
    uint64_t a = ((const struct curve_row *)left)->key;
    uint64_t b = ((const struct curve_row *)right)->key;
    return (a > b) - (a < b);
}

static const char others[] = "others";

/* The plan's number; -1: the row has none. */
static int find_plan(struct curve_data *data, const char *line, size_t bytes)
{
    char name[PLAN_BYTES];
    struct pd_json_value value = pd_json_field(line, bytes, "plan");
    if (value.kind != PD_JSON_STRING || value.bytes <= 2)
        return -1;
    if (value.bytes <= PLAN_BYTES)
        name[pd_json_unescape(value, name)] = '\0';
    else
        strcpy(name, others);
    for (int i = 0; i < data->n_plans; i++)
        if (strcmp(data->plans[i], name) == 0)
            return i;
    if (data->n_plans == MAX_PLAN_NAMES)
        return MAX_PLAN_NAMES - 1;
    strcpy(data->plans[data->n_plans], data->n_plans + 1 < MAX_PLAN_NAMES ? name : others);
    return data->n_plans++;
}

static void add_line(struct curve_data *data, struct curve_cell *cell, const char *line,
                     size_t bytes)
{
    char level[MAX_LEVEL_BYTES];
    struct outcome outcome;
    struct pd_json_value id = pd_json_field(line, bytes, "id");
    if (id.kind == PD_JSON_NONE || !eval_row_read(line, bytes, level, &outcome))
        return;
    struct curve_row row = {
        .key = journal_key(id.raw, id.bytes),
        .is_correct = outcome.is_correct,
        .ms_total = outcome.ms_total,
        .over_ms = outcome.ms_total - outcome.budget_ms,
        .difficulty = NAN,
        .plan = find_plan(data, line, bytes),
    };
    pd_json_to_double(pd_json_field(line, bytes, "difficulty"), &row.difficulty);
    tally_add(&cell->tally, &outcome);
    if (cell->n == cell->capacity) {
        cell->capacity = cell->capacity ? cell->capacity * 2 : 256;
        cell->rows = grow(cell->rows, cell->capacity * sizeof *cell->rows);
    }
    cell->rows[cell->n++] = row;
}

/* One journal; a line that a crash tore is passed over. Exit code. */
static int read_cell(struct curve_data *data, struct curve_cell *cell, const char *path)
{
    struct line_reader reader = {.file = fopen(path, "rb")};
    if (!reader.file && errno == ENOENT)
        return EXIT_OK;
    while (reader.file && next_line(&reader))
        if (!pd_json_check(reader.line, reader.bytes, NULL))
            add_line(data, cell, reader.line, reader.bytes);
    bool is_read = reader.file && !ferror(reader.file);
    if (!is_read)
        complain("%s: %s", path, strerror(errno));
    free(reader.line);
    if (reader.file)
        fclose(reader.file);
    if (cell->n > 0)
        qsort(cell->rows, cell->n, sizeof *cell->rows, compare_keys);
    return is_read ? EXIT_OK : EXIT_FILE;
}

struct curve_cell *curve_cell(const struct curve_data *data, int strategy, int budget)
{
    return &data->cells[strategy * data->grid->n_budgets + budget];
}

int curve_data_read(struct curve_data *data, const struct grid *grid, const char *dir)
{
    size_t bytes = (size_t)(grid->n_strategies * grid->n_budgets) * sizeof(struct curve_cell);
    int code = EXIT_OK;
    *data = (struct curve_data){.grid = grid, .cells = grow(NULL, bytes)};
    memset(data->cells, 0, bytes);
    for (int i = 0; i < grid->n_strategies; i++) {
        for (int j = 0; j < grid->n_budgets && code == EXIT_OK; j++) {
            char file[GRID_FILE_BYTES];
            char path[4096];
            struct curve_cell *cell = curve_cell(data, i, j);
            grid_file(grid, i, j, file);
            snprintf(path, sizeof path, "%s/%s.jsonl", dir, file);
            code = read_cell(data, cell, path);
            stats_sort(cell->tally.ms_total, cell->tally.n);
            stats_sort(cell->tally.over_ms, cell->tally.n_budgeted);
        }
    }
    return code;
}

void curve_data_free(struct curve_data *data)
{
    for (int i = 0; data->cells && i < data->grid->n_strategies * data->grid->n_budgets; i++) {
        tally_free(&data->cells[i].tally);
        free(data->cells[i].rows);
    }
    free(data->cells);
}

double curve_mean_ms(const struct curve_cell *cell)
{
    double sum = 0;
    for (size_t i = 0; i < cell->n; i++)
        sum += cell->rows[i].ms_total;
    return cell->n > 0 ? sum / (double)cell->n : 0;
}

double curve_accuracy(const struct curve_cell *cell)
{
    return cell->n > 0 ? (double)cell->tally.n_correct / (double)cell->n : 0;
}

struct curve_pair curve_pair(const struct curve_cell *cell, const struct curve_cell *other)
{
    struct curve_pair pair = {0, 0, 0};
    size_t j = 0;
    for (size_t i = 0; i < cell->n; i++) {
        const struct curve_row *row = &cell->rows[i];
        while (j < other->n && other->rows[j].key < row->key)
            j++;
        if (j == other->n || other->rows[j].key != row->key)
            continue;
        pair.n++;
        pair.gained += row->is_correct && !other->rows[j].is_correct;
        pair.lost += !row->is_correct && other->rows[j].is_correct;
    }
    return pair;
}

static const struct curve_row *find_row(const struct curve_cell *cell, const struct curve_row *row)
{
    return cell->n > 0 ? bsearch(row, cell->rows, cell->n, sizeof *row, compare_keys) : NULL;
}

static bool is_in_all(const struct curve_data *data, const int strategies[2],
                      const struct curve_row *row)
{
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < data->grid->n_budgets; j++)
            if (!find_row(curve_cell(data, strategies[i], j), row))
                return false;
    return true;
}

void curve_answers(const struct curve_data *data, const int strategies[2],
                   struct curve_answers answers_ret[2])
{
    const struct curve_cell *cell = curve_cell(data, strategies[0], 0);
    const struct curve_row **common = grow(NULL, (cell->n + 1) * sizeof(struct curve_row *));
    size_t n = 0;
    for (size_t i = 0; i < cell->n; i++)
        if (is_in_all(data, strategies, &cell->rows[i]))
            common[n++] = &cell->rows[i];
    for (int i = 0; i < 2; i++) {
        int n_points = data->grid->n_budgets;
        double *ms = grow(NULL, (n * (size_t)n_points + 1) * sizeof *ms);
        bool *is_right = grow(NULL, n * (size_t)n_points + 1);
        for (size_t k = 0; k < n * (size_t)n_points; k++) {
            int budget = (int)(k / n);
            const struct curve_row *row =
                find_row(curve_cell(data, strategies[i], budget), common[k % n]);
            ms[k] = row->ms_total;
            is_right[k] = row->is_correct;
        }
        answers_ret[i] =
            (struct curve_answers){.n_points = n_points, .n = n, .ms = ms, .is_right = is_right};
    }
    free(common);
}

void curve_answers_free(struct curve_answers answers[2])
{
    for (int i = 0; i < 2; i++) {
        free((void *)answers[i].ms);
        free((void *)answers[i].is_right);
    }
}
