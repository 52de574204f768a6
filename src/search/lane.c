/* SPDX-License-Identifier: Apache-2.0
 * lane.c - see lane.h. */
#include "search/lane.h"

#include <string.h>

#include "search/deadline.h"
#include "search/prompt.h"

int pd_search_group(struct pd_search *s, const char *answer)
{
    for (int g = 0; g < s->n_groups; g++)
        if (pd_answer_equal(s->group[g].answer, answer))
            return g;
    memcpy(s->group[s->n_groups].answer, answer, strlen(answer) + 1);
    return s->n_groups++;
}

void pd_search_end_sample(struct pd_search *s, const struct pd_run *run, enum pd_sample_state state)
{
    struct pd_sample *sample = &s->sample[run->sample];
    char answer[PD_ANSWER_BYTES];
    sample->state = state;
    if (state == PD_SAMPLE_ENDED)
        pd_deadline_note_sample(s, sample->n_tokens);
    if (s->task.wants_answer && state != PD_SAMPLE_CUT &&
        pd_prompt_find_answer(s, run->text, run->text_bytes, answer, sizeof answer))
        sample->group = pd_search_group(s, answer);
    pd_kv_prune(&s->decoder->kv, run->lane);
}

bool pd_search_append(struct pd_search *s, struct pd_run *run, int32_t token)
{
    struct pd_sample *sample = &s->sample[run->sample];
    sample->token[sample->n_tokens++] = token;
    s->n_tokens++;
    char *piece = run->text + run->text_bytes;
    size_t room = s->text_capacity - run->text_bytes;
    size_t wanted = pd_token_text(s->tokenizer, token, false, piece, room);
    size_t bytes = pd_min_size(wanted, room);
    run->text_bytes += bytes;
    if (s->task.on_text != NULL && run->sample == 0)
        s->task.on_text(s->task.user, piece, bytes);
    return wanted <= room;
}

bool pd_search_append_drawn(struct pd_search *s, struct pd_run *run)
{
    struct pd_sample *sample = &s->sample[run->sample];
    sample->sum_log_prob += (double)run->next_log_prob;
    sample->n_drawn++;
    return pd_search_append(s, run, run->next);
}
