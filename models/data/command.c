/* SPDX-License-Identifier: Apache-2.0
 * command.c - what stands in "[...]": draws, sums, conditions. Every operand of a step knows which step made it, so that
 * what the answer does not need can be left out. */
#include <ctype.h>
#include <string.h>

#include "models/data/walk.h"

struct value {
    struct ratio number;
    int made_by; /* step; -1: none */
};

/* With steps, every operation is one; without, none. */
struct expression {
    struct walk *w;
    const char *at;
    bool makes_steps;
};

static struct value read_sum(struct expression *e);

/* The step for this operation: the one there is, or a new one. */
static int add_step(struct walk *w, char op, struct value a, struct value b)
{
    struct steps *steps = &w->problem->steps;
    for (int i = 0; i < steps->n; i++)
        if (steps->step[i].op == op && ratio_equal(steps->step[i].left, a.number) &&
            ratio_equal(steps->step[i].right, b.number) && w->made_left[i] == a.made_by &&
            w->made_right[i] == b.made_by)
            return i;
    if (!steps_add(steps, op, a.number, b.number) || steps->step[steps->n - 1].result.n <= 0) {
        w->rejected = true;
        return -1;
    }
    w->made_left[steps->n - 1] = a.made_by;
    w->made_right[steps->n - 1] = b.made_by;
    return steps->n - 1;
}

static struct value operate(struct expression *e, char op, struct value a, struct value b)
{
    struct value result = {ratio_apply(op, a.number, b.number), -1};
    if (e->makes_steps)
        result.made_by = e->w->answer = add_step(e->w, op, a, b);
    return result;
}

static struct value read_factor(struct expression *e)
{
    if (*e->at == '(') {
        e->at++;
        struct value value = read_sum(e);
        if (*e->at++ != ')')
            walk_wrong(e->w, "no )", (struct name){e->at - 1, 1});
        return value;
    }
    if (isdigit((unsigned char)*e->at))
        return (struct value){ratio_parse(e->at, &e->at), -1};
    struct name name = name_read(&e->at);
    if (name.bytes == 0)
        walk_wrong(e->w, "a number or variable is missing", (struct name){e->at, strlen(e->at)});
    struct variable *v = walk_get(e->w, name);
    if (v->item)
        walk_wrong(e->w, "is no number", name);
    return (struct value){v->number, v->made_by};
}

static struct value read_term(struct expression *e)
{
    struct value value = read_factor(e);
    while (*e->at != '\0' && strchr("*/%", *e->at)) {
        char op = *e->at++;
        value = operate(e, op, value, read_factor(e));
    }
    return value;
}

static struct value read_sum(struct expression *e)
{
    struct value value = read_term(e);
    while (*e->at == '+' || *e->at == '-') {
        char op = *e->at++;
        value = operate(e, op, value, read_term(e));
    }
    return value;
}

static struct ratio whole_down(struct ratio value)
{
    return ratio_has_value(value) ? ratio_int(value.n / value.d) : value;
}

/* Whole numbers within low..high: half of the time from the low part of the range, and some round ones. */
static struct ratio draw_number(struct walk *w, struct ratio low, struct ratio high)
{
    low = whole_down(ratio_apply('+', low, ratio_of(low.d > 1 ? 1 : 0, 1)));
    high = whole_down(high);
    if (!ratio_has_value(low) || !ratio_has_value(high) || low.n > high.n) {
        w->rejected = true;
        return ratio_int(1);
    }
    uint64_t span = (uint64_t)(high.n - low.n);
    if (span >= 8 && walk_draw(w, 2))
        span >>= walk_draw(w, span >= 400 ? 5 : 3);
    int64_t value = low.n + (int64_t)walk_draw(w, span + 1);
    if (span >= 40 && walk_draw(w, 4) == 0) {
        int64_t unit = value >= 1000 && walk_draw(w, 2) ? 100 : walk_draw(w, 2) ? 10 : 5;
        if (value / unit * unit >= low.n)
            value = value / unit * unit;
    }
    return ratio_int(value);
}

static void draw_item(struct walk *w, struct variable *v, struct name list_name)
{
    const struct list *list = grammar_list(w->g, list_name.text, list_name.bytes);
    if (!list || list->n == 0)
        walk_wrong(w, "no such list", list_name);
    v->item = NULL;
    v->number = (struct ratio){0, 0};
    v->is_known = v->is_female = false;
    const struct item *item = &list->item[walk_draw(w, (uint64_t)list->n)];
    for (int i = 0; i < w->n_variables; i++)
        if (w->variable[i].item && strcmp(w->variable[i].item->one, item->one) == 0)
            w->rejected = true; /* drawn already */
    v->item = item;
    if (list->is_plain && item->many)
        v->is_female = item->many[0] == 'f' || (item->many[0] == 'r' && walk_draw(w, 2));
}

static void check_condition(struct walk *w, const char *text)
{
    struct expression e = {w, text, false};
    struct ratio left = read_sum(&e).number;
    const char *sign = e.at;
    e.at += strspn(e.at, "<>=!");
    struct ratio right = read_sum(&e).number;
    if (!ratio_has_value(left) || !ratio_has_value(right)) {
        w->rejected = true;
        return;
    }
    int order = ratio_compare(left, right);
    bool holds = sign[1] == '='   ? (sign[0] == '<'   ? order <= 0
                                     : sign[0] == '>' ? order >= 0
                                                      : (order == 0) == (sign[0] == '='))
                 : sign[0] == '<' ? order < 0
                                  : order > 0;
    if (!holds)
        w->rejected = true;
}

/* One command, NUL-terminated, without spaces. */
static void run_command(struct walk *w, const char *text)
{
    if (text[0] == '?') {
        check_condition(w, text + 1);
        return;
    }
    const char *at = text + (text[0] == '!');
    struct name name = name_read(&at);
    if (text[0] == '!') {
        w->answer = walk_get(w, name)->made_by;
        return;
    }
    struct variable *v = walk_variable(w, name);
    if (*at == '@') {
        at++;
        draw_item(w, v, name_read(&at));
        return;
    }
    bool is_step = at[0] == ':' && at[1] == '=';
    if (name.bytes == 0 || (*at != '=' && !is_step))
        walk_wrong(w, "is no command", (struct name){text, strlen(text)});
    struct expression e = {w, at + (is_step ? 2 : 1), is_step};
    struct value value = read_sum(&e);
    if (strncmp(e.at, "..", 2) == 0) {
        e.at += 2;
        value.number = draw_number(w, value.number, read_sum(&e).number);
        value.made_by = -1;
        if (*e.at == ':') {
            e.at++;
            value.number = ratio_apply('*', value.number, read_factor(&e).number);
        }
    }
    if (*e.at != '\0')
        walk_wrong(w, "is no command", (struct name){text, strlen(text)});
    if (!ratio_has_value(value.number)) {
        w->rejected = true;
        value.number = ratio_int(1);
    }
    v = walk_variable(w, name);
    v->item = NULL;
    v->number = value.number;
    v->made_by = value.made_by;
}

const char *walk_commands(struct walk *w, const char *at)
{
    char command[128];
    size_t n = 0;
    for (;; at++) {
        if (*at == '\0')
            walk_wrong(w, "no ]", (struct name){command, n});
        if (*at == ',' || *at == ']') {
            command[n] = '\0';
            if (n > 0 && !w->rejected)
                run_command(w, command);
            n = 0;
            if (*at == ']')
                return at + 1;
        } else if (*at != ' ') {
            command[n++] = *at;
            if (n == sizeof command)
                walk_wrong(w, "command too long", (struct name){command, n - 1});
        }
    }
}
