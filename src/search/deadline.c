/* SPDX-License-Identifier: Apache-2.0
 * deadline.c - see deadline.h. */
#include "search/deadline.h"

#include "base/os.h"
#include "search/force.h"

#define MARGIN       1.25 /* on estimates: machines waver */
#define FIRST_TOKENS 24.0 /* of a sample, until one has ended */

double pd_deadline_past(const struct pd_search *s)
{
    return s->n_prompt + 0.5 * s->usual_tokens;
}

double pd_deadline_pass_ns(const struct pd_search *s, int n)
{
    return pd_cost_pass_ns(&s->cost, n, n * pd_deadline_past(s));
}

void pd_deadline_note(struct pd_search *s, int64_t ns, int n)
{
    s->passes_ns += ns;
    s->expected_ns += pd_deadline_pass_ns(s, n);
    pd_cost_note(&s->cost, (double)ns, n, n * pd_deadline_past(s));
}

void pd_deadline_note_step(struct pd_search *s, int64_t ns, int n)
{
    if (ns > s->longest_step_ns)
        s->longest_step_ns = ns;
    pd_deadline_note(s, ns, n);
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
    pd_follow(&s->verify_ns, (double)ns, 0.25);
}

void pd_deadline_note_sample(struct pd_search *s, int n_tokens)
{
    pd_follow(&s->usual_tokens, (double)n_tokens, 0.125);
}

static double usual_tokens(const struct pd_search *s)
{
    return s->usual_tokens > 0.0 ? s->usual_tokens : FIRST_TOKENS;
}

/* A sample of usual length in each of n lanes. */
static double sample_ns(const struct pd_search *s, int n)
{
    return MARGIN * usual_tokens(s) * pd_deadline_pass_ns(s, n);
}

/* Lanes that can all write a sample of usual length out of a budget of tokens. */
static int lanes_by_tokens(const struct pd_search *s)
{
    double n_left = s->task.max_total_tokens - s->n_tokens;
    return (int)pd_min_double(n_left / usual_tokens(s), s->size.n_lanes);
}

int pd_deadline_lanes(const struct pd_search *s)
{
    int n = s->task.max_total_tokens > 0 ? lanes_by_tokens(s) : s->size.n_lanes;
    if (s->task.deadline_ns == 0 || !s->task.wants_answer)
        return n;
    double left_ns = (double)(s->task.deadline_ns - pd_clock_ns()) - reserve_ns(s);
    while (n > 0 && sample_ns(s, n) > left_ns)
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

bool pd_deadline_allows_wave(const struct pd_search *s)
{
    return pd_deadline_allows(s, 2.0 * sample_ns(s, s->size.n_lanes) + reserve_ns(s));
}

double pd_deadline_needed_ns(const struct pd_search *s, double before_ns, int n_done)
{
    return before_ns + pd_deadline_pass_ns(s, s->n_prompt - n_done) + pd_deadline_forcing_ns(s, 1);
}
