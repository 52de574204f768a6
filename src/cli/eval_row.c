/* SPDX-License-Identifier: Apache-2.0
 * eval_row.c - see eval_row.h. */
#include "cli/eval_row.h"

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/trace.h"

static void put_number(struct pd_json_writer *w, const char *key, double value)
{
    pd_json_key(w, key);
    pd_json_double(w, value, 3);
}

static int put_row(struct ponder *p, struct journal *journal, const struct row *row,
                   const struct ponder_answer *answer, const struct outcome *outcome)
{
    struct pd_json_writer w;
    json_to_file(&w, journal->file);
    pd_json_begin(&w, '{');
    pd_json_key(&w, "id");
    pd_json_raw(&w, row->id, row->id_bytes);
    pd_json_key(&w, "gold");
    pd_json_text(&w, row->answer);
    pd_json_key(&w, "correct");
    pd_json_bool(&w, outcome->is_correct);
    if (row->level) {
        pd_json_key(&w, "level");
        pd_json_text(&w, row->level);
    }
    put_number(&w, "budget_ms", outcome->budget_ms);
    put_number(&w, "ms_step", outcome->ms_step);
    put_number(&w, "ms_passes", outcome->ms_passes);
    put_number(&w, "ms_expected", outcome->ms_expected);
    put_answer_fields(&w, p, answer, true);
    pd_json_end(&w, '}');
    return journal_end_line(journal);
}

int eval_row_ask(struct ponder *p, struct settings *settings, const struct row *row,
                 const char *what, struct journal *journal, struct outcome *outcome_ret,
                 bool *is_asked_ret)
{
    struct ponder_answer answer;
    enum ponder_status status = trace_ask(settings, p, row, &settings->request, &answer);
    *is_asked_ret = false;
    if (status == PONDER_CANCELLED)
        return caught_exit_code();
    if (status != PONDER_OK && status != PONDER_NO_ANSWER && status != PONDER_NO_TIME) {
        complain_status(status, what, p, &answer);
        return EXIT_OK;
    }
    *is_asked_ret = true;
    *outcome_ret = (struct outcome){
        .level = row->level,
        .is_answered = answer.answer[0] != '\0',
        .is_correct = ponder_answer_equal(answer.answer, row->answer),
        .budget_ms = settings->request.budget_ms,
        .ms_total = answer.ms_total,
        .ms_step = answer.ms_step,
        .ms_passes = answer.ms_passes,
        .ms_expected = answer.ms_expected,
        .ms_planned = answer.ms_planned,
        .n_tokens = answer.n_tokens,
        .n_samples = answer.n_samples,
        .n_steps = answer.n_steps,
    };
    return journal ? put_row(p, journal, row, &answer, outcome_ret) : EXIT_OK;
}

static double number_of(const char *line, size_t bytes, const char *key)
{
    double value = 0;
    pd_json_to_double(pd_json_field(line, bytes, key), &value);
    return value;
}

bool eval_row_read(const char *line, size_t bytes, char level[MAX_LEVEL_BYTES],
                   struct outcome *outcome_ret)
{
    struct pd_json_value value = pd_json_field(line, bytes, "level");
    struct pd_json_value correct = pd_json_field(line, bytes, "correct");
    struct pd_json_value answer = pd_json_field(line, bytes, "answer");
    if (correct.kind != PD_JSON_BOOL)
        return false;
    *outcome_ret = (struct outcome){
        .is_answered = answer.kind == PD_JSON_STRING && answer.bytes > 2,
        .is_correct = correct.raw[0] == 't',
        .budget_ms = number_of(line, bytes, "budget_ms"),
        .ms_total = number_of(line, bytes, "ms_total"),
        .ms_step = number_of(line, bytes, "ms_step"),
        .ms_passes = number_of(line, bytes, "ms_passes"),
        .ms_expected = number_of(line, bytes, "ms_expected"),
        .ms_planned = number_of(line, bytes, "ms_planned"),
        .n_tokens = (int64_t)number_of(line, bytes, "tokens"),
        .n_samples = (int64_t)number_of(line, bytes, "samples"),
        .n_steps = (int64_t)number_of(line, bytes, "steps"),
    };
    if (value.kind == PD_JSON_STRING && value.bytes < MAX_LEVEL_BYTES) {
        level[pd_json_unescape(value, level)] = '\0';
        outcome_ret->level = level;
    }
    return true;
}
