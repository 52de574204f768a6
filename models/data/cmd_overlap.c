/* SPDX-License-Identifier: Apache-2.0
 * cmd_overlap.c - `ponder-problems overlap`: finds, or leaves out, rows whose question is that of a row in other files.
 * Two questions are the same if they are after lower case, without punctuation, spaces as one; and alike if they
 * are with every number, in digits or words, made "0" as well. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "models/data/commands.h"
#include "models/data/text_set.h"
#include "models/data/words.h"

/* Lower case letters and digits, words apart by one space; in a new text. */
static char *normalise(const char *text, bool without_numbers)
{
    char *out = grow(NULL, strlen(text) + 2, 1);
    size_t n = 0;
    for (const char *at = text; *at != '\0';) {
        int64_t value;
        bool begins_word = at == text || !isalnum((unsigned char)at[-1]);
        size_t bytes = without_numbers && begins_word ? words_parse(at, &value) : 0;
        if (without_numbers && bytes == 0 && isdigit((unsigned char)*at)) {
            bytes = strspn(at, "0123456789,.");
            while (!isdigit((unsigned char)at[bytes - 1]))
                bytes--; /* the comma or point behind it */
        }
        if (bytes > 0)
            out[n++] = '0';
        else if (isalnum((unsigned char)*at) || (unsigned char)*at >= 0x80)
            out[n++] = (char)tolower((unsigned char)*at);
        else if (n > 0 && out[n - 1] != ' ' && *at != '\'')
            out[n++] = ' ';
        at += bytes > 0 ? bytes : 1;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    return out;
}

struct overlap {
    struct text_set same, alike;
    FILE *out;
    bool drops, keeps_alike;
    int n_rows, n_same, n_alike;
};

static void remember(const struct row *row, void *user)
{
    struct overlap *o = user;
    char *text = normalise(row->question, false);
    text_set_add(&o->same, text, strlen(text));
    free(text);
    text = normalise(row->question, true);
    text_set_add(&o->alike, text, strlen(text));
    free(text);
}

static void look_up(const struct row *row, void *user)
{
    struct overlap *o = user;
    char *exact = normalise(row->question, false);
    char *shape = normalise(row->question, true);
    bool is_same = text_set_has(&o->same, exact, strlen(exact));
    bool is_alike = !is_same && text_set_has(&o->alike, shape, strlen(shape));
    free(exact);
    free(shape);
    o->n_rows++;
    o->n_same += is_same;
    o->n_alike += is_alike;
    if (o->drops && !is_same && (!is_alike || o->keeps_alike))
        write_row(o->out, row->id, row->question, row->answer, &row->steps, row->kind);
    if (!o->drops && (is_same || is_alike))
        fprintf(o->out, "%s\t%s\t%s\n", is_same ? "same" : "alike", row->id, row->question);
}

int cmd_overlap(int argc, char **argv)
{
    const char *drop = NULL;
    const char *drop_same = NULL;
    const struct option options[] = {{"--drop", &drop, 0}, {"--drop-same", &drop_same, 0}};
    int n_files = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (n_files < 2)
        die(EXIT_USAGE, "overlap wants a file, and those it is compared with");
    struct overlap o = {.out = open_output(), .drops = drop || drop_same, .keeps_alike = drop_same};
    for (int i = 1; i < n_files; i++)
        read_rows(argv[i], remember, &o);
    read_rows(argv[0], look_up, &o);
    close_output(o.out);
    text_set_free(&o.same);
    text_set_free(&o.alike);
    fprintf(stderr, "%s: %d rows, %d the same as others, %d alike but for numbers\n", argv[0],
            o.n_rows, o.n_same, o.n_alike);
    return o.drops || o.n_same + o.n_alike == 0 ? 0 : 1;
}
