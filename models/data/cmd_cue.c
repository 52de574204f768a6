/* SPDX-License-Identifier: Apache-2.0
 * cmd_cue.c - `ponder-problems cue` and `told`: problems in new words, from a model that learned to tell them.
 *
 * A cue is a problem's steps and a few of its rarer words; from cues with their questions a model learns to tell
 * (`cue`), and is then asked with the steps of one problem and the words of another (`cue --ask`). What it told
 * (`ponder rollout`) becomes problems again where it has every number that the steps need (`told`). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "models/data/commands.h"
#include "models/data/text_set.h"
#include "models/data/trace.h"
#include "models/data/words.h"

enum { SHORTEST_WORD = 4, LONGEST_WORD = 31, CUE_WORDS = 2, RARE_PART = 200 };

struct word {
    char text[LONGEST_WORD + 1]; /* in lower case */
    uint32_t row;
};

struct words {
    struct word *word;
    size_t n, capacity;
    uint32_t n_rows;
};

/* --- words --- */

static void add_word(struct words *w, const char *text, size_t bytes)
{
    if (w->n == w->capacity)
        w->word = grow(w->word, w->capacity = 2 * w->capacity + 4096, sizeof *w->word);
    struct word *word = &w->word[w->n];
    int64_t number;
    for (size_t i = 0; i < bytes; i++)
        word->text[i] = (char)tolower((unsigned char)text[i]);
    word->text[bytes] = '\0';
    word->row = w->n_rows;
    if (words_parse(word->text, &number) != 0)
        return;
    for (size_t i = w->n; i > 0 && w->word[i - 1].row == w->n_rows; i--)
        if (strcmp(w->word[i - 1].text, word->text) == 0)
            return; /* once a row */
    w->n++;
}

static void add_words(const struct row *row, void *user)
{
    struct words *w = user;
    for (const char *at = row->question; *at != '\0';) {
        size_t bytes = 0;
        while (isalpha((unsigned char)at[bytes]))
            bytes++;
        if (bytes >= SHORTEST_WORD && bytes <= LONGEST_WORD)
            add_word(w, at, bytes);
        at += bytes + (bytes == 0);
    }
    w->n_rows++;
}

static int by_text(const void *a, const void *b)
{
    const struct word *left = a, *right = b;
    int order = strcmp(left->text, right->text);
    return order != 0 ? order : (left->row > right->row) - (left->row < right->row);
}

static int by_row(const void *a, const void *b)
{
    const struct word *left = a, *right = b;
    int order = (left->row > right->row) - (left->row < right->row);
    return order != 0 ? order : strcmp(left->text, right->text);
}

/* Leaves the words that few rows have, in the order of rows. */
static void keep_rare(struct words *w)
{
    size_t most = w->n_rows / RARE_PART + 1, kept = 0;
    qsort(w->word, w->n, sizeof *w->word, by_text);
    for (size_t begin = 0, end; begin < w->n; begin = end) {
        for (end = begin; end < w->n && strcmp(w->word[end].text, w->word[begin].text) == 0;)
            end++;
        for (size_t i = begin; end - begin <= most && i < end; i++)
            w->word[kept++] = w->word[i];
    }
    w->n = kept;
    qsort(w->word, w->n, sizeof *w->word, by_row);
}

/* The words of a row: [*begin_ret, *end_ret). */
static void words_of(const struct words *w, uint32_t row, size_t *begin_ret, size_t *end_ret)
{
    size_t low = 0, high = w->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (w->word[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    *begin_ret = low;
    while (low < w->n && w->word[low].row == row)
        low++;
    *end_ret = low;
}

/* --- cue --- */

struct cue {
    struct words words;
    bool asks;
    uint64_t seed, row, position;
    FILE *out;
    int n_written;
};

static uint64_t draw(struct cue *c, uint64_t n)
{
    return n < 2 ? 0 : pd_rng_u64(c->seed, c->row, c->position++) % n;
}

/* "48/2=24; 48+24=72 | clips, friends" */
static void format_cue(struct cue *c, const struct steps *steps, char *out)
{
    char *at = out;
    for (int i = 0; i < steps->n; i++) {
        char step[STEP_BYTES];
        step_format(&steps->step[i], step);
        at += sprintf(at, "%s%s", i > 0 ? "; " : "", step);
    }
    uint32_t row = (uint32_t)(c->asks ? draw(c, c->words.n_rows) : c->row);
    size_t begin, end, last = SIZE_MAX;
    words_of(&c->words, row, &begin, &end);
    for (int i = 0; i < CUE_WORDS && begin < end; i++) {
        size_t pick = begin + (size_t)draw(c, end - begin);
        if (pick != last)
            at += sprintf(at, "%s%s", i > 0 ? ", " : " | ", c->words.word[pick].text);
        last = pick;
    }
}

/* A row of which the trainer learns to write the question. */
static void write_lesson(FILE *out, const struct row *row, const char *cue)
{
    struct pd_json_writer w;
    begin_row(&w, out, row->id, cue, row->answer);
    pd_json_key(&w, "samples");
    pd_json_begin(&w, '[');
    pd_json_begin(&w, '{');
    pd_json_key(&w, "text");
    pd_json_text(&w, row->question);
    pd_json_key(&w, "right");
    pd_json_bool(&w, true);
    pd_json_end(&w, '}');
    pd_json_end(&w, ']');
    end_row(&w, out);
}

static void write_cue(const struct row *row, void *user)
{
    struct cue *c = user;
    char cue[MAX_STEPS * (STEP_BYTES + 2) + CUE_WORDS * (LONGEST_WORD + 4)];
    c->position = 0;
    if (row->has_steps && row->steps.n > 0) {
        format_cue(c, &row->steps, cue);
        if (c->asks)
            write_row(c->out, row->id, cue, row->answer, &row->steps, "cue");
        else
            write_lesson(c->out, row, cue);
        c->n_written++;
    }
    c->row++;
}

int cmd_cue(int argc, char **argv)
{
    const char *seed = "1", *words = NULL, *ask = NULL;
    const struct option options[] = {
        {"--seed", &seed, 1}, {"--words", &words, 1}, {"--ask", &ask, 0}};
    if (parse_options(argc, argv, options, sizeof options / sizeof options[0]) != 1)
        die(EXIT_USAGE, "cue wants one file of rows with steps");
    if (words != NULL && ask == NULL)
        die(EXIT_USAGE, "--words goes with --ask: a lesson has the words of its own question");
    struct cue c = {.asks = ask != NULL, .seed = option_u64("--seed", seed, 0, UINT64_MAX)};
    read_rows(words != NULL ? words : argv[0], add_words, &c.words);
    keep_rare(&c.words);
    c.out = open_output();
    read_rows(argv[0], write_cue, &c);
    close_output(c.out);
    fprintf(stderr, "%llu rows, %d cues; %zu rarer words\n", (unsigned long long)c.row, c.n_written,
            c.words.n);
    free(c.words.word);
    return 0;
}

/* --- told --- */

struct asked {
    char *id;
    struct steps steps;
};

struct told {
    struct asked *asked;
    size_t n, capacity;
    struct text_set seen;
    FILE *out;
    int n_samples, n_written;
};

static void remember(const struct row *row, void *user)
{
    struct told *t = user;
    if (t->n == t->capacity)
        t->asked = grow(t->asked, t->capacity = 2 * t->capacity + 1024, sizeof *t->asked);
    t->asked[t->n++] = (struct asked){copy_text(row->id, strlen(row->id)), row->steps};
}

static int by_id(const void *a, const void *b)
{
    const struct asked *left = a, *right = b;
    return strcmp(left->id, right->id);
}

/* One question that has all the numbers of the steps, and no sum. */
static bool is_question(const char *text, const struct steps *steps)
{
    struct trace trace;
    size_t bytes = strlen(text);
    return bytes > 0 && text[bytes - 1] == '?' && strpbrk(text, "=#|~") == NULL &&
           trace_solution(text, steps, &trace) == NULL;
}

static void write_told(const struct row *row, void *user)
{
    struct told *t = user;
    struct asked key = {.id = row->id};
    const struct asked *asked = bsearch(&key, t->asked, t->n, sizeof *t->asked, by_id);
    if (asked == NULL)
        die(EXIT_FILE, "row %s was not asked for", row->id);
    struct pd_json_value samples = pd_json_field(row->line, row->line_bytes, "samples");
    const char *at = NULL;
    int i = 0;
    for (struct pd_json_value v; (v = pd_json_next(samples, &at)).kind != PD_JSON_NONE; i++) {
        struct pd_json_value value = pd_json_field(v.raw, v.bytes, "text");
        if (value.kind != PD_JSON_STRING)
            die(EXIT_FILE, "row %s: a sample without a text", row->id);
        char *text = copy_json(value);
        normalise_space(text);
        t->n_samples++;
        if (is_question(text, &asked->steps) && text_set_add(&t->seen, text, strlen(text))) {
            char id[256];
            snprintf(id, sizeof id, "%s-told-%d", row->id, i);
            write_row(t->out, id, text, row->answer, &asked->steps, "told");
            t->n_written++;
        }
        free(text);
    }
}

int cmd_told(int argc, char **argv)
{
    if (parse_options(argc, argv, NULL, 0) != 2)
        die(EXIT_USAGE,
            "told wants the file of cues, and that of what a model told (ponder rollout)");
    struct told t = {.out = open_output()};
    read_rows(argv[0], remember, &t);
    qsort(t.asked, t.n, sizeof *t.asked, by_id);
    read_rows(argv[1], write_told, &t);
    close_output(t.out);
    fprintf(stderr, "%d samples, %d new problems\n", t.n_samples, t.n_written);
    for (size_t i = 0; i < t.n; i++)
        free(t.asked[i].id);
    free(t.asked);
    text_set_free(&t.seen);
    return 0;
}
