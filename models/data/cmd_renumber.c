/* SPDX-License-Identifier: Apache-2.0
 * cmd_renumber.c - `ponder-problems renumber`: new problems from rows with steps. The numbers of the question that feed
 * the steps get other values of like size, the steps are computed again, people get other names. A row stays as it
 * is, and gives nothing, where the source of one operand is not certain. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "models/data/commands.h"
#include "models/data/grammar.h"
#include "models/data/text_set.h"
#include "models/data/trace.h"

enum { MAX_TRIES = 3000, MAX_NAMES = 12, QUESTION_BYTES = 8192 };

struct renumbering {
    const struct list *names;
    uint64_t seed, row, position;
    int copies;
    FILE *out;
    struct text_set seen;
    int n_rows, n_renumbered, n_untraced, n_stuck, n_written;
};

static uint64_t draw(struct renumbering *r, uint64_t n)
{
    return n < 2 ? 0 : pd_rng_u64(r->seed, r->row, r->position++) % n;
}

/* A multiple of unit within low..high; 0: there is none. */
static int64_t draw_multiple(struct renumbering *r, int64_t low, int64_t high, int64_t unit)
{
    int64_t first = (low + unit - 1) / unit;
    int64_t last = high / unit;
    return first > last ? 0 : unit * (first + (int64_t)draw(r, (uint64_t)(last - first + 1)));
}

/* The largest of the units, in falling order, that divides n. */
static int64_t unit_of(int64_t n)
{
    static const int64_t units[] = {10000, 1000, 500, 100, 50, 10, 5};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (n % units[i] == 0 && n >= 2 * units[i])
            return units[i];
    return 1;
}

/* Another number of like size and roundness. */
static struct ratio draw_like(struct renumbering *r, const struct mention *m)
{
    int64_t scale = m->value.d == 1 ? 1 : 100;
    struct ratio scaled = ratio_apply('*', m->value, ratio_int(scale));
    if (!ratio_is_whole(scaled))
        scaled = ratio_apply('*', m->value, ratio_int(scale = 1000000));
    int64_t n = scaled.n;
    if (scale == 1 && m->is_percent && n < 100)
        return ratio_int(draw_multiple(r, n % 5 ? 1 : 5, n % 5 ? 99 : 95,
                                       n % 10 == 0 && draw(r, 2) ? 10
                                       : n % 5                   ? 1
                                                                 : 5));
    int64_t low = n * 2 / 5;
    int64_t high = n * 5 / 2;
    if (scale == 1 && n <= 12) {
        low = 2;
        high = n <= 3 ? 6 : 15;
    }
    int64_t unit = unit_of(n);
    if (scale == 1 && unit >= 10 && draw(r, 2))
        unit /= unit == 10 || unit == 100 ? 2 : 10;
    if (scale == 100 && n % 25 == 0 && n > 50)
        unit = 25;
    else if (scale == 100 && n % 10 == 0)
        unit = 10;
    if (scale == 1 && m->most > 0 && high > m->most)
        high = n > m->most ? n : m->most;
    if (low < unit)
        low = unit;
    if (low < 2 && scale == 1)
        low = 2;
    int64_t multiple = draw_multiple(r, low, high, unit);
    return multiple == 0 || multiple == scale ? m->value
                                              : ratio_of(multiple, scale); /* "1 hours" */
}

/* The new result is the same sort of number as the old one. */
static bool is_alike(struct ratio old, struct ratio new)
{
    if (new.n <= 0 || old.n <= 0)
        return old.n == new.n;
    struct ratio one = ratio_int(1);
    int decimals = ratio_decimals(old);
    if (ratio_decimals(new) > (decimals == 0 ? 0 : decimals > 2 ? decimals : 2))
        return false;
    if ((ratio_compare(old, one) < 0) != (ratio_compare(new, one) < 0))
        return false;
    if (ratio_equal(old, one) != ratio_equal(new, one))
        return false;
    struct ratio size = ratio_apply('/', new, old);
    return ratio_compare(size, ratio_int(6)) <= 0 && ratio_compare(size, ratio_of(1, 6)) >= 0;
}

/* New numbers for the values of the trace, with steps that make sense. */
static bool draw_numbers(struct renumbering *r, const struct trace *t, const struct steps *old,
                         struct ratio number_ret[MAX_MENTIONS], struct steps *steps_ret)
{
    for (int try = 0; try < MAX_TRIES; try++) {
        /* The longer it does not fit, the more numbers stay. */
        uint64_t stay = try < 200 ? 0 : try < 1000 ? 3 : 6;
        bool has_changed = false;
        for (int v = 0; v < t->n_values; v++) {
            number_ret[v] = t->value[v].number;
            if (t->value[v].is_fixed || !t->value[v].is_used || draw(r, 10) < stay)
                continue;
            int m = 0;
            while (t->value_of[m] != v)
                m++;
            number_ret[v] = draw_like(r, &t->mention[m]);
            has_changed = has_changed || !ratio_equal(number_ret[v], t->value[v].number);
        }
        if (!has_changed || !trace_compute(t, old, number_ret, steps_ret))
            continue;
        bool makes_sense = true;
        for (int i = 0; i < old->n && makes_sense; i++)
            makes_sense = is_alike(old->step[i].result, steps_ret->step[i].result);
        if (makes_sense)
            return true;
    }
    return false;
}

/* A text with a length that is built up. */
struct buffer {
    size_t bytes;
    char text[QUESTION_BYTES];
};

static bool append(struct buffer *b, const char *text, size_t bytes)
{
    if (b->bytes + bytes + 1 > sizeof b->text)
        return false;
    memcpy(b->text + b->bytes, text, bytes);
    b->bytes += bytes;
    b->text[b->bytes] = '\0';
    return true;
}

static bool write_numbers(const char *question, const struct trace *t, const struct ratio *number,
                          struct buffer *out)
{
    size_t at = 0;
    out->bytes = 0;
    for (int i = 0; i < t->n_mentions; i++) {
        const struct mention *m = &t->mention[i];
        struct ratio value = number[t->value_of[i]];
        if (ratio_equal(value, m->value))
            continue;
        char text[WORDS_BYTES];
        if (!mention_format(m, value, text))
            return false;
        if (isupper((unsigned char)question[m->begin]))
            text[0] = (char)toupper((unsigned char)text[0]);
        if (!append(out, question + at, m->begin - at) || !append(out, text, strlen(text)))
            return false;
        at = m->end;
    }
    return append(out, question + at, strlen(question + at));
}

/* The list's entry that is exactly this word. */
static const struct item *find_name(const struct list *names, const char *word, size_t bytes)
{
    for (int i = 0; i < names->n; i++)
        if (strlen(names->item[i].one) == bytes && memcmp(names->item[i].one, word, bytes) == 0)
            return &names->item[i];
    return NULL;
}

/* Swaps the names that the list knows for others of the same gender, the same one everywhere. */
static bool write_names(struct renumbering *r, const char *text, struct buffer *out)
{
    const struct item *old[MAX_NAMES];
    const struct item *new[MAX_NAMES];
    int n = 0;
    out->bytes = 0;
    for (size_t at = 0; text[at] != '\0';) {
        size_t bytes = 0;
        while (isalpha((unsigned char)text[at + bytes]))
            bytes++;
        if (bytes == 0) {
            if (!append(out, text + at++, 1))
                return false;
            continue;
        }
        const struct item *name = find_name(r->names, text + at, bytes);
        int known = 0;
        while (known < n && old[known] != name)
            known++;
        if (name && known == n && n < MAX_NAMES) {
            const struct item *other;
            do {
                other = &r->names->item[draw(r, (uint64_t)r->names->n)];
            } while (strcmp(other->many, name->many) != 0 || strstr(text, other->one));
            old[n] = name;
            new[n++] = other;
        }
        const char *word = name && known < n ? new[known]->one : text + at;
        if (!append(out, word, name && known < n ? strlen(word) : bytes))
            return false;
        at += bytes;
    }
    return true;
}

static void renumber_row(const struct row *row, void *user)
{
    struct renumbering *r = user;
    r->row = (uint64_t)r->n_rows++;
    r->position = 0;
    struct trace trace;
    const char *wrong = row->has_steps && row->steps.n > 0
                            ? trace_solution(row->question, &row->steps, &trace)
                            : "no steps";
    if (wrong) {
        r->n_untraced++;
        return;
    }
    bool any = false;
    for (int copy = 0; copy < r->copies; copy++) {
        struct ratio number[MAX_MENTIONS];
        struct steps steps;
        struct buffer with_numbers;
        struct buffer question;
        if (!draw_numbers(r, &trace, &row->steps, number, &steps) ||
            !write_numbers(row->question, &trace, number, &with_numbers) ||
            !write_names(r, with_numbers.text, &question) ||
            !text_set_add(&r->seen, question.text, question.bytes))
            continue;
        char id[256];
        snprintf(id, sizeof id, "%s-like-%llu-%d", row->id, (unsigned long long)r->seed, copy);
        char answer[RATIO_BYTES];
        ratio_format(steps.step[steps.n - 1].result, answer);
        char kind[64];
        snprintf(kind, sizeof kind, "%s.like", row->kind);
        write_row(r->out, id, question.text, answer, &steps, kind);
        r->n_written++;
        any = true;
    }
    r->n_renumbered += any;
    r->n_stuck += !any;
}

int cmd_renumber(int argc, char **argv)
{
    const char *seed = "1";
    const char *copies = "1";
    const char *folder = "models/data/grammar";
    const struct option options[] = {
        {"--seed", &seed, 1}, {"--copies", &copies, 1}, {"--grammar", &folder, 1}};
    if (parse_options(argc, argv, options, sizeof options / sizeof options[0]) != 1)
        die(EXIT_USAGE, "renumber wants one file of rows with steps");
    static struct grammar grammar;
    grammar_read(&grammar, folder);
    static struct renumbering r;
    r.names = grammar_list(&grammar, "child", strlen("child"));
    if (!r.names || r.names->n < 40)
        die(EXIT_FILE, "%s: no list child, or too short a one", folder);
    r.seed = option_u64("--seed", seed, 0, UINT64_MAX);
    r.copies = (int)option_u64("--copies", copies, 1, 100000);
    r.out = open_output();
    read_rows(argv[0], renumber_row, &r);
    close_output(r.out);
    text_set_free(&r.seen);
    grammar_free(&grammar);
    fprintf(stderr,
            "%d rows, %d gave %d new ones; not all numbers traced: %d; no other numbers fit: %d\n",
            r.n_rows, r.n_renumbered, r.n_written, r.n_untraced, r.n_stuck);
    return 0;
}
