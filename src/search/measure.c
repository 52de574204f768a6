/* SPDX-License-Identifier: Apache-2.0
 * measure.c - what passes through the model take on this device, measured. */
#include "base/os.h"
#include "search/path.h"

enum {
    MAX_REPEATS = 9,
    SHORT_PAST = 16, /* positions behind which steps are measured: few, */
    LONG_PAST = 192  /* and many */
};

#define POINT_NS 60e6 /* for one figure, at most about */

/* Lanes behind a prompt of n tokens, which tokens does not matter. The trunk is lane -1's fork, given up afterwards. */
static enum ponder_status take_in(struct pd_search *s, int n, int *trunk_ret, double *row_ns_ret)
{
    struct pd_policy *p = &s->policy;
    int64_t start = pd_clock_ns();
    PD_TRY(p->fork(p->self, -1, trunk_ret));
    for (int done = 0; done < n;) {
        int rows = pd_min_int(n - done, p->n_batch);
        for (int i = 0; i < rows; i++)
            s->row[i] = (struct pd_row){.token = 0, .lane = *trunk_ret, .wants_output = false};
        PD_TRY(p->step(p->self, s->row, rows, 0));
        done += rows;
    }
    *row_ns_ret = (double)(pd_clock_ns() - start) / n;
    return PONDER_OK;
}

static void sort(double *values, int n)
{
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && values[j] < values[j - 1]; j--) {
            double higher = values[j - 1];
            values[j - 1] = values[j];
            values[j] = higher;
        }
}

/* The median of steps of n lanes behind the trunk, with outputs to draw from. */
static enum ponder_status time_step(struct pd_search *s, int trunk, int n, double *ns_ret)
{
    struct pd_policy *p = &s->policy;
    double ns[MAX_REPEATS], sum = 0.0;
    int lane[PONDER_MAX_LANES], n_repeats = 0;
    for (int i = 0; i < n; i++)
        PD_TRY(p->fork(p->self, trunk, &lane[i]));
    while (n_repeats < MAX_REPEATS && (n_repeats < 3 || sum < POINT_NS)) {
        int64_t start = pd_clock_ns();
        for (int i = 0; i < n; i++)
            s->row[i] = (struct pd_row){.token = 0, .lane = lane[i], .wants_output = true};
        PD_TRY(p->step(p->self, s->row, n, 0));
        ns[n_repeats] = (double)(pd_clock_ns() - start);
        sum += ns[n_repeats++];
    }
    for (int i = 0; i < n; i++)
        p->prune(p->self, lane[i]);
    sort(ns, n_repeats);
    *ns_ret = ns[n_repeats / 2];
    return PONDER_OK;
}

static enum ponder_status measure(struct pd_search *s, struct pd_cost *c)
{
    const struct pd_sampling how = {
        .temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .repeat_penalty = 1.0f};
    double long_ns, ignored;
    int near, far, n_far = pd_min_int(LONG_PAST, s->size.max_prompt_tokens);
    int n_near = pd_min_int(SHORT_PAST, n_far);
    s->policy.begin(s->policy.self, &how, false);
    PD_TRY(take_in(s, n_near, &near, &ignored));
    for (int n = 1; n <= s->size.n_lanes && c->n_points < PD_COST_POINTS; n *= 2) {
        c->lanes[c->n_points] = n;
        PD_TRY(time_step(s, near, n, &c->step_ns[c->n_points]));
        c->n_points++;
    }
    s->policy.prune(s->policy.self, near);
    PD_TRY(take_in(s, n_far, &far, &c->prompt_row_ns));
    int last = c->n_points - 1, n = c->lanes[last];
    PD_TRY(time_step(s, far, n, &long_ns));
    if (n_far > n_near && long_ns > c->step_ns[last])
        c->position_ns = (long_ns - c->step_ns[last]) / ((double)n * (n_far - n_near));
    for (int i = 0; i < c->n_points; i++)
        c->step_ns[i] = pd_max_double(c->step_ns[i] - c->lanes[i] * n_near * c->position_ns,
                                      0.5 * c->step_ns[i]);
    return PONDER_OK;
}

enum ponder_status pd_search_measure_cost(struct pd_search *s)
{
    struct pd_cost c = {.pace = 1.0};
    pd_search_forget(s);
    enum ponder_status status = measure(s, &c);
    pd_search_forget(s);
    if (status == PONDER_OK)
        s->cost = c;
    return status;
}
