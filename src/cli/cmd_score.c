/* SPDX-License-Identifier: Apache-2.0
 * cmd_score.c - `ponder score`: what verifiers say of the steps of a given solution. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/rows.h"

enum { MAX_STEP_BYTES = 4096 };

struct scores {
    bool is_json;
    struct pd_json_writer w;
    char step[MAX_STEP_BYTES]; /* whose score comes next */
    size_t step_bytes;
};

/* In five columns. */
static void print_number(double score)
{
    if (isnan(score))
        printf("    -");
    else
        printf("%.3f", score);
}

static void print_score(struct scores *scores, const struct ponder_event *event)
{
    size_t bytes = scores->step_bytes;
    if (scores->is_json) {
        pd_json_begin(&scores->w, '{');
        pd_json_key(&scores->w, "text");
        pd_json_string(&scores->w, scores->step, bytes);
        pd_json_key(&scores->w, "score");
        pd_json_double(&scores->w, event->score, 6);
        if (event->note) {
            pd_json_key(&scores->w, "note");
            pd_json_text(&scores->w, event->note);
        }
        pd_json_end(&scores->w, '}');
        return;
    }
    while (bytes > 0 && scores->step[bytes - 1] == '\n')
        bytes--;
    print_number(event->score);
    printf("  %.*s%s%s\n", (int)bytes, scores->step, event->note ? "  " : "",
           event->note ? event->note : "");
}

static void on_event(void *user, const struct ponder_event *event)
{
    struct scores *scores = user;
    if (strcmp(event->kind, "score") == 0)
        print_score(scores, event);
    if (strcmp(event->kind, "step") != 0 && strcmp(event->kind, "end") != 0)
        return;
    scores->step_bytes = event->text_bytes < MAX_STEP_BYTES ? event->text_bytes : MAX_STEP_BYTES;
    memcpy(scores->step, event->text, scores->step_bytes);
}

static int judge(struct ponder *p, struct settings *settings, const char *steps, size_t bytes)
{
    struct ponder_request request = settings->request;
    struct ponder_answer answer;
    struct scores scores = {.is_json = settings->is_json};
    request.on_event = on_event;
    request.user = &scores;
    if (settings->is_json) {
        json_to_file(&scores.w, stdout);
        pd_json_begin(&scores.w, '{');
        pd_json_key(&scores.w, "steps");
        pd_json_begin(&scores.w, '[');
    }
    enum ponder_status status = ponder_judge(p, settings->question, strlen(settings->question),
                                             steps, bytes, &request, &answer);
    bool is_judged = status == PONDER_OK || status == PONDER_NO_ANSWER;
    if (settings->is_json) {
        pd_json_end(&scores.w, ']');
        pd_json_key(&scores.w, "score");
        pd_json_double(&scores.w, is_judged ? answer.confidence : (double)NAN, 6);
        pd_json_key(&scores.w, "answer");
        pd_json_text(&scores.w, answer.answer);
        pd_json_end(&scores.w, '}');
        putchar('\n');
    } else if (is_judged) {
        print_number(answer.confidence);
        printf("  answer %s\n", answer.answer[0] ? answer.answer : "none");
    }
    if (is_judged)
        say_note(settings, &answer);
    int code = finish_output(stdout, "standard output", EXIT_OK);
    if (code != EXIT_OK || is_judged)
        return code;
    return complain_status(status, "the solution", p, &answer);
}

int cmd_score(struct settings *settings)
{
    struct ponder *p = NULL;
    char *steps = NULL;
    size_t bytes = 0;
    if (!settings->question || is_blank(settings->question, strlen(settings->question))) {
        complain(
            "score needs the question that the steps answer: --question TEXT; see ponder score "
            "--help");
        return EXIT_USAGE;
    }
    catch_signals(settings);
    settle_lanes(settings, 1);
    int code = read_text(settings, "solution", &steps, &bytes);
    if (code == EXIT_OK && is_blank(steps, bytes)) {
        complain("the solution is empty; give its steps, one a line");
        code = EXIT_USAGE;
    }
    if (code == EXIT_OK)
        code = open_engine(settings, &p);
    if (code == EXIT_OK)
        code = check_verifiers(settings, p);
    if (code == EXIT_OK)
        code = judge(p, settings, steps, bytes);
    free(steps);
    ponder_free(p);
    return code;
}
