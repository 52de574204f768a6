/* SPDX-License-Identifier: Apache-2.0
 * evaluate.c - see evaluate.h. */
#include "quant/quantize/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "quant/quantize/tool.h"

enum { MAX_TOKENS = 256 };

enum ponder_status evaluate_open(const char *path, const struct texts *texts, struct ponder **p_ret,
                                 const struct pd_error *err)
{
    char text[PONDER_ERROR_BYTES] = "";
    struct ponder_options options;
    ponder_options_default(&options); /* prompts of SEQUENCE_TOKENS, or the model's context */
    options.n_lanes = 1;
    options.max_text_bytes = texts->longest + 4096;
    enum ponder_status status = ponder_create(path, &options, 0, p_ret, text, sizeof text);
    if (status == PONDER_OK)
        return PONDER_OK;
    return pd_fail(err, status, "%s: %s", path, text[0] ? text : ponder_status_text(status));
}

static enum ponder_status score_texts(struct ponder *p, const struct sequences *s,
                                      struct evaluation *e, bool shows_progress,
                                      const struct pd_error *err)
{
    float log_probs[SEQUENCE_TOKENS];
    double sum = 0.0;
    for (int i = 0; i < s->n; i++) {
        int lane, n = s->begin[i + 1] - s->begin[i];
        ponder_reset(p);
        enum ponder_status status = ponder_fork(p, -1, &lane);
        if (status == PONDER_OK)
            status = ponder_score(p, lane, s->token + s->begin[i], n, log_probs);
        if (status != PONDER_OK)
            return pd_fail(err, status, "scoring a text: %s", ponder_status_text(status));
        for (int k = 0; k + 1 < n; k++)
            sum -= (double)log_probs[k];
        e->n_tokens += n - 1;
        if (shows_progress)
            progress_show("texts scored", i, s->n);
        PD_TRY(check_signals(err));
    }
    e->mean_nll = sum / e->n_tokens;
    return PONDER_OK;
}

static enum ponder_status answer_problems(struct ponder *p, const struct texts *texts,
                                          struct evaluation *e, bool shows_progress,
                                          const struct pd_error *err)
{
    struct ponder_request request;
    ponder_request_default(&request);
    request.strategy = "greedy";
    request.n_samples = 1;
    request.max_tokens = MAX_TOKENS;
    for (int i = 0; i < texts->n; i++) {
        const struct text *text = &texts->text[i];
        struct ponder_answer answer;
        if (!text->question || !text->answer)
            continue;
        bool is_answered =
            ponder_solve(p, text->question, strlen(text->question), &request, &answer) == PONDER_OK;
        e->n_answers++;
        e->n_right += is_answered && ponder_answer_equal(answer.answer, text->answer);
        if (shows_progress)
            progress_show("problems", i, texts->n);
        PD_TRY(check_signals(err));
    }
    return PONDER_OK;
}

enum ponder_status evaluate(const char *path, const struct texts *texts,
                            struct evaluation *evaluation_ret, bool shows_progress,
                            const struct pd_error *err)
{
    struct ponder *p;
    struct sequences sequences;
    *evaluation_ret = (struct evaluation){.n_tokens = 0};
    PD_TRY(evaluate_open(path, texts, &p, err));
    enum ponder_status status = sequences_make(&sequences, texts, p, 0, err);
    if (status == PONDER_OK) {
        status = score_texts(p, &sequences, evaluation_ret, shows_progress, err);
        sequences_free(&sequences);
    }
    if (status == PONDER_OK)
        status = answer_problems(p, texts, evaluation_ret, shows_progress, err);
    ponder_free(p);
    return status;
}
