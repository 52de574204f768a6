/* SPDX-License-Identifier: Apache-2.0
 * example.c - rows to examples. */
#include "example.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "memory.h"

enum { MOST_RIGHT = 4, MOST_WRONG = 4 };

static void begin(struct tr_data *d)
{
    if (d->n_examples == d->example_capacity) {
        d->example_capacity = 2 * d->example_capacity + 1024;
        d->example = tr_grow(d->example, (size_t)d->example_capacity, sizeof *d->example);
    }
    d->example[d->n_examples] = (struct tr_example){.at = d->n_tokens, .label_at = d->n_labels};
}

static void push(struct tr_data *d, int32_t token, bool is_target)
{
    if (d->n_tokens == d->token_capacity) {
        d->token_capacity = 2 * d->token_capacity + 65536;
        d->token = tr_grow(d->token, d->token_capacity, sizeof *d->token);
    }
    d->token[d->n_tokens++] = token | (is_target ? TR_IS_TARGET : 0);
    d->example[d->n_examples].n++;
}

static void push_label(struct tr_data *d, int row, float label)
{
    if (d->n_labels == d->label_capacity) {
        d->label_capacity = 2 * d->label_capacity + 1024;
        d->label_row = tr_grow(d->label_row, d->label_capacity, sizeof *d->label_row);
        d->label = tr_grow(d->label, d->label_capacity, sizeof *d->label);
    }
    d->label_row[d->n_labels] = row;
    d->label[d->n_labels++] = label;
    d->example[d->n_examples].n_labels++;
}

/* Keeps the example, unless it is too long. */
static void end(struct tr_data *d)
{
    struct tr_example *e = &d->example[d->n_examples];
    if (e->n <= d->max_tokens) {
        d->n_examples++;
        return;
    }
    d->n_tokens = e->at;
    d->n_labels = e->label_at;
    d->n_too_long++;
}

/* Tokens of a text, in d->piece; how many, or -1 for a text that the tokenizer has no room for. */
static int tokenise(struct tr_data *d, const char *text, size_t bytes, bool is_first)
{
    size_t scratch = pd_tokenizer_scratch_bytes(bytes), n;
    if (scratch > d->part_bytes) {
        d->part_bytes = 2 * scratch;
        d->part = tr_grow(d->part, d->part_bytes, 1);
    }
    if (bytes + 8 > d->piece_capacity) {
        d->piece_capacity = 2 * bytes + 64;
        d->piece = tr_grow(d->piece, d->piece_capacity, sizeof *d->piece);
    }
    struct pd_tokenize how = {.add_bos = is_first, .goes_on = !is_first};
    if (pd_tokenize(d->tokenizer, text, bytes, how, d->part, d->part_bytes, d->piece,
                    d->piece_capacity, &n) != PONDER_OK)
        return -1;
    return (int)n;
}

/* A text of which nothing is to be learned. */
static void push_text(struct tr_data *d, const char *text, bool is_first)
{
    int n = tokenise(d, text, strlen(text), is_first);
    for (int i = 0; i < n; i++)
        push(d, d->piece[i], false);
}

static void push_prompt(struct tr_data *d, const struct tr_row *row)
{
    size_t bytes = strlen(row->question);
    char *prompt = tr_alloc(bytes + 2, 1);
    memcpy(prompt, row->question, bytes);
    prompt[bytes] = '\n';
    push_text(d, prompt, true);
    free(prompt);
}

static size_t token_bytes(const struct tr_data *d, int32_t token)
{
    char text[256];
    return pd_token_text(d->tokenizer, token, true, text, sizeof text);
}

/* A solution: tokens with targets, and a label where each line ends. False: the text has more or fewer lines than
 * labels, or is not what its tokens say. */
static bool push_solution(struct tr_data *d, const char *text, bool has_targets,
                          const float *labels, int n_labels)
{
    size_t bytes = strlen(text), at = 0;
    int n = tokenise(d, text, bytes, false), line = 0;
    bool is_given = false; /* behind "=" a calculator writes */
    for (int i = 0; i < n; i++) {
        size_t end_at = at + token_bytes(d, d->piece[i]);
        bool ends_line = end_at > bytes || memchr(text + at, '\n', end_at - at) != NULL;
        if (end_at > bytes)
            return false;
        if (ends_line && line < n_labels)
            push_label(d, d->example[d->n_examples].n - 1, labels[line]);
        line += ends_line;
        is_given = is_given && !ends_line;
        push(d, d->piece[i], has_targets && !(is_given && d->has_calculator));
        is_given = is_given || memchr(text + at, '=', end_at - at) != NULL;
        at = end_at;
    }
    if (line < n_labels)
        push_label(d, d->example[d->n_examples].n - 1, labels[line]);
    push(d, pd_tokenizer_eos(d->tokenizer), has_targets);
    return at == bytes && (n_labels == 0 || line + 1 == n_labels);
}

static void add_solution(struct tr_data *d, const struct tr_row *row, const char *solution)
{
    begin(d);
    push_prompt(d, row);
    push_solution(d, solution, true, NULL, 0);
    end(d);
}

/* Different samples that are right (or wrong), at most `most`. */
static int choose(const struct tr_row *row, bool is_right, int most, const char **text_ret)
{
    int n = 0;
    for (int i = 0; i < row->n_samples && n < most; i++) {
        bool is_new = row->sample[i].is_right == is_right && row->sample[i].text[0] != '\0';
        for (int k = 0; k < n; k++)
            is_new = is_new && strcmp(text_ret[k], row->sample[i].text) != 0;
        if (is_new)
            text_ret[n++] = row->sample[i].text;
    }
    return n;
}

static const char *add_imitation(struct tr_data *d, const struct tr_row *row)
{
    const char *right[MOST_RIGHT];
    int n = 0;
    if (row->solution != NULL)
        right[n++] = row->solution;
    else if (row->n_samples > 0)
        n = choose(row, true, MOST_RIGHT, right);
    else
        return "neither \"steps\" nor \"samples\"";
    for (int i = 0; i < n; i++)
        add_solution(d, row, right[i]);
    d->n_useless += n == 0;
    return NULL;
}

static int edit_distance(const char *a, const char *b)
{
    size_t n = strlen(b);
    int *row = tr_alloc(n + 1, sizeof *row);
    for (size_t j = 0; j <= n; j++)
        row[j] = (int)j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (size_t j = 0; j < n; j++) {
            int change = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = pd_min_int(change, pd_min_int(row[j], row[j + 1]) + 1);
        }
    }
    int distance = row[n];
    free(row);
    return distance;
}

/* Puts the wrong sample that is nearest to the right one last. */
static void put_nearest_last(const char **wrong, int n, const char *right)
{
    int nearest = 0, best = edit_distance(wrong[0], right);
    for (int i = 1; i < n; i++) {
        int distance = edit_distance(wrong[i], right);
        if (distance < best) {
            best = distance;
            nearest = i;
        }
    }
    const char *last = wrong[n - 1];
    wrong[n - 1] = wrong[nearest];
    wrong[nearest] = last;
}

static const char *add_revisions(struct tr_data *d, const struct tr_row *row, uint64_t number)
{
    const char *right[MOST_RIGHT], *wrong[TR_MAX_SAMPLES];
    int n_right = choose(row, true, MOST_RIGHT, right);
    int n_wrong = choose(row, false, TR_MAX_SAMPLES, wrong);
    if (n_right == 0 && row->solution != NULL)
        right[n_right++] = row->solution;
    if (n_right == 0)
        d->n_useless++;
    for (int i = 0; i < n_right; i++) {
        uint64_t chance = pd_rng_u64(d->seed, number, (uint64_t)i);
        int n = (int)(chance % (uint64_t)(pd_min_int(n_wrong, MOST_WRONG) + 1));
        for (int k = 0; k < n; k++) { /* n of them by chance, in front */
            int other = k + (int)(pd_rng_mix(chance + (uint64_t)k) % (uint64_t)(n_wrong - k));
            const char *swap = wrong[k];
            wrong[k] = wrong[other];
            wrong[other] = swap;
        }
        if (n > 0)
            put_nearest_last(wrong, n, right[i]);
        begin(d);
        push_prompt(d, row);
        for (int k = 0; k < n; k++) {
            push_text(d, wrong[k], false);
            push_text(d, "\n~\n", false);
        }
        push_solution(d, right[i], true, NULL, 0);
        end(d);
    }
    return NULL;
}

static const char *add_verifications(struct tr_data *d, const struct tr_row *row)
{
    int n_before = d->n_examples;
    for (int i = 0; i < row->n_samples; i++) {
        const struct tr_sample *s = &row->sample[i];
        if (s->n_labels == 0)
            continue;
        begin(d);
        push_prompt(d, row);
        if (!push_solution(d, s->text, s->is_right, s->label, s->n_labels))
            return "a sample has other than one label a line";
        end(d);
    }
    d->n_useless += d->n_examples == n_before;
    return NULL;
}

static const char *add_difficulty(struct tr_data *d, const struct tr_row *row)
{
    if (row->pass < 0)
        return "no \"pass\"";
    begin(d);
    push_prompt(d, row);
    push_label(d, d->example[d->n_examples].n - 1, (float)row->pass);
    end(d);
    return NULL;
}

static const char *add(struct tr_data *d, const struct tr_row *row, uint64_t number)
{
    switch (d->task) {
    case TR_REVISE:
        return add_revisions(d, row, number);
    case TR_VERIFY:
        return add_verifications(d, row);
    case TR_DIFFICULTY:
        return add_difficulty(d, row);
    case TR_SFT:
    case TR_DISTILL:
        break;
    }
    return add_imitation(d, row);
}

const char *tr_examples_add(struct tr_data *d, const struct tr_row *row, uint64_t number)
{
    int n_examples = d->n_examples, n_too_long = d->n_too_long;
    size_t n_tokens = d->n_tokens, n_labels = d->n_labels;
    const char *error = add(d, row, number);
    if (error != NULL) { /* of a row that is left out nothing stays */
        d->n_examples = n_examples;
        d->n_too_long = n_too_long;
        d->n_tokens = n_tokens;
        d->n_labels = n_labels;
    }
    return error;
}
