/* SPDX-License-Identifier: Apache-2.0
 * row.c - see row.h. */
#include "row.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "memory.h"

/* Appends a text or a number as it is written; a NUL may be added by finish(). */
static void append(struct tr_row *row, struct pd_json_value value)
{
    if (value.kind == PD_JSON_STRING)
        row->used += pd_json_unescape(value, row->text + row->used);
    else {
        memcpy(row->text + row->used, value.raw, value.bytes);
        row->used += value.bytes;
    }
}

static void append_char(struct tr_row *row, char c)
{
    row->text[row->used++] = c;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Every run of white space in the text that begins at `at` one space, none at its ends. */
static void squeeze(struct tr_row *row, size_t at)
{
    size_t to = at;
    for (size_t from = at; from < row->used; from++) {
        char c = row->text[from];
        if (!is_blank(c))
            row->text[to++] = c;
        else if (to > at && row->text[to - 1] != ' ')
            row->text[to++] = ' ';
    }
    row->used = to > at && row->text[to - 1] == ' ' ? to - 1 : to;
}

static const char *finish(struct tr_row *row, size_t at)
{
    append_char(row, '\0');
    return row->text + at;
}

static const char *take_solution(struct tr_row *row, struct pd_json_value steps,
                                 struct pd_json_value answer)
{
    size_t begin = row->used;
    const char *at = NULL;
    for (struct pd_json_value step; (step = pd_json_next(steps, &at)).kind != PD_JSON_NONE;) {
        size_t step_at = row->used;
        if (step.kind != PD_JSON_STRING)
            return "\"steps\" holds something that is no text";
        append(row, step);
        squeeze(row, step_at);
        if (row->used == step_at)
            return "\"steps\" holds an empty step";
        append_char(row, '\n');
    }
    append_char(row, '#');
    append(row, answer);
    row->solution = finish(row, begin);
    return NULL;
}

static const char *take_labels(struct tr_row *row, struct pd_json_value labels,
                               struct tr_sample *sample)
{
    const char *at = NULL;
    int begin = row->n_labels;
    for (struct pd_json_value v; (v = pd_json_next(labels, &at)).kind != PD_JSON_NONE;) {
        double label;
        if (!pd_json_to_double(v, &label) || !(label >= 0 && label <= 1))
            return "\"labels\" holds something that is no number from 0 to 1";
        if (row->n_labels == row->label_capacity) {
            row->label_capacity = 2 * row->label_capacity + 1024;
            row->labels = tr_grow(row->labels, (size_t)row->label_capacity, sizeof *row->labels);
        }
        row->labels[row->n_labels++] = (float)label;
    }
    sample->n_labels = row->n_labels - begin;
    return NULL;
}

static const char *take_sample(struct tr_row *row, struct pd_json_value object)
{
    struct tr_sample *sample = &row->sample[row->n_samples];
    if (object.kind != PD_JSON_OBJECT)
        return "\"samples\" holds something that is no object";
    struct pd_json_value text = pd_json_field(object.raw, object.bytes, "text");
    struct pd_json_value right = pd_json_field(object.raw, object.bytes, "right");
    struct pd_json_value labels = pd_json_field(object.raw, object.bytes, "labels");
    if (text.kind != PD_JSON_STRING)
        return "a sample without \"text\"";
    if (right.kind != PD_JSON_BOOL)
        return "a sample without \"right\"";
    *sample = (struct tr_sample){.is_right = right.raw[0] == 't'};
    size_t begin = row->used;
    append(row, text);
    while (row->used > begin && is_blank(row->text[row->used - 1]))
        row->used--;
    sample->text = finish(row, begin);
    row->n_samples++;
    return labels.kind == PD_JSON_ARRAY ? take_labels(row, labels, sample) : NULL;
}

static const char *take_samples(struct tr_row *row, struct pd_json_value samples)
{
    const char *at = NULL;
    for (struct pd_json_value v; (v = pd_json_next(samples, &at)).kind != PD_JSON_NONE;) {
        if (row->n_samples == TR_MAX_SAMPLES)
            return "more than 256 samples";
        const char *error = take_sample(row, v);
        if (error)
            return error;
    }
    int next = 0; /* the labels may have moved while they grew */
    for (int i = 0; i < row->n_samples; i++) {
        row->sample[i].label = row->labels + next;
        next += row->sample[i].n_labels;
    }
    return NULL;
}

const char *tr_row_parse(struct tr_row *row, const char *line, size_t bytes)
{
    const char *error = pd_json_check(line, bytes, NULL);
    if (error)
        return error;
    struct pd_json_value question = pd_json_field(line, bytes, "question");
    struct pd_json_value answer = pd_json_field(line, bytes, "answer");
    struct pd_json_value steps = pd_json_field(line, bytes, "steps");
    struct pd_json_value samples = pd_json_field(line, bytes, "samples");
    if (question.kind != PD_JSON_STRING)
        return "there is no text in \"question\"";
    if (answer.kind != PD_JSON_STRING && answer.kind != PD_JSON_NUMBER)
        return "there is no \"answer\"";
    if (row->capacity < 2 * bytes + 64) {
        row->capacity = 2 * bytes + 64; /* texts never grow; a few line ends come on top */
        row->text = tr_grow(row->text, row->capacity, 1);
    }
    row->used = 0;
    row->n_samples = row->n_labels = 0;
    row->solution = NULL;
    row->pass = -1;
    append(row, question);
    squeeze(row, 0);
    if (row->used == 0)
        return "\"question\" is empty";
    row->question = finish(row, 0);
    double pass;
    if (pd_json_to_double(pd_json_field(line, bytes, "pass"), &pass)) {
        if (!(pass >= 0 && pass <= 1))
            return "\"pass\" is not from 0 to 1";
        row->pass = pass;
    }
    if (steps.kind == PD_JSON_ARRAY)
        error = take_solution(row, steps, answer);
    if (!error && samples.kind == PD_JSON_ARRAY)
        error = take_samples(row, samples);
    return error;
}

void tr_row_free(struct tr_row *row)
{
    free(row->text);
    free(row->labels);
    *row = (struct tr_row){.text = NULL};
}
