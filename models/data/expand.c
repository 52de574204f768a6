/* SPDX-License-Identifier: Apache-2.0
 * expand.c - see expand.h, and grammar.h for the notation. One walk over a text prints, draws and computes;
 * whatever goes wrong with the numbers sets `rejected`, and the walk ends early. */
#include "models/data/expand.h"

#include <ctype.h>
#include <string.h>

#include "base/rng.h"
#include "models/data/words.h"

enum { MAX_VARIABLES = 64, MAX_ALIASES = 8, MAX_DEPTH = 24, MAX_TRIES = 400 };

struct name {
    const char *text;
    size_t bytes;
};

struct variable {
    char name[16];
    const struct item *item; /* NULL: a number */
    struct ratio number;
    bool is_known;  /* a person without a name who was mentioned */
    bool is_female; /* a person */
};

/* The names of a rule's variables outside of it. */
struct frame {
    const struct frame *outer;
    int n;
    struct name inside[MAX_ALIASES], outside[MAX_ALIASES];
};

struct walk {
    const struct grammar *g;
    uint64_t seed, number, position; /* of the random numbers */
    const struct line *line;         /* for messages */
    const struct frame *frame;
    struct problem *problem;
    size_t bytes; /* of problem->question */
    int n_variables;
    struct variable variable[MAX_VARIABLES];
    int word_share; /* of 4 small numbers, how many are written as words */
    bool separators, spells_percent, spells_dollars;
    unsigned char tag[26]; /* choices made under a tag: 1 + a random number; 0: not yet */
    bool rejected;
    int depth;
};

static uint64_t draw(struct walk *w, uint64_t n)
{
    return n < 2 ? 0 : pd_rng_u64(w->seed, w->number, w->position++) % n;
}

/* A mistake of the grammar. */
static _Noreturn void wrong(const struct walk *w, const char *what, struct name name)
{
    die(EXIT_FILE, "%s:%d: %s: %.*s", w->line->file, w->line->number, what, (int)name.bytes,
        name.text);
}

static bool same(struct name a, struct name b)
{
    return a.bytes == b.bytes && memcmp(a.text, b.text, a.bytes) == 0;
}

static struct variable *find_variable(struct walk *w, struct name name)
{
    for (const struct frame *f = w->frame; f; f = f->outer)
        for (int i = 0; i < f->n; i++)
            if (same(f->inside[i], name)) {
                name = f->outside[i];
                break;
            }
    for (int i = 0; i < w->n_variables; i++)
        if (same((struct name){w->variable[i].name, strlen(w->variable[i].name)}, name))
            return &w->variable[i];
    struct variable *v = &w->variable[w->n_variables];
    if (w->n_variables == MAX_VARIABLES || name.bytes >= sizeof v->name)
        wrong(w, "too many variables, or too long a name", name);
    w->n_variables++;
    *v = (struct variable){.item = NULL};
    memcpy(v->name, name.text, name.bytes);
    return v;
}

static bool is_set(const struct variable *v)
{
    return v->item || ratio_has_value(v->number);
}

static struct variable *get_variable(struct walk *w, struct name name)
{
    struct variable *v = find_variable(w, name);
    if (!is_set(v))
        wrong(w, "no such variable", name);
    return v;
}

static struct name read_name(const char **at)
{
    struct name name = {*at, 0};
    while (isalnum((unsigned char)**at) || **at == '_')
        (*at)++;
    name.bytes = (size_t)(*at - name.text);
    return name;
}

/* The form behind a variable, ".he": only where a letter or digit follows the point. */
static struct name read_form(const char **at)
{
    if (**at != '.' || !isalnum((unsigned char)(*at)[1]))
        return (struct name){"", 0};
    ++*at;
    return read_name(at);
}

static void print(struct walk *w, const char *text, size_t bytes)
{
    if (w->bytes + bytes + 1 >= PROBLEM_BYTES) {
        w->rejected = true;
        return;
    }
    memcpy(w->problem->question + w->bytes, text, bytes);
    w->bytes += bytes;
    w->problem->question[w->bytes] = '\0';
}

static void print_text(struct walk *w, const char *text)
{
    print(w, text, strlen(text));
}

/* Expressions. With steps, every operation is one; without, none. */
struct expression {
    struct walk *w;
    const char *at;
    struct steps *steps;
};

static struct ratio read_sum(struct expression *e);

static struct ratio operate(struct expression *e, char op, struct ratio a, struct ratio b)
{
    struct ratio result = ratio_apply(op, a, b);
    if (!e->steps)
        return result;
    if (!steps_add(e->steps, op, a, b) || result.n <= 0)
        e->w->rejected = true;
    return result;
}

static struct ratio read_factor(struct expression *e)
{
    if (*e->at == '(') {
        e->at++;
        struct ratio value = read_sum(e);
        if (*e->at++ != ')')
            wrong(e->w, "no )", (struct name){e->at - 1, 1});
        return value;
    }
    if (isdigit((unsigned char)*e->at)) {
        /* "2..9" is a range, not "2." */
        return ratio_parse(e->at, &e->at);
    }
    struct name name = read_name(&e->at);
    if (name.bytes == 0)
        wrong(e->w, "a number or variable is missing", (struct name){e->at, strlen(e->at)});
    struct variable *v = get_variable(e->w, name);
    if (v->item)
        wrong(e->w, "is no number", name);
    return v->number;
}

static struct ratio read_term(struct expression *e)
{
    struct ratio value = read_factor(e);
    while (*e->at != '\0' && strchr("*/%", *e->at)) {
        char op = *e->at++;
        value = operate(e, op, value, read_factor(e));
    }
    return value;
}

static struct ratio read_sum(struct expression *e)
{
    struct ratio value = read_term(e);
    while (*e->at == '+' || *e->at == '-') {
        char op = *e->at++;
        value = operate(e, op, value, read_term(e));
    }
    return value;
}

static struct ratio whole_down(struct ratio value)
{
    return ratio_has_value(value) ? ratio_int(value.n / value.d) : value;
}

/* Whole numbers within low..high: half of the time from the low part of the range, and some round ones. */
static struct ratio draw_number(struct walk *w, struct ratio low, struct ratio high)
{
    low = whole_down(ratio_apply('+', low, ratio_of(low.d > 1 ? 1 : 0, 1)));
    high = whole_down(high);
    if (!ratio_has_value(low) || !ratio_has_value(high) || low.n > high.n) {
        w->rejected = true;
        return ratio_int(1);
    }
    uint64_t span = (uint64_t)(high.n - low.n);
    if (span >= 8 && draw(w, 2))
        span >>= draw(w, span >= 400 ? 5 : 3);
    int64_t value = low.n + (int64_t)draw(w, span + 1);
    if (span >= 40 && draw(w, 4) == 0) {
        int64_t unit = value >= 1000 && draw(w, 2) ? 100 : draw(w, 2) ? 10 : 5;
        if (value / unit * unit >= low.n)
            value = value / unit * unit;
    }
    return ratio_int(value);
}

static void draw_item(struct walk *w, struct variable *v, struct name list_name)
{
    const struct list *list = grammar_list(w->g, list_name.text, list_name.bytes);
    if (!list || list->n == 0)
        wrong(w, "no such list", list_name);
    v->item = NULL;
    v->number = (struct ratio){0, 0};
    v->is_known = v->is_female = false;
    const struct item *item = &list->item[draw(w, (uint64_t)list->n)];
    for (int i = 0; i < w->n_variables; i++)
        if (w->variable[i].item && strcmp(w->variable[i].item->one, item->one) == 0)
            w->rejected = true; /* drawn already */
    v->item = item;
    if (list->is_plain && item->many)
        v->is_female = item->many[0] == 'f' || (item->many[0] == 'r' && draw(w, 2));
}

static void check_condition(struct walk *w, const char *text)
{
    struct expression e = {w, text, NULL};
    struct ratio left = read_sum(&e);
    const char *sign = e.at;
    e.at += strspn(e.at, "<>=!");
    struct ratio right = read_sum(&e);
    if (!ratio_has_value(left) || !ratio_has_value(right)) {
        w->rejected = true;
        return;
    }
    int order = ratio_compare(left, right);
    bool holds = sign[1] == '='   ? (sign[0] == '<'   ? order <= 0
                                     : sign[0] == '>' ? order >= 0
                                                      : (order == 0) == (sign[0] == '='))
                 : sign[0] == '<' ? order < 0
                                  : order > 0;
    if (!holds)
        w->rejected = true;
}

/* One command, NUL-terminated, without spaces. */
static void run_command(struct walk *w, const char *text)
{
    if (text[0] == '?') {
        check_condition(w, text + 1);
        return;
    }
    const char *at = text;
    struct name name = read_name(&at);
    struct variable *v = find_variable(w, name);
    if (*at == '@') {
        at++;
        draw_item(w, v, read_name(&at));
        return;
    }
    bool is_step = at[0] == ':' && at[1] == '=';
    if (name.bytes == 0 || (*at != '=' && !is_step))
        wrong(w, "is no command", (struct name){text, strlen(text)});
    struct expression e = {w, at + (is_step ? 2 : 1), is_step ? &w->problem->steps : NULL};
    struct ratio value = read_sum(&e);
    if (strncmp(e.at, "..", 2) == 0) {
        e.at += 2;
        value = draw_number(w, value, read_sum(&e));
        if (*e.at == ':') {
            e.at++;
            value = ratio_apply('*', value, read_factor(&e));
        }
    }
    if (*e.at != '\0')
        wrong(w, "is no command", (struct name){text, strlen(text)});
    if (!ratio_has_value(value)) {
        w->rejected = true;
        value = ratio_int(1);
    }
    v = find_variable(w, name);
    v->item = NULL;
    v->number = value;
}

static const char *run_commands(struct walk *w, const char *at)
{
    char command[128];
    size_t n = 0;
    for (;; at++) {
        if (*at == '\0')
            wrong(w, "no ]", (struct name){command, n});
        if (*at == ',' || *at == ']') {
            command[n] = '\0';
            if (n > 0 && !w->rejected)
                run_command(w, command);
            n = 0;
            if (*at == ']')
                return at + 1;
        } else if (*at != ' ') {
            command[n++] = *at;
            if (n == sizeof command)
                wrong(w, "command too long", (struct name){command, n - 1});
        }
    }
}

static bool form_is(struct name form, const char *text)
{
    return strlen(text) == form.bytes && memcmp(text, form.text, form.bytes) == 0;
}

static const struct {
    const char *form, *male, *female;
} pronouns[] = {{"he", "he", "she"},
                {"him", "him", "her"},
                {"his", "his", "her"},
                {"himself", "himself", "herself"}};

static void print_person(struct walk *w, struct variable *v, struct name form)
{
    for (size_t i = 0; i < sizeof pronouns / sizeof pronouns[0]; i++)
        if (form_is(form, pronouns[i].form)) {
            print_text(w, v->is_female ? pronouns[i].female : pronouns[i].male);
            return;
        }
    const char *text = v->item->one;
    if (v->item->many[0] == 'r' && v->is_known) {
        print_text(w, "the ");
        text += strncmp(text, "an ", 3) == 0 ? 3 : strncmp(text, "a ", 2) == 0 ? 2 : 0;
    }
    v->is_known = true;
    print_text(w, text);
    if (form_is(form, "s"))
        print_text(w, "'s");
    else if (form.bytes > 0)
        wrong(w, "people have no such form", form);
}

static void print_item(struct walk *w, const char *at_name, struct name name, struct name form)
{
    struct variable *v = get_variable(w, name);
    if (!v->item)
        wrong(w, "is a number", (struct name){at_name, name.bytes});
    if (v->item->many && strchr("fmr", v->item->many[0]) && v->item->many[1] == '\0') {
        print_person(w, v, form);
    } else if (form.bytes == 0) {
        print_text(w, v->item->many ? v->item->many : v->item->one);
    } else if (form_is(form, "1")) {
        print_text(w, v->item->one);
    } else if (form_is(form, "3") && v->item->third) {
        print_text(w, v->item->third);
    } else if (form_is(form, "a")) {
        print_text(w, words_wants_an(v->item->one) ? "an " : "a ");
        print_text(w, v->item->one);
    } else {
        wrong(w, "things have no such form", form);
    }
}

/* Digits, or a word where the problem writes some numbers as words. */
static void print_number(struct walk *w, struct ratio value, bool in_words)
{
    char text[WORDS_BYTES];
    bool is_small = ratio_is_whole(value) && value.n >= 0 && value.n <= 20;
    if (in_words || (is_small && draw(w, 4) < (uint64_t)w->word_share))
        in_words = ratio_is_whole(value) && words_number(value.n, text);
    if (!in_words && !words_digits(value, w->separators, text)) {
        w->rejected = true;
        return;
    }
    print_text(w, text);
}

static void print_times(struct walk *w, struct ratio value, bool with_as)
{
    if (ratio_equal(value, ratio_int(2)) && draw(w, 3)) {
        print_text(w, "twice");
    } else if (ratio_equal(value, ratio_of(1, 2))) {
        print_text(w, "half");
    } else {
        print_number(w, value, draw(w, 2) && ratio_is_whole(value) && value.n <= 12);
        print_text(w, " times");
    }
    if (with_as)
        print_text(w, " as");
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
    if (!word || (part.d != 2 && draw(w, 5) < 2)) {
        snprintf(text, sizeof text, "%lld/%lld", (long long)part.n, (long long)part.d);
    } else if (part.d == 2) {
        snprintf(text, sizeof text, "%s", draw(w, 6) ? "half" : "one half");
    } else {
        if (!words_number(part.n, number))
            number[0] = '\0';
        if (part.d == 4 && draw(w, 3) == 0)
            word = "fourth";
        snprintf(text, sizeof text, "%s%s%s%s", part.n == 1 && draw(w, 3) ? "a" : number,
                 part.n > 1 && draw(w, 2) ? "-" : " ", word, part.n > 1 ? "s" : "");
    }
    print_text(w, text);
}

static void print_money(struct walk *w, struct ratio value, struct name form)
{
    char text[WORDS_BYTES];
    if (form_is(form, "cents")) {
        print_number(w, ratio_apply('*', value, ratio_int(100)), false);
        print_text(w, " cents");
    } else if (form_is(form, "dollars") || (w->spells_dollars && ratio_is_whole(value))) {
        print_number(w, value, false);
        print_text(w, ratio_equal(value, ratio_int(1)) ? " dollar" : " dollars");
    } else if (words_money(value, w->separators, text)) {
        print_text(w, text);
    } else {
        w->rejected = true;
    }
}

/* "5 apples", "1 apple", "a dozen apples". */
static void print_count(struct walk *w, struct ratio value, const struct item *item)
{
    bool is_one = ratio_equal(value, ratio_int(1));
    if (ratio_equal(value, ratio_int(12)) && draw(w, 8) == 0)
        print_text(w, "a dozen");
    else
        print_number(w, value, false);
    print_text(w, " ");
    print_text(w, is_one || !item->many ? item->one : item->many);
}

static void print_value(struct walk *w, struct name name, struct name form)
{
    struct variable *v = get_variable(w, name);
    if (v->item)
        wrong(w, "is no number", name);
    struct ratio value = v->number;
    char text[WORDS_BYTES];
    if (form.bytes == 0) {
        print_number(w, value, false);
    } else if (form_is(form, "digits")) {
        if (words_digits(value, w->separators, text))
            print_text(w, text);
        else
            w->rejected = true;
    } else if (form_is(form, "word")) {
        print_number(w, value, ratio_is_whole(value) && value.n <= 100);
    } else if (form_is(form, "money") || form_is(form, "cents") || form_is(form, "dollars")) {
        print_money(w, value, form);
    } else if (form_is(form, "pct")) {
        words_digits(value, false, text);
        print_text(w, text);
        print_text(w, w->spells_percent ? " percent" : "%");
    } else if (form_is(form, "times") || form_is(form, "timesas")) {
        print_times(w, value, form_is(form, "timesas"));
    } else if (form_is(form, "nth")) {
        words_ordinal(value.n, draw(w, 3) != 0, text);
        print_text(w, text);
    } else if (form_is(form, "part")) {
        print_part(w, ratio_apply('/', ratio_int(1), value));
    } else if (form_is(form, "parts")) {
        print_part(w, value);
    } else {
        struct variable *noun = get_variable(w, form);
        if (!noun->item)
            wrong(w, "is no thing", form);
        print_count(w, value, noun->item);
    }
}

static const char *walk_text(struct walk *w, const char *at, const char *stops);

/* Behind the bracket that closes a choice; finds the alternatives first, so that one is walked only. */
static const char *walk_choice(struct walk *w, const char *at)
{
    const char *begin[64];
    int n = 1;
    int depth = 0;
    unsigned char *tag = NULL;
    if (at[0] == '%' && islower((unsigned char)at[1]) && at[2] == ':') {
        tag = &w->tag[at[1] - 'a'];
        if (*tag == 0)
            *tag = (unsigned char)(1 + draw(w, 240));
        at += 3;
    }
    begin[0] = at;
    for (;; at++) {
        if (*at == '\0')
            wrong(w, "no }", (struct name){begin[0], strlen(begin[0])});
        depth += *at == '{';
        if (*at == '|' && depth == 0) {
            if (n == 64)
                wrong(w, "too many alternatives", (struct name){begin[0], 20});
            begin[n++] = at + 1;
        }
        if (*at == '}' && depth-- == 0)
            break;
    }
    walk_text(w, begin[tag ? (*tag - 1) % n : (int)draw(w, (uint64_t)n)], "|}");
    return at + 1;
}

static void walk_line(struct walk *w, const struct lines *lines)
{
    const struct line *before = w->line;
    w->line = &lines->line[draw(w, (uint64_t)lines->n)];
    walk_text(w, w->line->text, "");
    w->line = before;
}

/* "@name" or "@name(A=B,b=c)". */
static const char *walk_rule(struct walk *w, const char *at)
{
    struct name name = read_name(&at);
    const struct rule *rule = grammar_rule(w->g, name.text, name.bytes);
    if (!rule || rule->lines.n == 0)
        wrong(w, "no such rule", name);
    struct frame frame = {.outer = w->frame};
    if (*at == '(') {
        do {
            at++;
            if (frame.n == MAX_ALIASES)
                wrong(w, "too many names", name);
            frame.inside[frame.n] = read_name(&at);
            if (*at++ != '=')
                wrong(w, "no =", name);
            frame.outside[frame.n++] = read_name(&at);
        } while (*at == ',');
        if (*at++ != ')')
            wrong(w, "no )", name);
    }
    if (++w->depth > MAX_DEPTH) {
        w->rejected = true;
    } else {
        w->frame = &frame;
        walk_line(w, &rule->lines);
        w->frame = frame.outer;
    }
    w->depth--;
    return at;
}

static const char *walk_text(struct walk *w, const char *at, const char *stops)
{
    while (*at != '\0' && !strchr(stops, *at)) {
        if (w->rejected)
            return at;
        const char *begin = at++;
        if (*begin == '{') {
            at = walk_choice(w, at);
        } else if (*begin == '[') {
            at = run_commands(w, at);
        } else if (*begin == '@' && isalpha((unsigned char)*at)) {
            at = walk_rule(w, at);
        } else if ((*begin == '$' || *begin == '#') && isalpha((unsigned char)*at)) {
            struct name name = read_name(&at);
            struct name form = read_form(&at);
            if (*begin == '$')
                print_item(w, begin, name, form);
            else
                print_value(w, name, form);
        } else {
            print(w, begin, 1);
        }
    }
    return at;
}

/* Spaces as they should be, "a~" resolved, sentences begin with a capital or, for small numbers, a word. */
static bool polish(char *text)
{
    char raw[PROBLEM_BYTES];
    memcpy(raw, text, strlen(text) + 1);
    normalise_space(raw);
    size_t to = 0;
    bool begins = true;
    for (const char *at = raw; *at != '\0'; at++) {
        if (to + WORDS_BYTES >= PROBLEM_BYTES)
            return false;
        if (*at == ' ' && strchr(".,?!;:", at[1]) && at[1] != '\0')
            continue;
        if (*at == '~') {
            to -= text[to - 1] == ' ';
            const char *next = at + 1 + (at[1] == ' ');
            memcpy(text + to, words_wants_an(next) ? "n " : " ", 3);
            to += words_wants_an(next) ? 2 : 1;
            at = next - 1;
            continue;
        }
        size_t digits = begins ? strspn(at, "0123456789") : 0;
        if (digits > 0 && digits <= 2 && (at[digits] == ' ' || at[digits] == '-') && at[0] != '0') {
            char word[WORDS_BYTES];
            words_number(digits == 1 ? at[0] - '0' : 10 * (at[0] - '0') + at[1] - '0', word);
            word[0] = (char)toupper((unsigned char)word[0]);
            memcpy(text + to, word, strlen(word));
            to += strlen(word);
            at += digits - 1;
            begins = false;
            continue;
        }
        text[to++] = begins ? (char)toupper((unsigned char)*at) : *at;
        if (!strchr(" \"'(", *at))
            begins = false;
        if (strchr(".?!", *at) && at[1] == ' ' &&
            !(to >= 3 && strncmp(text + to - 3, "Mr.", 3) == 0) &&
            !(to >= 4 && strncmp(text + to - 4, "Mrs.", 4) == 0) &&
            !(to >= 3 && strncmp(text + to - 3, "Ms.", 3) == 0) &&
            !(to >= 4 && strncmp(text + to - 3, ".m.", 3) == 0 && islower((unsigned char)at[2])))
            begins = true;
    }
    text[to] = '\0';
    return true;
}

static bool try_family(struct walk *w, const struct family *family)
{
    w->bytes = 0;
    w->n_variables = 0;
    w->rejected = false;
    w->frame = NULL;
    w->depth = 0;
    memset(w->tag, 0, sizeof w->tag);
    w->problem->steps.n = 0;
    w->problem->question[0] = '\0';
    w->word_share = (int[]){0, 0, 0, 1, 2, 4}[draw(w, 6)];
    w->separators = draw(w, 2) == 0;
    w->spells_percent = draw(w, 4) == 0;
    w->spells_dollars = draw(w, 5) == 0;
    const struct lines *parts[] = {&family->before, &family->text, &family->behind};
    for (size_t i = 0; i < 3 && !w->rejected; i++)
        if (parts[i]->n > 0)
            walk_line(w, parts[i]);
    return !w->rejected && polish(w->problem->question);
}

/* Whether the kind begins with one of the comma-separated texts. */
static bool is_wanted(const char *kind, const char *kinds)
{
    for (const char *at = kinds; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t n = strcspn(at, ",");
        if (n > 0 && strncmp(kind, at, n) == 0)
            return true;
    }
    return !kinds;
}

bool expand_problem(const struct grammar *g, uint64_t seed, uint64_t number, const char *kinds,
                    int min_steps, int max_steps, struct problem *problem_ret)
{
    struct line nowhere = {"", "grammar", 0};
    struct walk w = {
        .g = g, .seed = seed, .number = number, .line = &nowhere, .problem = problem_ret};
    int total = 0;
    for (int i = 0; i < g->n_families; i++)
        total += is_wanted(g->family[i].kind, kinds) ? g->family[i].weight : 0;
    if (total == 0)
        die(EXIT_USAGE, "there is no kind of problem like \"%s\"", kinds ? kinds : "");
    int at = (int)draw(&w, (uint64_t)total);
    const struct family *family = g->family;
    for (;; family++) {
        int weight = is_wanted(family->kind, kinds) ? family->weight : 0;
        if (at < weight)
            break;
        at -= weight;
    }
    problem_ret->family = family;
    for (int i = 0; i < MAX_TRIES; i++)
        if (try_family(&w, family) && problem_ret->steps.n >= min_steps &&
            problem_ret->steps.n <= max_steps)
            return true;
    return false;
}
