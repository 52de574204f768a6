/* SPDX-License-Identifier: Apache-2.0
 * strategy.h - a way of thinking: starts paths, says which go on, when it is enough and which one answers. It acts
 * through search.h only and never touches tensors, clocks or memory: its state is s->state. To add one: a strat_NAME.c
 * with its row, and the row in strategy.c.
 *
 * What it decides may depend on paths' texts and scores, not on the order in which they happen to end: the same
 * for any number of lanes that is enough for it. */
#ifndef PD_STRATEGY_H
#define PD_STRATEGY_H

#include "search/search.h"

struct pd_choice {
    int path; /* PD_NO_PATH: none has an answer yet */
    double confidence;
};

enum pd_verdict {
    PD_GO_ON,
    PD_DECIDED, /* more would not change the choice, or not enough to matter */
    PD_DONE     /* all was done */
};

struct pd_strategy {
    const char *name;
    const char *summary;
    int max_samples;   /* it can use; 0: any number */
    bool plans;        /* it only stands for one that the planner chooses, and has no functions */
    bool is_flat;      /* independent samples: more of them may follow */
    bool is_greedy;    /* always draws the likeliest token */
    bool takes_steps;  /* paths halt at the end of each step */
    bool uses_scores;  /* has the verifiers that the model brings, unless others are named */
    bool wants_scores; /* the same, and where there is none the policy's confidence */
    bool needs_lanes;  /* all samples at once: as many as there are lanes for */
    bool revises;      /* needs the mark that parts attempts */
    int lookahead;     /* where none is asked for */
    size_t state_bytes;
    void (*begin)(struct pd_search *s); /* or NULL */
    /* Called before every token: cheap where nothing has halted, ended or become free. */
    enum pd_verdict (*advance)(struct pd_search *s);
    /* The best so far: may be asked at any moment. */
    struct pd_choice (*choose)(const struct pd_search *s);
};

extern const struct pd_strategy pd_strategy_auto;
extern const struct pd_strategy pd_strategy_greedy;
extern const struct pd_strategy pd_strategy_majority;
extern const struct pd_strategy pd_strategy_best_of_n;
extern const struct pd_strategy pd_strategy_weighted;
extern const struct pd_strategy pd_strategy_beam;
extern const struct pd_strategy pd_strategy_lookahead;
extern const struct pd_strategy pd_strategy_dvts;
extern const struct pd_strategy pd_strategy_rebase;
extern const struct pd_strategy pd_strategy_halving;
extern const struct pd_strategy pd_strategy_revise;

/* By name; NULL: there is none. */
const struct pd_strategy *pd_strategy_find(const char *name);

/* The i-th, for help and error texts; NULL behind the last. */
const struct pd_strategy *pd_strategy_get(int i);

/* The most that any of them keeps. */
size_t pd_strategy_state_bytes(void);

#endif
