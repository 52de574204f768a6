/* SPDX-License-Identifier: Apache-2.0
 * options.c - the table of options, and the two that read it: the parser and --help. */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/verifier_list.h"

#define FIELD(member) offsetof(struct settings, member)

enum kind { FLAG, TEXT, CHOICE, STRATEGY, INTEGER, REAL, REAL32, SEED, TIME, BUDGET, SIZE, SHARD };

enum {
    ALL = CMD_SOLVE | CMD_EVAL | CMD_GENERATE | CMD_TOKENIZE | CMD_INFO | CMD_BENCH | CMD_ROLLOUT |
          CMD_SCORE | CMD_CALIBRATE,
    ASKS = CMD_SOLVE | CMD_EVAL,
    ROWS = CMD_EVAL | CMD_ROLLOUT | CMD_CALIBRATE,
    WRITES = CMD_SOLVE | CMD_EVAL | CMD_GENERATE | CMD_ROLLOUT | CMD_CALIBRATE,
    LANES = CMD_SOLVE | CMD_EVAL | CMD_INFO | CMD_BENCH | CMD_ROLLOUT | CMD_CALIBRATE,
};

struct option {
    char letter; /* 0: none */
    const char *name, *value;
    unsigned commands;
    enum kind kind;
    size_t field;
    double min, max;
    const char *help; /* for CHOICE: the choices, parted by spaces */
};

/* clang-format off */
static const struct option options[] = {
    {'m', "model", "FILE", ALL | CMD_PACK, TEXT, FIELD(model), 0, 0,
     "GGUF model file (default: $PONDER_MODEL, else " DEFAULT_MODEL ")"},
    {0, "budget", "TIME", CMD_SOLVE | CMD_EVAL | CMD_GENERATE, BUDGET, 0, 0, 0,
     "for each answer: wall clock 250ms, 2s; 500tok of all samples; 3J with --watts; none (default: none)"},
    {0, "watts", "W", CMD_SOLVE | CMD_EVAL | CMD_GENERATE, REAL, FIELD(watts), 0.001, 100000,
     "what the device draws while it thinks: makes a budget in joules one of time"},
    {0, "average-budget", "TIME", ASKS, TIME, FIELD(request.average_ms), 0, 0,
     "strategy auto: wall clock for an answer on average; hard ones may have what easy ones leave over"},
    {0, "memory", "SIZE", ALL, SIZE, FIELD(memory_limit_bytes), 0, 0,
     "most the engine may take: 64MiB, 1G (default: what it needs)"},
    {0, "strategy", "NAME", ASKS, STRATEGY, FIELD(request.strategy), 0, 0,
     "how to think; the names are below (default: auto if there is a table,\n"
     "                         else majority; of one sample greedy)"},
    {0, "table", "FILE", ASKS, TEXT, FIELD(table), 0, 0,
     "strategy auto: plans from ponder calibrate; none (default: MODEL.plans.json, with --lora ADAPTER.plans.json, if it is there)"},
    {0, "samples", "N", LANES, INTEGER, FIELD(n_samples), 1, PONDER_MAX_SAMPLES,
     "samples of each question (default: 8; rollout: 16; bench: 32; auto: as many as it is worth; calibrate: 64)"},
    {0, "lanes", "N", LANES, INTEGER, FIELD(n_lanes), 1, PONDER_MAX_LANES,
     "samples that run at once (default: all, at most 64)"},
    {0, "verifier", "NAMES", ASKS | CMD_INFO | CMD_SCORE, TEXT, FIELD(request.verifier), 0, 0,
     "what judges the steps, parted by commas, or none; the names are below (default: what the strategy needs)\n"
     "                         one may be a FILE: GGUF model, or LoRA adapter on the model, with a head to judge by"},
    {0, "score", "HOW", ASKS | CMD_SCORE, CHOICE, FIELD(request.score), 0, 0,
     "last min product mean"},
    {0, "calculator", "WHEN", WRITES, CHOICE, FIELD(request.calculator), 0, 0,
     "auto on off"},
    {0, "width", "M", ASKS, INTEGER, FIELD(request.width), 1, PONDER_MAX_LANES,
     "paths from each step that goes on, for beam, lookahead and dvts (default: 4)"},
    {0, "lookahead", "K", ASKS, INTEGER, FIELD(request.lookahead), 1, 64,
     "judge a step by where K likeliest ones lead (default: none; lookahead: 1)"},
    {0, "chains", "N", ASKS, INTEGER, FIELD(request.n_chains), 1, PONDER_MAX_SAMPLES,
     "chains of revisions side by side (default: the square root of --samples)"},
    {0, "confidence", "P", ASKS, REAL, FIELD(request.confidence), 0.01, 1,
     "stop when the answer is this sure; 1: never early (default: 0.95)"},
    {0, "max-tokens", "N", ALL & ~(unsigned)CMD_TOKENIZE, INTEGER, FIELD(engine.max_tokens), 1, 32768,
     "tokens a sample may write (default: 256; bench: 32)"},
    {0, "max-prompt", "N", ALL, INTEGER, FIELD(engine.max_prompt_tokens), 1, 131072,
     "tokens a prompt may have, chat template included (default: 512; bench: what it needs)"},
    {0, "seed", "S", WRITES, SEED, FIELD(request.seed), 0, 0,
     "of the random numbers; same seed, same bytes (default: 0)"},
    {0, "temp", "T", WRITES, REAL32, FIELD(request.temperature), 0, 100,
     "temperature; 0: always the likeliest token (default: 0.8)"},
    {0, "top-k", "K", WRITES, INTEGER, FIELD(request.top_k), 0, 1000000,
     "keep the K likeliest tokens; 0: all (default: 40)"},
    {0, "top-p", "P", WRITES, REAL32, FIELD(request.top_p), 0.000001, 1,
     "keep the likeliest tokens that hold this mass; 1: all (default: 0.95)"},
    {0, "min-p", "P", WRITES, REAL32, FIELD(request.min_p), 0, 1,
     "keep tokens at least this share of the likeliest; 0: off (default)"},
    {0, "repeat-penalty", "X", WRITES, REAL32, FIELD(request.repeat_penalty), 0.01, 100,
     "divide the odds of tokens already written; 1: off (default)"},
    {0, "lora", "FILE", ALL, TEXT, FIELD(engine.lora), 0, 0,
     "LoRA adapter for the model, as llama.cpp's convert_lora_to_gguf writes them"},
    {0, "reviser", "FILE", LANES, TEXT, FIELD(engine.reviser), 0, 0,
     "LoRA adapter that revises attempts (default: the model itself)"},
    {0, "chat", "NAME", ALL, TEXT, FIELD(engine.chat), 0, 0,
     "chat template: chatml, llama3, gemma, mistral, plain (default: the model's)"},
    {0, "raw", NULL, CMD_SOLVE | CMD_GENERATE, FLAG, FIELD(request.raw), 0, 0,
     "the text is the whole prompt: no chat template, no instruction"},
    {0, "threads", "N", ALL | CMD_PACK, INTEGER, FIELD(engine.n_threads), 0, PONDER_MAX_THREADS,
     "0: all cores this process may use (default)"},
    {0, "isa", "NAME", ALL | CMD_PACK, TEXT, FIELD(engine.isa), 0, 0,
     "best instruction set to use: generic, avx2, ... (default: what the CPU has)"},
    {0, "sidecar", "FILE", ALL, TEXT, FIELD(sidecar), 0, 0,
     "packed weights; none: pack at start (default: MODEL.ponder, if it is there and fits)"},
    {'o', "output", "FILE", CMD_PACK | CMD_CALIBRATE, TEXT, FIELD(out), 0, 0,
     "what is written (default: MODEL.ponder; calibrate: MODEL.plans.json, with --lora ADAPTER.plans.json)"},
    {0, "check", NULL, CMD_PACK, FLAG, FIELD(is_check), 0, 0,
     "write nothing; read model and sidecar whole and say whether they belong together"},
    {0, "data", "FILE", ROWS, TEXT, FIELD(data), 0, 0,
     "rows {\"id\", \"question\", \"answer\"}, one JSON object a line; -: standard input"},
    {0, "limit", "N", ROWS, INTEGER, FIELD(limit), 1, 1000000000,
     "only the first N rows"},
    {0, "out", "FILE", CMD_EVAL | CMD_ROLLOUT, TEXT, FIELD(out), 0, 0,
     "write one JSON object a question to a new FILE"},
    {0, "curves", "DIR", CMD_EVAL, TEXT, FIELD(curves), 0, 0,
     "ask each question with every strategy at every budget; tables and pictures go to DIR"},
    {0, "strategies", "LIST", CMD_EVAL, TEXT, FIELD(strategies), 0, 0,
     "of the curves: greedy,majority:16,best-of-n; :N is the number of samples (default: --samples)"},
    {0, "budgets", "LIST", CMD_EVAL, TEXT, FIELD(budgets), 0, 0,
     "of the curves: 100ms,250ms,1s,none"},
    {0, "compare", NULL, CMD_EVAL, FLAG, FIELD(is_compare), 0, 0,
     "compare strategies: accuracy at equal budget, time at equal accuracy"},
    {0, "redraw", NULL, CMD_EVAL, FLAG, FIELD(is_redraw), 0, 0,
     "ask nothing: tables and pictures of what is in --curves DIR"},
    {0, "labels", "K", CMD_ROLLOUT, INTEGER, FIELD(n_labels), 1, PONDER_MAX_SAMPLES,
     "label each step with how often K tries from there are right (default: none)"},
    {0, "jsonl", NULL, CMD_SOLVE, FLAG, FIELD(is_jsonl), 0, 0,
     "read rows {\"id\", \"question\"}, write one JSON object a line"},
    {0, "resume", "FILE", ASKS | CMD_ROLLOUT | CMD_CALIBRATE, TEXT, FIELD(resume), 0, 0,
     "append to FILE and skip the ids it has; mends a torn last line"},
    {0, "shard", "I/N", ASKS | CMD_ROLLOUT, SHARD, FIELD(shard), 0, 0,
     "only every N-th row, beginning with the I-th: 1/4 .. 4/4"},
    {0, "question", "TEXT", CMD_SCORE, TEXT, FIELD(question), 0, 0,
     "the question that the steps answer"},
    {0, "trace", "FILE", ASKS, TEXT, FIELD(trace), 0, 0,
     "write each search to FILE, an event a line, for ponder trace"},
    {0, "html", "FILE", CMD_TRACE, TEXT, FIELD(html), 0, 0,
     "write a page that a browser shows, instead of lines"},
    {0, "special", NULL, CMD_TOKENIZE, FLAG, FIELD(is_special), 0, 0,
     "special tokens such as <|im_end|> in the text become one token"},
    {0, "no-bos", NULL, CMD_TOKENIZE, FLAG, FIELD(is_no_bos), 0, 0,
     "no begin-of-text token in front"},
    {0, "count", NULL, CMD_TOKENIZE, FLAG, FIELD(is_count), 0, 0,
     "only the number of tokens"},
    {0, "repeat", "N", CMD_BENCH, INTEGER, FIELD(n_repeats), 1, 1000,
     "measure N times, report medians (default: 5)"},
    {0, "measure", "WHAT", CMD_BENCH, CHOICE, FIELD(measure), 0, 0,
     "prefill decode score start"},
    {0, "prompt-tokens", "N", CMD_BENCH, INTEGER, FIELD(n_prompt), 2, 131072,
     "of a prefill, and of the prompt that decoding lanes share (default: 128)"},
    {0, "limits", NULL, CMD_BENCH, FLAG, FIELD(is_limits), 0, 0,
     "measure the machine too, and say what share of it each figure reaches"},
    {0, "stream", NULL, CMD_SOLVE, FLAG, FIELD(is_stream), 0, 0,
     "show the first sample's text as it is written, then the answer"},
    {0, "json", NULL, ALL & ~(unsigned)CMD_ROLLOUT, FLAG, FIELD(is_json), 0, 0,
     "one JSON object on standard output"},
    {'q', "quiet", NULL, WRITES | CMD_BENCH | CMD_PACK, FLAG, FIELD(is_quiet), 0, 0,
     "no progress, no warnings; errors only"},
    {'v', "verbose", NULL, WRITES, FLAG, FIELD(is_verbose), 0, 0,
     "say what was loaded and, off a terminal too, what the answer cost"},
};
/* clang-format on */

enum { N_OPTIONS = sizeof options / sizeof options[0] };

static int edit_distance(const char *a, const char *b)
{
    enum { MAX_WORD = 32 };
    int row[MAX_WORD + 1];
    size_t n = strlen(b);
    if (strlen(a) > MAX_WORD || n > MAX_WORD)
        return MAX_WORD;
    for (size_t j = 0; j <= n; j++)
        row[j] = (int)j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (size_t j = 0; j < n; j++) {
            int change = diagonal + (a[i] != b[j]);
            int shorter = row[j] < row[j + 1] ? row[j] : row[j + 1];
            diagonal = row[j + 1];
            row[j + 1] = change < shorter + 1 ? change : shorter + 1;
        }
    }
    return row[n];
}

const char *nearest_name(const char *word, const char *(*name_of)(int i))
{
    const char *best = NULL;
    int best_distance = 3;
    for (int i = 0; name_of(i); i++) {
        int distance = edit_distance(word, name_of(i));
        /* A word typed half way counts as near. */
        if (strlen(word) >= 3 && strncmp(word, name_of(i), strlen(word)) == 0)
            distance = 1;
        if (distance < best_distance) {
            best_distance = distance;
            best = name_of(i);
        }
    }
    return best;
}

static const char *option_name(int i)
{
    return i < N_OPTIONS ? options[i].name : NULL;
}

static const struct option *find_option(const char *name, size_t bytes, char letter)
{
    for (int i = 0; i < N_OPTIONS; i++) {
        bool is_name =
            name && strlen(options[i].name) == bytes && memcmp(options[i].name, name, bytes) == 0;
        if (is_name || (letter != '\0' && options[i].letter == letter))
            return &options[i];
    }
    return NULL;
}

/* "2/4" with 1 <= first <= second. */
static bool parse_shard(const char *text, struct settings *settings)
{
    char first[12];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : sizeof first;
    if (n >= sizeof first)
        return false;
    memcpy(first, text, n);
    first[n] = '\0';
    return pd_text_int(slash + 1, 1, 1000000, &settings->n_shards) &&
           pd_text_int(first, 1, settings->n_shards, &settings->shard);
}

/* A time, tokens, or joules, which watts make a time once all options are read. */
static bool parse_budget(const char *text, struct settings *settings)
{
    char number[32];
    size_t n = strcspn(text, "tJ");
    if (pd_text_ms(text, &settings->request.budget_ms))
        return true;
    if (n >= sizeof number)
        return false;
    memcpy(number, text, n);
    number[n] = '\0';
    if (strcmp(text + n, "tok") == 0)
        return pd_text_int(number, 1, 1000000000, &settings->request.budget_tokens);
    return strcmp(text + n, "J") == 0 &&
           pd_text_double(number, 1e-6, 1e9, &settings->budget_joules);
}

static bool is_choice(const char *choices, const char *word)
{
    size_t n = strlen(word);
    if (n == 0)
        return false;
    for (const char *at = choices; *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (n == length && memcmp(at, word, n) == 0)
            return true;
        at += length;
        at += strspn(at, " ");
    }
    return false;
}

const char *find_strategy(const char *name)
{
    const char *known;
    for (int i = 0; (known = ponder_strategy(i, NULL)) != NULL; i++)
        if (strcmp(known, name) == 0)
            return known;
    return NULL;
}

void list_strategies(char *text, size_t capacity)
{
    const char *name;
    size_t n = (size_t)snprintf(text, capacity, "one of:");
    for (int i = 0; (name = ponder_strategy(i, NULL)) != NULL && n < capacity; i++)
        n += (size_t)snprintf(text + n, capacity - n, " %s", name);
}

static bool set_option(const struct option *option, const char *value, struct settings *settings)
{
    void *field = (char *)settings + option->field;
    double real;
    switch (option->kind) {
    case FLAG:
        *(bool *)field = true;
        return true;
    case CHOICE:
        *(const char **)field = value;
        return is_choice(option->help, value);
    case STRATEGY:
        *(const char **)field = value;
        return find_strategy(value) != NULL;
    case TEXT:
        *(const char **)field = value;
        return value[0] != '\0';
    case INTEGER:
        return pd_text_int(value, (int)option->min, (int)option->max, field);
    case REAL:
        return pd_text_double(value, option->min, option->max, field);
    case REAL32:
        if (!pd_text_double(value, option->min, option->max, &real))
            return false;
        *(float *)field = (float)real;
        return true;
    case SEED:
        return pd_text_u64(value, field);
    case TIME:
        return pd_text_ms(value, field);
    case BUDGET:
        return parse_budget(value, settings);
    case SIZE:
        return pd_text_bytes(value, field);
    case SHARD:
        return parse_shard(value, settings);
    }
    return false;
}

static int complain_value(const struct command *command, const struct option *option,
                          const char *value)
{
    char expected[256];
    switch (option->kind) {
    case INTEGER:
        snprintf(expected, sizeof expected, "a whole number from %.0f to %.0f", option->min,
                 option->max);
        break;
    case REAL:
    case REAL32:
        snprintf(expected, sizeof expected, "a number from %g to %g", option->min, option->max);
        break;
    case CHOICE:
        snprintf(expected, sizeof expected, "one of: %s", option->help);
        break;
    case STRATEGY:
        list_strategies(expected, sizeof expected);
        break;
    default: {
        static const char *const forms[] = {
            [TEXT] = "a text that is not empty",
            [SEED] = "a whole number below 2^64",
            [TIME] = "a time such as 250ms, 2s, 1.5s or none",
            [BUDGET] =
                "a time such as 250ms, 2s, 1.5s or none; tokens such as 500tok; joules such as 3J",
            [SIZE] = "a size such as 64MiB, 512k or 1G",
            [SHARD] = "I/N with I from 1 to N, such as 1/4",
        };
        snprintf(expected, sizeof expected, "%s", forms[option->kind]);
    }
    }
    complain("--%s wants %s, not '%s'; see ponder %s --help", option->name, expected, value,
             command->name);
    return EXIT_USAGE;
}

static int complain_unknown(const struct command *command, const char *word)
{
    const char *near =
        word[0] == '-' && word[1] == '-' ? nearest_name(word + 2, option_name) : NULL;
    const struct option *option = near ? find_option(near, strlen(near), '\0') : NULL;
    if (option && (option->commands & command->bit))
        complain("unknown option '%s'; did you mean --%s? See ponder %s --help", word, near,
                 command->name);
    else
        complain("unknown option '%s'; see ponder %s --help (text that begins with '-' goes "
                 "after --)",
                 word, command->name);
    return EXIT_USAGE;
}

static const struct option *option_of_word(const char *word, const char **value_ret)
{
    *value_ret = NULL;
    if (word[1] != '-')
        return word[2] == '\0' ? find_option(NULL, 0, word[1]) : NULL;
    size_t n = strcspn(word + 2, "=");
    if (word[2 + n] == '=')
        *value_ret = word + 2 + n + 1;
    return find_option(word + 2, n, '\0');
}

/* Zero means "default" to the library, but "off" to people. Exit code. */
static int settle(struct settings *settings)
{
    struct ponder_request *request = &settings->request;
    if (request->temperature == 0)
        request->temperature = -1;
    if (request->top_k == 0)
        request->top_k = -1;
    return request->verifier ? verifier_list_settle(settings) : EXIT_OK;
}

int options_parse(const struct command *command, int n_words, char **words,
                  struct settings *settings)
{
    *settings = (struct settings){.n_words = 0};
    ponder_options_default(&settings->engine);
    ponder_request_default(&settings->request);
    settings->words = words;
    for (int i = 0; i < n_words; i++) {
        const char *word = words[i];
        if (strcmp(word, "--") == 0) {
            while (++i < n_words)
                words[settings->n_words++] = words[i];
            break;
        }
        if (word[0] != '-' || word[1] == '\0') {
            words[settings->n_words++] = words[i];
            continue;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            options_print_help(command);
            return -1;
        }
        const char *value;
        const struct option *option = option_of_word(word, &value);
        if (!option)
            return complain_unknown(command, word);
        if (!(option->commands & command->bit)) {
            complain("ponder %s has no option --%s; see ponder %s --help", command->name,
                     option->name, command->name);
            return EXIT_USAGE;
        }
        if (option->kind == FLAG && value) {
            complain("--%s takes no value; see ponder %s --help", option->name, command->name);
            return EXIT_USAGE;
        }
        if (option->kind != FLAG && !value && ++i == n_words) {
            complain("--%s needs a value: --%s %s; see ponder %s --help", option->name,
                     option->name, option->value, command->name);
            return EXIT_USAGE;
        }
        if (option->kind != FLAG && !value)
            value = words[i];
        if (!set_option(option, value, settings))
            return complain_value(command, option, value);
    }
    if (settings->budget_joules > 0 && !(settings->watts > 0)) {
        complain("a budget in joules needs --watts, what the device draws; see ponder %s --help",
                 command->name);
        return EXIT_USAGE;
    }
    if (settings->budget_joules > 0)
        settings->request.budget_ms = 1000 * settings->budget_joules / settings->watts;
    return settle(settings);
}

void options_free(struct settings *settings)
{
    free(settings->verifier_words);
}

static void print_names(bool has_strategies)
{
    const char *name, *summary;
    if (has_strategies)
        printf("\nStrategies:\n");
    for (int i = 0; has_strategies && (name = ponder_strategy(i, &summary)) != NULL; i++)
        printf("  %-19s %s\n", name, summary);
    printf("\nVerifiers (and those of the model, see ponder info):\n");
    for (int i = 0; (name = ponder_verifier(NULL, i, &summary)) != NULL; i++)
        printf("  %-19s %s\n", name, summary);
}

void options_print_help(const struct command *command)
{
    printf("Usage: ponder %s\n\n%s.\n%s\nOptions:\n", command->synopsis, command->summary,
           command->details);
    for (int i = 0; i < N_OPTIONS; i++) {
        const struct option *option = &options[i];
        if (!(option->commands & command->bit))
            continue;
        char name[40];
        snprintf(name, sizeof name, "--%s%s%s", option->name, option->value ? " " : "",
                 option->value ? option->value : "");
        if (option->letter)
            printf("  -%c, ", option->letter);
        else
            printf("      ");
        printf("%-18s %s\n", name, option->help);
    }
    printf("  -h, %-18s this text\n", "--help");
    if (command->bit & (ASKS | CMD_SCORE))
        print_names(command->bit & ASKS);
}
