/* SPDX-License-Identifier: Apache-2.0
 * deadline.c - see deadline.h. */
#include "search/deadline.h"

#include "base/os.h"
#include "search/force.h"

#define MARGIN 1.25 /* on estimates: machines waver */

/* Recent: each new value counts an eighth. */
static void follow(double *estimate, double value)
{
    if (*estimate == 0.0)
        *estimate = value;
    else
        *estimate += (value - *estimate) / 8.0;
}

void pd_deadline_note_step(struct pd_search *s, int64_t ns)
{
    follow(&s->step_ns, (double)ns);
    if (ns > s->longest_step_ns)
        s->longest_step_ns = ns;
}

void pd_deadline_note_rows(struct pd_search *s, int64_t ns, int n)
{
    follow(&s->row_ns, (double)ns / n);
}

bool pd_deadline_allows(const struct pd_search *s, double ns)
{
    return s->task.deadline_ns == 0 || (double)(s->task.deadline_ns - pd_clock_ns()) > ns;
}

/* A decode step; before one was ever measured, a guess from the prompt: reading the weights costs as much
 * as a few rows. */
static double step_estimate(const struct pd_search *s)
{
    return s->step_ns > 0.0 ? s->step_ns : s->row_ns * (3 + s->n_running);
}

double pd_deadline_reserve_ns(const struct pd_search *s)
{
    int n_rows = pd_force_lanes(s) * (s->n_forced + 1);
    return MARGIN * (s->row_ns * n_rows + PD_FORCE_STEPS * step_estimate(s));
}

static double forcing_ns(const struct pd_search *s)
{
    return s->task.wants_answer && s->n_groups == 0 ? pd_deadline_reserve_ns(s) : 0.0;
}

bool pd_deadline_allows_draw(const struct pd_search *s)
{
    return pd_deadline_allows(s, forcing_ns(s));
}

bool pd_deadline_allows_step(const struct pd_search *s)
{
    return pd_deadline_allows(s, MARGIN * step_estimate(s) + forcing_ns(s));
}

double pd_deadline_needed_ns(const struct pd_search *s, double before_ns, int n_done)
{
    return before_ns + s->row_ns * (s->n_prompt - n_done) + pd_deadline_reserve_ns(s);
}
