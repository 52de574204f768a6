/* SPDX-License-Identifier: Apache-2.0
 * options.c - see options.h: one table that parses and prints the help. */
#include "quant/quantize/options.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "models/train/memory.h"
#include "quant/quantize/tool.h"

struct option {
    const char *name, *value; /* value NULL: a switch */
    const char *help;
    int (*set)(struct options *options, const char *value);
};

static int unknown_format(const char *name)
{
    char formats[FORMAT_LIST_BYTES];
    tr_say("no format '%s'; there are %s", name, recipe_list_formats(formats));
    return EXIT_USAGE;
}

static int set_type(struct options *options, const char *value)
{
    return recipe_find_format(value, &options->recipe.type) ? EXIT_OK : unknown_format(value);
}

/* PATTERN=FORMAT; a pattern may hold '='. */
static int set_tensor(struct options *options, const char *value)
{
    struct recipe *recipe = &options->recipe;
    char *equals = strrchr(value, '=');
    if (!equals || equals == value) {
        tr_say("--tensor wants PATTERN=FORMAT, not '%s'", value);
        return EXIT_USAGE;
    }
    if (recipe->n_rules == MAX_RULES) {
        tr_say("more than %d --tensor rules", MAX_RULES);
        return EXIT_USAGE;
    }
    struct recipe_rule *rule = &recipe->rule[recipe->n_rules++];
    if (!recipe_find_format(equals + 1, &rule->type))
        return unknown_format(equals + 1);
    *equals = '\0'; /* argv is the program's own */
    rule->pattern = value;
    return EXIT_OK;
}

static int set_plain(struct options *options, const char *value)
{
    (void)value;
    options->is_plain = true;
    return EXIT_OK;
}

static int set_calibrate(struct options *options, const char *value)
{
    options->calibrate = value;
    return EXIT_OK;
}

static int set_tokens(struct options *options, const char *value)
{
    if (pd_text_int(value, 2, 100000000, &options->max_tokens))
        return EXIT_OK;
    tr_say("--tokens wants a number from 2 on, not '%s'", value);
    return EXIT_USAGE;
}

static int set_gptq(struct options *options, const char *value)
{
    (void)value;
    options->makes_up = true;
    return EXIT_OK;
}

static int set_damping(struct options *options, const char *value)
{
    if (pd_text_double(value, 0.0, 1.0, &options->damping))
        return EXIT_OK;
    tr_say("--damping wants a number from 0 to 1, not '%s'", value);
    return EXIT_USAGE;
}

static int set_eval(struct options *options, const char *value)
{
    options->eval = value;
    return EXIT_OK;
}

static int set_quiet(struct options *options, const char *value)
{
    (void)value;
    options->is_quiet = true;
    return EXIT_OK;
}

static const struct option table[] = {
    {"--type", "FORMAT", "of the model's matrices (default Q4_0)", set_type},
    {"--tensor", "PATTERN=FORMAT",
     "of the matrices whose names match, as in a shell; may be repeated, the last one counts",
     set_tensor},
    {"--plain", NULL, "scales from the extremes of each block, without a search", set_plain},
    {"--calibrate", "FILE",
     "texts (.jsonl: {\"text\"}, or problems; else plain text) whose inputs to each matrix decide\n"
     "                           what its rounding should spare",
     set_calibrate},
    {"--gptq", NULL, "with --calibrate: each column's rounding errors are made up for by the next",
     set_gptq},
    {"--tokens", "N", "of the calibration texts, spread over all of them (default 4096)",
     set_tokens},
    {"--damping", "X", "of --gptq (default 0.01)", set_damping},
    {"--eval", "FILE", "texts or problems: perplexity and right answers, before and after",
     set_eval},
    {"--quiet", NULL, "no word but errors", set_quiet},
};

enum { N_OPTIONS = sizeof table / sizeof table[0] };

static void print_help(void)
{
    char formats[FORMAT_LIST_BYTES];
    fputs(
        "Usage: ponder-quantize IN.gguf OUT.gguf [OPTION]...\n\n"
        "Writes a model or adapter with its matrices in another format, and all its metadata.\n\n",
        stdout);
    for (int i = 0; i < N_OPTIONS; i++) {
        char name[40];
        snprintf(name, sizeof name, "%s %s", table[i].name, table[i].value ? table[i].value : "");
        printf("  %-24s %s\n", name, table[i].help);
    }
    printf(
        "\nFormats: %s.\n"
        "Embedding and output head stay at 8 bits unless --tensor names them; vectors stay as\n"
        "they are. Where a format's blocks do not fit the columns, the next one with smaller\n"
        "blocks is taken (Q4_K: Q5_0, Q5_K: Q5_1, Q6_K: Q8_0, others: F16).\n"
        "Exit codes: 0 done, 2 usage, 3 bad or missing file, 4 out of memory, 130 interrupted.\n",
        recipe_list_formats(formats));
}

static const struct option *find_option(const char *name, size_t length)
{
    for (int i = 0; i < N_OPTIONS; i++)
        if (strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0)
            return &table[i];
    return NULL;
}

/* The option in words[*at], and its value: behind '=', or the next word. */
static int parse_option(int n_words, char **words, int *at, struct options *options)
{
    const char *word = words[*at];
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const struct option *option = find_option(word, length);
    if (!option) {
        tr_say("unknown option '%s'; see ponder-quantize --help", word);
        return EXIT_USAGE;
    }
    const char *value = equals ? equals + 1 : NULL;
    if (option->value && !value && *at + 1 < n_words)
        value = words[++*at];
    if (!option->value != !value) {
        tr_say("%s %s", option->name, option->value ? "wants a value" : "takes no value");
        return EXIT_USAGE;
    }
    return option->set(options, value);
}

static int add_file(struct options *options, const char *word)
{
    if (options->out) {
        tr_say("one input and one output file, not '%s' too", word);
        return EXIT_USAGE;
    }
    *(options->in ? &options->out : &options->in) = word;
    return EXIT_OK;
}

int options_parse(int n_words, char **words, struct options *options)
{
    *options = (struct options){.recipe.type = PD_Q4_0, .max_tokens = 4096, .damping = 0.01};
    for (int i = 0; i < n_words; i++) {
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) {
            print_help();
            return -1;
        }
        if (strcmp(words[i], "--version") == 0) {
            printf("ponder-quantize %s\n", ponder_version());
            return -1;
        }
        bool is_option = words[i][0] == '-' && words[i][1] != '\0';
        int code =
            is_option ? parse_option(n_words, words, &i, options) : add_file(options, words[i]);
        if (code != EXIT_OK)
            return code;
    }
    if (options->makes_up && !options->calibrate) {
        tr_say("--gptq needs --calibrate FILE");
        return EXIT_USAGE;
    }
    if (options->is_plain && options->calibrate) {
        tr_say("--plain chooses without a look at texts; leave it or --calibrate out");
        return EXIT_USAGE;
    }
    if (!options->out) {
        tr_say("an input and an output file are needed; see ponder-quantize --help");
        return EXIT_USAGE;
    }
    return EXIT_OK;
}
