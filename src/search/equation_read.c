/* SPDX-License-Identifier: Apache-2.0
 * equation_read.c - tokens of arithmetic in a line, see equation.h. */
#include "search/equation.h"

struct reader {
    struct pd_span text;
    size_t at;
    struct pd_equation_line *line;
};

static char peek(const struct reader *r, size_t ahead)
{
    return ahead < r->text.bytes - r->at ? r->text.text[r->at + ahead] : '\0';
}

static struct pd_span rest(const struct reader *r)
{
    return pd_span_from(r->text, r->at);
}

/* Bytes of the letter at `ahead`: ASCII, or of Latin to Arabic in two bytes; 0: none. */
static size_t letter_bytes(const struct reader *r, size_t ahead)
{
    unsigned char c = (unsigned char)peek(r, ahead);
    unsigned char next = (unsigned char)peek(r, ahead + 1);
    if (pd_is_letter((char)c))
        return 1;
    bool is_sign = c == 0xc3 && (next == 0x97 || next == 0xb7); /* times, division */
    return c >= 0xc3 && c <= 0xdf && (next & 0xc0) == 0x80 && !is_sign ? 2 : 0;
}

/* Where the number in s.text[0..] ends, with groups of thousands; its digits and point go to digits_ret. 0: none, or
 * one that is written in another way (too long, "12,34"). */
static size_t scan_number(struct pd_span s, char digits_ret[24], size_t *n_digits_ret,
                          int *n_decimals_ret)
{
    static const char *const separators[] = {",\\!", "{,}", ","};
    size_t i = 0;
    size_t n = 0;
    size_t group = 0; /* digits since the last separator */
    bool has_groups = false;
    for (;;) {
        for (; i < s.bytes && pd_is_digit(s.text[i]); i++, group++) {
            if (n == 18)
                return 0;
            digits_ret[n++] = s.text[i];
        }
        if (has_groups && group != 3)
            return 0;
        size_t k = 0;
        while (k < PD_COUNT(separators) && !pd_span_starts(pd_span_from(s, i), separators[k]))
            k++;
        struct pd_span after =
            pd_span_from(s, i + (k < PD_COUNT(separators) ? strlen(separators[k]) : 0));
        if (k == PD_COUNT(separators) || group == 0 || after.bytes == 0 ||
            !pd_is_digit(after.text[0]))
            break;
        if (!has_groups && group > 3)
            return 0;
        i = (size_t)(after.text - s.text);
        has_groups = true;
        group = 0;
    }
    *n_decimals_ret = 0;
    if (i + 1 < s.bytes && s.text[i] == '.' && pd_is_digit(s.text[i + 1])) {
        digits_ret[n++] = '.';
        for (i++; i < s.bytes && pd_is_digit(s.text[i]); i++, ++*n_decimals_ret) {
            if (n == 19)
                return 0;
            digits_ret[n++] = s.text[i];
        }
    }
    *n_digits_ret = n;
    return i;
}

static struct pd_equation_token *add(struct reader *r, enum pd_equation_kind kind, size_t bytes)
{
    static const char before_all = ' ';
    struct pd_equation_line *line = r->line;
    const char *before = r->at > 0 ? &r->text.text[r->at - 1] : &before_all;
    struct pd_equation_token *token = &line->token[line->n_tokens++];
    *token = (struct pd_equation_token){
        .kind = kind, .text = pd_span_cut(rest(r), bytes), .has_space = pd_is_space(*before)};
    r->at += bytes;
    return token;
}

static size_t digits_at(struct pd_span s, size_t at)
{
    size_t n = 0;
    while (at + n < s.bytes && pd_is_digit(s.text[at + n]))
        n++;
    return n;
}

/* " 1/2" behind a whole number, a proper fraction: its length, 0: none there. */
static size_t scan_mixed(struct pd_span s, struct pd_rational *fraction_ret)
{
    struct pd_rational numerator;
    struct pd_rational denominator;
    if (s.bytes == 0 || s.text[0] != ' ')
        return 0;
    size_t n = digits_at(s, 1);
    if (n == 0 || n > 3 || 1 + n >= s.bytes || s.text[1 + n] != '/')
        return 0;
    size_t m = digits_at(s, n + 2);
    if (m == 0 || m > 3)
        return 0;
    struct pd_span after = pd_span_from(s, n + 2 + m);
    if (after.bytes > 0 && (pd_is_letter(after.text[0]) || after.text[0] == '/'))
        return 0;
    return pd_rational_read(s.text + 1, n, &numerator) &&
                   pd_rational_read(s.text + n + 2, m, &denominator) &&
                   numerator.numerator < denominator.numerator &&
                   pd_rational_divide(numerator, denominator, fraction_ret)
               ? n + 2 + m
               : 0;
}

/* "%", "\%", " percent" behind a number: their length. */
static size_t percent_bytes(struct pd_span s)
{
    if (pd_span_starts(s, "%") || pd_span_starts(s, "\\%"))
        return s.text[0] == '%' ? 1 : 2;
    if (pd_span_starts_word(s, " percent"))
        return strlen(" percent");
    return pd_span_starts(s, " %") ? 2 : 0;
}

/* 3rd, 2nd, 7:30, 1e5, 1,50: digits that are no plain number. All of them, as one strange token. */
static void add_strange_digits(struct reader *r)
{
    size_t n = 1;
    for (char c; (c = peek(r, n)) != '\0'; n++)
        if (!pd_is_digit(c) && !pd_is_letter(c) &&
            !(pd_is_one_of(c, ".,:/") && pd_is_digit(peek(r, n + 1))))
            break;
    add(r, PD_EQ_STRANGE, n);
}

/* A number that goes on as something else. */
static bool is_not_plain(struct pd_span after)
{
    static const char *const ordinals[] = {"st", "nd", "rd", "th", "ths"};
    for (size_t i = 0; i < PD_COUNT(ordinals); i++)
        if (pd_span_starts_word(after, ordinals[i]))
            return true;
    if (after.bytes < 2)
        return false;
    char first = after.text[0];
    return (pd_is_one_of(first, ":,.") || first == 'e' || first == 'E') &&
           pd_is_digit(after.text[1]);
}

static void add_number(struct reader *r)
{
    char digits[24];
    size_t n_digits = 0;
    int n_decimals;
    struct pd_rational value;
    size_t bytes = scan_number(rest(r), digits, &n_digits, &n_decimals);
    bool has_leading_zero = n_digits > 1 && digits[0] == '0' && digits[1] != '.'; /* 0730 hours */
    if (bytes == 0 || has_leading_zero || is_not_plain(pd_span_from(rest(r), bytes)) ||
        !pd_rational_read(digits, n_digits, &value)) {
        add_strange_digits(r);
        return;
    }
    struct pd_rational fraction;
    struct pd_rational mixed;
    size_t more = n_decimals == 0 ? scan_mixed(pd_span_from(rest(r), bytes), &fraction) : 0;
    if (more > 0 && pd_rational_add(value, fraction, &mixed)) {
        bytes += more;
        value = mixed;
        n_decimals = -1;
    }
    size_t percent = percent_bytes(pd_span_from(rest(r), bytes));
    size_t begin = r->at;
    while (begin > 0 && r->text.text[begin - 1] == ' ')
        begin--;
    bool is_money = begin > 0 && r->text.text[begin - 1] == '$';
    struct pd_equation_token *token = add(r, PD_EQ_NUMBER, bytes + percent);
    token->value = value;
    token->n_decimals = n_decimals;
    token->is_percent = percent > 0;
    token->is_money = is_money;
}

/* "apples", "6-ounce", "page's", "stickers/page", "km/h"; letters and digits, "x2", are a name. */
static void add_word(struct reader *r, size_t bytes)
{
    for (size_t n = 1; n > 0; bytes += n) {
        n = letter_bytes(r, bytes);
        if (n == 0 && (pd_is_digit(peek(r, bytes)) ||
                       (pd_is_one_of(peek(r, bytes), "-/'_") && letter_bytes(r, bytes + 1) > 0)))
            n = 1;
    }
    add(r, PD_EQ_WORD, bytes);
}

/* "x" between a number (or its unit, or a bracket) and a number. */
static bool is_times(const struct reader *r)
{
    if (r->line->n_tokens == 0 || (peek(r, 0) != 'x' && peek(r, 0) != 'X'))
        return false;
    enum pd_equation_kind before = r->line->token[r->line->n_tokens - 1].kind;
    size_t ahead = 1;
    while (pd_is_one_of(peek(r, ahead), " $\\"))
        ahead++;
    char after = peek(r, ahead);
    return (before == PD_EQ_NUMBER || before == PD_EQ_CLOSE || before == PD_EQ_WORD) &&
           (pd_is_digit(after) || after == '(' ||
            (after == '.' && pd_is_digit(peek(r, ahead + 1))));
}

/* Signs of more than one byte, the longest first; "" is skipped. */
static const struct {
    const char *text;
    enum pd_equation_kind kind;
} signs[] = {
    {"\\times", PD_EQ_TIMES},
    {"\\cdot", PD_EQ_TIMES},
    {"\\div", PD_EQ_DIVIDE},
    {"\xc3\x97", PD_EQ_TIMES},
    {"\xc2\xb7", PD_EQ_TIMES},
    {"\xc3\xb7", PD_EQ_DIVIDE},
    {"\xe2\x88\x92", PD_EQ_MINUS},
    {"\xe2\x80\x93", PD_EQ_MINUS},
    {"\xe2\x80\x94", PD_EQ_STOP},
    {"\xe2\x8b\x85", PD_EQ_TIMES},
    {"\xe2\x88\x99", PD_EQ_TIMES},
    {"\xe2\x9c\x95", PD_EQ_TIMES},
    {"\xe2\x80\x98", PD_EQ_STOP},
    {"\xe2\x80\x99", PD_EQ_STOP},
    {"\xe2\x80\x9c", PD_EQ_STOP},
    {"\xe2\x80\x9d", PD_EQ_STOP},
    {"\xc2\xa0", PD_EQ_STOP},
    {"\xe2\x80\xa2", PD_EQ_STOP},
    {"==", PD_EQ_STRANGE},
    {"<=", PD_EQ_STRANGE},
    {">=", PD_EQ_STRANGE},
    {"!=", PD_EQ_STRANGE},
    {"=>", PD_EQ_STRANGE},
    {"->", PD_EQ_STRANGE},
    {"...", PD_EQ_STRANGE},
    {"//", PD_EQ_STRANGE},
    {"+", PD_EQ_PLUS},
    {"-", PD_EQ_MINUS},
    {"*", PD_EQ_TIMES},
    {"/", PD_EQ_DIVIDE},
    {"^", PD_EQ_POWER},
    {"(", PD_EQ_OPEN},
    {")", PD_EQ_CLOSE},
    {"=", PD_EQ_EQUALS},
    {",", PD_EQ_STOP},
    {";", PD_EQ_STOP},
    {":", PD_EQ_STOP},
    {".", PD_EQ_STOP},
    {"!", PD_EQ_STOP},
    {"?", PD_EQ_STOP},
    {"\"", PD_EQ_STOP},
    {"'", PD_EQ_STOP},
    {">", PD_EQ_STOP},
    {"|", PD_EQ_STOP},
};

/* Currency signs, emphasis, math mode: as if they were not there. */
static size_t ignored_bytes(const struct reader *r)
{
    static const char *const ignored[] = {
        "\\$", "$",   "\xc2\xa3", "\xe2\x82\xac", "\xe2\x82\xb9", "\xc2\xa5", "**",  "`",
        "\\,", "\\!", "\\ ",      "\\(",          "\\)",          "\\[",      "\\]", "__"};
    if (peek(r, 0) == '*' && peek(r, 1) == '*' && pd_is_digit(peek(r, 2)) && r->at > 0 &&
        pd_is_digit(r->text.text[r->at - 1]))
        return 0; /* a power in other languages */
    for (size_t i = 0; i < PD_COUNT(ignored); i++)
        if (pd_span_starts(rest(r), ignored[i]))
            return strlen(ignored[i]);
    return 0;
}

/* "<<48/2=24>>" inside a line is the calculator's; it is looked at by itself. */
static size_t annotation_bytes(struct pd_span s)
{
    if (!pd_span_starts(s, "<<"))
        return 0;
    for (size_t i = 2; i + 1 < s.bytes; i++)
        if (s.text[i] == '>' && s.text[i + 1] == '>')
            return i + 2;
    return 0;
}

static void add_sign_or_other(struct reader *r)
{
    for (size_t i = 0; i < PD_COUNT(signs); i++)
        if (pd_span_starts(rest(r), signs[i].text)) {
            add(r, signs[i].kind, strlen(signs[i].text));
            return;
        }
    unsigned char c = (unsigned char)peek(r, 0);
    /* Fractions and powers of Latin-1 and what else has a number's meaning: as good as unknown. */
    size_t n = 1;
    while (c >= 0xc0 && ((unsigned char)peek(r, n) & 0xc0) == 0x80)
        n++;
    add(r, PD_EQ_STRANGE, n);
}

/* "-", "*", "+" or "12." in front of a line are marks of a list. */
static void skip_list_mark(struct reader *r)
{
    while (pd_is_space(peek(r, 0)))
        r->at++;
    if (pd_is_one_of(peek(r, 0), "-*+") && peek(r, 1) == ' ')
        r->at += 2;
    size_t n = digits_at(rest(r), 0);
    if (n > 0 && n <= 2 && pd_is_one_of(peek(r, n), ".)") && peek(r, n + 1) == ' ')
        r->at += n + 2;
}

static bool speaks_of(struct pd_span word, const char *const *words, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        if (pd_span_starts(word, words[i]))
            return true;
    return false;
}

static void note_line_word(struct pd_equation_line *line, struct pd_span word)
{
    static const char *const rounding[] = {"round",  "approx", "about",
                                           "nearly", "almost", "roughly"};
    static const char *const remainder[] = {"remain", "left", "whole", "full"};
    line->is_rounded |= speaks_of(word, rounding, PD_COUNT(rounding));
    line->has_remainder |= speaks_of(word, remainder, PD_COUNT(remainder));
}

void pd_equation_read(struct pd_span text, struct pd_equation_line *line)
{
    struct reader r = {text, 0, line};
    line->n_tokens = 0;
    line->is_rounded = line->has_remainder = false;
    skip_list_mark(&r);
    while (r.at < text.bytes && line->n_tokens < PD_EQUATION_TOKENS) {
        char c = peek(&r, 0);
        size_t skipped = pd_is_space(c) ? 1 : ignored_bytes(&r);
        if (skipped == 0)
            skipped = annotation_bytes(rest(&r));
        if (skipped > 0) {
            r.at += skipped;
        } else if (pd_is_digit(c) || (c == '.' && pd_is_digit(peek(&r, 1)))) {
            add_number(&r);
        } else if (is_times(&r)) {
            add(&r, PD_EQ_TIMES, 1);
        } else if (letter_bytes(&r, 0) > 0) {
            add_word(&r, letter_bytes(&r, 0));
            note_line_word(line, line->token[line->n_tokens - 1].text);
        } else if (line->n_tokens > 0 && pd_is_one_of(c, "-/") && letter_bytes(&r, 1) > 0 &&
                   line->token[line->n_tokens - 1].kind == PD_EQ_NUMBER &&
                   !pd_is_space(text.text[r.at - 1])) {
            add_word(&r, 2); /* "1200-mile", "100/day" */
        } else {
            add_sign_or_other(&r);
        }
    }
    line->is_cut = r.at < text.bytes;
}
