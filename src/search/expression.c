/* SPDX-License-Identifier: Apache-2.0
 * expression.c - reads an algebraic expression, in LaTeX or plain, into its value (latex_read.h).
 *     sum      product, then + - \pm and products
 *     product  power, then \cdot \times * / \div or nothing, and powers
 *     power    signs, an atom, and perhaps ^ with a piece, or "!", degrees, percent
 *     atom     number, letter, \frac, \sqrt, (sum), {sum}, \function of a power */
#include "base/base.h"
#include "search/latex_read.h"

enum { MAX_DEPTH = 24, MAX_DIGITS = 200 };

struct reader {
    struct pd_span s; /* what is still to read */
    int depth;
    int sign; /* of \pm */
};

static bool sum(struct reader *r, struct pd_algebra *value_ret);
static bool power(struct reader *r, struct pd_algebra *value_ret);

static char peek(struct reader *r)
{
    r->s = pd_latex_trim(r->s);
    return r->s.bytes > 0 ? r->s.text[0] : '\0';
}

static bool take(struct reader *r, const char *text)
{
    size_t n = strlen(text);
    peek(r);
    if (r->s.bytes < n || memcmp(r->s.text, text, n) != 0)
        return false;
    r->s = pd_span_from(r->s, n);
    return true;
}

static bool take_command(struct reader *r, const char *name)
{
    peek(r);
    if (!pd_latex_is_command(r->s, name))
        return false;
    r->s = pd_span_from(r->s, strlen(name) + 1);
    return true;
}

static bool take_any(struct reader *r, const char *const *commands, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (take_command(r, commands[i]))
            return true;
    return false;
}

/* All of a span as a sum of its own. */
static bool whole(struct reader *r, struct pd_span s, struct pd_algebra *value_ret)
{
    struct reader inner = {s, r->depth + 1, r->sign};
    return inner.depth <= MAX_DEPTH && sum(&inner, value_ret) && peek(&inner) == '\0';
}

/* A piece as an argument: {x}, or as LaTeX has it the one digit, letter or command that follows. */
static bool argument(struct reader *r, struct pd_algebra *value_ret)
{
    if (peek(r) == '\0')
        return false;
    size_t n = pd_latex_piece_bytes(r->s);
    struct pd_span piece = pd_span_cut(r->s, n);
    if (pd_latex_is_command(piece, "sqrt") || pd_latex_is_command(piece, "frac"))
        return r->depth < MAX_DEPTH && power(r, value_ret);
    r->s = pd_span_from(r->s, n);
    if (piece.text[0] == '{')
        piece = pd_span_cut(pd_span_from(piece, 1), n - 2);
    return whole(r, piece, value_ret);
}

/* ---- atoms ---- */

/* Digits, with groups of thousands as "1,000", "1{,}000" and "1,\!000". */
static bool number(struct reader *r, struct pd_algebra *value_ret)
{
    static const char *const separators[] = {",\\!", "{,}", ","};
    char digits[MAX_DIGITS];
    size_t n = 0;
    bool is_decimal = false;
    for (;;) {
        char c = r->s.bytes > 0 ? r->s.text[0] : '\0';
        char next = r->s.bytes > 1 ? r->s.text[1] : '\0';
        bool is_point = c == '.' && pd_is_digit(next) && !is_decimal;
        if (pd_is_digit(c) || is_point) {
            if (n == MAX_DIGITS)
                return false;
            digits[n++] = c;
            is_decimal |= is_point;
            r->s = pd_span_from(r->s, 1);
            continue;
        }
        size_t k = 0;
        while (k < PD_COUNT(separators) && !pd_span_starts(r->s, separators[k]))
            k++;
        if (k == PD_COUNT(separators) || n == 0 || is_decimal)
            break;
        struct pd_span after = pd_span_from(r->s, strlen(separators[k]));
        size_t n_digits = 0;
        while (n_digits < after.bytes && pd_is_digit(after.text[n_digits]))
            n_digits++;
        if (n_digits != 3)
            break;
        r->s = after;
    }
    *value_ret = pd_algebra_number((struct pd_span){digits, n});
    return n > 0;
}

static const char *const fractions[] = {"frac", "dfrac", "tfrac", "cfrac"};

static bool fraction(struct reader *r, struct pd_algebra *value_ret)
{
    struct pd_algebra above;
    struct pd_algebra below;
    return argument(r, &above) && argument(r, &below) && pd_algebra_divide(above, below, value_ret);
}

/* Digits alone as an argument: "{12}", or the one digit that follows. */
static bool digits_argument(struct reader *r, struct pd_algebra *value_ret)
{
    struct pd_span piece = pd_span_cut(r->s, peek(r) != '\0' ? pd_latex_piece_bytes(r->s) : 0);
    r->s = pd_span_from(r->s, piece.bytes);
    if (piece.bytes > 2)
        piece = pd_span_cut(pd_span_from(piece, 1), piece.bytes - 2);
    for (size_t i = 0; i < piece.bytes; i++)
        if (!pd_is_digit(piece.text[i]))
            return false;
    *value_ret = pd_algebra_number(piece);
    return piece.bytes > 0;
}

/* "2\frac{1}{3}" is a mixed number if the fraction is one of whole numbers and below 1. */
static void mixed(struct reader *r, struct pd_algebra *value)
{
    struct reader ahead = *r;
    struct pd_algebra above;
    struct pd_algebra below;
    struct pd_algebra part;
    if (value->is_exact && value->exact.denominator == 1 &&
        take_any(&ahead, fractions, PD_COUNT(fractions)) && digits_argument(&ahead, &above) &&
        digits_argument(&ahead, &below) && pd_algebra_divide(above, below, &part) &&
        part.is_exact && part.exact.numerator < part.exact.denominator) {
        *r = ahead;
        *value = pd_algebra_add(*value, part);
    }
}

static bool root(struct reader *r, struct pd_algebra *value_ret)
{
    struct pd_algebra degree = pd_algebra_of((struct pd_rational){2, 1});
    struct pd_algebra of;
    if (peek(r) == '[') {
        size_t n = pd_latex_group_bytes(r->s);
        if (n < 3 || !whole(r, pd_span_cut(pd_span_from(r->s, 1), n - 2), &degree))
            return false;
        r->s = pd_span_from(r->s, n);
    }
    if (!degree.is_exact || degree.exact.denominator != 1 || degree.exact.numerator < 1 ||
        degree.exact.numerator > 99)
        return false;
    bool is_plain = peek(r) == '('; /* sqrt(2) */
    if (!(is_plain ? power(r, &of) : argument(r, &of)))
        return false;
    return pd_algebra_root(of, (int)degree.exact.numerator, value_ret);
}

/* "\sin 3x", "\log_2 8", "\cos(x)": of the product of letters and numbers behind it. */
static bool function(struct reader *r, struct pd_span name, struct pd_algebra *value_ret)
{
    struct pd_algebra of;
    struct pd_algebra more;
    struct pd_algebra exponent = pd_algebra_of((struct pd_rational){1, 1});
    struct pd_algebra base = pd_algebra_of((struct pd_rational){0, 1});
    if (take(r, "^") && !argument(r, &exponent))
        return false;
    if (take(r, "_") && !argument(r, &base))
        return false;
    bool is_bracket = peek(r) == '(' || peek(r) == '{';
    if (!power(r, &of))
        return false;
    while (!is_bracket && (pd_is_letter(peek(r)) || pd_latex_is_command(r->s, "pi")) &&
           power(r, &more))
        of = pd_algebra_multiply(of, more);
    *value_ret = pd_algebra_function(name, of);
    if (base.at[0].re != 0 || base.at[0].im != 0)
        *value_ret =
            pd_algebra_function(name, pd_algebra_add(*value_ret, pd_algebra_multiply(base, base)));
    return pd_algebra_power(*value_ret, exponent, value_ret);
}

static bool command(struct reader *r, struct pd_algebra *value_ret)
{
    static const char *const functions[] = {"sin", "cos",    "tan",  "cot",    "sec",
                                            "csc", "log",    "ln",   "arcsin", "arccos",
                                            "exp", "arctan", "sinh", "cosh",   "tanh"};
    static const char *const symbols[] = {"pi",    "infty",   "theta",  "alpha", "beta",  "gamma",
                                          "omega", "phi",     "lambda", "mu",    "sigma", "varphi",
                                          "delta", "epsilon", "rho",    "tau"};
    if (take_any(r, fractions, PD_COUNT(fractions)))
        return fraction(r, value_ret);
    if (take_command(r, "sqrt"))
        return root(r, value_ret);
    for (size_t i = 0; i < PD_COUNT(symbols); i++)
        if (take_command(r, symbols[i])) {
            *value_ret = pd_algebra_symbol((struct pd_span){symbols[i], strlen(symbols[i])});
            return true;
        }
    for (size_t i = 0; i < PD_COUNT(functions); i++)
        if (take_command(r, functions[i]))
            return function(r, (struct pd_span){functions[i], strlen(functions[i])}, value_ret);
    return false;
}

/* Variables, with an index as "x_1", "x_{12}" part of the name; i; and f(2). */
static bool letter(struct reader *r, struct pd_algebra *value_ret)
{
    struct pd_span name = pd_span_cut(r->s, 1);
    r->s = pd_span_from(r->s, 1);
    if (name.text[0] == 'i') {
        *value_ret = pd_algebra_i();
        return true;
    }
    struct pd_algebra index;
    *value_ret = pd_algebra_symbol(name);
    if (take(r, "_")) {
        if (!argument(r, &index))
            return false;
        *value_ret = pd_algebra_function(name, index);
    }
    if (pd_is_one_of(name.text[0], "fghFG") && peek(r) == '(') {
        struct pd_algebra of;
        if (!power(r, &of))
            return false;
        *value_ret = pd_algebra_function(name, of);
    }
    return true;
}

/* Words that plain text has for what LaTeX has commands for. */
static bool word(struct reader *r, struct pd_algebra *value_ret)
{
    if (pd_span_starts(r->s, "sqrt") && r->s.bytes > 4 && !pd_is_letter(r->s.text[4])) {
        r->s = pd_span_from(r->s, 4);
        return root(r, value_ret);
    }
    if (pd_span_starts_word(r->s, "pi")) {
        r->s = pd_span_from(r->s, 2);
        *value_ret = pd_algebra_symbol((struct pd_span){"pi", 2});
        return true;
    }
    /* Two letters may be two variables; three are a word of some language. */
    return pd_span_letters(r->s) <= 3 && letter(r, value_ret);
}

static bool atom(struct reader *r, struct pd_algebra *value_ret)
{
    char c = peek(r);
    if (pd_is_digit(c) || c == '.') {
        if (!number(r, value_ret))
            return false;
        mixed(r, value_ret);
        return true;
    }
    if (c == '(' || c == '{' || c == '[') {
        size_t n = pd_latex_group_bytes(r->s);
        struct pd_span inside = pd_span_cut(pd_span_from(r->s, 1), n > 2 ? n - 2 : 0);
        r->s = pd_span_from(r->s, n);
        return n > 2 && whole(r, pd_latex_trim_both(inside), value_ret);
    }
    if (c == '\\')
        return command(r, value_ret);
    if (pd_span_starts(r->s, "\xcf\x80") ||
        pd_span_starts(r->s, "\xe2\x88\x9e")) { /* pi, infinity */
        bool is_pi = r->s.text[0] == '\xcf';
        r->s = pd_span_from(r->s, is_pi ? 2 : 3);
        *value_ret =
            pd_algebra_symbol(is_pi ? (struct pd_span){"pi", 2} : (struct pd_span){"infty", 5});
        return true;
    }
    if (take(r, "\xe2\x88\x9a")) /* root */
        return root(r, value_ret);
    return pd_is_letter(c) && word(r, value_ret);
}

/* ---- operations ---- */

/* Degrees, percent signs and units change nothing. */
static bool take_unit(struct reader *r)
{
    static const char *const marks[] = {"^\\circ", "^{\\circ}", "^{ \\circ }",
                                        "\\%",     "%",         "\xc2\xb0"};
    static const char *const texts[] = {"text", "mbox", "mathrm", "textrm", "hbox"};
    for (size_t i = 0; i < PD_COUNT(marks); i++)
        if (take(r, marks[i]))
            return true;
    struct reader ahead = *r;
    if (!take_any(&ahead, texts, PD_COUNT(texts)) || peek(&ahead) != '{')
        return false;
    r->s = pd_span_from(ahead.s, pd_latex_piece_bytes(ahead.s));
    if (take(r, "^") && peek(r) != '\0') /* square feet */
        r->s = pd_span_from(r->s, pd_latex_piece_bytes(r->s));
    return true;
}

static bool power(struct reader *r, struct pd_algebra *value_ret)
{
    static const char name[] = "factorial";
    if (++r->depth > MAX_DEPTH)
        return false;
    bool is_right = atom(r, value_ret);
    while (is_right) {
        struct pd_algebra exponent;
        if (take_unit(r))
            continue;
        if (take(r, "!"))
            *value_ret = pd_algebra_function((struct pd_span){name, sizeof name - 1}, *value_ret);
        else if (take(r, "^") || take(r, "**"))
            is_right = (peek(r) == '(' ? power(r, &exponent) : argument(r, &exponent)) &&
                       pd_algebra_power(*value_ret, exponent, value_ret);
        else
            break;
    }
    r->depth--;
    return is_right;
}

static bool signed_power(struct reader *r, struct pd_algebra *value_ret)
{
    bool is_negative = false;
    for (;;) {
        if (take(r, "-") || take(r, "\xe2\x88\x92"))
            is_negative = !is_negative;
        else if (take_command(r, "pm") || take(r, "\xc2\xb1"))
            is_negative ^= r->sign < 0;
        else if (!take(r, "+"))
            break;
    }
    if (!power(r, value_ret))
        return false;
    if (is_negative)
        *value_ret = pd_algebra_negative(*value_ret);
    return true;
}

static bool takes_times(struct reader *r)
{
    return take_command(r, "cdot") || take_command(r, "times") || take(r, "*") ||
           take(r, "\xc3\x97") || take(r, "\xc2\xb7");
}

static bool takes_divide(struct reader *r)
{
    return take(r, "/") || take_command(r, "div") || take(r, "\xc3\xb7");
}

/* True if a factor may follow without a sign between. */
static bool is_factor(struct reader *r)
{
    char c = peek(r);
    return c != '\0' && c != '+' && c != '-' && c != ')' && c != ']' && c != '}' && c != ',' &&
           !pd_latex_is_command(r->s, "pm") && !pd_span_starts(r->s, "\xe2\x88\x92") &&
           !pd_span_starts(r->s, "\xc2\xb1");
}

static bool product(struct reader *r, struct pd_algebra *value_ret)
{
    if (!signed_power(r, value_ret))
        return false;
    for (;;) {
        struct pd_algebra factor;
        if (takes_divide(r)) {
            if (!signed_power(r, &factor) || !pd_algebra_divide(*value_ret, factor, value_ret))
                return false;
            continue;
        }
        bool is_signed = takes_times(r);
        if (!is_signed && !is_factor(r))
            return true;
        /* Two numbers side by side are no product: "1 2". */
        if (!is_signed && (pd_is_digit(r->s.text[0]) || r->s.text[0] == '.') && value_ret->is_exact)
            return false;
        if (!(is_signed ? signed_power(r, &factor) : power(r, &factor)))
            return false;
        *value_ret = pd_algebra_multiply(*value_ret, factor);
    }
}

static bool sum(struct reader *r, struct pd_algebra *value_ret)
{
    if (!product(r, value_ret))
        return false;
    for (;;) {
        struct pd_algebra more;
        char c = peek(r);
        bool is_plus = c == '+' || c == '-' || pd_latex_is_command(r->s, "pm") ||
                       pd_span_starts(r->s, "\xe2\x88\x92") || pd_span_starts(r->s, "\xc2\xb1");
        if (!is_plus)
            return true;
        if (!product(r, &more)) /* takes the sign */
            return false;
        *value_ret = pd_algebra_add(*value_ret, more);
    }
}

bool pd_expression_read(struct pd_span s, int sign, struct pd_algebra *value_ret)
{
    struct reader r = {s, 0, sign};
    return sum(&r, value_ret) && peek(&r) == '\0';
}
