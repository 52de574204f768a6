/* SPDX-License-Identifier: Apache-2.0
 * expand.c - see expand.h, and grammar.h for the notation. One walk over a text prints, draws and computes. */
#include "models/data/expand.h"

#include <ctype.h>
#include <string.h>

#include "models/data/walk.h"
#include "models/data/words.h"

enum { MAX_DEPTH = 24, MAX_TRIES = 400, ASIDES = 20 };

/* The form behind a variable, ".he": only where a letter or digit follows the point. */
static struct name read_form(const char **at)
{
    if (**at != '.' || !isalnum((unsigned char)(*at)[1]))
        return (struct name){"", 0};
    ++*at;
    return name_read(at);
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
            *tag = (unsigned char)(1 + walk_draw(w, 240));
        at += 3;
    }
    begin[0] = at;
    for (;; at++) {
        if (*at == '\0')
            walk_wrong(w, "no }", (struct name){begin[0], strlen(begin[0])});
        depth += *at == '{';
        if (*at == '|' && depth == 0) {
            if (n == 64)
                walk_wrong(w, "too many alternatives", (struct name){begin[0], 20});
            begin[n++] = at + 1;
        }
        if (*at == '}' && depth-- == 0)
            break;
    }
    walk_text(w, begin[tag ? (*tag - 1) % n : (int)walk_draw(w, (uint64_t)n)], "|}");
    return at + 1;
}

static void walk_line(struct walk *w, const struct lines *lines)
{
    const struct line *before = w->line;
    w->line = &lines->line[walk_draw(w, (uint64_t)lines->n)];
    walk_text(w, w->line->text, "");
    w->line = before;
}

/* "@name" or "@name(A=B,b=c)". */
static const char *walk_rule(struct walk *w, const char *at)
{
    struct name name = name_read(&at);
    const struct rule *rule = grammar_rule(w->g, name.text, name.bytes);
    if (!rule || rule->lines.n == 0)
        walk_wrong(w, "no such rule", name);
    struct frame frame = {.outer = w->frame};
    if (*at == '(') {
        do {
            at++;
            if (frame.n == MAX_ALIASES)
                walk_wrong(w, "too many names", name);
            frame.inside[frame.n] = name_read(&at);
            if (*at++ != '=')
                walk_wrong(w, "no =", name);
            frame.outside[frame.n++] = name_read(&at);
        } while (*at == ',');
        if (*at++ != ')')
            walk_wrong(w, "no )", name);
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
            at = walk_commands(w, at);
        } else if (*begin == '@' && isalpha((unsigned char)*at)) {
            at = walk_rule(w, at);
        } else if ((*begin == '$' || *begin == '#') && isalpha((unsigned char)*at)) {
            struct name name = name_read(&at);
            struct name form = read_form(&at);
            if (*begin == '$')
                walk_show(w, name, form);
            else
                walk_show_number(w, name, form);
        } else {
            walk_print(w, begin, 1);
        }
    }
    return at;
}

/* Spaces as they should be, "a~" resolved, sentences begin with a capital or, for small numbers, a word. */
static bool polish(char *text, bool is_spaced)
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
            to -= to > 0 && text[to - 1] == ' ';
            const char *next = at + 1 + (at[1] == ' ');
            if (words_wants_an(next))
                text[to++] = 'n';
            text[to++] = ' ';
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
        if (is_spaced && to > 0 && text[to - 1] != ' ' &&
            (*at == '%' || strncmp(at, "'s ", 3) == 0))
            text[to++] = ' ';
        text[to++] = begins ? (char)toupper((unsigned char)*at) : *at;
        if (is_spaced && *at == '$')
            text[to++] = ' ';
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

/* Leaves the steps that the answer needs, directly or through others. False if there is none. */
static bool keep_needed_steps(struct walk *w)
{
    struct steps *steps = &w->problem->steps;
    if (w->answer < 0)
        return false;
    bool is_needed[MAX_STEPS] = {false};
    is_needed[w->answer] = true;
    for (int i = w->answer; i >= 0; i--) {
        if (is_needed[i] && w->made_left[i] >= 0)
            is_needed[w->made_left[i]] = true;
        if (is_needed[i] && w->made_right[i] >= 0)
            is_needed[w->made_right[i]] = true;
    }
    int n = 0;
    for (int i = 0; i <= w->answer; i++)
        if (is_needed[i])
            steps->step[n++] = steps->step[i];
    steps->n = n;
    return true;
}

/* Walked last, so that its people and things are none of the problem's, and its numbers are no variables of it. */
static void put_aside(struct walk *w, const struct rule *aside)
{
    char problem[PROBLEM_BYTES];
    memcpy(problem, w->problem->question, w->bytes + 1);
    int answer = w->answer;
    w->bytes = 0;
    walk_line(w, &aside->lines);
    walk_print(w, " ", 1);
    walk_print_text(w, problem);
    w->answer = answer;
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
    w->answer = -1;
    w->problem->question[0] = '\0';
    w->word_share = (int[]){0, 0, 0, 1, 2, 4}[walk_draw(w, 6)];
    w->separators = walk_draw(w, 2) == 0;
    w->spells_percent = walk_draw(w, 4) == 0;
    w->spells_dollars = walk_draw(w, 5) == 0;
    w->is_spaced = walk_draw(w, 25) == 0;
    /* The rule `aside`, if there is one, tells something else before one problem in ASIDES. */
    const struct rule *aside = grammar_rule(w->g, "aside", strlen("aside"));
    bool has_aside = aside && walk_draw(w, ASIDES) == 0;
    const struct lines *parts[] = {&family->before, &family->text, &family->behind};
    for (size_t i = 0; i < 3 && !w->rejected; i++)
        if (parts[i]->n > 0)
            walk_line(w, parts[i]);
    if (has_aside && !w->rejected)
        put_aside(w, aside);
    return !w->rejected && keep_needed_steps(w) && polish(w->problem->question, w->is_spaced);
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
    int at = (int)walk_draw(&w, (uint64_t)total);
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
