/* SPDX-License-Identifier: Apache-2.0
 * show.c - how people, things and numbers are printed. */
#include <stdio.h>
#include <string.h>

#include "models/data/walk.h"
#include "models/data/words.h"

static const struct {
    const char *form, *male, *female;
} pronouns[] = {{"he", "he", "she"},
                {"him", "him", "her"},
                {"his", "his", "her"},
                {"himself", "himself", "herself"}};

static void print_person(struct walk *w, struct variable *v, struct name form)
{
    for (size_t i = 0; i < sizeof pronouns / sizeof pronouns[0]; i++)
        if (name_is(form, pronouns[i].form)) {
            walk_print_text(w, v->is_female ? pronouns[i].female : pronouns[i].male);
            return;
        }
    const char *text = v->item->one;
    size_t article = strncmp(text, "an ", 3) == 0 ? 3 : strncmp(text, "a ", 2) == 0 ? 2 : 0;
    if (article > 0 && v->is_known) {
        walk_print_text(w, "the ");
        text += article;
    }
    v->is_known = true;
    walk_print_text(w, text);
    if (name_is(form, "s"))
        walk_print_text(w, "'s");
    else if (form.bytes > 0)
        walk_wrong(w, "people have no such form", form);
}

void walk_show(struct walk *w, struct name name, struct name form)
{
    struct variable *v = walk_get(w, name);
    if (!v->item)
        walk_wrong(w, "is a number", name);
    if (v->item->many && strchr("fmr", v->item->many[0]) && v->item->many[1] == '\0') {
        print_person(w, v, form);
    } else if (form.bytes == 0) {
        walk_print_text(w, v->item->many ? v->item->many : v->item->one);
    } else if (name_is(form, "1")) {
        walk_print_text(w, v->item->one);
    } else if (name_is(form, "3") && v->item->third) {
        walk_print_text(w, v->item->third);
    } else if (name_is(form, "a")) {
        walk_print_text(w, words_wants_an(v->item->one) ? "an " : "a ");
        walk_print_text(w, v->item->one);
    } else {
        walk_wrong(w, "things have no such form", form);
    }
}

/* Digits, or a word where the problem writes some numbers as words. */
static void print_number(struct walk *w, struct ratio value, bool in_words)
{
    char text[WORDS_BYTES];
    bool is_small = ratio_is_whole(value) && value.n >= 0 && value.n <= 20;
    if (in_words || (is_small && walk_draw(w, 4) < (uint64_t)w->word_share))
        in_words = ratio_is_whole(value) && words_number(value.n, text);
    if (!in_words && !words_digits(value, w->separators, text)) {
        w->rejected = true;
        return;
    }
    walk_print_text(w, text);
}

static void print_times(struct walk *w, struct ratio value, bool with_as)
{
    if (ratio_equal(value, ratio_int(2)) && walk_draw(w, 3)) {
        walk_print_text(w, "twice");
    } else if (ratio_equal(value, ratio_of(1, 2))) {
        walk_print_text(w, "half");
    } else {
        print_number(w, value, walk_draw(w, 2) && ratio_is_whole(value) && value.n <= 12);
        walk_print_text(w, " times");
    }
    if (with_as)
        walk_print_text(w, " as");
}

/* One of n equal parts, "half", "a third", "1/5"; or n/d of them, "two thirds", "3/4". */
static void print_part(struct walk *w, struct ratio part)
{
    const char *word = words_part(part.d);
    char number[WORDS_BYTES];
    char text[2 * WORDS_BYTES];
    if (part.d < 2 || part.n < 1) {
        w->rejected = true;
        return;
    }
    if (!word || (part.d != 2 && walk_draw(w, 5) < 2)) {
        snprintf(text, sizeof text, "%lld/%lld", (long long)part.n, (long long)part.d);
    } else if (part.d == 2) {
        snprintf(text, sizeof text, "%s", walk_draw(w, 6) ? "half" : "one half");
    } else {
        if (!words_number(part.n, number))
            number[0] = '\0';
        if (part.d == 4 && walk_draw(w, 3) == 0)
            word = "fourth";
        snprintf(text, sizeof text, "%s%s%s%s", part.n == 1 && walk_draw(w, 3) ? "a" : number,
                 part.n > 1 && walk_draw(w, 2) ? "-" : " ", word, part.n > 1 ? "s" : "");
    }
    walk_print_text(w, text);
}

static void print_money(struct walk *w, struct ratio value, struct name form)
{
    char text[WORDS_BYTES];
    if (name_is(form, "cents")) {
        print_number(w, ratio_apply('*', value, ratio_int(100)), false);
        walk_print_text(w, " cents");
    } else if (name_is(form, "dollars") || (w->spells_dollars && ratio_is_whole(value))) {
        print_number(w, value, false);
        walk_print_text(w, ratio_equal(value, ratio_int(1)) ? " dollar" : " dollars");
    } else if (words_money(value, w->separators, text)) {
        walk_print_text(w, text);
    } else {
        w->rejected = true;
    }
}

/* "5 apples", "1 apple", "a dozen apples". */
static void print_count(struct walk *w, struct ratio value, const struct item *item)
{
    bool is_one = ratio_equal(value, ratio_int(1));
    if (ratio_equal(value, ratio_int(12)) && walk_draw(w, 8) == 0)
        walk_print_text(w, "a dozen");
    else
        print_number(w, value, false);
    walk_print_text(w, " ");
    walk_print_text(w, is_one || !item->many ? item->one : item->many);
}

void walk_show_number(struct walk *w, struct name name, struct name form)
{
    struct variable *v = walk_get(w, name);
    if (v->item)
        walk_wrong(w, "is no number", name);
    struct ratio value = v->number;
    char text[WORDS_BYTES];
    if (form.bytes == 0) {
        print_number(w, value, false);
    } else if (name_is(form, "year")) {
        if (words_digits(value, false, text))
            walk_print_text(w, text);
    } else if (name_is(form, "digits")) {
        if (words_digits(value, w->separators, text))
            walk_print_text(w, text);
        else
            w->rejected = true;
    } else if (name_is(form, "word")) {
        print_number(w, value, ratio_is_whole(value) && value.n <= 100);
    } else if (name_is(form, "money") || name_is(form, "cents") || name_is(form, "dollars")) {
        print_money(w, value, form);
    } else if (name_is(form, "pct")) {
        words_digits(value, false, text);
        walk_print_text(w, text);
        walk_print_text(w, w->spells_percent ? " percent" : "%");
    } else if (name_is(form, "times") || name_is(form, "timesas")) {
        print_times(w, value, name_is(form, "timesas"));
    } else if (name_is(form, "nth")) {
        words_ordinal(value.n, walk_draw(w, 3) != 0, text);
        walk_print_text(w, text);
    } else if (name_is(form, "part")) {
        print_part(w, ratio_apply('/', ratio_int(1), value));
    } else if (name_is(form, "parts")) {
        print_part(w, value);
    } else {
        struct variable *noun = walk_get(w, form);
        if (!noun->item)
            walk_wrong(w, "is no thing", form);
        print_count(w, value, noun->item);
    }
}
