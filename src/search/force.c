/* SPDX-License-Identifier: Apache-2.0
 * force.c - see force.h. */
#include "search/force.h"

#include "base/os.h"
#include "search/deadline.h"
#include "search/lane.h"
#include "search/prompt.h"

/* The most lanes that there is time for; one in any case. */
static int lanes_to_force(const struct pd_search *s)
{
    int n = pd_min_int(s->n_running, PD_FORCE_MAX_LANES);
    n = pd_min_int(n, s->decoder->size.n_batch / (s->n_forced + 1));
    while (n > 1 && !pd_deadline_allows(s, pd_deadline_forcing_ns(s, n)))
        n--;
    return n;
}

/* The lanes' last tokens and the forced text, in one batch. The text is the samples' only once it is through. */
static enum ponder_status feed(struct pd_search *s, int n)
{
    int n_rows = 0;
    for (int i = 0; i < n; i++) {
        const struct pd_run *run = &s->run[i];
        const struct pd_sample *sample = &s->sample[run->sample];
        if (sample->n_tokens > 0) /* drawn, but not yet put through the model */
            s->row[n_rows++] =
                (struct pd_row){.token = sample->token[sample->n_tokens - 1], .lane = run->lane};
        for (int j = 0; j < s->n_forced; j++)
            s->row[n_rows++] = (struct pd_row){.token = s->forced[j],
                                               .lane = run->lane,
                                               .wants_output = j == s->n_forced - 1};
    }
    int64_t start = pd_clock_ns();
    PD_TRY(pd_decoder_step(s->decoder, s->row, n_rows, s->task.deadline_ns));
    pd_deadline_note_step(s, pd_clock_ns() - start, n_rows);
    s->n_steps++;
    if (s->first_token_ns == 0)
        s->first_token_ns = pd_clock_ns();
    for (int i = 0; i < n; i++) {
        s->run[i].output = i;
        for (int j = 0; j < s->n_forced; j++)
            pd_search_append(s, &s->run[i], s->forced[j]);
    }
    return PONDER_OK;
}

/* The likeliest token of each run; false for a run whose answer is complete. */
static bool draw_likeliest(struct pd_search *s, struct pd_run *run)
{
    const struct pd_sampling likeliest = {.temperature = 0.0f, .repeat_penalty = 1.0f};
    struct pd_draw draw = {.row = run->output};
    pd_sample(&s->sampler[0], &s->decoder->head, &likeliest, &draw);
    run->next = draw.token;
    run->next_log_prob = draw.log_prob;
    if (pd_tokenizer_ends_text(s->tokenizer, run->next))
        return false;
    pd_search_append_drawn(s, run);
    return !pd_prompt_answer_is_final(s, run->text, run->text_bytes);
}

void pd_force_answers(struct pd_search *s)
{
    if (s->n_running == 0 || s->n_forced == 0)
        return;
    int n = lanes_to_force(s);
    bool is_open[PD_FORCE_MAX_LANES];
    int n_open = n;
    enum ponder_status status = feed(s, n);
    for (int i = 0; i < n; i++)
        is_open[i] = status == PONDER_OK;
    for (int step = 0; status == PONDER_OK && n_open > 0; step++) {
        n_open = 0;
        for (int i = 0; i < n; i++) {
            is_open[i] = is_open[i] && draw_likeliest(s, &s->run[i]);
            if (!is_open[i])
                continue;
            const struct pd_sample *sample = &s->sample[s->run[i].sample];
            s->row[n_open++] = (struct pd_row){.token = sample->token[sample->n_tokens - 1],
                                               .lane = s->run[i].lane,
                                               .wants_output = true};
        }
        if (n_open == 0 || step == PD_FORCE_STEPS ||
            !pd_deadline_allows(s, pd_deadline_pass_ns(s, n_open)))
            break;
        int64_t start = pd_clock_ns();
        status = pd_decoder_step(s->decoder, s->row, n_open, 0);
        pd_deadline_note_step(s, pd_clock_ns() - start, n_open);
        s->n_steps++;
        for (int i = 0, open = 0; i < n; i++)
            if (is_open[i])
                s->run[i].output = open++;
    }
    for (int i = 0; i < n; i++)
        pd_search_end_sample(s, &s->run[i], PD_SAMPLE_FORCED);
    for (int i = n; i < s->n_running;
         i++) { /* the others move down; a swap keeps the text buffers apart */
        struct pd_run moved = s->run[i];
        s->run[i] = s->run[i - n];
        s->run[i - n] = moved;
    }
    s->n_running -= n;
}
