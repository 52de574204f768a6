/* SPDX-License-Identifier: Apache-2.0
 * cmd_generate.c - `ponder-problems generate`: problems from the grammar, no two with the same question. */
#include <string.h>

#include "models/data/commands.h"
#include "models/data/expand.h"
#include "models/data/text_set.h"

int cmd_generate(int argc, char **argv)
{
    const char *n_text = "10";
    const char *seed_text = "1";
    const char *first_text = "0";
    const char *level = "1-8";
    const char *kinds = NULL;
    const char *folder = "models/data/grammar";
    const struct option options[] = {
        {"--n", &n_text, 1},    {"--seed", &seed_text, 1}, {"--first", &first_text, 1},
        {"--level", &level, 1}, {"--kinds", &kinds, 1},    {"--grammar", &folder, 1},
    };
    if (parse_options(argc, argv, options, sizeof options / sizeof options[0]) > 0)
        die(EXIT_USAGE, "generate takes options only");
    uint64_t n = option_u64("--n", n_text, 1, UINT64_C(1) << 40);
    uint64_t seed = option_u64("--seed", seed_text, 0, UINT64_MAX);
    uint64_t first = option_u64("--first", first_text, 0, UINT64_C(1) << 40);
    int low;
    int high;
    option_range("--level", level, &low, &high);

    static struct grammar grammar;
    grammar_read(&grammar, folder);
    static struct problem problem;
    static struct text_set seen;
    FILE *out = open_output();
    uint64_t number = first;
    for (uint64_t made = 0; made < n; number++) {
        if (number - first > 50 * (made + 1000))
            die(EXIT_USAGE, "too few different problems of this kind and level: %llu",
                (unsigned long long)made);
        if (!expand_problem(&grammar, seed, number, kinds, low, high, &problem) ||
            !text_set_add(&seen, problem.question, strlen(problem.question)))
            continue;
        char id[64];
        snprintf(id, sizeof id, "made-%llu-%llu", (unsigned long long)seed,
                 (unsigned long long)number);
        char answer[RATIO_BYTES];
        ratio_format(problem.steps.step[problem.steps.n - 1].result, answer);
        write_row(out, id, problem.question, answer, &problem.steps, problem.family->kind);
        made++;
    }
    close_output(out);
    text_set_free(&seen);
    grammar_free(&grammar);
    return 0;
}
