/* SPDX-License-Identifier: Apache-2.0
 * table.c - see table.h. */
#include "search/table.h"

#include <math.h>
#include <string.h>

#include "base/json.h"

/* An object in the table, and what is said when something in it is wrong. */
struct object {
    struct pd_json_value value;
    const char *what;
    const struct pd_error *err;
};

static struct pd_json_value field(const struct object *o, const char *key)
{
    return pd_json_field(o->value.raw, o->value.bytes, key);
}

static enum ponder_status bad(const struct object *o, const char *key, const char *why)
{
    return pd_fail(o->err, PONDER_BAD_FILE, "%s: \"%s\" %s", o->what, key, why);
}

static enum ponder_status take_number(const struct object *o, const char *key, double min,
                                      double max, double *value_ret)
{
    struct pd_json_value v = field(o, key);
    if (!pd_json_to_double(v, value_ret))
        return bad(o, key, v.kind == PD_JSON_NONE ? "is missing" : "is not a number");
    if (!(*value_ret >= min && *value_ret <= max))
        return bad(o, key, "is out of range");
    return PONDER_OK;
}

/* A whole number; 0 where it is missing. */
static enum ponder_status take_count(const struct object *o, const char *key, int min, int max,
                                     int *value_ret)
{
    double value = 0.0;
    *value_ret = 0;
    if (min == 0 && field(o, key).kind == PD_JSON_NONE)
        return PONDER_OK;
    PD_TRY(take_number(o, key, min, max, &value));
    *value_ret = (int)value;
    return *value_ret == value ? PONDER_OK : bad(o, key, "is not a whole number");
}

/* "" where it is missing. */
static enum ponder_status take_name(const struct object *o, const char *key,
                                    char name_ret[PD_TABLE_NAME_BYTES])
{
    struct pd_json_value v = field(o, key);
    name_ret[0] = '\0';
    if (v.kind == PD_JSON_NONE)
        return PONDER_OK;
    if (v.kind != PD_JSON_STRING || v.bytes > PD_TABLE_NAME_BYTES)
        return bad(o, key, "is not a short text");
    size_t n = pd_json_unescape(v, name_ret);
    name_ret[n] = '\0';
    return strlen(name_ret) == n ? PONDER_OK : bad(o, key, "has a NUL in it");
}

/* The numbers of an array, at most `max` of them; how many. */
static enum ponder_status take_numbers(const struct object *o, const char *key, double *value_ret,
                                       int max, int *n_ret)
{
    struct pd_json_value array = field(o, key), v;
    const char *at = NULL;
    *n_ret = 0;
    if (array.kind != PD_JSON_ARRAY)
        return bad(o, key, "is no array of numbers");
    while ((v = pd_json_next(array, &at)).kind != PD_JSON_NONE) {
        if (*n_ret == max)
            return bad(o, key, "has too many numbers");
        if (!pd_json_to_double(v, &value_ret[*n_ret]))
            return bad(o, key, "is no array of numbers");
        ++*n_ret;
    }
    return PONDER_OK;
}

static enum ponder_status read_cost(struct pd_table *t, const struct object *root)
{
    struct object o = {field(root, "cost"), "cost", root->err};
    struct pd_cost *c = &t->cost;
    double lanes[PD_COST_POINTS] = {0};
    int n_steps;
    if (o.value.kind == PD_JSON_NONE)
        return PONDER_OK;
    if (o.value.kind != PD_JSON_OBJECT)
        return bad(root, "cost", "is not an object");
    PD_TRY(take_count(root, "threads", 1, PONDER_MAX_THREADS, &t->n_threads));
    PD_TRY(take_name(root, "isa", t->isa));
    PD_TRY(take_number(&o, "prompt_row_ns", 1e-3, 1e15, &c->prompt_row_ns));
    PD_TRY(take_number(&o, "position_ns", 0.0, 1e15, &c->position_ns));
    PD_TRY(take_numbers(&o, "lanes", lanes, PD_COST_POINTS, &c->n_points));
    PD_TRY(take_numbers(&o, "step_ns", c->step_ns, PD_COST_POINTS, &n_steps));
    for (int i = 0; i < c->n_points; i++)
        c->lanes[i] = lanes[i] >= 1.0 && lanes[i] <= PONDER_MAX_LANES ? (int)lanes[i] : 0;
    c->pace = 1.0;
    if (n_steps != c->n_points || !pd_cost_is_sound(c))
        return bad(&o, "lanes", "and \"step_ns\" are not as many, or not what they should be");
    return PONDER_OK;
}

static enum ponder_status read_plans(struct pd_table *t, const struct object *root)
{
    struct pd_json_value array = field(root, "plans"), v;
    const char *at = NULL;
    while ((v = pd_json_next(array, &at)).kind == PD_JSON_OBJECT) {
        struct object o = {v, "a plan", root->err};
        int i = t->n_plans;
        if (i == PD_TABLE_PLANS)
            return bad(root, "plans", "are too many");
        struct pd_plan *plan = &t->plan[i];
        PD_TRY(take_name(&o, "strategy", t->name[i][0]));
        PD_TRY(take_name(&o, "verifier", t->name[i][1]));
        PD_TRY(take_count(&o, "samples", 1, PONDER_MAX_SAMPLES, &plan->n_samples));
        PD_TRY(take_count(&o, "width", 0, PONDER_MAX_LANES, &plan->width));
        PD_TRY(take_count(&o, "lookahead", 0, 64, &plan->lookahead));
        PD_TRY(take_count(&o, "chains", 0, PONDER_MAX_SAMPLES, &plan->n_chains));
        plan->strategy = t->name[i][0];
        plan->verifier = t->name[i][1][0] != '\0' ? t->name[i][1] : NULL;
        if (plan->strategy[0] == '\0')
            return bad(&o, "strategy", "is missing");
        t->n_plans++;
    }
    if (v.kind != PD_JSON_NONE || array.kind != PD_JSON_ARRAY)
        return bad(root, "plans", "is no array of objects");
    return PONDER_OK;
}

static enum ponder_status read_row(struct pd_table *t, int bin, struct pd_json_value row,
                                   const struct object *root)
{
    const char *at = NULL;
    struct pd_json_value v;
    int n = 0;
    for (; (v = pd_json_next(row, &at)).kind == PD_JSON_OBJECT && n < t->n_plans; n++) {
        struct object o = {v, "a cell", root->err};
        struct pd_cell *cell = &t->cell[bin][n];
        double other_ms;
        PD_TRY(take_number(&o, "right", 0.0, 1.0, &cell->right));
        PD_TRY(take_number(&o, "steps", 0.0, 1e9, &cell->n_steps));
        PD_TRY(take_number(&o, "tokens", 0.0, 1e12, &cell->n_tokens));
        PD_TRY(take_number(&o, "other_ms", 0.0, 1e9, &other_ms));
        cell->other_ns = other_ms * 1e6;
    }
    if (v.kind != PD_JSON_NONE || n != t->n_plans)
        return bad(root, "cells", "does not have a cell for each plan in each bin");
    return PONDER_OK;
}

static enum ponder_status read_cells(struct pd_table *t, const struct object *root)
{
    struct pd_json_value array = field(root, "cells"), row;
    const char *at = NULL;
    int n_edges, n = 0;
    PD_TRY(take_numbers(root, "difficulty", t->edge, PD_TABLE_BINS - 1, &n_edges));
    t->n_bins = n_edges + 1;
    for (int i = 0; i < n_edges; i++)
        if (!(t->edge[i] >= 0.0 && t->edge[i] <= 1.0) || (i > 0 && t->edge[i] < t->edge[i - 1]))
            return bad(root, "difficulty", "has edges that do not rise from 0 to 1");
    for (; (row = pd_json_next(array, &at)).kind == PD_JSON_ARRAY && n < t->n_bins; n++)
        PD_TRY(read_row(t, n, row, root));
    if (row.kind != PD_JSON_NONE || n != t->n_bins)
        return bad(root, "cells", "does not have a row for each bin of \"difficulty\"");
    return PONDER_OK;
}

static enum ponder_status read_all(struct pd_table *t, const struct object *root)
{
    int version;
    PD_TRY(take_count(root, "ponder_table", 0, 1 << 30, &version));
    if (version != 1)
        return bad(root, "ponder_table",
                   version == 0 ? "is missing: no table of ponder calibrate"
                                : "is of another version of ponder; calibrate again");
    PD_TRY(take_name(root, "model", t->model));
    PD_TRY(read_cost(t, root));
    if (field(root, "plans").kind == PD_JSON_NONE && t->cost.n_points > 0)
        return PONDER_OK; /* of the device alone */
    PD_TRY(read_plans(t, root));
    return read_cells(t, root);
}

enum ponder_status pd_table_read(struct pd_table *t, const char *text, size_t bytes,
                                 const struct pd_error *err)
{
    size_t offset;
    *t = (struct pd_table){0};
    const char *wrong = pd_json_check(text, bytes, &offset);
    if (wrong != NULL)
        return pd_fail(err, PONDER_BAD_FILE, "not a JSON object: %s at byte %zu", wrong, offset);
    struct object root = {{PD_JSON_OBJECT, text, bytes}, "the table", err};
    enum ponder_status status = read_all(t, &root);
    if (status != PONDER_OK)
        t->n_plans = 0;
    return status;
}

int pd_table_bin(const struct pd_table *t, double chance)
{
    int bin = 0;
    if (isnan(chance))
        return t->n_bins / 2;
    while (bin < t->n_bins - 1 && chance >= t->edge[bin])
        bin++;
    return bin;
}

double pd_table_plan_ns(const struct pd_table *t, const struct pd_cost *cost, int bin, int plan,
                        double n_past)
{
    const struct pd_cell *cell = &t->cell[bin][plan];
    if (cell->n_steps < 1.0)
        return cell->other_ns;
    double n_rows = cell->n_tokens / cell->n_steps;
    int n = (int)n_rows;
    n = n < 1 ? 1 : n;
    double below = pd_cost_pass_ns(cost, n, n * n_past);
    double above = pd_cost_pass_ns(cost, n + 1, (n + 1) * n_past);
    double part = n_rows > n ? n_rows - n : 0.0;
    return cell->n_steps * (below + part * (above - below)) + cell->other_ns;
}
