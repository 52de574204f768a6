/* SPDX-License-Identifier: Apache-2.0
 * cmd_bench.c - `ponder bench`: prefill, decoding by lanes, scoring, start and memory of this model on this machine. */
#include <string.h>

#include "cli/bench.h"
#include "cli/cli.h"

enum {
    DEFAULT_LANES = 32,
    DEFAULT_REPEATS = 5,
    DEFAULT_PROMPT = 128,
    DEFAULT_STEPS = 32,
    DEFAULT_SCORE = 256,
    START_TOKENS = 32 /* room for the prompt of bench_start.c by any tokenizer */
};

static unsigned what_of(const char *name)
{
    static const struct {
        const char *name;
        unsigned what;
    } names[] = {{"prefill", BENCH_PREFILL},
                 {"decode", BENCH_DECODE},
                 {"score", BENCH_SCORE},
                 {"start", BENCH_START}};
    for (size_t i = 0; name && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].what;
    return BENCH_ALL;
}

/* What to measure; and engine options that give room for that and for no more, so that its memory counts. */
static struct bench_plan make_plan(struct settings *settings)
{
    struct ponder_options *engine = &settings->engine;
    struct bench_plan plan = {
        .what = what_of(settings->measure),
        .has_limits = settings->is_limits,
        .n_repeats = settings->n_repeats > 0 ? settings->n_repeats : DEFAULT_REPEATS,
        .n_prompt = settings->n_prompt > 0 ? settings->n_prompt : DEFAULT_PROMPT,
        .n_score = DEFAULT_SCORE,
    };
    settle_lanes(settings, DEFAULT_LANES);
    if (engine->max_tokens == 0)
        engine->max_tokens = DEFAULT_STEPS;
    if (engine->max_prompt_tokens == 0) {
        int need = plan.n_prompt > START_TOKENS ? plan.n_prompt : START_TOKENS;
        if ((plan.what & BENCH_SCORE) && need < plan.n_score + 1)
            need = plan.n_score + 1;
        engine->max_prompt_tokens = need;
    }
    return plan;
}

/* The model's context, or --max-prompt, may leave less room. */
static void cut_plan(struct bench_plan *plan, const struct ponder_info *info)
{
    if (plan->n_prompt > info->max_prompt_tokens)
        plan->n_prompt = info->max_prompt_tokens;
    if (plan->n_score > info->max_prompt_tokens - 1)
        plan->n_score = info->max_prompt_tokens - 1;
    plan->n_steps = info->max_tokens;
}

static int run(const struct settings *settings, struct bench_plan *plan,
               struct bench_result *result)
{
    struct ponder *p = NULL;
    struct ponder_info info;
    int code = open_engine(settings, &p);
    if (code != EXIT_OK)
        return code;
    ponder_describe(p, &info);
    cut_plan(plan, &info);
    enum ponder_status status = bench_run(p, plan, settings->is_quiet, result);
    if (status != PONDER_OK)
        code = complain_status(status, "bench", p, NULL);
    else if (settings->is_json)
        bench_print_json(plan, result, &info);
    else
        bench_print_text(plan, result, &info);
    ponder_free(p);
    return code;
}

int cmd_bench(struct settings *settings)
{
    if (settings->n_words > 0) {
        complain("bench takes no '%s'; see ponder bench --help", settings->words[0]);
        return EXIT_USAGE;
    }
    struct bench_plan plan = make_plan(settings);
    struct bench_result result = {.load_ms = 0};
    int code = EXIT_OK;
    if (plan.what & BENCH_START)
        code = bench_start(settings, &plan, &result);
    if (code == EXIT_OK)
        code = run(settings, &plan, &result);
    return finish_output(stdout, "standard output", code);
}
