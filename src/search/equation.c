/* SPDX-License-Identifier: Apache-2.0
 * equation.c - finds the expressions beside an equals sign. See equation.h. */
#include "search/equation.h"

enum { MAX_UNIT_WORDS = 5, NOTED_WORDS = 2, MAX_SIGNS = 2 };

/* No unit of a number has these words in it: the number belongs to something else. */
static const char *const separators[] = {
    "is",   "are",   "was",  "were", "and",  "so",    "then",    "has",   "have",  "had",
    "than", "which", "that", "if",   "but",  "gives", "because", "or",    "when",  "she",
    "he",   "they",  "we",   "it",   "this", "there", "since",   "while", "until", "equals"};

/* These make another number of what stands behind or between: "half of 6 + 4", "5 squared + 1". */
static const char *const changers[] = {
    "half",     "third",  "thirds", "quarter", "quarters", "fourth",   "fourths",
    "fifth",    "tenth",  "twice",  "double",  "triple",   "thrice",   "times",
    "squared",  "fifths", "cubed",  "percent", "minus",    "subtract", "multiplied",
    "negative", "sqrt",   "square", "plus",    "out",      "divided",  "factorial"};

/* And these of the number before them. */
static const char *const magnitudes[] = {"dozen",   "hundred", "thousand",  "million",
                                         "billion", "mod",     "remainder", "halves"};

/* Units that convert into each other: of two of a kind, an equation says more than its numbers do. */
enum { TIME = 0, MONEY = 16, LENGTH = 32, AMOUNT = 48, DOLLARS = MONEY + 1 };
static const struct {
    const char *word;
    unsigned char bit;
} measures[] = {
    {"second", TIME + 0},       {"sec", TIME + 0},        {"minute", TIME + 1},
    {"min", TIME + 1},          {"hour", TIME + 2},       {"day", TIME + 3},
    {"week", TIME + 4},         {"month", TIME + 5},      {"year", TIME + 6},
    {"decade", TIME + 7},       {"cent", MONEY + 0},      {"penn", MONEY + 0},
    {"dollar", DOLLARS},        {"dime", MONEY + 2},      {"quarter", MONEY + 3},
    {"nickel", MONEY + 4},      {"inch", LENGTH + 0},     {"feet", LENGTH + 1},
    {"foot", LENGTH + 1},       {"yard", LENGTH + 2},     {"mile", LENGTH + 3},
    {"centimeter", LENGTH + 4}, {"cm", LENGTH + 4},       {"meter", LENGTH + 5},
    {"kilometer", LENGTH + 6},  {"km", LENGTH + 6},       {"millimeter", LENGTH + 7},
    {"mm", LENGTH + 7},         {"ounce", AMOUNT + 0},    {"pound", AMOUNT + 1},
    {"gram", AMOUNT + 2},       {"kilogram", AMOUNT + 3}, {"kg", AMOUNT + 3},
    {"ton", AMOUNT + 4},        {"liter", AMOUNT + 5},    {"milliliter", AMOUNT + 6},
    {"ml", AMOUNT + 6},         {"gallon", AMOUNT + 7},   {"quart", AMOUNT + 8},
    {"pint", AMOUNT + 9},       {"cup", AMOUNT + 10},     {"tablespoon", AMOUNT + 11},
    {"teaspoon", AMOUNT + 12},
};

static bool is_among(struct pd_span word, const char *const *words, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        if (word.bytes == strlen(words[i]) && pd_span_starts(word, words[i]))
            return true;
    return false;
}

static bool is_separator(struct pd_span word)
{
    return is_among(word, separators, PD_COUNT(separators));
}

static bool is_changer(struct pd_span word)
{
    return is_among(word, changers, PD_COUNT(changers));
}

static bool is_of(struct pd_span word)
{
    return word.bytes == 2 && pd_span_starts(word, "of");
}

static bool is_sign(enum pd_equation_kind kind)
{
    return kind >= PD_EQ_PLUS && kind <= PD_EQ_POWER;
}

static bool is_plus_or_minus(enum pd_equation_kind kind)
{
    return kind == PD_EQ_PLUS || kind == PD_EQ_MINUS;
}

bool pd_equation_is_of(const struct pd_equation_line *line, int at)
{
    const struct pd_equation_token *t = &line->token[at];
    if (t->kind != PD_EQ_WORD || !is_of(t->text) || at == 0 || at + 1 >= line->n_tokens ||
        t[1].kind != PD_EQ_NUMBER || t[-1].kind != PD_EQ_NUMBER)
        return false;
    return t[-1].is_percent || (at >= 3 && t[-2].kind == PD_EQ_DIVIDE && !t[-1].has_space);
}

/* Where the bracket closes, or opens, that token `at` opens or closes; -1: nowhere in the equation. */
static int matching(const struct pd_equation_line *line, int at)
{
    int step = line->token[at].kind == PD_EQ_OPEN ? 1 : -1;
    int depth = 0;
    for (int i = at; i >= 0 && i < line->n_tokens; i += step) {
        enum pd_equation_kind kind = line->token[i].kind;
        if (kind == PD_EQ_EQUALS || kind == PD_EQ_STOP || kind == PD_EQ_STRANGE)
            return -1;
        depth += kind == PD_EQ_OPEN ? 1 : kind == PD_EQ_CLOSE ? -1 : 0;
        if (depth == 0)
            return i;
    }
    return -1;
}

/* A unit's words, from the last one on: how many. More than a unit has: one too many. */
static int unit_words_before(const struct pd_equation_line *line, int end)
{
    int n = 0;
    while (n <= MAX_UNIT_WORDS && n < end && line->token[end - 1 - n].kind == PD_EQ_WORD &&
           !is_separator(line->token[end - 1 - n].text))
        n++;
    return n;
}

static int unit_words_behind(const struct pd_equation_line *line, int begin)
{
    int n = 0;
    while (n <= MAX_UNIT_WORDS && begin + n < line->n_tokens &&
           line->token[begin + n].kind == PD_EQ_WORD && !is_separator(line->token[begin + n].text))
        n++;
    return n;
}

/* Where the operand that ends at `end`, its unit included, begins; -1: there is none. */
static int operand_before(const struct pd_equation_line *line, int end)
{
    int n_words = unit_words_before(line, end);
    int i = end - n_words;
    if (n_words > MAX_UNIT_WORDS || i == 0)
        return -1;
    if (line->token[i - 1].kind == PD_EQ_NUMBER)
        return i - 1;
    if (line->token[i - 1].kind != PD_EQ_CLOSE)
        return -1;
    i = matching(line, i - 1);
    bool is_behind_word = i > 0 && line->token[i - 1].kind == PD_EQ_WORD;
    bool is_note = i >= 0 && line->token[i + 1].kind == PD_EQ_NUMBER &&
                   line->token[i + 2].kind == PD_EQ_CLOSE; /* "Ann (1) + 2" */
    return is_behind_word && (is_note || !line->token[i].has_space) ? -1 : i;
}

/* The same forwards, signs before it included: where it ends, without its unit. */
static int operand_behind(const struct pd_equation_line *line, int begin)
{
    int i = begin;
    while (i < line->n_tokens && i - begin < MAX_SIGNS && is_plus_or_minus(line->token[i].kind))
        i++;
    if (i >= line->n_tokens)
        return -1;
    if (line->token[i].kind == PD_EQ_NUMBER)
        return i + 1;
    int close = line->token[i].kind == PD_EQ_OPEN ? matching(line, i) : -1;
    return close < 0 ? -1 : close + 1;
}

static uint64_t measure(struct pd_span word)
{
    uint64_t units = 0;
    for (size_t i = 0; i < PD_COUNT(measures); i++)
        if (pd_span_starts(word, measures[i].word))
            units |= (uint64_t)1 << measures[i].bit;
    return units;
}

/* A letter, or a name with digits, is more likely a variable than a unit; or an "x" that multiplies. */
static bool is_variable(const struct pd_equation_token *t)
{
    struct pd_span word = t->text;
    char last = word.text[word.bytes - 1];
    bool is_letter = word.bytes == 1 || (word.bytes == 2 && pd_is_one_of(word.text[0], "-/"));
    bool is_article = last == 'a' && word.bytes == 1 && t->has_space;
    return (is_letter && !is_article) || pd_is_digit(last);
}

static void note_word(struct pd_expression *e, const struct pd_equation_token *t)
{
    e->is_doubtful |= is_variable(t) || is_among(t->text, magnitudes, PD_COUNT(magnitudes));
    e->units |= measure(t->text);
}

/* What there is between begin and end. */
static void note_tokens(const struct pd_equation_line *line, struct pd_expression *e)
{
    for (int i = e->begin; i < e->end; i++) {
        const struct pd_equation_token *t = &line->token[i];
        enum pd_equation_kind before = i > e->begin ? t[-1].kind : PD_EQ_OPEN;
        bool is_behind_operand =
            before == PD_EQ_NUMBER || before == PD_EQ_CLOSE || before == PD_EQ_WORD;
        if (t->kind == PD_EQ_WORD) {
            bool is_share = i > 0 && t[-1].kind == PD_EQ_NUMBER && is_of(t->text) &&
                            (t[-1].is_percent || (i > 2 && t[-2].kind == PD_EQ_DIVIDE));
            bool multiplies = pd_equation_is_of(line, i);
            e->n_operations += multiplies;
            e->is_doubtful |=
                is_changer(t->text) || (is_share && !multiplies); /* "1/3 of the class" */
            note_word(e, t);
        }
        e->n_operations += is_behind_operand && (is_sign(t->kind) || t->kind == PD_EQ_OPEN);
        e->is_doubtful |= t->kind == PD_EQ_PLUS && is_sign(before); /* "4 *+ 2": which one? */
        e->has_sum |= is_plus_or_minus(t->kind);
        if (t->kind == PD_EQ_NUMBER) {
            e->n_numbers++;
            e->n_percents += t->is_percent;
            e->units |= t->is_money ? (uint64_t)1 << DOLLARS : 0;
        }
    }
}

/* "1/2" without spaces, or in brackets. */
static bool is_fraction(const struct pd_equation_line *line, int at)
{
    const struct pd_equation_token *t = &line->token[at];
    return t->kind == PD_EQ_OPEN || (at + 2 < line->n_tokens && t[1].kind == PD_EQ_DIVIDE &&
                                     !t[1].has_space && !t[2].has_space);
}

/* What stands before the expression may belong to it. */
static void note_left(const struct pd_equation_line *line, struct pd_expression *e)
{
    static const char *const of_or_by[] = {"of", "by"};
    static const char *const and[] = {"and"};
    static const struct pd_equation_token nothing = {.kind = PD_EQ_STOP};
    const struct pd_equation_token *first = &line->token[e->begin];
    const struct pd_equation_token *t = e->begin > 0 ? first - 1 : &nothing;
    const struct pd_equation_token *before = e->begin > 1 ? first - 2 : &nothing;
    switch (t->kind) {
    case PD_EQ_WORD: /* "half of 6 + 4", "1 and 1/4", "week 1", "100 000 x 10/100" */
        e->is_doubtful |=
            is_changer(t->text) || is_variable(t) || measure(t->text) != 0 ||
            e->n_operations == 0 ||
            (is_among(t->text, of_or_by, PD_COUNT(of_or_by)) && is_changer(before->text)) ||
            (is_among(t->text, and, PD_COUNT(and)) && before->kind == PD_EQ_NUMBER &&
             is_fraction(line, e->begin));
        break;
    case PD_EQ_OPEN: /* "5 + (3 * 4 = 12" */
        e->is_doubtful |= is_sign(before->kind) || before->kind == PD_EQ_NUMBER;
        break;
    case PD_EQ_STOP: /* "14, 400" */
        e->is_doubtful |= before->kind == PD_EQ_NUMBER && t->text.text[0] == ',' &&
                          first->kind == PD_EQ_NUMBER && first->text.bytes == 3;
        break;
    default:
        e->is_doubtful |= t->kind != PD_EQ_EQUALS;
    }
    /* "4 bedrooms = 4 * 121": a label, no sum. */
    if (e->n_operations == 0 && e->end - e->begin > 1)
        e->is_doubtful = true;
}

/* And what stands behind: "= 5 dozen", "= 1 and 1/4", "= 30 + M". */
static void note_right(const struct pd_equation_line *line, struct pd_expression *e)
{
    int end = e->end + unit_words_behind(line, e->end);
    for (int i = e->end; i < end && i < e->end + NOTED_WORDS; i++)
        note_word(e, &line->token[i]);
    const struct pd_equation_token *t = &line->token[end];
    if (end >= line->n_tokens) {
        e->is_doubtful |= line->is_cut;
        return;
    }
    enum pd_equation_kind behind = end + 1 < line->n_tokens ? t[1].kind : PD_EQ_STOP;
    e->is_doubtful |= t->kind == PD_EQ_NUMBER || t->kind == PD_EQ_STRANGE || is_sign(t->kind) ||
                      (t->kind == PD_EQ_WORD && (behind == PD_EQ_NUMBER || behind == PD_EQ_OPEN) &&
                       is_fraction(line, end + 1));
}

bool pd_expression_before(const struct pd_equation_line *line, int end, struct pd_expression *e)
{
    *e = (struct pd_expression){.end = end};
    int i = operand_before(line, end);
    while (i > 0) {
        enum pd_equation_kind kind = line->token[i - 1].kind;
        int left;
        if (is_sign(kind)) {
            left = operand_before(line, i - 1);
            enum pd_equation_kind before = i > 1 ? line->token[i - 2].kind : PD_EQ_STOP;
            if (left < 0 && is_plus_or_minus(kind) && is_sign(before)) { /* 5 * -3 */
                i--;
                left = operand_before(line, i - 1);
            } else if (left < 0 && is_plus_or_minus(kind) && !line->token[i].has_space) {
                e->is_doubtful |= before == PD_EQ_WORD;
                i--;
                break; /* a sign in front */
            }
            if (left < 0)
                return false;
        } else if (kind == PD_EQ_WORD && pd_equation_is_of(line, i - 1)) {
            left = operand_before(line, i - 1);
        } else if (line->token[i].kind == PD_EQ_OPEN && !line->token[i].has_space &&
                   (kind == PD_EQ_NUMBER || kind == PD_EQ_CLOSE)) {
            left = operand_before(line, i); /* 2(3 + 4) */
        } else {
            break;
        }
        i = left;
    }
    if (i < 0)
        return false;
    e->begin = i;
    note_tokens(line, e);
    note_left(line, e);
    return true;
}

bool pd_expression_behind(const struct pd_equation_line *line, int begin, struct pd_expression *e)
{
    *e = (struct pd_expression){.begin = begin};
    int end = operand_behind(line, begin);
    if (end < 0)
        return false;
    for (int next = end; next > 0;) {
        end = next;
        int i = end + unit_words_behind(line, end);
        next = -1;
        if (i < line->n_tokens && is_sign(line->token[i].kind))
            next = operand_behind(line, i + 1);
        else if (i > end && i < line->n_tokens && pd_equation_is_of(line, i - 1))
            next = operand_behind(line, i);
        else if (i == end && i < line->n_tokens && line->token[i].kind == PD_EQ_OPEN &&
                 !line->token[i].has_space)
            next = operand_behind(line, i);
    }
    e->end = end;
    note_tokens(line, e);
    note_right(line, e);
    return true;
}

bool pd_expression_first(const struct pd_equation_line *line, const struct pd_expression *whole,
                         struct pd_expression *first)
{
    int end = operand_behind(line, whole->begin);
    if (end < whole->end && is_fraction(line, end - 1))
        end = pd_max_int(operand_behind(line, end + 1), end);
    *first = (struct pd_expression){.begin = whole->begin, .end = end};
    note_tokens(line, first);
    return end < whole->end;
}
