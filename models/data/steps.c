/* SPDX-License-Identifier: Apache-2.0
 * steps.c - see steps.h. */
#include "models/data/steps.h"

#include <stdio.h>
#include <string.h>

enum { MAX_EQUATION = 256, MAX_FACTORS = 16 };

bool steps_add(struct steps *steps, char op, struct ratio left, struct ratio right)
{
    struct ratio result = ratio_apply(op, left, right);
    if (steps->n == MAX_STEPS || ratio_decimals(left) < 0 || ratio_decimals(right) < 0 ||
        ratio_decimals(result) < 0)
        return false;
    steps->step[steps->n++] = (struct step){op, left, right, result};
    return true;
}

void step_format(const struct step *step, char text_ret[STEP_BYTES])
{
    char left[RATIO_BYTES];
    char right[RATIO_BYTES];
    char result[RATIO_BYTES];
    ratio_format(step->left, left);
    ratio_format(step->right, right);
    ratio_format(step->result, result);
    snprintf(text_ret, STEP_BYTES, "%s%c%s=%s", left, step->op, right, result);
}

static struct ratio parse_signed(const char *text, const char **end_ret)
{
    struct ratio value = ratio_parse(*text == '-' ? text + 1 : text, end_ret);
    return *text == '-' ? ratio_apply('-', ratio_int(0), value) : value;
}

bool step_parse(const char *text, struct step *step_ret)
{
    step_ret->left = ratio_parse(text, &text);
    step_ret->op = *text;
    if (!ratio_has_value(step_ret->left) || *text == '\0' || !strchr("+-*/", *text))
        return false;
    step_ret->right = ratio_parse(text + 1, &text);
    if (!ratio_has_value(step_ret->right) || *text != '=')
        return false;
    step_ret->result = parse_signed(text + 1, &text);
    return *text == '\0' && ratio_equal(step_ret->result,
                                        ratio_apply(step_ret->op, step_ret->left, step_ret->right));
}

bool steps_lead_to(const struct steps *steps, struct ratio answer)
{
    return steps->n > 0 && ratio_equal(steps->step[steps->n - 1].result, answer);
}

/* Reader of equations: `at` walks over the cleaned text; depth bounds the recursion. */
struct reader {
    const char *at;
    struct steps *steps;
    bool failed;
    int depth;
};

/* A term: numbers that are multiplied, and divided by. */
struct term {
    int n;
    char op[MAX_FACTORS]; /* op[0] is '*' */
    struct ratio value[MAX_FACTORS];
};

static struct ratio fail(struct reader *r)
{
    r->failed = true;
    return (struct ratio){0, 0};
}

static struct ratio emit(struct reader *r, char op, struct ratio left, struct ratio right)
{
    if (op == '*' && ratio_equal(right, ratio_of(1, 100))) { /* one form for percentages */
        op = '/';
        right = ratio_int(100);
    }
    if (r->failed || !steps_add(r->steps, op, left, right))
        return fail(r);
    struct ratio result = r->steps->step[r->steps->n - 1].result;
    return result.n < 0 ? fail(r) : result;
}

static struct ratio read_sum(struct reader *r);

static struct ratio read_factor(struct reader *r)
{
    struct ratio value;
    if (*r->at == '(') {
        if (++r->depth > 16)
            return fail(r);
        r->at++;
        value = read_sum(r);
        r->depth--;
        if (*r->at != ')')
            return fail(r);
        r->at++;
    } else {
        value = ratio_parse(r->at, &r->at);
    }
    if (!ratio_has_value(value))
        return fail(r);
    if (*r->at == '%') {
        r->at++;
        return emit(r, '/', value, ratio_int(100));
    }
    return value;
}

/* True if every product and quotient from left to right can be written. */
static bool has_end(const struct term *t)
{
    struct ratio value = t->value[0];
    for (int i = 1; i < t->n; i++) {
        value = ratio_apply(t->op[i], value, t->value[i]);
        if (ratio_decimals(value) < 0)
            return false;
    }
    return true;
}

/* "a/3*b" to "a*b/3". */
static void multiply_first(struct term *t)
{
    struct term sorted = {.n = 0};
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < t->n; i++)
            if ((t->op[i] == '*') == (pass == 0)) {
                sorted.op[sorted.n] = t->op[i];
                sorted.value[sorted.n++] = t->value[i];
            }
    *t = sorted;
    if (t->n > 1 && t->op[1] == '*' && ratio_equal(t->value[0], ratio_int(1))) {
        memmove(t->value, t->value + 1, (size_t)(t->n - 1) * sizeof t->value[0]);
        memmove(t->op, t->op + 1, (size_t)(t->n - 1));
        t->n--;
    }
}

static struct ratio read_term(struct reader *r)
{
    struct term t = {.n = 1, .op = "*"};
    t.value[0] = read_factor(r);
    while (!r->failed && (*r->at == '*' || *r->at == '/' || *r->at == '(')) {
        if (t.n == MAX_FACTORS)
            return fail(r);
        t.op[t.n] = *r->at == '/' ? '/' : '*';
        r->at += *r->at != '(';
        t.value[t.n++] = read_factor(r);
    }
    if (r->failed)
        return fail(r);
    if (!has_end(&t))
        multiply_first(&t);
    struct ratio value = t.value[0];
    for (int i = 1; i < t.n; i++)
        value = emit(r, t.op[i], value, t.value[i]);
    return value;
}

static struct ratio read_sum(struct reader *r)
{
    struct ratio value = read_term(r);
    while (!r->failed && (*r->at == '+' || *r->at == '-')) {
        char op = *r->at++;
        value = emit(r, op, value, read_term(r));
    }
    return value;
}

/* Spaces, currency signs and thousands separators out; other signs for * and / in. False if it is too long. */
static bool clean(const char *text, char out[MAX_EQUATION])
{
    static const struct {
        const char *sign;
        char plain;
    } signs[] = {
        {"\xc3\x97", '*'}, {"\xc3\xb7", '/'}, {"\xe2\x88\x92", '-'}, {"x", '*'}, {"X", '*'}};
    size_t n = 0;
    while (*text != '\0') {
        size_t bytes = 1;
        char plain = *text;
        for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
            if (strncmp(text, signs[i].sign, strlen(signs[i].sign)) == 0) {
                bytes = strlen(signs[i].sign);
                plain = signs[i].plain;
            }
        text += bytes;
        if (strchr(" $,", plain))
            continue;
        if (n + 1 == MAX_EQUATION)
            return false;
        out[n++] = plain;
    }
    out[n] = '\0';
    return true;
}

bool steps_add_equation(struct steps *steps, const char *equation)
{
    char text[MAX_EQUATION];
    if (!clean(equation, text))
        return false;
    int before = steps->n;
    struct reader r = {.at = text, .steps = steps};
    struct ratio value = read_sum(&r);
    if (!r.failed && *r.at == '=') {
        const char *end = r.at + 1;
        struct ratio said = parse_signed(end, &end);
        if (*end == '%') {
            said = ratio_apply('/', said, ratio_int(100));
            end++;
        }
        if (*end == '\0' && ratio_equal(value, said))
            return true;
    }
    steps->n = before;
    return false;
}
