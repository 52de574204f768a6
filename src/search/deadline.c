/* SPDX-License-Identifier: Apache-2.0
 * deadline.c - see deadline.h. */
#include "search/deadline.h"

#include "base/os.h"
#include "search/force.h"

#define MARGIN       1.25 /* on estimates: machines waver */
#define FIRST_TOKENS 24.0 /* of a sample, until one has ended */

/* Moves an estimate towards a new value by a part of the way. */
static void follow(double *estimate, double value, double part)
{
    *estimate = *estimate == 0.0 ? value : *estimate + (value - *estimate) * part;
}

void pd_deadline_note(struct pd_search *s, int64_t ns, int n)
{
    double besides = (double)ns - n * s->row_ns;
    if (n >= PD_DEADLINE_MANY || s->row_ns == 0.0)
        follow(&s->row_ns, (double)ns / n, 0.5);
    else
        follow(&s->pass_ns, besides > 0.0 ? besides : 0.0, 0.25);
}

void pd_deadline_note_step(struct pd_search *s, int64_t ns, int n)
{
    if (ns > s->longest_step_ns)
        s->longest_step_ns = ns;
    pd_deadline_note(s, ns, n);
}

/* Before a small pass was ever seen, a guess: reading the weights takes as long as two more rows. */
double pd_deadline_pass_ns(const struct pd_search *s, int n)
{
    return (s->pass_ns > 0.0 ? s->pass_ns : 2.0 * s->row_ns) + n * s->row_ns;
}

bool pd_deadline_allows(const struct pd_search *s, double ns)
{
    return s->task.deadline_ns == 0 || (double)(s->task.deadline_ns - pd_clock_ns()) > ns;
}

double pd_deadline_forcing_ns(const struct pd_search *s, int n)
{
    return MARGIN * (pd_deadline_pass_ns(s, n * (s->n_forced + 1)) +
                     PD_FORCE_STEPS * pd_deadline_pass_ns(s, n));
}

/* To be kept back: as long as there is no answer, enough to force one lane. */
static double reserve_ns(const struct pd_search *s)
{
    return s->task.wants_answer && s->n_groups == 0 ? pd_deadline_forcing_ns(s, 1) : 0.0;
}

void pd_deadline_note_verify(struct pd_search *s, int64_t ns)
{
    if (ns > s->longest_step_ns)
        s->longest_step_ns = ns;
    follow(&s->verify_ns, (double)ns, 0.25);
}

void pd_deadline_note_sample(struct pd_search *s, int n_tokens)
{
    follow(&s->usual_tokens, (double)n_tokens, 0.125);
}

int pd_deadline_lanes(const struct pd_search *s)
{
    if (s->task.deadline_ns == 0 || !s->task.wants_answer)
        return s->size.n_lanes;
    double n_tokens = s->usual_tokens > 0.0 ? s->usual_tokens : FIRST_TOKENS;
    double left_ns = (double)(s->task.deadline_ns - pd_clock_ns()) - reserve_ns(s);
    int n = s->size.n_lanes;
    while (n > 0 && MARGIN * n_tokens * pd_deadline_pass_ns(s, n) > left_ns)
        n--;
    return n;
}

bool pd_deadline_allows_draw(const struct pd_search *s)
{
    return pd_deadline_allows(s, reserve_ns(s));
}

bool pd_deadline_allows_step(const struct pd_search *s, int n_rows)
{
    double ns = pd_deadline_pass_ns(s, n_rows) + (s->task.n_verifiers > 0 ? s->verify_ns : 0.0);
    return pd_deadline_allows(s, MARGIN * ns + reserve_ns(s));
}

double pd_deadline_needed_ns(const struct pd_search *s, double before_ns, int n_done)
{
    return before_ns + pd_deadline_pass_ns(s, s->n_prompt - n_done) + pd_deadline_forcing_ns(s, 1);
}
