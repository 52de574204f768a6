/* SPDX-License-Identifier: Apache-2.0
 * planner.c - see planner.h. */
#include "search/planner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "base/real.h"
#include "search/deadline.h"
#include "search/setup.h"
#include "search/vote.h"

#define MARGIN     1.1 /* on what a plan is expected to take */
#define HEAD_VOTES 4.0 /* samples that the head's word weighs as much as */
#define PAY_BACK                                                                                   \
    0.125 /* of what was saved or overdrawn, that one question may spend more or less */
#define SWING                                                                                      \
    4.0 /* times the average that one question may spend at most, or a part of it at least */
#define CHEAP_PRICE (-30.0) /* logarithm, right answers a nanosecond: it changes no choice */
#define STEEP_PRICE (-5.0)  /* nothing is worth it */

enum { HALVINGS = 60, SAMPLES_ALONE = 16, SAMPLES_BY_CLOCK = 64 };

double pd_planner_chance(double chance, int n_top, int n)
{
    if (n == 0)
        return chance;
    double votes = isnan(chance) ? 0.0 : HEAD_VOTES;
    return (votes * (votes > 0.0 ? chance : 0.0) + n_top) / (votes + n);
}

/* ---- the table ---- */

enum ponder_status pd_planner_use(struct pd_search *s, const char *json, size_t bytes,
                                  const struct pd_planner_device *device,
                                  const struct pd_error *err)
{
    struct pd_table *t = &s->planner.table;
    s->planner.saved_ns = 0.0;
    *t = (struct pd_table){0};
    if (bytes == 0)
        return PONDER_OK;
    PD_TRY(pd_table_read(t, json, bytes, err));
    for (int i = 0; i < t->n_plans; i++) {
        if (pd_setup_knows(s, &t->plan[i]))
            continue;
        t->n_plans = 0;
        return pd_fail(
            err, PONDER_BAD_FILE,
            "plan %d wants strategy '%s' and verifier '%s', not all of which this model has", i + 1,
            t->name[i][0], t->name[i][1]);
    }
    if (t->cost.n_points > 0 && t->n_threads == device->n_threads &&
        strcmp(t->isa, device->isa) == 0)
        s->cost = t->cost;
    return PONDER_OK;
}

/* ---- which plan ---- */

static bool is_flat(const struct pd_plan *plan)
{
    const struct pd_strategy *strategy = pd_strategy_find(plan->strategy);
    return strategy != NULL && strategy->is_flat;
}

/* True if a plan can take up where another ends: independent samples stay, and more of them, or a search, follow. */
static bool can_follow(const struct pd_table *t, int plan, int from)
{
    const struct pd_plan *p = &t->plan[plan], *f = &t->plan[from];
    if (!is_flat(f) || plan == from)
        return false;
    return is_flat(p) ? p->n_samples > f->n_samples : p->n_samples + f->n_samples <= PD_MAX_SAMPLES;
}

/* What is still to be done of a plan. */
static double left_of_plan_ns(const struct pd_table *t, const struct pd_cost *cost,
                              const struct pd_plan_query *q, int plan)
{
    double ns = pd_table_plan_ns(t, cost, q->bin, plan, q->n_past);
    if (q->from >= 0 && is_flat(&t->plan[plan]))
        ns -= pd_table_plan_ns(t, cost, q->bin, q->from, q->n_past);
    return ns > 0.0 ? ns : 0.0;
}

int pd_planner_best(const struct pd_table *t, const struct pd_cost *cost,
                    const struct pd_plan_query *q)
{
    double ns[PD_TABLE_PLANS], value[PD_TABLE_PLANS], most = -INFINITY;
    int best = -1;
    for (int i = 0; i < t->n_plans; i++) {
        ns[i] = left_of_plan_ns(t, cost, q, i);
        value[i] = t->cell[q->bin][i].right - q->price * ns[i];
        if (ns[i] > q->left_ns || (q->from >= 0 && !can_follow(t, i, q->from)))
            value[i] = -INFINITY;
        most = value[i] > most ? value[i] : most;
    }
    if (q->from >= 0 && most <= t->cell[q->bin][q->from].right + PD_PLAN_TOLERANCE)
        return -1;
    for (int i = 0; i < t->n_plans; i++)
        if (value[i] > -INFINITY && value[i] >= most - PD_PLAN_TOLERANCE &&
            (best < 0 || ns[i] < ns[best]))
            best = i;
    return best;
}

/* Of all plans the fastest. */
static int fastest(const struct pd_table *t, const struct pd_cost *cost, int bin, double n_past)
{
    int best = 0;
    for (int i = 1; i < t->n_plans; i++)
        if (pd_table_plan_ns(t, cost, bin, i, n_past) <
            pd_table_plan_ns(t, cost, bin, best, n_past))
            best = i;
    return best;
}

/* What a question takes on average at a price. */
static double mean_ns(const struct pd_table *t, const struct pd_cost *cost, double price,
                      double n_past)
{
    double sum = 0.0;
    for (int bin = 0; bin < t->n_bins; bin++) {
        struct pd_plan_query q = {
            .bin = bin, .left_ns = INFINITY, .price = price, .n_past = n_past, .from = -1};
        sum += pd_table_plan_ns(t, cost, bin, pd_planner_best(t, cost, &q), n_past);
    }
    return sum / t->n_bins;
}

double pd_planner_price(const struct pd_table *t, const struct pd_cost *cost, double average_ns,
                        double n_past)
{
    double low = CHEAP_PRICE, high = STEEP_PRICE;
    if (mean_ns(t, cost, 0.0, n_past) <= average_ns)
        return 0.0;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = 0.5 * (low + high);
        if (mean_ns(t, cost, pd_real_exp(middle), n_past) > average_ns)
            low = middle;
        else
            high = middle;
    }
    return pd_real_exp(high);
}

/* ---- rounds ---- */

static double gone_ns(const struct pd_search *s)
{
    return (double)(pd_clock_ns() - s->start_ns);
}

static double left_ns(const struct pd_search *s)
{
    return s->task.deadline_ns > 0 ? (double)(s->task.deadline_ns - pd_clock_ns()) / MARGIN
                                   : INFINITY;
}

/* Of this question, by what those before have left over. */
static double price_of(const struct pd_search *s, double n_past)
{
    const struct pd_planner *pl = &s->planner;
    double average = s->task.average_ns;
    if (average <= 0.0)
        return 0.0;
    double may = average + PAY_BACK * pl->saved_ns;
    may = pd_min_double(pd_max_double(may, average / SWING), average * SWING) - gone_ns(s);
    return pd_planner_price(&pl->table, &s->cost, pd_max_double(may, 0.0), n_past);
}

static void say(struct pd_planner *pl, const struct pd_search *s)
{
    size_t n = strlen(pl->words);
    snprintf(pl->words + n, sizeof pl->words - n, "%s%s %d", n > 0 ? ", " : "", s->strategy->name,
             s->task.n_samples);
}

/* Makes a plan the task's. Its names were looked up when the table was read, so it cannot fail. */
static void take_up(struct pd_search *s, const struct pd_plan *plan)
{
    struct pd_plan p = *plan;
    if (s->task.max_samples > 0)
        p.n_samples = pd_min_int(p.n_samples, s->task.max_samples);
    pd_setup_plan(s, &p, &s->task, &s->strategy);
    s->task.how.temperature = s->strategy->is_greedy ? -1.0f : s->task.temperature;
    say(&s->planner, s);
}

/* Without a table. */
static struct pd_plan plan_alone(const struct pd_search *s)
{
    struct pd_verifier_use ignored;
    bool has_head = pd_search_find_verifier(s, "head", 4, &ignored);
    int n = s->task.deadline_ns > 0 ? SAMPLES_BY_CLOCK : SAMPLES_ALONE;
    return (struct pd_plan){.strategy = has_head ? "best-of-n-weighted" : "majority",
                            .verifier = has_head ? "arithmetic,head" : "arithmetic",
                            .n_samples = s->task.max_samples > 0 ? s->task.max_samples : n};
}

void pd_planner_begin(struct pd_search *s)
{
    struct pd_planner *pl = &s->planner;
    const struct pd_table *t = &pl->table;
    pl->is_on = true;
    pl->chance = NAN;
    pl->plan = -1;
    pl->planned_ns = 0.0;
    pl->words[0] = '\0';
    s->task.has_waves = s->task.confidence < 1.0;
    if (s->traits != NULL && s->traits->difficulty.weight != NULL)
        pl->chance = (double)pd_linear_probability(
            &s->traits->difficulty, s->policy.hidden(s->policy.self, s->policy.kept_output));
    if (t->n_plans == 0) {
        struct pd_plan plan = plan_alone(s);
        take_up(s, &plan);
        return;
    }
    double n_past = pd_deadline_past(s);
    struct pd_plan_query q = {.bin = pd_table_bin(t, pl->chance),
                              .left_ns = left_ns(s),
                              .price = price_of(s, n_past),
                              .n_past = n_past,
                              .from = -1};
    pl->plan = pd_planner_best(t, &s->cost, &q);
    if (pl->plan < 0)
        pl->plan = fastest(t, &s->cost, q.bin, n_past);
    pl->planned_ns = gone_ns(s) + pd_table_plan_ns(t, &s->cost, q.bin, pl->plan, n_past);
    take_up(s, &t->plan[pl->plan]);
}

bool pd_planner_goes_on(struct pd_search *s)
{
    struct pd_planner *pl = &s->planner;
    const struct pd_table *t = &pl->table;
    if (!pl->is_on || pl->plan < 0)
        return false;
    struct pd_tally tally;
    pd_tally_all(&tally, s, false);
    double n_past = pd_deadline_past(s);
    double chance = pd_planner_chance(pl->chance, tally.n_top, tally.n_voters);
    struct pd_plan_query q = {.bin = pd_table_bin(t, chance),
                              .left_ns = left_ns(s),
                              .price = price_of(s, n_past),
                              .n_past = n_past,
                              .from = pl->plan};
    int next = pd_planner_best(t, &s->cost, &q);
    if (next < 0 || (s->task.max_samples > 0 && s->n_started >= s->task.max_samples))
        return false;
    pl->planned_ns += left_of_plan_ns(t, &s->cost, &q, next);
    pl->plan = next;
    take_up(s, &t->plan[next]);
    if (!s->strategy->is_flat) { /* its paths are new ones; those that are over keep their votes */
        s->first_root = s->n_started;
        for (int i = 0; i < s->n_paths; i++)
            s->path[i].tag = PD_NO_TAG;
    }
    return true;
}

void pd_planner_end(struct pd_search *s, double ns)
{
    if (s->task.average_ns > 0.0)
        s->planner.saved_ns += s->task.average_ns - ns;
}
