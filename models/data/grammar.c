/* SPDX-License-Identifier: Apache-2.0
 * grammar.c - see grammar.h. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64 /* folders with large inode numbers, on 32-bit machines */
#include "models/data/grammar.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "models/data/words.h"

/* Room for one more element. */
#define PUSH(array, n, capacity)                                                                   \
    ((n) == (capacity) ? (void)((array) = grow((array), (size_t)((capacity) = 2 * (capacity) + 8), \
                                               sizeof *(array)))                                   \
                       : (void)0)

const struct list *grammar_list(const struct grammar *g, const char *name, size_t bytes)
{
    for (int i = 0; i < g->n_lists; i++)
        if (strlen(g->list[i].name) == bytes && memcmp(g->list[i].name, name, bytes) == 0)
            return &g->list[i];
    return NULL;
}

const struct rule *grammar_rule(const struct grammar *g, const char *name, size_t bytes)
{
    for (int i = 0; i < g->n_rules; i++)
        if (strlen(g->rule[i].name) == bytes && memcmp(g->rule[i].name, name, bytes) == 0)
            return &g->rule[i];
    return NULL;
}

static void add_line(struct lines *lines, struct line line)
{
    PUSH(lines->line, lines->n, lines->capacity);
    lines->line[lines->n++] = line;
}

static void add_item(struct list *list, struct item item)
{
    PUSH(list->item, list->n, list->capacity);
    list->item[list->n++] = item;
}

static void read_item(const struct grammar *g, struct list *list, const struct line *line)
{
    if (line->text[0] == '+') {
        const struct list *other = grammar_list(g, line->text + 1, strlen(line->text + 1));
        if (!other || other->is_plain != list->is_plain || other == list)
            die(EXIT_FILE, "%s:%d: no list %s of this sort above", line->file, line->number,
                line->text + 1);
        for (int i = 0; i < other->n; i++) {
            add_item(list, other->item[i]);
            list->item[list->n - 1].is_taken_in = true;
        }
        return;
    }
    const char *bar = strchr(line->text, '|');
    struct item item = {.many = NULL};
    item.one = copy_text(line->text, bar ? (size_t)(bar - line->text) : strlen(line->text));
    if (bar) {
        size_t bytes = strcspn(bar + 1, "|");
        item.many = copy_text(bar + 1, bytes);
        if (bar[1 + bytes] == '|')
            item.third = copy_text(bar + 2 + bytes, strlen(bar + 2 + bytes));
    } else if (!list->is_plain) {
        char plural[128];
        words_plural(item.one, plural, sizeof plural);
        item.many = copy_text(plural, strlen(plural));
    }
    add_item(list, item);
}

/* "list NAME", "rule NAME", "family KIND [WEIGHT]". What follows goes into the newest of its sort. */
static bool read_header(struct grammar *g, char *text, char *sort)
{
    static const char *const sorts[] = {"list ", "rule ", "family "};
    size_t i = 0;
    while (i < 3 && strncmp(text, sorts[i], strlen(sorts[i])) != 0)
        i++;
    if (i == 3)
        return false;
    *sort = sorts[i][0];
    char *name = text + strlen(sorts[i]);
    size_t bytes = strcspn(name, " !");
    char *own = copy_text(name, bytes);
    if (*sort == 'l') {
        g->list = grow(g->list, (size_t)g->n_lists + 1, sizeof *g->list);
        g->list[g->n_lists++] = (struct list){.name = own, .is_plain = name[bytes] == '!'};
    } else if (*sort == 'r') {
        g->rule = grow(g->rule, (size_t)g->n_rules + 1, sizeof *g->rule);
        g->rule[g->n_rules++] = (struct rule){.name = own};
    } else {
        g->family = grow(g->family, (size_t)g->n_families + 1, sizeof *g->family);
        int weight = name[bytes] == ' ' ? atoi(name + bytes) : 1;
        g->family[g->n_families++] = (struct family){.kind = own, .weight = weight};
        g->total_weight += weight;
    }
    return true;
}

static void read_line(struct grammar *g, char sort, const struct line *line)
{
    if (sort == 'l') {
        read_item(g, &g->list[g->n_lists - 1], line);
    } else if (sort == 'r') {
        add_line(&g->rule[g->n_rules - 1].lines, *line);
    } else if (sort == 'f') {
        struct family *f = &g->family[g->n_families - 1];
        char mark = line->text[0];
        struct line rest = *line;
        rest.text += (mark == '=' || mark == '>');
        add_line(mark == '=' ? &f->before : mark == '>' ? &f->behind : &f->text, rest);
    } else {
        die(EXIT_FILE, "%s:%d: belongs to no list, rule or family", line->file, line->number);
    }
}

static void read_text(struct grammar *g, const char *path)
{
    size_t bytes;
    char *text = read_file(path, &bytes);
    char *file = copy_text(path, strlen(path));
    g->text = grow(g->text, (size_t)g->n_texts + 2, sizeof *g->text);
    g->text[g->n_texts++] = text;
    g->text[g->n_texts++] = file;
    char sort = 0;
    int number = 0;
    for (char *at = text; *at != '\0';) {
        char *end = at + strcspn(at, "\n");
        char *next = *end ? end + 1 : end;
        int first = ++number;
        for (char *to = end; strncmp(next, "  ", 2) == 0; number++) {
            char *from = next + strspn(next, " ");
            size_t n = strcspn(from, "\n");
            next = from[n] ? from + n + 1 : from + n;
            *to++ = ' ';
            memmove(to, from, n);
            to += n;
            end = to;
        }
        *end = '\0';
        struct line line = {at, file, first};
        at = next;
        if (line.text[0] == ';' || line.text[0] == '\0' || read_header(g, (char *)line.text, &sort))
            continue;
        read_line(g, sort, &line);
    }
}

static int is_text_file(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 4 && strcmp(entry->d_name + n - 4, ".txt") == 0;
}

/* By bytes: alphasort() asks the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

void grammar_read(struct grammar *g, const char *folder)
{
    *g = (struct grammar){.n_lists = 0};
    struct dirent **entry;
    int n = scandir(folder, &entry, is_text_file, by_name);
    if (n < 0)
        die(EXIT_FILE, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        char path[4096];
        if (snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name) < (int)sizeof path)
            read_text(g, path);
        free(entry[i]);
    }
    free(entry);
    if (g->n_families == 0)
        die(EXIT_FILE, "%s: no families there", folder);
    for (int i = 0; i < g->n_families; i++)
        if (g->family[i].text.n == 0)
            die(EXIT_FILE, "%s: family %s has no text", folder, g->family[i].kind);
}

void grammar_free(struct grammar *g)
{
    for (int i = 0; i < g->n_lists; i++) {
        struct list *list = &g->list[i];
        for (int k = 0; k < list->n; k++)
            if (!list->item[k].is_taken_in) {
                free(list->item[k].one);
                free(list->item[k].many);
                free(list->item[k].third);
            }
        free(list->item);
        free(list->name);
    }
    for (int i = 0; i < g->n_rules; i++) {
        free(g->rule[i].lines.line);
        free(g->rule[i].name);
    }
    for (int i = 0; i < g->n_families; i++) {
        free(g->family[i].before.line);
        free(g->family[i].text.line);
        free(g->family[i].behind.line);
        free(g->family[i].kind);
    }
    for (int i = 0; i < g->n_texts; i++)
        free(g->text[i]);
    free(g->list);
    free(g->rule);
    free(g->family);
    free(g->text);
    *g = (struct grammar){.n_lists = 0};
}
