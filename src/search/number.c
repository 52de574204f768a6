/* SPDX-License-Identifier: Apache-2.0
 * number.c - scans a number, reduces it, writes it. All in digits and 64-bit integers. */
#include "search/number.h"

#include "search/span.h"

/* Parts of fractions stay below this, so that a remainder times ten fits 64 bits. */
static const uint64_t fraction_limit = 1000000000000000000u;

struct scan {
    const char *text;
    size_t bytes, at;
};

static char peek(const struct scan *s, size_t ahead)
{
    return ahead < s->bytes - s->at ? s->text[s->at + ahead] : '\0';
}

static bool take(struct scan *s, const char *word)
{
    size_t n = strlen(word);
    if (n > s->bytes - s->at || memcmp(s->text + s->at, word, n) != 0)
        return false;
    s->at += n;
    return true;
}

static bool take_any(struct scan *s, const char *const *words, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        if (take(s, words[i]))
            return true;
    return false;
}

static void skip_spaces(struct scan *s)
{
    while (peek(s, 0) == ' ')
        s->at++;
}

static size_t digit_run(const struct scan *s, size_t ahead)
{
    size_t n = 0;
    while (pd_is_digit(peek(s, ahead + n)))
        n++;
    return n;
}

static bool take_sign(struct scan *s)
{
    static const char *const minus[] = {"-", "\xe2\x88\x92"};
    return take_any(s, minus, PD_COUNT(minus));
}

/* "$", pounds, euros, yen, rupees, and one space after it. */
static void skip_currency(struct scan *s)
{
    static const char *const signs[] = {"\\$",          "$",        "\xc2\xa3",
                                        "\xe2\x82\xac", "\xc2\xa5", "\xe2\x82\xb9"};
    if (take_any(s, signs, PD_COUNT(signs)) && peek(s, 0) == ' ' &&
        (pd_is_digit(peek(s, 1)) || peek(s, 1) == '.'))
        s->at++;
}

/* Digits that stand right after a letter belong to a name ("x2"), unless it ends a LaTeX command
 * ("\times5"); after "^" they are an exponent, after "_" an index unless that is emphasis ("_5_"). */
static bool may_begin(const char *text, size_t at)
{
    if (at == 0)
        return true;
    char before = text[at - 1];
    if (pd_is_digit(before) || before == '^')
        return false;
    if (at >= 2 && before == '{' && text[at - 2] == '^')
        return false;
    if (before == '_')
        return at == 1 || !(pd_is_letter(text[at - 2]) || pd_is_digit(text[at - 2]));
    if (!pd_is_letter(before))
        return true;
    enum { LONGEST_COMMAND = 16 }; /* keeps long words cheap */
    size_t i = at;
    while (i > 0 && at - i <= LONGEST_COMMAND && pd_is_letter(text[i - 1]))
        i--;
    return i > 0 && text[i - 1] == '\\';
}

/* A minus after an operand subtracts. */
static bool may_be_sign(const char *text, size_t at)
{
    if (at == 0)
        return true;
    char before = text[at - 1];
    return !(pd_is_digit(before) || pd_is_letter(before) || before == ')' || before == '}' ||
             before == '%');
}

static bool append_digits(struct scan *s, size_t n, char *digits, int *n_digits)
{
    if (n > (size_t)(PD_NUMBER_DIGITS - *n_digits))
        return false;
    memcpy(digits + *n_digits, s->text + s->at, n);
    *n_digits += (int)n;
    s->at += n;
    return true;
}

static bool take_separator(struct scan *s)
{
    static const char *const separators[] = {",\\!", "{,}", ","};
    struct scan ahead = *s;
    if (!take_any(&ahead, separators, PD_COUNT(separators)) || digit_run(&ahead, 0) != 3)
        return false;
    *s = ahead;
    return true;
}

/* "12", "1,234,567": groups of exactly three after one to three. */
static bool take_whole(struct scan *s, struct pd_number *v)
{
    size_t n = digit_run(s, 0);
    if (!append_digits(s, n, v->whole, &v->n_whole))
        return false;
    while (n <= 3 && take_separator(s))
        if (!append_digits(s, 3, v->whole, &v->n_whole))
            return false;
    return true;
}

static bool to_u64(const char *digits, size_t n, uint64_t *value_ret)
{
    while (n > 0 && *digits == '0')
        digits++, n--;
    if (n > PD_NUMBER_FRACTION_DIGITS)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (uint64_t)(digits[i] - '0');
    *value_ret = value;
    return true;
}

static bool take_u64(struct scan *s, size_t n_digits, uint64_t *value_ret)
{
    if (n_digits == 0 || !to_u64(s->text + s->at, n_digits, value_ret))
        return false;
    s->at += n_digits;
    return true;
}

/* "{3}", "{ -3 }" or, as LaTeX has it, the one digit that follows. */
static bool take_frac_part(struct scan *s, bool *is_negative, uint64_t *value_ret)
{
    skip_spaces(s);
    if (!take(s, "{"))
        return take_u64(s, digit_run(s, 0) > 0 ? 1 : 0, value_ret);
    skip_spaces(s);
    if (take_sign(s))
        *is_negative = !*is_negative;
    if (!take_u64(s, digit_run(s, 0), value_ret))
        return false;
    skip_spaces(s);
    return take(s, "}");
}

static bool take_frac(struct scan *s, struct pd_number *v)
{
    static const char *const names[] = {"\\frac", "\\dfrac", "\\tfrac"};
    struct scan ahead = *s;
    bool is_negative = v->is_negative;
    uint64_t numerator = 0;
    uint64_t denominator = 0;
    if (!take_any(&ahead, names, PD_COUNT(names)) ||
        !take_frac_part(&ahead, &is_negative, &numerator) ||
        !take_frac_part(&ahead, &is_negative, &denominator) || denominator == 0)
        return false;
    /* 1\frac{-1}{2} is no mixed number. */
    if (v->n_whole > 0 && is_negative != v->is_negative)
        return false;
    v->is_negative = is_negative;
    v->numerator = numerator;
    v->denominator = denominator;
    *s = ahead;
    return true;
}

/* "/4" after a whole: the whole becomes the numerator. Not "/4/2020", which is a date. */
static bool take_slash(struct scan *s, struct pd_number *v)
{
    struct scan ahead = *s;
    uint64_t numerator = 0;
    uint64_t denominator = 0;
    if (!take(&ahead, "/") || !to_u64(v->whole, (size_t)v->n_whole, &numerator) ||
        !take_u64(&ahead, digit_run(&ahead, 0), &denominator) || denominator == 0)
        return false;
    char after = peek(&ahead, 0);
    if ((after == '/' || after == '.') && pd_is_digit(peek(&ahead, 1)))
        return false;
    v->numerator = numerator;
    v->denominator = denominator;
    v->n_whole = 0;
    *s = ahead;
    return true;
}

/* " 1/2" after a whole: only a proper fraction, "5 12/4" are two numbers. */
static bool take_mixed(struct scan *s, struct pd_number *v)
{
    struct scan ahead = *s;
    struct pd_number part = {.n_whole = 0};
    if (!take(&ahead, " ") || !take_whole(&ahead, &part) || part.n_whole == 0 ||
        !take_slash(&ahead, &part) || part.numerator >= part.denominator)
        return false;
    v->numerator = part.numerator;
    v->denominator = part.denominator;
    *s = ahead;
    return true;
}

static bool take_ratio(struct scan *s, struct pd_number *v, size_t begin)
{
    struct scan ahead = *s;
    /* At most two digits a part: "Week 3:210 pages" is no ratio. */
    for (size_t n; peek(&ahead, 0) == ':' && (n = digit_run(&ahead, 1)) >= 1 && n <= 2;)
        ahead.at += 1 + n;
    if (ahead.at == s->at)
        return false;
    v->ratio = s->text + begin;
    v->ratio_bytes = ahead.at - begin;
    *s = ahead;
    return true;
}

static bool take_unsigned(struct scan *s, struct pd_number *v)
{
    if (take_frac(s, v))
        return true;
    size_t begin = s->at;
    if (pd_is_digit(peek(s, 0))) {
        if (!take_whole(s, v))
            return false;
        if (!v->is_negative && take_ratio(s, v, begin))
            return true;
        uint64_t whole;
        bool may_be_mixed = to_u64(v->whole, (size_t)v->n_whole, &whole);
        if (may_be_mixed && (take_slash(s, v) || take_frac(s, v) || take_mixed(s, v)))
            return true;
    }
    size_t n_decimals = peek(s, 0) == '.' ? digit_run(s, 1) : 0;
    if (n_decimals > 0) {
        s->at++;
        if (!append_digits(s, n_decimals, v->decimals, &v->n_decimals))
            return false;
    }
    return v->n_whole + v->n_decimals > 0;
}

size_t pd_number_scan(const char *text, size_t bytes, size_t at, struct pd_number *number_ret)
{
    PD_ASSERT(at < bytes);
    struct scan s = {text, bytes, at};
    *number_ret = (struct pd_number){.is_negative = false};
    if (!may_begin(text, at))
        return 0;
    number_ret->is_negative = take_sign(&s);
    if (number_ret->is_negative && !may_be_sign(text, at))
        return 0;
    skip_currency(&s);
    if (!number_ret->is_negative)
        number_ret->is_negative = take_sign(&s);
    return take_unsigned(&s, number_ret) ? s.at : 0;
}

/* A sink that notes when the room is used up. */
struct sink {
    char *text;
    size_t capacity, n;
};

static void put(struct sink *out, char c)
{
    if (out->n < out->capacity)
        out->text[out->n] = c;
    out->n++;
}

static void put_u64(struct sink *out, uint64_t value)
{
    char digits[20];
    int n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (n > 0)
        put(out, digits[--n]);
}

static bool close_sink(struct sink *out)
{
    if (out->n >= out->capacity)
        return false;
    out->text[out->n] = '\0';
    return true;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool is_terminating(uint64_t denominator)
{
    while (denominator % 2 == 0)
        denominator /= 2;
    while (denominator % 5 == 0)
        denominator /= 5;
    return denominator == 1;
}

/* The next decimal of rest / denominator, which is below 1, and what remains of ten times it; no product, which may not
 * fit. */
static int next_decimal(uint64_t *rest, uint64_t denominator)
{
    uint64_t sum = 0;
    int digit = 0;
    for (int i = 0; i < 10; i++) {
        bool is_one_more = *rest >= denominator - sum;
        sum = is_one_more ? *rest - (denominator - sum) : sum + *rest;
        digit += is_one_more;
    }
    *rest = sum;
    return digit;
}

static bool format_fraction(const struct pd_number *v, struct sink *out)
{
    uint64_t whole = 0;
    uint64_t numerator;
    if (!to_u64(v->whole, (size_t)v->n_whole, &whole) ||
        !pd_mul_u64(whole, v->denominator, &numerator) ||
        !pd_add_u64(numerator, v->numerator, &numerator) || numerator >= fraction_limit)
        return false;
    uint64_t common = greatest_divisor(numerator, v->denominator);
    numerator /= common;
    uint64_t denominator = v->denominator / common;
    if (v->is_negative && numerator != 0)
        put(out, '-');
    if (!is_terminating(denominator)) {
        put_u64(out, numerator);
        put(out, '/');
        put_u64(out, denominator);
        return close_sink(out);
    }
    put_u64(out, numerator / denominator);
    uint64_t rest = numerator % denominator;
    if (rest != 0)
        put(out, '.');
    while (rest != 0)
        put(out, (char)('0' + next_decimal(&rest, denominator)));
    return close_sink(out);
}

bool pd_number_format(const struct pd_number *v, char *text_ret, size_t capacity)
{
    struct sink out = {text_ret, capacity, 0};
    if (v->ratio) {
        for (size_t i = 0; i < v->ratio_bytes; i++)
            put(&out, v->ratio[i]);
        return close_sink(&out);
    }
    if (v->denominator != 0)
        return format_fraction(v, &out);
    int first = 0;
    while (first < v->n_whole && v->whole[first] == '0')
        first++;
    int n_decimals = v->n_decimals;
    while (n_decimals > 0 && v->decimals[n_decimals - 1] == '0')
        n_decimals--;
    bool is_zero = first == v->n_whole && n_decimals == 0;
    if (v->is_negative && !is_zero)
        put(&out, '-');
    if (first == v->n_whole)
        put(&out, '0');
    for (int i = first; i < v->n_whole; i++)
        put(&out, v->whole[i]);
    if (n_decimals > 0)
        put(&out, '.');
    for (int i = 0; i < n_decimals; i++)
        put(&out, v->decimals[i]);
    return close_sink(&out);
}
