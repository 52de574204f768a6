/* SPDX-License-Identifier: Apache-2.0
 * trace.c - see trace.h. */
#include "cli/trace.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "cli/output.h"
#include "cli/rows.h"

static void begin_line(struct pd_json_writer *w, FILE *file, const char *event)
{
    json_to_file(w, file);
    pd_json_begin(w, '{');
    pd_json_key(w, "event");
    pd_json_text(w, event);
}

static void end_line(struct pd_json_writer *w, FILE *file)
{
    pd_json_end(w, '}');
    putc('\n', file);
}

static void put_number(struct pd_json_writer *w, const char *key, double value, int decimals)
{
    pd_json_key(w, key);
    pd_json_double(w, value, decimals);
}

static void on_event(void *user, const struct ponder_event *event)
{
    FILE *file = user;
    struct pd_json_writer w;
    begin_line(&w, file, event->kind);
    put_number(&w, "path", event->path, 0);
    if (event->parent >= 0)
        put_number(&w, "parent", event->parent, 0);
    put_number(&w, "ms", event->ms, 3);
    if (event->text) {
        pd_json_key(&w, "text");
        pd_json_string(&w, event->text, event->text_bytes);
    }
    if (event->answer) {
        pd_json_key(&w, "answer");
        pd_json_text(&w, event->answer);
    }
    if (strcmp(event->kind, "score") == 0 || strcmp(event->kind, "choose") == 0)
        put_number(&w, "score", event->score, 6); /* null: nothing to say */
    if (event->note) {
        pd_json_key(&w, "note");
        pd_json_text(&w, event->note);
    }
    end_line(&w, file);
}

int trace_open(struct settings *settings)
{
    if (!settings->trace)
        return EXIT_OK;
    settings->trace_file = fopen(settings->trace, "wb");
    if (!settings->trace_file) {
        complain("cannot write the trace %s: %s", settings->trace, strerror(errno));
        return EXIT_FILE;
    }
    settings->request.on_event = on_event;
    settings->request.user = settings->trace_file;
    return EXIT_OK;
}

static void put_question(const struct settings *settings, const struct row *row)
{
    struct pd_json_writer w;
    if (!settings->trace_file)
        return;
    begin_line(&w, settings->trace_file, "question");
    if (row->id) {
        pd_json_key(&w, "id");
        pd_json_raw(&w, row->id, row->id_bytes);
    }
    pd_json_key(&w, "question");
    pd_json_string(&w, row->question, row->question_bytes);
    end_line(&w, settings->trace_file);
}

static void put_answer(const struct settings *settings, const struct ponder *p,
                       const struct ponder_answer *answer)
{
    struct pd_json_writer w;
    if (!settings->trace_file)
        return;
    begin_line(&w, settings->trace_file, "answer");
    put_answer_fields(&w, p, answer, true);
    end_line(&w, settings->trace_file);
}

enum ponder_status trace_ask(struct settings *settings, struct ponder *p, const struct row *row,
                             const struct ponder_request *request, struct ponder_answer *answer_ret)
{
    put_question(settings, row);
    enum ponder_status status =
        ponder_solve(p, row->question, row->question_bytes, request, answer_ret);
    put_answer(settings, p, answer_ret);
    say_note(settings, answer_ret);
    return status;
}

int trace_close(struct settings *settings, int code)
{
    if (!settings->trace_file)
        return code;
    bool is_written = !ferror(settings->trace_file);
    is_written = fclose(settings->trace_file) == 0 && is_written;
    settings->trace_file = NULL;
    if (is_written)
        return code;
    complain("cannot write the trace %s: it is not complete", settings->trace);
    return code != EXIT_OK ? code : EXIT_FILE;
}
