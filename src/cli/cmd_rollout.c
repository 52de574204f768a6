/* SPDX-License-Identifier: Apache-2.0
 * cmd_rollout.c - `ponder rollout`: many samples of every question, graded, and how often each of their steps leads to
 * the right answer: what verifiers, revisers and difficulty heads are trained on. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/journal.h"
#include "cli/output.h"
#include "cli/row_loop.h"

enum { DEFAULT_SAMPLES = 16 };

struct text {
    char *at;
    size_t bytes, capacity;
};

struct sample {
    struct text text, answer;
    bool is_whole, is_right; /* whole: it ended by itself */
};

struct samples {
    struct sample *at;
    int n, capacity;
};

/* A beginning of samples, and what part of the tries from there were right. Points into a sample. */
struct beginning {
    const char *text;
    size_t bytes;
    double label;
};

struct rollout {
    struct ponder *p;
    struct settings *settings;
    struct journal journal;
    struct samples own;   /* of the question */
    struct samples tries; /* from one of their steps */
    struct samples *now;  /* what events go to */
    struct beginning *beginnings;
    int n_beginnings, capacity;
    struct text begin; /* of the tries */
    int64_t n_written, n_right, n_rows;
    bool has_failed;
};

static void append(struct text *text, const char *more, size_t bytes)
{
    if (text->bytes + bytes + 1 > text->capacity) {
        text->capacity = 2 * (text->bytes + bytes + 1);
        text->at = grow(text->at, text->capacity);
    }
    if (bytes > 0)
        memcpy(text->at + text->bytes, more, bytes);
    text->bytes += bytes;
    text->at[text->bytes] = '\0';
}

static struct sample *sample_of(struct samples *samples, int path)
{
    if (path >= samples->capacity) {
        int capacity = 2 * path + 16;
        samples->at = grow(samples->at, (size_t)capacity * sizeof *samples->at);
        memset(samples->at + samples->capacity, 0,
               (size_t)(capacity - samples->capacity) * sizeof *samples->at);
        samples->capacity = capacity;
    }
    for (; samples->n <= path; samples->n++) {
        struct sample *fresh = &samples->at[samples->n];
        fresh->text.bytes = fresh->answer.bytes = 0;
        fresh->is_whole = fresh->is_right = false;
        append(&fresh->text, "", 0);
        append(&fresh->answer, "", 0);
    }
    return &samples->at[path];
}

/* Keeps what each path wrote and how it ended. */
static void keep_event(void *user, const struct ponder_event *event)
{
    struct rollout *r = user;
    bool is_end = strcmp(event->kind, "end") == 0;
    if (!is_end && strcmp(event->kind, "step") != 0)
        return;
    struct sample *sample = sample_of(r->now, event->path);
    append(&sample->text, event->text, event->text_bytes);
    if (!is_end)
        return;
    sample->is_whole = strcmp(event->note, "complete") == 0;
    append(&sample->answer, event->answer, strlen(event->answer));
}

/* n samples of the row into *samples, graded; begin: what they all begin with, or NULL. Exit code; a row that cannot be
 * asked is left without any. */
static int sample_row(struct rollout *r, const struct row *row, const char *begin, int n,
                      struct samples *samples, const char *what)
{
    struct ponder_answer answer;
    struct ponder_request request = r->settings->request;
    request.strategy = "majority";
    request.verifier = "none";
    request.n_samples = n;
    request.confidence = 1;
    request.begin = begin;
    request.on_event = keep_event;
    request.user = r;
    r->now = samples;
    samples->n = 0;
    enum ponder_status status =
        ponder_solve(r->p, row->question, row->question_bytes, &request, &answer);
    if (status == PONDER_CANCELLED)
        return caught_exit_code();
    if (status != PONDER_OK && status != PONDER_NO_ANSWER) {
        complain_status(status, what, r->p, &answer);
        r->has_failed = true;
        samples->n = 0;
    }
    for (int i = 0; i < samples->n; i++) {
        struct sample *sample = &samples->at[i];
        sample->is_right = sample->is_whole && ponder_answer_equal(sample->answer.at, row->answer);
    }
    return EXIT_OK;
}

static int count_right(const struct samples *samples)
{
    int n = 0;
    for (int i = 0; i < samples->n; i++)
        n += samples->at[i].is_right;
    return n;
}

static bool begins_with(const struct text *text, const char *begin, size_t bytes)
{
    return text->bytes >= bytes && memcmp(text->at, begin, bytes) == 0;
}

/* How often what begins so is right: of the question's own samples that do, and of more tries where they are fewer than
 * --labels. Each beginning is tried once a question. Exit code. */
static int label_beginning(struct rollout *r, const struct row *row, const char *begin,
                           size_t bytes, const char *what, double *label_ret)
{
    for (int i = 0; i < r->n_beginnings; i++)
        if (r->beginnings[i].bytes == bytes && memcmp(r->beginnings[i].text, begin, bytes) == 0) {
            *label_ret = r->beginnings[i].label;
            return EXIT_OK;
        }
    int n = 0, n_right = 0;
    for (int i = 0; i < r->own.n; i++)
        if (begins_with(&r->own.at[i].text, begin, bytes)) {
            n++;
            n_right += r->own.at[i].is_right;
        }
    if (n < r->settings->n_labels) {
        r->begin.bytes = 0;
        append(&r->begin, begin, bytes);
        int code = sample_row(r, row, r->begin.at, r->settings->n_labels - n, &r->tries, what);
        if (code != EXIT_OK)
            return code;
        n += r->tries.n;
        n_right += count_right(&r->tries);
    }
    *label_ret = (double)n_right / n;
    if (r->n_beginnings == r->capacity) {
        r->capacity = 2 * r->capacity + 64;
        r->beginnings = grow(r->beginnings, (size_t)r->capacity * sizeof *r->beginnings);
    }
    r->beginnings[r->n_beginnings++] = (struct beginning){begin, bytes, *label_ret};
    return EXIT_OK;
}

/* A label for each line of a whole sample: the last one's is whether it is right. Exit code. */
static int put_labels(struct rollout *r, const struct row *row, const struct sample *sample,
                      const char *what, struct pd_json_writer *w)
{
    int code = EXIT_OK;
    pd_json_key(w, "labels");
    pd_json_begin(w, '[');
    for (size_t i = 0; i + 1 < sample->text.bytes && code == EXIT_OK; i++) {
        double label;
        if (sample->text.at[i] != '\n')
            continue;
        code = label_beginning(r, row, sample->text.at, i + 1, what, &label);
        if (code == EXIT_OK)
            pd_json_double(w, label, 4);
    }
    pd_json_double(w, sample->is_right, 0);
    pd_json_end(w, ']');
    return code;
}

static void put_text(struct pd_json_writer *w, const char *key, const struct text *text)
{
    pd_json_key(w, key);
    pd_json_string(w, text->at, text->bytes);
}

static void put_line(void *user, const char *text, size_t bytes)
{
    append(user, text, bytes);
}

/* A row goes out only when all of it is known: it is written into memory first. */
static int write_row(struct rollout *r, const struct row *row, const char *what)
{
    struct pd_json_writer w;
    struct text line = {0};
    int code = EXIT_OK;
    r->n_beginnings = 0;
    pd_json_writer_init(&w, put_line, &line);
    pd_json_begin(&w, '{');
    pd_json_key(&w, "id");
    pd_json_raw(&w, row->id, row->id_bytes);
    pd_json_key(&w, "question");
    pd_json_string(&w, row->question, row->question_bytes);
    pd_json_key(&w, "answer");
    pd_json_text(&w, row->answer);
    pd_json_key(&w, "pass");
    pd_json_double(&w, (double)count_right(&r->own) / r->own.n, 4);
    pd_json_key(&w, "samples");
    pd_json_begin(&w, '[');
    for (int i = 0; i < r->own.n && code == EXIT_OK; i++) {
        const struct sample *sample = &r->own.at[i];
        pd_json_begin(&w, '{');
        put_text(&w, "text", &sample->text);
        put_text(&w, "answer", &sample->answer);
        pd_json_key(&w, "right");
        pd_json_bool(&w, sample->is_right);
        if (sample->is_whole && r->settings->n_labels > 0)
            code = put_labels(r, row, sample, what, &w);
        pd_json_end(&w, '}');
    }
    pd_json_end(&w, ']');
    pd_json_end(&w, '}');
    if (code == EXIT_OK) {
        fwrite(line.at, 1, line.bytes, r->journal.file);
        code = journal_end_line(&r->journal);
    }
    free(line.at);
    return code;
}

static int take_row(void *user, const struct row *row, const char *what)
{
    struct rollout *r = user;
    int code = sample_row(r, row, NULL, r->settings->request.n_samples, &r->own, what);
    if (code != EXIT_OK || r->own.n == 0)
        return code;
    r->n_rows++;
    r->n_written += r->own.n;
    r->n_right += count_right(&r->own);
    code = write_row(r, row, what);
    journal_add(&r->journal, row->id, row->id_bytes);
    return code;
}

static void take_note(void *user, char *note, size_t capacity)
{
    const struct rollout *r = user;
    if (r->n_written > 0)
        snprintf(note, capacity, ", %.1f%% of samples right",
                 100.0 * (double)r->n_right / (double)r->n_written);
}

static int check_usage(const struct settings *settings)
{
    const char *error = NULL;
    if (settings->n_words > 0)
        error = "rollout takes its rows with --data FILE";
    else if (!settings->data)
        error = "rollout needs --data FILE";
    else if (settings->out && settings->resume)
        error = "--out starts a new file, --resume goes on with one: give one of them";
    return complain_usage("rollout", error);
}

static void free_samples(struct samples *samples)
{
    for (int i = 0; i < samples->capacity; i++) {
        free(samples->at[i].text.at);
        free(samples->at[i].answer.at);
    }
    free(samples->at);
}

int cmd_rollout(struct settings *settings)
{
    struct rollout r = {.settings = settings};
    int code = check_usage(settings);
    FILE *data = code == EXIT_OK ? open_rows(settings->data) : NULL;
    if (!data)
        return code != EXIT_OK ? code : EXIT_FILE;
    catch_signals(settings);
    settle_lanes(settings, DEFAULT_SAMPLES);
    code = open_engine(settings, &r.p);
    if (code == EXIT_OK) {
        warm_engine(settings, r.p, true);
        code = journal_open_named(&r.journal, settings, NULL, NULL);
    }
    struct row_loop loop = {.settings = settings,
                            .journal = &r.journal,
                            .take = take_row,
                            .note = take_note,
                            .user = &r};
    if (code == EXIT_OK)
        code = run_rows(&loop, data);
    if (r.journal.file)
        code = journal_close(&r.journal, code);
    if (!settings->is_quiet && r.n_written > 0)
        fprintf(stderr, "%lld questions, %lld samples, %.1f%% right\n", (long long)r.n_rows,
                (long long)r.n_written, 100.0 * (double)r.n_right / (double)r.n_written);
    if (data != stdin)
        fclose(data);
    free_samples(&r.own);
    free_samples(&r.tries);
    free(r.beginnings);
    free(r.begin.at);
    ponder_free(r.p);
    return code == EXIT_OK && (r.has_failed || loop.has_failed) ? EXIT_SOME_FAILED : code;
}
