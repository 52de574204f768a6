/* SPDX-License-Identifier: Apache-2.0
 * equation_value.c - what an expression comes to. See equation.h.
 *     sum      product, then + or - and products
 *     product  power, then * or / or nothing before a bracket or "of", and powers
 *     power    signs and an operand, perhaps ^ and a whole number
 *     operand  a number or a sum in brackets, and its unit's words */
#include "search/equation.h"

enum { MAX_DEPTH = 16 };

struct evaluation {
    const struct pd_equation_line *line;
    int at, end, depth;
    struct pd_reading how;
};

static bool sum(struct evaluation *v, struct pd_rational *value_ret);

static enum pd_equation_kind kind_at(const struct evaluation *v, int at)
{
    return at < v->end ? v->line->token[at].kind : PD_EQ_STOP;
}

static bool take(struct evaluation *v, enum pd_equation_kind kind)
{
    bool is_there = kind_at(v, v->at) == kind;
    v->at += is_there;
    return is_there;
}

/* "1/2" without spaces. */
static bool is_tight_fraction(const struct evaluation *v)
{
    const struct pd_equation_token *t = &v->line->token[v->at];
    return kind_at(v, v->at + 1) == PD_EQ_DIVIDE && kind_at(v, v->at + 2) == PD_EQ_NUMBER &&
           !t[1].has_space && !t[2].has_space;
}

static bool number(struct evaluation *v, struct pd_rational *value_ret)
{
    const struct pd_equation_token *t = &v->line->token[v->at++];
    *value_ret = t->value;
    return !t->is_percent || v->how.percent_is_unit ||
           pd_rational_divide(t->value, (struct pd_rational){100, 1}, value_ret);
}

static bool operand(struct evaluation *v, struct pd_rational *value_ret)
{
    bool is_right = false;
    if (kind_at(v, v->at) == PD_EQ_NUMBER) {
        bool is_one = v->how.fractions_are_one && is_tight_fraction(v);
        is_right = number(v, value_ret);
        if (is_one) {
            struct pd_rational below;
            v->at++;
            is_right =
                is_right && number(v, &below) && pd_rational_divide(*value_ret, below, value_ret);
        }
    } else if (v->depth < MAX_DEPTH && take(v, PD_EQ_OPEN)) {
        v->depth++;
        is_right = sum(v, value_ret) && take(v, PD_EQ_CLOSE);
        v->depth--;
    }
    while (kind_at(v, v->at) == PD_EQ_WORD && !pd_equation_is_of(v->line, v->at))
        v->at++;
    return is_right;
}

static bool power(struct evaluation *v, struct pd_rational *value_ret)
{
    bool is_negative = false;
    while (kind_at(v, v->at) == PD_EQ_MINUS || kind_at(v, v->at) == PD_EQ_PLUS)
        is_negative ^= v->line->token[v->at++].kind == PD_EQ_MINUS;
    struct pd_rational exponent;
    if (!operand(v, value_ret))
        return false;
    if (take(v, PD_EQ_POWER) &&
        (!power(v, &exponent) || exponent.denominator != 1 || exponent.numerator > 99 ||
         exponent.numerator < -99 ||
         !pd_rational_power(*value_ret, (int)exponent.numerator, value_ret)))
        return false;
    if (is_negative)
        value_ret->numerator = -value_ret->numerator;
    return true;
}

static bool product(struct evaluation *v, struct pd_rational *value_ret)
{
    if (!power(v, value_ret))
        return false;
    for (;;) {
        struct pd_rational factor;
        enum pd_equation_kind kind = kind_at(v, v->at);
        if (kind != PD_EQ_TIMES && kind != PD_EQ_DIVIDE && kind != PD_EQ_WORD && kind != PD_EQ_OPEN)
            return true;
        v->at += kind != PD_EQ_OPEN; /* a word that is left is an "of" */
        if (!power(v, &factor) ||
            !(kind == PD_EQ_DIVIDE ? pd_rational_divide(*value_ret, factor, value_ret)
                                   : pd_rational_multiply(*value_ret, factor, value_ret)))
            return false;
    }
}

static bool sum(struct evaluation *v, struct pd_rational *value_ret)
{
    if (!product(v, value_ret))
        return false;
    for (;;) {
        struct pd_rational more;
        bool is_minus = kind_at(v, v->at) == PD_EQ_MINUS;
        if (!is_minus && kind_at(v, v->at) != PD_EQ_PLUS)
            return true;
        v->at++;
        if (!product(v, &more) ||
            !(is_minus ? pd_rational_subtract : pd_rational_add)(*value_ret, more, value_ret))
            return false;
    }
}

bool pd_expression_value(const struct pd_equation_line *line, const struct pd_expression *e,
                         struct pd_reading how, struct pd_rational *value_ret)
{
    struct evaluation v = {.line = line, .at = e->begin, .end = e->end, .how = how};
    return sum(&v, value_ret) && v.at == v.end;
}
