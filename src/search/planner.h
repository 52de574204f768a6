/* SPDX-License-Identifier: Apache-2.0
 * planner.h - strategy `auto`: from the question, the device and the budget to a plan, and between its rounds whether to
 * stop, go on, or think otherwise.
 *
 *   difficulty   what the model's head says of the question, then what the first samples show
 *   plan         of the table's plans that there is time for, the one that is right most often on questions like
 *                this; of those that are nearly as good (PD_PLAN_TOLERANCE), the fastest. Under an average budget, right
 *                answers less the time they cost, at the price at which the stream keeps to it
 *   round        what one plan does. A sure answer ends the search; an unsure one is thought about on, as long as
 *                the table promises something for it
 *
 * Without a table: samples that vote, more of them as long as they disagree. Here and in deadline.c alone a clock is
 * read to decide. */
#ifndef PD_PLANNER_H
#define PD_PLANNER_H

#include "search/plan.h"
#include "search/table.h"

struct pd_search;

#define PD_PLAN_TOLERANCE                                                                          \
    0.005 /* of the share of right answers: a plan's figure is no surer than that */

enum { PD_PLAN_WORDS_BYTES = 96 };

struct pd_planner {
    struct pd_table table; /* n_plans 0: none */

    /* Of this run. */
    bool is_on;
    double chance; /* that one sample is right; NAN: unknown */
    int plan;      /* of the table; -1: none */
    double planned_ns; /* what the rounds were expected to take, with all before the first */
    char words[PD_PLAN_WORDS_BYTES]; /* "majority 8, beam 16" */

    /* Of the stream of questions under an average budget. */
    double saved_ns; /* what the questions so far have left over */
};

/* Reads the table (bytes 0: does without) and sees that what it names is there; takes up what it says of passes if it was
 * measured on a device like this one. */
struct pd_planner_device {
    const char *isa;
    int n_threads;
};
enum ponder_status pd_planner_use(struct pd_search *s, const char *json, size_t bytes,
                                  const struct pd_planner_device *device,
                                  const struct pd_error *err);

/* Plans the first round, once the prompt is through: sets s->task and s->strategy. */
void pd_planner_begin(struct pd_search *s);

/* A round is over. True: there is another; s->task and s->strategy are set for it. */
bool pd_planner_goes_on(struct pd_search *s);

/* A run is over that took so long. */
void pd_planner_end(struct pd_search *s, double ns);

/* The plan that is best in a bin. left_ns: what there is time for (INFINITY: no limit); price: of a nanosecond, in right answers;
 * n_past: positions that each lane looks back at; from: the plan that has ended and whose samples stay (-1: none), which a plan
 * must then be better than. -1: nothing fits. */
struct pd_plan_query {
    int bin;
    double left_ns, price, n_past;
    int from;
};
int pd_planner_best(const struct pd_table *t, const struct pd_cost *cost,
                    const struct pd_plan_query *query);

/* The price at which questions spread evenly over the bins take average_ns. */
double pd_planner_price(const struct pd_table *t, const struct pd_cost *cost, double average_ns,
                        double n_past);

/* The chance, once n samples have voted of which n_top agree: as if what the head said were four samples. */
double pd_planner_chance(double chance, int n_top, int n);

#endif
