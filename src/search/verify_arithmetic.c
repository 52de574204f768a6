/* SPDX-License-Identifier: Apache-2.0
 * verify_arithmetic.c - see verify_arithmetic.h. */
#include "search/verify_arithmetic.h"

#include "search/equation.h"
#include "search/verify.h"

/* One way to read one side, and what it comes to. */
struct side {
    struct pd_rational value;
    bool is_number; /* and nothing else */
    int n_decimals; /* of a number written with decimals; else 0 */
};

enum { MAX_SIDES = 8 };
struct sides {
    struct side side[MAX_SIDES];
    int n;
    bool has_unknown;
};

static void add_readings(const struct pd_equation_line *line, const struct pd_expression *e,
                         struct sides *sides)
{
    const struct pd_equation_token *last = &line->token[e->end - 1];
    bool is_number = e->n_numbers == 1 && e->n_operations == 0 && last->kind == PD_EQ_NUMBER;
    for (int i = 0; i < 4; i++) {
        struct pd_reading how = {.percent_is_unit = (i & 1) != 0, .fractions_are_one = i >= 2};
        struct side *side = &sides->side[sides->n];
        if ((how.percent_is_unit && e->n_percents == 0) ||
            (how.fractions_are_one && e->n_operations < 2))
            continue;
        if (!pd_expression_value(line, e, how, &side->value)) {
            sides->has_unknown = true;
            continue;
        }
        side->is_number = is_number;
        side->n_decimals = 0;
        if (is_number && last->n_decimals > 0)
            side->n_decimals =
                last->n_decimals + (last->is_percent && !how.percent_is_unit ? 2 : 0);
        sides->n++;
    }
}

/* value is within half a unit of the last decimal. False also where that does not fit. */
static bool rounds_to(struct pd_rational value, const struct side *written)
{
    struct pd_rational unit;
    struct pd_rational apart;
    if (written->n_decimals == 0 ||
        !pd_rational_power((struct pd_rational){10, 1}, written->n_decimals, &unit) ||
        !pd_rational_subtract(value, written->value, &apart) ||
        !pd_rational_multiply(apart, unit, &apart) ||
        !pd_rational_multiply(apart, (struct pd_rational){2, 1}, &apart))
        return false;
    return apart.numerator <= apart.denominator && apart.numerator >= -apart.denominator;
}

/* written is what a calculator shows of value. */
static bool is_shown_as(struct pd_rational value, const struct side *written)
{
    char text[PD_RATIONAL_TEXT_BYTES];
    struct pd_rational shown;
    if (!written->is_number || !pd_rational_write(value, text))
        return false;
    bool is_negative = text[0] == '-';
    if (!pd_rational_read(text + is_negative, strlen(text) - is_negative, &shown))
        return false;
    if (is_negative)
        shown.numerator = -shown.numerator;
    return pd_rational_is_equal(shown, written->value);
}

static bool comes_to(struct pd_rational value, const struct side *written)
{
    return pd_rational_is_equal(value, written->value) || rounds_to(value, written) ||
           is_shown_as(value, written);
}

/* The whole part of a quotient and the like. */
static bool are_within_one(const struct sides *left, const struct sides *right)
{
    struct pd_rational apart;
    return left->n > 0 && right->n > 0 &&
           pd_rational_subtract(left->side[0].value, right->side[0].value, &apart) &&
           apart.numerator < apart.denominator && apart.numerator > -apart.denominator;
}

static bool agree(const struct sides *left, const struct sides *right)
{
    for (int i = 0; i < left->n; i++)
        for (int j = 0; j < right->n; j++) {
            const struct side *a = &left->side[i];
            const struct side *b = &right->side[j];
            if (comes_to(a->value, b) || comes_to(b->value, a))
                return true;
        }
    return false;
}

/* Hours and minutes, dollars and cents. */
static bool mixes_units(uint64_t units)
{
    for (; units != 0; units >>= 16) {
        uint64_t of_kind = units & 0xffff;
        if ((of_kind & (of_kind - 1)) != 0)
            return true;
    }
    return false;
}

static enum pd_arithmetic check_equation(const struct pd_equation_line *line, int equals)
{
    struct pd_expression left;
    struct pd_expression right;
    struct pd_expression
        first; /* of the right side: "2 + 3 = 5 * 4 = 20" goes on from the 5, too */
    if (!pd_expression_before(line, equals, &left) ||
        !pd_expression_behind(line, equals + 1, &right) ||
        left.n_operations + right.n_operations == 0)
        return PD_ARITHMETIC_NONE;
    struct sides lefts = {.n = 0};
    struct sides rights = {.n = 0};
    add_readings(line, &left, &lefts);
    add_readings(line, &right, &rights);
    if (left.n_operations > 0 && right.n_operations > 0 &&
        pd_expression_first(line, &right, &first))
        add_readings(line, &first, &rights);
    if (agree(&lefts, &rights))
        return PD_ARITHMETIC_TRUE;
    bool is_mixed_percent = left.n_percents + right.n_percents > 0 &&
                            (left.has_sum || right.has_sum) &&
                            left.n_percents + right.n_percents < left.n_numbers + right.n_numbers;
    bool is_doubtful = left.is_doubtful || right.is_doubtful || lefts.has_unknown ||
                       rights.has_unknown || line->is_rounded || is_mixed_percent ||
                       (line->has_remainder && are_within_one(&lefts, &rights)) ||
                       mixes_units(left.units | right.units);
    return is_doubtful ? PD_ARITHMETIC_NONE : PD_ARITHMETIC_FALSE;
}

static enum pd_arithmetic worse(enum pd_arithmetic a, enum pd_arithmetic b)
{
    return a > b ? a : b;
}

static enum pd_arithmetic check_line(struct pd_span text)
{
    struct pd_equation_line line;
    enum pd_arithmetic result = PD_ARITHMETIC_NONE;
    if (pd_span_find(text, '=') == text.bytes)
        return result;
    pd_equation_read(text, &line);
    for (int i = 0; i < line.n_tokens; i++)
        if (line.token[i].kind == PD_EQ_EQUALS)
            result = worse(result, check_equation(&line, i));
    return result;
}

/* "<<48/2=24>>": each by itself. */
static enum pd_arithmetic check_annotations(struct pd_span line)
{
    enum pd_arithmetic result = PD_ARITHMETIC_NONE;
    size_t begin = 0; /* behind the last "<<"; 0: none is open */
    for (size_t i = 0; i + 1 < line.bytes; i++) {
        if (line.text[i] == '<' && line.text[i + 1] == '<') {
            begin = i + 2;
        } else if (begin > 0 && line.text[i] == '>' && line.text[i + 1] == '>') {
            result = worse(result, check_line(pd_span_from(pd_span_cut(line, i), begin)));
            begin = 0;
        }
    }
    return result;
}

enum pd_arithmetic pd_arithmetic_check(const char *text, size_t bytes)
{
    struct pd_span rest = {text, bytes};
    enum pd_arithmetic result = PD_ARITHMETIC_NONE;
    while (rest.bytes > 0 && result != PD_ARITHMETIC_FALSE) {
        struct pd_span line = pd_span_cut(rest, pd_span_find(rest, '\n'));
        rest = pd_span_from(rest, line.bytes + 1);
        result = worse(result, worse(check_line(line), check_annotations(line)));
    }
    return result;
}

static enum ponder_status score(void *self, const struct pd_verify_item *items, int n,
                                int64_t deadline_ns, float *score_ret)
{
    (void)self;
    (void)deadline_ns;
    for (int i = 0; i < n; i++) {
        const struct pd_verify_item *item = &items[i];
        enum pd_arithmetic found =
            pd_arithmetic_check(item->text + item->step_begin, item->text_bytes - item->step_begin);
        score_ret[i] = found == PD_ARITHMETIC_FALSE ? 0.0f : NAN;
    }
    return PONDER_OK;
}

const struct pd_verifier pd_verifier_arithmetic = {
    .name = "arithmetic",
    .summary = "rejects steps with a false equation",
    .when = PD_VERIFY_STEP,
    .vetoes = true,
    .is_calibrated = true,
    .score = score,
};
