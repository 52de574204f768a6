/* SPDX-License-Identifier: Apache-2.0
 * cost.c - see cost.h. */
#include "search/cost.h"

#include <math.h>

/* Between two points a line; beyond the last, rows like those of a prompt. */
static double curve_ns(const struct pd_cost *c, int n)
{
    int last = c->n_points - 1;
    if (n >= c->lanes[last])
        return c->step_ns[last] + (n - c->lanes[last]) * c->prompt_row_ns;
    int i = 0;
    while (n >= c->lanes[i + 1])
        i++;
    double part = (double)(n - c->lanes[i]) / (c->lanes[i + 1] - c->lanes[i]);
    return c->step_ns[i] + part * (c->step_ns[i + 1] - c->step_ns[i]);
}

static double measured_ns(const struct pd_cost *c, int n, double n_positions)
{
    return curve_ns(c, n) + n_positions * c->position_ns;
}

/* Before a small pass was ever seen, a guess: reading the weights takes as long as two more rows. */
double pd_cost_pass_ns(const struct pd_cost *c, int n, double n_positions)
{
    if (c->n_points > 0)
        return c->pace * measured_ns(c, n, n_positions);
    return (c->pass_ns > 0.0 ? c->pass_ns : 2.0 * c->row_ns) + n * c->row_ns;
}

void pd_cost_note(struct pd_cost *c, double ns, int n, double n_positions)
{
    if (c->n_points > 0) {
        pd_follow(&c->pace, ns / measured_ns(c, n, n_positions), 0.125);
        return;
    }
    double besides = ns - n * c->row_ns;
    if (n >= PD_COST_MANY || c->row_ns == 0.0)
        pd_follow(&c->row_ns, ns / n, 0.5);
    else
        pd_follow(&c->pass_ns, besides > 0.0 ? besides : 0.0, 0.25);
}

static bool is_time(double ns)
{
    return isfinite(ns) && ns > 0.0 && ns < 1e15;
}

bool pd_cost_is_sound(const struct pd_cost *c)
{
    bool is = c->n_points >= 1 && c->n_points <= PD_COST_POINTS && c->lanes[0] == 1 &&
              is_time(c->prompt_row_ns) && (c->position_ns == 0.0 || is_time(c->position_ns));
    for (int i = 0; is && i < c->n_points; i++)
        is = is_time(c->step_ns[i]) && (i == 0 || c->lanes[i] > c->lanes[i - 1]);
    return is;
}
