/* SPDX-License-Identifier: Apache-2.0
 * options.h - the options of every subcommand in one table: what parses them also prints --help. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdio.h>

#include "ponder.h"

enum {
    CMD_SOLVE = 1 << 0,
    CMD_EVAL = 1 << 1,
    CMD_GENERATE = 1 << 2,
    CMD_TOKENIZE = 1 << 3,
    CMD_INFO = 1 << 4,
    CMD_BENCH = 1 << 5,
    CMD_PACK = 1 << 6,
    CMD_ROLLOUT = 1 << 7,
    CMD_TRACE = 1 << 8,
    CMD_SCORE = 1 << 9,
    CMD_CALIBRATE = 1 << 10,
};

/* What the command line says. Zero and NULL: not given. */
struct settings {
    const char *model;
    struct ponder_options engine;
    struct ponder_request request;
    size_t memory_limit_bytes;
    int n_samples, n_lanes;
    bool is_json, is_jsonl, is_stream, is_quiet, is_verbose;
    bool is_special, is_no_bos, is_count, is_check;
    const char *question; /* score: that the steps answer */
    const char *data, *out, *resume, *sidecar, *table, *trace, *html;
    double watts;         /* that a budget in joules is spent at */
    double budget_joules; /* 0: none */
    FILE *trace_file;     /* open where --trace is given */
    const char *curves, *strategies, *budgets; /* eval: a folder, and lists parted by commas */
    bool is_compare, is_redraw;
    int limit, n_repeats;
    int n_labels;        /* rollout: tries from each step; 0: no labels */
    const char *measure; /* bench: which figures; NULL: all */
    int n_prompt;        /* bench: tokens of the prompt */
    bool is_limits;
    bool has_noted;      /* say_note() has said something */
    int shard, n_shards; /* shard 1..n_shards */
    char *
        verifier_words; /* what names and file of --verifier lie in: to be freed; NULL: they need no place */
    char **words;        /* what is no option */
    int n_words;
};

struct command {
    const char *name;
    unsigned bit; /* CMD_... */
    const char *synopsis, *summary;
    const char *details; /* paragraphs for --help */
    int (*run)(struct settings *settings);
};

/* Fills in *settings, which options_free() takes back, from the words after the subcommand. 0: go on; -1: help was asked for and printed;
 * else the exit code, after a message. */
int options_parse(const struct command *command, int n_words, char **words,
                  struct settings *settings);

void options_free(struct settings *settings);

void options_print_help(const struct command *command);

/* The strategy of this name, as the library spells it; NULL: there is none. */
const char *find_strategy(const char *name);
/* "one of: a b c", the strategies. */
void list_strategies(char *text, size_t capacity);

/* The name closest to word if it is close enough to be meant; else NULL. name_of(i) gives NULL at the
 * end. */
const char *nearest_name(const char *word, const char *(*name_of)(int i));

#endif
