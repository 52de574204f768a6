/* SPDX-License-Identifier: Apache-2.0
 * texts.c - see texts.h. */
#include "quant/quantize/texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/os.h"
#include "models/train/memory.h"
#include "models/train/row.h"

/* A NUL-terminated copy. */
static char *copy_of(const char *text, size_t bytes)
{
    char *copy = tr_alloc(bytes + 1, 1);
    memcpy(copy, text, bytes);
    return copy;
}

static void add(struct texts *texts, struct text text)
{
    if (texts->n == texts->capacity) {
        texts->capacity = 2 * texts->capacity + 64;
        texts->text = tr_grow(texts->text, (size_t)texts->capacity, sizeof *texts->text);
    }
    texts->text[texts->n++] = text;
    if (text.bytes > texts->longest)
        texts->longest = text.bytes;
}

/* The string of a key, unescaped, in memory of its own; NULL: the row has none. */
static char *string_of(const char *line, size_t bytes, const char *key, bool takes_number)
{
    struct pd_json_value value = pd_json_field(line, bytes, key);
    if (value.kind == PD_JSON_NUMBER && takes_number)
        return copy_of(value.raw, value.bytes);
    if (value.kind != PD_JSON_STRING)
        return NULL;
    char *text = tr_alloc(value.bytes, 1);
    text[pd_json_unescape(value, text)] = '\0';
    return text;
}

/* Question and solution, a line each. */
static void add_problem(struct texts *texts, const struct tr_row *row, const char *line,
                        size_t bytes)
{
    char *written = string_of(line, bytes, "solution", false);
    const char *solution = row->solution ? row->solution : written ? written : "";
    size_t n = strlen(row->question) + strlen(solution) + 2;
    struct text text = {.text = tr_alloc(n, 1)};
    text.bytes = (size_t)snprintf(text.text, n, "%s\n%s", row->question, solution);
    text.question = copy_of(row->question, strlen(row->question));
    text.answer = string_of(line, bytes, "answer", true);
    free(written);
    add(texts, text);
}

static const char *add_row(struct texts *texts, struct tr_row *row, const char *line, size_t bytes)
{
    const char *wrong = pd_json_check(line, bytes, NULL);
    if (wrong)
        return wrong;
    char *text = string_of(line, bytes, "text", false);
    if (text) {
        add(texts, (struct text){.text = text, .bytes = strlen(text)});
        return NULL;
    }
    wrong = tr_row_parse(row, line, bytes);
    if (!wrong)
        add_problem(texts, row, line, bytes);
    return wrong;
}

static enum ponder_status add_rows(struct texts *texts, const char *path, const struct pd_map *map,
                                   const struct pd_error *err)
{
    struct tr_row row = {.text = NULL};
    enum ponder_status status = PONDER_OK;
    const char *at = (const char *)map->data, *end = at + map->bytes;
    for (int number = 1; at < end && status == PONDER_OK; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t bytes = (size_t)((newline ? newline : end) - at);
        const char *wrong = bytes > 0 ? add_row(texts, &row, at, bytes) : NULL;
        if (wrong)
            status = pd_fail(err, PONDER_BAD_INPUT, "%s:%d: %s", path, number, wrong);
        at += bytes + 1;
    }
    tr_row_free(&row);
    return status;
}

enum ponder_status texts_read(struct texts *texts, const char *path, const struct pd_error *err)
{
    struct pd_map map;
    *texts = (struct texts){.n = 0};
    PD_TRY(pd_map_open(&map, path, err));
    enum ponder_status status = PONDER_OK;
    const char *ending = strrchr(path, '.');
    if (ending && strcmp(ending, ".jsonl") == 0)
        status = add_rows(texts, path, &map, err);
    else
        add(texts,
            (struct text){.text = copy_of((const char *)map.data, map.bytes), .bytes = map.bytes});
    pd_map_close(&map);
    if (status == PONDER_OK && texts->n == 0)
        status = pd_fail(err, PONDER_BAD_INPUT, "%s: no text in it", path);
    if (status != PONDER_OK)
        texts_free(texts);
    return status;
}

void texts_free(struct texts *texts)
{
    for (int i = 0; i < texts->n; i++) {
        free(texts->text[i].text);
        free(texts->text[i].question);
        free(texts->text[i].answer);
    }
    free(texts->text);
    *texts = (struct texts){.n = 0};
}

/* Cuts n tokens into sequences of at most `longest` behind those there are. */
static void add_tokens(struct sequences *s, const int32_t *token, int n, int longest)
{
    for (int at = 0; at + 1 < n; at += longest) {
        int length = pd_min_int(longest, n - at);
        s->token = tr_grow(s->token, (size_t)s->n_tokens + (size_t)length, sizeof *s->token);
        memcpy(s->token + s->n_tokens, token + at, (size_t)length * sizeof *token);
        s->n_tokens += length;
        s->begin = tr_grow(s->begin, (size_t)s->n + 2, sizeof *s->begin);
        s->begin[0] = 0;
        s->begin[++s->n] = s->n_tokens;
    }
}

/* Keeps every k-th sequence, so that about max_tokens are left. */
static void thin_out(struct sequences *s, int max_tokens)
{
    int n_kept = 0, n_tokens = 0;
    if (max_tokens == 0 || s->n_tokens <= max_tokens)
        return;
    for (int i = 0; i < s->n && n_tokens < max_tokens; i++) {
        /* The i-th goes on if the share kept would fall behind without it. */
        if ((int64_t)n_tokens * s->n_tokens > (int64_t)max_tokens * s->begin[i])
            continue;
        int length = s->begin[i + 1] - s->begin[i];
        memmove(s->token + n_tokens, s->token + s->begin[i], (size_t)length * sizeof *s->token);
        n_tokens += length;
        s->begin[++n_kept] = n_tokens;
    }
    s->n = n_kept;
    s->n_tokens = n_tokens;
}

enum ponder_status sequences_make(struct sequences *sequences, const struct texts *texts,
                                  struct ponder *p, int max_tokens, const struct pd_error *err)
{
    enum { BEGIN = 1 }; /* a token more than bytes at most: the one that texts begin with */
    int32_t *token = tr_alloc(texts->longest + BEGIN + 1, sizeof *token);
    enum ponder_status status = PONDER_OK;
    struct ponder_info info;
    ponder_describe(p, &info);
    *sequences = (struct sequences){.n = 0};
    for (int i = 0; i < texts->n && status == PONDER_OK; i++) {
        size_t n = 0;
        const struct text *text = &texts->text[i];
        if (text->bytes > 0)
            status = ponder_tokenize(p, text->text, text->bytes, true, false, token,
                                     texts->longest + BEGIN + 1, &n);
        if (status != PONDER_OK)
            pd_fail(err, status, "text %d: %s", i + 1, ponder_status_text(status));
        else
            add_tokens(sequences, token, (int)n, info.max_prompt_tokens);
    }
    free(token);
    thin_out(sequences, max_tokens);
    if (status == PONDER_OK && sequences->n == 0)
        status = pd_fail(err, PONDER_BAD_INPUT, "the texts have no two tokens in a row");
    if (status != PONDER_OK)
        sequences_free(sequences);
    return status;
}

void sequences_free(struct sequences *sequences)
{
    free(sequences->token);
    free(sequences->begin);
    *sequences = (struct sequences){.n = 0};
}
