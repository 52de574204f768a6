/* SPDX-License-Identifier: Apache-2.0
 * prefill.c - the prompt into the trunk lane, which every path starts from; what the last prompt had in common with
 * it stays. */
#include <string.h>

#include "base/os.h"
#include "search/deadline.h"
#include "search/path.h"

/* Makes the trunk lane hold as much of the new prompt as it still has from the last one; a row's result does not
 * depend on when it was computed. At least the last token is left to do, for its output. */
static enum ponder_status rewind_trunk(struct pd_search *s, int *n_kept_ret)
{
    struct pd_policy *p = &s->policy;
    int n = 0;
    p->forget(p->self, s->trunk);
    if (s->trunk < 0)
        PD_TRY(p->fork(p->self, -1, &s->trunk));
    while (n < s->n_cached && n < s->n_prompt - 1 && s->cached[n] == s->prompt[n])
        n++;
    p->rewind(p->self, s->trunk, n);
    s->n_cached = n;
    *n_kept_ret = n;
    return PONDER_OK;
}

enum ponder_status pd_search_prefill(struct pd_search *s, struct pd_outcome *outcome)
{
    struct pd_policy *p = &s->policy;
    int done;
    p->begin(p->self, &s->task.how, s->wants_certainty);
    PD_TRY(rewind_trunk(s, &done));
    while (done < s->n_prompt) {
        int n = pd_min_int(s->n_prompt - done, p->n_batch);
        for (int i = 0; i < n; i++)
            s->row[i] = (struct pd_row){.token = s->prompt[done + i],
                                        .lane = s->trunk,
                                        .wants_output = done + i == s->n_prompt - 1};
        int64_t start = pd_clock_ns();
        enum ponder_status status = p->step(p->self, s->row, n, s->task.deadline_ns);
        if (status == PONDER_NO_TIME) {
            outcome->finish = PONDER_DEADLINE;
            outcome->needed_ns = pd_deadline_needed_ns(s, (double)(start - s->start_ns), done);
        }
        PD_TRY(status);
        pd_deadline_note(s, pd_clock_ns() - start, n);
        memcpy(s->cached + done, s->prompt + done, (size_t)n * sizeof *s->cached);
        done += n;
        s->n_cached = done;
        if (pd_search_is_cancelled(s)) {
            outcome->finish = PONDER_INTERRUPTED;
            return PONDER_CANCELLED;
        }
    }
    p->keep(p->self, 0);
    return PONDER_OK;
}

void pd_search_forget(struct pd_search *s)
{
    s->policy.forget(s->policy.self, -1);
    s->trunk = -1;
    s->n_cached = 0;
}

enum ponder_status pd_search_warm(struct pd_search *s)
{
    struct pd_outcome ignored;
    s->task = (struct pd_task){0};
    s->wants_certainty = false;
    if (s->n_prompt == 0)
        return PONDER_OK;
    return pd_search_prefill(s, &ignored);
}
