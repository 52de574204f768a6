/* SPDX-License-Identifier: Apache-2.0
 * trace.c - see trace.h. */
#include "models/data/trace.h"

#include <string.h>

static struct ratio take_form(enum form form, struct ratio p)
{
    struct ratio hundred = ratio_int(100);
    switch (form) {
    case FORM_PLAIN:
        return p;
    case FORM_HUNDREDTHS:
        return ratio_apply('/', p, hundred);
    case FORM_REST:
        return ratio_apply('-', ratio_int(1), ratio_apply('/', p, hundred));
    case FORM_MORE:
        return ratio_apply('+', ratio_int(1), ratio_apply('/', p, hundred));
    case FORM_PERCENT_REST:
        return ratio_apply('-', hundred, p);
    case FORM_PERCENT_MORE:
        return ratio_apply('+', hundred, p);
    }
    return p;
}

/* One value for all mentions of the same number: fixed if one of them is. */
static void collect_values(struct trace *t)
{
    for (int i = 0; i < t->n_mentions; i++) {
        const struct mention *m = &t->mention[i];
        int v = 0;
        while (v < t->n_values && !ratio_equal(t->value[v].number, m->value))
            v++;
        if (v == t->n_values)
            t->value[t->n_values++] = (struct value){.number = m->value};
        t->value[v].is_fixed = t->value[v].is_fixed || m->is_fixed;
        t->value_of[i] = v;
    }
}

static bool value_is_percent(const struct trace *t, int v)
{
    for (int i = 0; i < t->n_mentions; i++)
        if (t->value_of[i] == v && t->mention[i].is_percent)
            return true;
    return false;
}

static bool find_value(const struct trace *t, struct ratio number, struct source *source_ret)
{
    for (int form = FORM_PLAIN; form <= FORM_PERCENT_MORE; form++)
        for (int v = 0; v < t->n_values; v++)
            if ((form == FORM_PLAIN || value_is_percent(t, v)) &&
                ratio_equal(take_form((enum form)form, t->value[v].number), number)) {
                *source_ret =
                    (struct source){.from = FROM_VALUE, .index = v, .form = (enum form)form};
                return true;
            }
    return false;
}

/* The latest step before `step` with this result, of those not used yet if there is one. */
static bool find_step(const struct steps *steps, int step, const bool *is_used, struct ratio number,
                      int *index_ret)
{
    int found = -1;
    for (int i = 0; i < step; i++)
        if (ratio_equal(steps->step[i].result, number) &&
            (found < 0 || !is_used[i] || is_used[found]))
            found = i;
    *index_ret = found;
    return found >= 0;
}

static const char *trace_operand(struct trace *t, const char *question, const struct steps *steps,
                                 int step, bool *is_used, struct ratio number,
                                 struct source *source_ret)
{
    int from_step;
    bool in_steps = find_step(steps, step, is_used, number, &from_step);
    bool in_question = find_value(t, number, source_ret);
    bool implied = mention_is_implied(question, number) || ratio_equal(number, ratio_int(1));
    if (in_steps && in_question && source_ret->form == FORM_PLAIN) {
        /* Which of the two it is cannot be known: they must stay equal. */
        t->value[source_ret->index].is_used = true;
        t->tie[t->n_ties].step = from_step;
        t->tie[t->n_ties++].value = source_ret->index;
    }
    if (in_steps) {
        *source_ret = (struct source){.from = FROM_STEP, .index = from_step};
        is_used[from_step] = true;
        return NULL;
    }
    if (!in_question && !implied)
        return "a number comes from nowhere";
    if (!in_question) {
        *source_ret = (struct source){.from = FROM_CONSTANT, .constant = number};
        return NULL;
    }
    struct value *value = &t->value[source_ret->index];
    value->is_used = true;
    if (implied && source_ret->form == FORM_PLAIN)
        value->is_fixed = true; /* which of the two it is cannot be known */
    return NULL;
}

const char *trace_solution(const char *question, const struct steps *steps, struct trace *trace_ret)
{
    *trace_ret = (struct trace){.n_steps = steps->n};
    trace_ret->n_mentions = mention_find(question, trace_ret->mention);
    if (trace_ret->n_mentions < 0) {
        trace_ret->n_mentions = 0;
        return "too many numbers";
    }
    collect_values(trace_ret);
    bool is_used[MAX_STEPS] = {false};
    for (int i = 0; i < steps->n; i++) {
        const struct step *step = &steps->step[i];
        const char *wrong =
            trace_operand(trace_ret, question, steps, i, is_used, step->left, &trace_ret->left[i]);
        if (!wrong)
            wrong = trace_operand(trace_ret, question, steps, i, is_used, step->right,
                                  &trace_ret->right[i]);
        if (wrong)
            return wrong;
    }
    for (int v = 0; v < trace_ret->n_values; v++)
        if (trace_ret->value[v].is_used && !trace_ret->value[v].is_fixed)
            return NULL;
    return "no number may change";
}

static struct ratio read_source(const struct source *source, const struct ratio *number,
                                const struct steps *steps)
{
    if (source->from == FROM_CONSTANT)
        return source->constant;
    if (source->from == FROM_STEP)
        return steps->step[source->index].result;
    return take_form(source->form, number[source->index]);
}

bool trace_compute(const struct trace *trace, const struct steps *old, const struct ratio *number,
                   struct steps *steps_ret)
{
    steps_ret->n = 0;
    for (int i = 0; i < trace->n_steps; i++) {
        struct ratio left = read_source(&trace->left[i], number, steps_ret);
        struct ratio right = read_source(&trace->right[i], number, steps_ret);
        if (!steps_add(steps_ret, old->step[i].op, left, right))
            return false;
    }
    for (int i = 0; i < trace->n_ties; i++)
        if (!ratio_equal(steps_ret->step[trace->tie[i].step].result, number[trace->tie[i].value]))
            return false;
    return true;
}
