/* SPDX-License-Identifier: Apache-2.0
 * setup.c - see setup.h. */
#include "search/setup.h"

#include <stdio.h>
#include <string.h>

#include "search/verify.h"

enum { DEFAULT_WIDTH = 4 }; /* Snell et al. 2024, section 5.2 */

const struct pd_verifier *pd_setup_verifier(const struct pd_search *s, int i)
{
    int n_known = s != NULL ? s->n_known : 0;
    return i < n_known ? s->known[i].type : pd_verifier_get(i - n_known);
}

/* Says, behind what was said before, what is done otherwise than asked. */
static void say(struct pd_search *s, const char *text)
{
    size_t n = strlen(s->note);
    snprintf(s->note + n, sizeof s->note - n, "%s%s", n > 0 ? "; " : "", text);
}

/* The verifiers named, in their order, each once. */
static enum ponder_status find_verifiers(const struct pd_search *s, const char *list,
                                         struct pd_task *task)
{
    if (strcmp(list, "none") == 0)
        return PONDER_OK;
    for (const char *at = list;; at++) {
        const char *end = strchr(at, ',');
        size_t bytes = end != NULL ? (size_t)(end - at) : strlen(at);
        struct pd_verifier_use use;
        if (!pd_search_find_verifier(s, at, bytes, &use))
            return PONDER_BAD_ARGUMENT;
        bool is_new = true;
        for (int i = 0; i < task->n_verifiers; i++)
            is_new = is_new && task->verifier[i].type != use.type;
        if (is_new && task->n_verifiers == PD_MAX_VERIFIERS)
            return PONDER_BAD_ARGUMENT;
        if (is_new)
            task->verifier[task->n_verifiers++] = use;
        if (end == NULL)
            return PONDER_OK;
        at = end;
    }
}

static bool can_score(const struct pd_task *task)
{
    bool can = false;
    for (int i = 0; i < task->n_verifiers; i++)
        can = can ||
              (!task->verifier[i].type->vetoes && task->verifier[i].type->when != PD_VERIFY_OTHERS);
    return can;
}

/* A strategy that goes by scores has all that the model brings, and vetoes, unless told otherwise; and in the end the
 * policy's confidence. */
static enum ponder_status choose_verifiers(struct pd_search *s, const char *list,
                                           const struct pd_strategy *strategy, struct pd_task *task)
{
    bool uses_scores = strategy->uses_scores || strategy->wants_scores;
    if (list != NULL)
        PD_TRY(find_verifiers(s, list, task));
    else if (uses_scores)
        for (int i = 0; i < s->n_known; i++)
            task->verifier[task->n_verifiers++] = s->known[i];
    const struct pd_verifier *v;
    for (int i = 0; list == NULL && uses_scores && (v = pd_verifier_get(i)) != NULL; i++)
        if (v->vetoes && task->n_verifiers < PD_MAX_VERIFIERS)
            task->verifier[task->n_verifiers++] = (struct pd_verifier_use){v, NULL};
    if (!strategy->wants_scores || can_score(task))
        return PONDER_OK;
    if (task->n_verifiers == PD_MAX_VERIFIERS)
        task->n_verifiers--;
    task->verifier[task->n_verifiers++] = (struct pd_verifier_use){&pd_verifier_confidence, NULL};
    say(s, "no verifier gives scores: steps are judged by how probable the policy found them");
    return PONDER_OK;
}

static bool find_combine(const char *name, enum pd_combine *how_ret)
{
    static const char *const names[] = {[PD_COMBINE_LAST] = "last",
                                        [PD_COMBINE_MIN] = "min",
                                        [PD_COMBINE_PRODUCT] = "product",
                                        [PD_COMBINE_MEAN] = "mean"};
    for (size_t i = 0; i < PD_COUNT(names); i++) {
        if (name != NULL && strcmp(name, names[i]) == 0) {
            *how_ret = (enum pd_combine)i;
            return true;
        }
    }
    *how_ret = PD_COMBINE_LAST;
    return name == NULL;
}

/* Unless told otherwise, models have a calculator that were trained with one. */
static bool find_calculator(const struct pd_search *s, const char *name, bool *has_ret)
{
    bool is_on = name != NULL && strcmp(name, "on") == 0;
    bool is_off = name != NULL && strcmp(name, "off") == 0;
    *has_ret = is_on || (!is_off && s->traits != NULL && s->traits->has_calculator);
    return is_on || is_off || name == NULL || strcmp(name, "auto") == 0;
}

/* The smallest whole number whose square is not less. */
static int root_of(int n)
{
    int root = 1;
    while (root * root < n)
        root++;
    return root;
}

/* What a strategy of so many samples runs with. */
static enum ponder_status set_up(struct pd_search *s, const struct pd_strategy *strategy,
                                 const struct pd_plan *plan, struct pd_task *task,
                                 const struct pd_strategy **strategy_ret)
{
    if (strategy->revises && s->n_revision == 0) {
        strategy = &pd_strategy_majority;
        say(s, "the model was not made to revise: majority instead");
    }
    int n = plan->n_samples;
    if (strategy->max_samples > 0)
        n = pd_min_int(n, strategy->max_samples);
    if (strategy->needs_lanes && n > s->size.n_lanes) {
        say(s, "fewer samples than asked: there are not so many lanes");
        n = s->size.n_lanes;
    }
    task->n_samples = n;
    task->width =
        pd_min_int(plan->width > 0 ? plan->width : DEFAULT_WIDTH, pd_min_int(n, s->size.n_lanes));
    task->lookahead = plan->lookahead > 0 ? plan->lookahead : strategy->lookahead;
    task->n_chains = pd_min_int(plan->n_chains > 0 ? plan->n_chains : root_of(n), n);
    task->n_verifiers = 0;
    *strategy_ret = strategy;
    return choose_verifiers(s, plan->verifier, strategy, task);
}

void pd_setup_plan(struct pd_search *s, const struct pd_plan *plan, struct pd_task *task,
                   const struct pd_strategy **strategy_ret)
{
    enum ponder_status status =
        set_up(s, pd_strategy_find(plan->strategy), plan, task, strategy_ret);
    PD_ASSERT(status == PONDER_OK);
    (void)status;
}

bool pd_setup_knows(const struct pd_search *s, const struct pd_plan *plan)
{
    struct pd_task task = {0};
    const struct pd_strategy *strategy = pd_strategy_find(plan->strategy);
    return strategy != NULL && !strategy->plans &&
           (plan->verifier == NULL || find_verifiers(s, plan->verifier, &task) == PONDER_OK);
}

enum ponder_status pd_setup(struct pd_search *s, const struct ponder_request *r,
                            struct pd_task *task, const struct pd_strategy **strategy_ret)
{
    const char *name = r->strategy != NULL ? r->strategy : r->n_samples > 1 ? "majority" : "greedy";
    const struct pd_strategy *strategy = pd_strategy_find(name);
    const struct pd_plan plan = {.verifier = r->verifier,
                                 .n_samples = r->n_samples,
                                 .width = r->width,
                                 .lookahead = r->lookahead,
                                 .n_chains = r->n_chains};
    s->note[0] = '\0';
    if (strategy == NULL || r->width < 0 || r->lookahead < 0 || r->n_chains < 0 ||
        !find_combine(r->score, &task->combine) ||
        !find_calculator(s, r->calculator, &task->has_calculator))
        return PONDER_BAD_ARGUMENT;
    task->max_samples = r->n_samples;
    return set_up(s, strategy, &plan, task, strategy_ret);
}
