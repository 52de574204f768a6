/* SPDX-License-Identifier: Apache-2.0
 * grid.c - see grid.h. */
#include "cli/grid.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

/* The next word of a list parted by commas; false: there is none, or it is too long, and then *word is "". */
static bool next_word(const char **list, char word[GRID_NAME_BYTES])
{
    size_t bytes = strcspn(*list, ",");
    word[0] = '\0';
    if (bytes == 0 || bytes >= GRID_NAME_BYTES)
        return false;
    memcpy(word, *list, bytes);
    word[bytes] = '\0';
    *list += bytes;
    if ((*list)[0] == ',' && (*list)[1] != '\0')
        (*list)++;
    return true;
}

static int complain_word(const char *option, const char *word, const char *wanted)
{
    complain("%s wants %s, not '%s'; see ponder eval --help", option, wanted, word);
    return EXIT_USAGE;
}

static int complain_twice(const char *option, const char *word)
{
    complain("%s has %s twice; see ponder eval --help", option, word);
    return EXIT_USAGE;
}

static int add_strategy(struct grid *grid, const char *word)
{
    char wanted[256];
    struct grid_strategy strategy = {.n_samples = 0};
    char *colon;
    strcpy(strategy.name, word);
    colon = strchr(strategy.name, ':');
    if (colon)
        *colon = '\0';
    strategy.strategy = find_strategy(strategy.name);
    if (!strategy.strategy) {
        list_strategies(wanted, sizeof wanted);
        return complain_word("--strategies", word, wanted);
    }
    if (colon && !pd_text_int(colon + 1, 1, PONDER_MAX_SAMPLES, &strategy.n_samples))
        return complain_word("--strategies", word, "a number of samples from 1 to 256 behind ':'");
    if (strategy.n_samples > 1 && strcmp(strategy.name, "greedy") == 0)
        return complain_word("--strategies", word, "greedy with one sample");
    if (colon)
        *colon = ':';
    for (int i = 0; i < grid->n_strategies; i++)
        if (strcmp(grid->strategies[i].name, strategy.name) == 0)
            return complain_twice("--strategies", word);
    grid->strategies[grid->n_strategies++] = strategy;
    return EXIT_OK;
}

static bool is_less(double a, double b)
{
    return a != 0 && (b == 0 || a < b);
}

static int add_budget(struct grid *grid, const char *word)
{
    struct grid_budget budget;
    if (!pd_text_ms(word, &budget.ms))
        return complain_word("--budgets", word, "times such as 250ms, 2s, 1.5s or none");
    if (budget.ms == 0)
        strcpy(budget.name, "none");
    else if (budget.ms >= 1000)
        snprintf(budget.name, sizeof budget.name, "%.9gs", budget.ms / 1000);
    else
        snprintf(budget.name, sizeof budget.name, "%.9gms", budget.ms);
    int at = grid->n_budgets;
    for (int i = 0; i < grid->n_budgets; i++)
        if (strcmp(grid->budgets[i].name, budget.name) == 0)
            return complain_twice("--budgets", word);
    for (; at > 0 && is_less(budget.ms, grid->budgets[at - 1].ms); at--)
        grid->budgets[at] = grid->budgets[at - 1];
    grid->budgets[at] = budget;
    grid->n_budgets++;
    return EXIT_OK;
}

static int parse_list(struct grid *grid, const char *option, const char *list,
                      int (*add)(struct grid *grid, const char *word))
{
    char word[GRID_NAME_BYTES];
    const char *at = list;
    int code = EXIT_OK;
    for (int n = 0; code == EXIT_OK && (n == 0 || *at != '\0'); n++) {
        if (n == MAX_GRID) {
            complain("%s has more than %d words; see ponder eval --help", option, MAX_GRID);
            return EXIT_USAGE;
        }
        if (!next_word(&at, word))
            return complain_word(option, list, "words parted by commas");
        code = add(grid, word);
    }
    return code;
}

int grid_parse(struct grid *grid, const char *strategies, const char *budgets)
{
    *grid = (struct grid){.n_strategies = 0};
    int code = parse_list(grid, "--strategies", strategies, add_strategy);
    return code == EXIT_OK ? parse_list(grid, "--budgets", budgets, add_budget) : code;
}

int grid_rounds(int n_pairs, int n_questions)
{
    return n_questions > 0 ? n_questions + n_pairs - 1 : 0;
}

int grid_question(int round, int pair, int n_questions)
{
    return round >= pair && round - pair < n_questions ? round - pair : -1;
}

void grid_file(const struct grid *grid, int strategy, int budget, char file[GRID_FILE_BYTES])
{
    snprintf(file, GRID_FILE_BYTES, "%s-%s", grid->strategies[strategy].name,
             grid->budgets[budget].name);
    for (char *at = file; *at != '\0'; at++)
        if (*at == ':')
            *at = '-';
}
