/* SPDX-License-Identifier: Apache-2.0
 * judge.c - judging a given text: a path takes its tokens as if the model had drawn them, with their
 * log-probabilities, halts at each step's end and is scored there. */
#include <string.h>

#include "search/path.h"

/* Takes in a token of the text, and has the step judged that it ends. False: the path is over. */
static bool take(struct pd_search *s, struct pd_path *path, int32_t token, int output,
                 float log_prob, float certainty)
{
    int index = pd_search_index(s, path);
    path->output = output;
    path->next = token;
    path->next_log_prob = log_prob;
    path->next_certainty = certainty;
    pd_path_accept(s, path);
    if (path->state == PD_PATH_RUNNING)
        return true;
    s->n_running = 0;
    pd_search_score(s, &index, 1);
    if (pd_path_is_over(path))
        return false;
    pd_search_go_on(s, index);
    return true;
}

/* The prompt's last token and the text's through the model, each with the next as its target. */
static enum ponder_status read_text(struct pd_search *s, struct pd_path *path, const int32_t *token,
                                    int n)
{
    struct pd_policy *p = &s->policy;
    int n_rows;
    p->rewind(p->self, path->lane, s->n_prompt - 1);
    for (int done = -1; done < n; done += n_rows) { /* rows done; the first is the prompt's last */
        n_rows = pd_min_int(n - done, p->n_batch);
        for (int i = 0; i < n_rows; i++) {
            int at = done + i;
            s->row[i] = (struct pd_row){.token = at < 0 ? s->prompt[s->n_prompt - 1] : token[at],
                                        .lane = path->lane,
                                        .wants_output = true,
                                        .target = at + 1 < n ? token[at + 1] : 0};
        }
        PD_TRY(p->step(p->self, s->row, n_rows, s->task.deadline_ns));
        s->n_steps++;
        for (int i = 0; i < n_rows && done + i + 1 < n; i++)
            if (!take(s, path, token[done + i + 1], s->row[i].output,
                      p->log_prob(p->self, s->row[i].output),
                      pd_search_certainty(s, s->row[i].output)))
                return PONDER_OK;
        path->output = s->row[n_rows - 1].output;
    }
    int index = pd_search_index(s, path);
    s->n_running = 0;
    pd_path_stop(s, path, PD_PATH_ENDED);
    pd_search_score(s, &index, 1);
    return PONDER_OK;
}

enum ponder_status pd_judge_text(struct pd_search *s, const char *text, size_t bytes)
{
    size_t n;
    s->halts_at_steps = true;
    struct pd_path *path = &s->path[pd_search_start(s, 0, 0)];
    int32_t *token = pd_search_lane_lead(s, path->lane);
    PD_TRY(pd_tokenize(s->tokenizer, text, bytes, (struct pd_tokenize){.goes_on = true}, s->scratch,
                       s->scratch_bytes, token, (size_t)s->task.max_tokens, &n));
    path->max_tokens++; /* its last token is not one too many */
    return read_text(s, path, token, (int)n);
}
