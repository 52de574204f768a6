/* SPDX-License-Identifier: Apache-2.0
 * mention.c - see mention.h. */
#include "models/data/mention.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) != 0;
}

/* Whether `text` begins with one of the texts, in any case. */
static bool begins_with(const char *text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (list[i][k] != '\0' && tolower((unsigned char)text[k]) == list[i][k])
            k++;
        if (list[i][k] == '\0')
            return true;
    }
    return false;
}

#define BEGINS(text, list) begins_with((text), (list), sizeof(list) / sizeof((list)[0]))

/* What stands behind a number that counts no things: whole words, and the signs of fractions and clock times. */
static const char *const endings[] = {"st",  "nd",  "rd",   "th",   "s",   "am",  "pm",
                                      " am", " pm", " a.m", " p.m", "a.m", "p.m", " o'clock"};
static const char *const signs[] = {"/", " / ", " bill", " dollar bill", " coin"};
static const char *const weekly[] = {" days a week",     " days per week", " days each week",
                                     " days every week", " times a week",  " days of the week",
                                     "-day week"};
static const char *const daily[] = {" hours a day",     " hours per day", " hours each day",
                                    " hours every day", " hours a night", " hours per night",
                                    " hours daily",     "-hour shift"};
static const char *const aged[] = {" years old", "-year-old", " year old", "-year old",
                                   " years of age"};

static bool is_fixed_by_context(const char *text, size_t begin, const struct mention *m)
{
    const char *behind = text + m->end;
    char before = begin > 0 ? text[begin - 1] : ' ';
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (begins_with(behind, &endings[i], 1) && !is_letter(behind[strlen(endings[i])]))
            return true;
    if (BEGINS(behind, signs) || (behind[0] == ':' && isdigit((unsigned char)behind[1])))
        return true;
    if (before == '/' || before == ':' || before == '#' || is_letter(before) ||
        (before == '-' && begin > 1 && text[begin - 2] == ' '))
        return true;
    bool is_year = m->value.d == 1 && m->value.n >= 1900 && m->value.n < 2100 && !m->is_money &&
                   !m->has_separators;
    return is_year || ratio_compare(m->value, ratio_int(1)) <= 0;
}

/* The digits at text[at], with separators and decimals. */
static size_t scan_digits(const char *text, size_t at, struct mention *m)
{
    char plain[40];
    size_t n = 0;
    size_t end = at;
    while (n + 1 < sizeof plain) {
        if (isdigit((unsigned char)text[end])) {
            plain[n++] = text[end++];
        } else if (text[end] == ',' && m->decimals == 0 &&
                   strspn(text + end + 1, "0123456789") == 3) {
            m->has_separators = true;
            end++;
        } else if (text[end] == '.' && !memchr(plain, '.', n) &&
                   isdigit((unsigned char)text[end + 1])) {
            plain[n++] = text[end++];
        } else {
            break;
        }
    }
    plain[n] = '\0';
    const char *point = strchr(plain, '.');
    m->decimals = point ? (int)strlen(point + 1) : 0;
    m->value = ratio_parse(plain, NULL);
    return end;
}

int mention_find(const char *text, struct mention mention_ret[MAX_MENTIONS])
{
    int n = 0;
    bool in_fraction = false; /* the number before ended in '/' */
    for (size_t at = 0; text[at] != '\0';) {
        struct mention m = {.begin = at, .end = at};
        bool at_word = at == 0 || !is_letter(text[at - 1]);
        if (isdigit((unsigned char)text[at]) ||
            (text[at] == '.' && isdigit((unsigned char)text[at + 1]))) {
            m.end = scan_digits(text, at, &m);
            m.is_money =
                at > 1 && (text[at - 1] == '$' || (text[at - 1] == ' ' && text[at - 2] == '$'));
            m.is_percent = text[m.end] == '%' || strncmp(text + m.end, " percent", 8) == 0 ||
                           strncmp(text + m.end, " %", 2) == 0;
        } else if (at_word) {
            int64_t value;
            size_t bytes = words_parse(text + at, &value);
            m.in_words = bytes > 0;
            m.end += bytes;
            m.value = ratio_int(bytes > 0 ? value : 0);
        }
        if (m.end == m.begin || !ratio_has_value(m.value)) {
            at++;
            continue;
        }
        m.is_fixed = in_fraction || is_fixed_by_context(text, m.begin, &m);
        in_fraction = text[m.end] == '/';
        const char *behind = text + m.end;
        m.most = BEGINS(behind, weekly)  ? 7
                 : BEGINS(behind, daily) ? 12
                 : BEGINS(behind, aged)  ? 80
                                         : 0;
        if (n == MAX_MENTIONS)
            return -1;
        mention_ret[n++] = m;
        at = m.end;
    }
    return n;
}

bool mention_format(const struct mention *mention, struct ratio value, char text_ret[WORDS_BYTES])
{
    if (mention->in_words && ratio_is_whole(value) &&
        (value.n <= 20 || (value.n <= 100 && value.n % 10 == 0) || mention->value.n > 20))
        return words_number(value.n, text_ret);
    if (mention->is_money) {
        char money[WORDS_BYTES];
        bool fits = words_money(value, mention->has_separators || mention->value.n < 1000, money);
        if (fits)
            memcpy(text_ret, money + 1, strlen(money));
        return fits;
    }
    return words_digits(value, mention->has_separators, text_ret);
}

/* Words, and the numbers that sums take from them. */
static const struct {
    const char *word;
    int number[5], thousandths[3];
} implied[] = {
    {"half", {2}, {500}},
    {"halve", {2}, {500}},
    {"twice", {2}, {0}},
    {"double", {2}, {0}},
    {"doubling", {2}, {0}},
    {"two", {2}, {0}},
    {"both", {2}, {0}},
    {"pair", {2}, {0}},
    {"couple", {2}, {0}},
    {"twin", {2}, {0}},
    {"average", {2, 3, 4, 5}, {0}},
    {"each other", {2}, {0}},
    {"round trip", {2}, {0}},
    {"there and back", {2}, {0}},
    {"back and forth", {2}, {0}},
    {"weekend", {2, 5}, {0}},
    {"weekday", {5, 2}, {0}},
    {"school week", {5}, {0}},
    {"triple", {3}, {0}},
    {"thrice", {3}, {0}},
    {"third", {3, 2}, {0}},
    {"quarter", {4, 3, 25}, {250, 750}},
    {"fourth", {4, 3}, {250, 750}},
    {"fifth", {5, 2, 3, 4}, {200, 400, 600}},
    {"sixth", {6, 5}, {0}},
    {"seventh", {7}, {0}},
    {"eighth", {8, 3, 5}, {125}},
    {"ninth", {9}, {0}},
    {"tenth", {10, 3, 7, 9}, {100, 300, 700}},
    {"dozen", {12}, {0}},
    {"week", {7, 52, 4}, {0}},
    {"Monday", {7, 5}, {0}},
    {"month", {12, 30, 4, 31}, {0}},
    {"annual", {12, 365}, {0}},
    {"year", {12, 365, 52}, {0}},
    {"day", {24, 7, 5, 30}, {0}},
    {"daily", {7, 30, 365}, {0}},
    {"decade", {10}, {0}},
    {"century", {100}, {0}},
    {"hour", {60, 24}, {0}},
    {"minute", {60}, {0}},
    {"second", {60}, {0}},
    {"feet", {12, 3}, {0}},
    {"foot", {12, 3}, {0}},
    {"inch", {12, 36}, {0}},
    {"yard", {3}, {0}},
    {"mile", {5280}, {0}},
    {"pound", {16}, {0}},
    {"ounce", {16, 8}, {0}},
    {"gallon", {4, 16, 8}, {0}},
    {"quart", {4, 2}, {0}},
    {"pint", {2, 8}, {0}},
    {"cup", {16, 8}, {0}},
    {"kilo", {1000}, {0}},
    {"kg", {1000}, {0}},
    {"km", {1000}, {0}},
    {"meter", {100, 1000}, {0}},
    {"liter", {1000}, {0}},
    {"%", {100}, {10}},
    {"percent", {100}, {10}},
    {"cent", {100}, {10}},
    {"$", {100}, {10}},
    {"dime", {10}, {100}},
    {"nickel", {5}, {50}},
    {"penn", {100}, {10}},
    {"square", {4}, {0}},
    {"rectang", {2}, {0}},
    {"perimeter", {2, 4}, {0}},
    {"fence", {2, 4}, {0}},
    {"triang", {2, 3}, {0}},
    {"tricycle", {3}, {0}},
    {"bicycle", {2}, {0}},
    {"leg", {4, 2}, {0}},
    {"wheel", {4, 2, 3}, {0}},
    {"alphabet", {26}, {0}},
};

static bool has_text(const char *text, const char *word)
{
    for (; *text != '\0'; text++)
        if (begins_with(text, &word, 1))
            return true;
    return false;
}

bool mention_is_implied(const char *text, struct ratio value)
{
    for (size_t i = 0; i < sizeof implied / sizeof implied[0]; i++) {
        bool is_it = false;
        for (size_t k = 0; k < 5; k++)
            is_it = is_it || (implied[i].number[k] != 0 &&
                              ratio_equal(value, ratio_int(implied[i].number[k])));
        for (size_t k = 0; k < 3; k++)
            is_it = is_it || (implied[i].thousandths[k] != 0 &&
                              ratio_equal(value, ratio_of(implied[i].thousandths[k], 1000)));
        if (is_it && has_text(text, implied[i].word))
            return true;
    }
    return false;
}
