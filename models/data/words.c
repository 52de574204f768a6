/* SPDX-License-Identifier: Apache-2.0
 * words.c - see words.h. */
#include "models/data/words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const small[] = {"zero",    "one",     "two",       "three",    "four",
                                    "five",    "six",     "seven",     "eight",    "nine",
                                    "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                   "fifty", "sixty", "seventy", "eighty", "ninety"};
static const char *const ordinals[] = {"",      "first",    "second",  "third",  "fourth",
                                       "fifth", "sixth",    "seventh", "eighth", "ninth",
                                       "tenth", "eleventh", "twelfth"};

bool words_number(int64_t n, char text_ret[WORDS_BYTES])
{
    if (n < 0 || n > 9999)
        return false;
    char *at = text_ret;
    char *end = text_ret + WORDS_BYTES;
    const char *gap = "";
    if (n >= 1000) {
        at += snprintf(at, (size_t)(end - at), "%s thousand", small[n / 1000]);
        gap = " ";
        n %= 1000;
    }
    if (n >= 100) {
        at += snprintf(at, (size_t)(end - at), "%s%s hundred", gap, small[n / 100]);
        gap = " ";
        n %= 100;
    }
    if (n >= 20)
        snprintf(at, (size_t)(end - at), "%s%s%s%s", gap, tens[n / 10], n % 10 ? "-" : "",
                 n % 10 ? small[n % 10] : "");
    else if (n > 0 || at == text_ret)
        snprintf(at, (size_t)(end - at), "%s%s", gap, small[n]);
    return true;
}

/* Length of the word at text if it is `word`, in any case and with no letter behind it. */
static size_t word_at(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < n; i++)
        if (tolower((unsigned char)text[i]) != word[i])
            return 0;
    return isalpha((unsigned char)text[n]) ? 0 : n;
}

static size_t below_hundred(const char *text, int64_t *n_ret)
{
    for (int i = 19; i >= 0; i--) {
        size_t n = word_at(text, small[i]);
        if (n > 0) {
            *n_ret = i;
            return n;
        }
    }
    for (int i = 2; i < 10; i++) {
        size_t n = word_at(text, tens[i]);
        if (n == 0)
            continue;
        *n_ret = 10 * i;
        if (text[n] == '-' || text[n] == ' ')
            for (int k = 1; k < 10; k++) {
                size_t more = word_at(text + n + 1, small[k]);
                if (more > 0) {
                    *n_ret += k;
                    return n + 1 + more;
                }
            }
        return n;
    }
    return 0;
}

size_t words_parse(const char *text, int64_t *n_ret)
{
    static const struct {
        const char *word;
        int64_t value;
    } scales[] = {{"thousand", 1000}, {"hundred", 100}};
    int64_t total;
    size_t at = below_hundred(text, &total);
    if (at == 0)
        return 0;
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        size_t n = text[at] == ' ' ? word_at(text + at + 1, scales[i].word) : 0;
        if (n == 0)
            continue;
        at += 1 + n;
        total *= scales[i].value;
        int64_t rest;
        size_t gap = text[at] == ' ' && word_at(text + at + 1, "and") ? 5 : 1;
        size_t more = text[at] == ' ' ? words_parse(text + at + gap, &rest) : 0;
        if (more > 0 && rest < scales[i].value) {
            total += rest;
            at += gap + more;
        }
        break;
    }
    *n_ret = total;
    return at;
}

void words_ordinal(int64_t n, bool in_words, char text_ret[WORDS_BYTES])
{
    if (in_words && n >= 1 && n <= 12) {
        snprintf(text_ret, WORDS_BYTES, "%s", ordinals[n]);
        return;
    }
    static const char *const ends[] = {"th", "st", "nd", "rd"};
    int64_t last = n % 10;
    bool is_teen = n % 100 / 10 == 1;
    snprintf(text_ret, WORDS_BYTES, "%lld%s", (long long)n, ends[is_teen || last > 3 ? 0 : last]);
}

const char *words_part(int64_t n)
{
    if (n == 2)
        return "half";
    if (n == 4)
        return "quarter";
    if (n == 20)
        return "twentieth";
    return n >= 3 && n <= 12 ? ordinals[n] : NULL;
}

bool words_digits(struct ratio value, bool separators, char text_ret[WORDS_BYTES])
{
    char plain[RATIO_BYTES];
    if (!ratio_format(value, plain))
        return false;
    size_t whole = strcspn(plain, ".");
    size_t to = 0;
    for (size_t i = 0; plain[i] != '\0'; i++) {
        if (separators && i > 0 && i < whole && (whole - i) % 3 == 0 && plain[i - 1] != '-')
            text_ret[to++] = ',';
        text_ret[to++] = plain[i];
    }
    text_ret[to] = '\0';
    return true;
}

bool words_money(struct ratio value, bool separators, char text_ret[WORDS_BYTES])
{
    int decimals = ratio_decimals(value);
    if (decimals < 0 || decimals > 2)
        return false;
    text_ret[0] = '$';
    char digits[WORDS_BYTES];
    if (!words_digits(value, separators, digits))
        return false;
    snprintf(text_ret, WORDS_BYTES, "$%.*s%s", WORDS_BYTES - 4, digits, decimals == 1 ? "0" : "");
    return true;
}

void words_plural(const char *singular, char *text_ret, size_t capacity)
{
    static const char *const irregular[][2] = {
        {"child", "children"}, {"man", "men"},      {"woman", "women"},   {"person", "people"},
        {"foot", "feet"},      {"tooth", "teeth"},  {"mouse", "mice"},    {"goose", "geese"},
        {"sheep", "sheep"},    {"fish", "fish"},    {"deer", "deer"},     {"leaf", "leaves"},
        {"loaf", "loaves"},    {"knife", "knives"}, {"shelf", "shelves"}, {"half", "halves"},
        {"dice", "dice"},      {"ox", "oxen"},      {"wolf", "wolves"},   {"calf", "calves"},
        {"scarf", "scarves"},  {"photo", "photos"}, {"piano", "pianos"},  {"kilo", "kilos"}};
    const char *of = strstr(singular, " of ");
    size_t head = of ? (size_t)(of - singular) : strlen(singular);
    size_t word = head;
    while (word > 0 && singular[word - 1] != ' ' && singular[word - 1] != '-')
        word--;
    for (size_t i = 0; i < sizeof irregular / sizeof irregular[0]; i++) {
        size_t n = strlen(irregular[i][0]);
        size_t begin = head - word >= n ? head - n : head;
        bool is_compound = head - word > n && (i < 3 || strcmp(irregular[i][0], "fish") == 0);
        if ((begin == word || is_compound) && strncmp(singular + begin, irregular[i][0], n) == 0) {
            snprintf(text_ret, capacity, "%.*s%s%s", (int)begin, singular, irregular[i][1],
                     singular + head);
            return;
        }
    }
    char last = head > 0 ? singular[head - 1] : ' ';
    char before = head > 1 ? singular[head - 2] : ' ';
    const char *ending = "s";
    size_t keep = head;
    if (strchr("sxz", last) || (last == 'h' && strchr("cs", before)) ||
        (last == 'o' && !strchr("aeiou", before))) {
        ending = "es";
    } else if (last == 'y' && !strchr("aeiou", before)) {
        ending = "ies";
        keep--;
    }
    snprintf(text_ret, capacity, "%.*s%s%s", (int)keep, singular, ending, singular + head);
}

bool words_wants_an(const char *text)
{
    static const char *const exceptions[] = {"hour", "honest", "heir", "one", "once",
                                             "uni",  "use",    "usu",  "eu",  "u-"};
    if (isdigit((unsigned char)text[0])) {
        size_t n = strspn(text, "0123456789");
        bool groups = n % 3 == 2 || n == 2;
        return text[0] == '8' ||
               (groups && (strncmp(text, "11", 2) == 0 || strncmp(text, "18", 2) == 0));
    }
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (strncmp(text, exceptions[i], strlen(exceptions[i])) == 0)
            return i < 3;
    return strchr("aeiouAEIOU", text[0]) != NULL && text[0] != '\0';
}
