/* SPDX-License-Identifier: Apache-2.0
 * main.c - the `ponder` program: the table of subcommands, and the choice among them. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const char exit_codes[] =
    "Exit codes: 0 answered, 1 no answer found or some rows failed, 2 usage, 3 bad or missing\n"
    "file, 4 memory too small, 5 budget too short, 130 interrupted.\n";

static const struct command commands[] = {
    {"solve", CMD_SOLVE, "solve [OPTION]... [QUESTION | - | --jsonl [FILE]]",
     "Answers questions, each within its budget",
     "\nA question comes from the command line, or one a line from standard input. In a pipe\n"
     "the answer alone is printed, one line each; on a terminal also how sure it is and what\n"
     "it cost. With --jsonl, rows {\"id\", \"question\"} come from FILE or standard input, and\n"
     "the same objects as with --json go out, in the same order, each with its id and as\n"
     "soon as it is known. A row that cannot be read or asked is reported with its line\n"
     "number, goes out as {\"id\", \"error\"} if it has an id, and makes the exit code 1 at the\n"
     "end. A row without an id gets the number of its line.\n",
     cmd_solve},
    {"generate", CMD_GENERATE, "generate [OPTION]... [PROMPT | -]",
     "Writes on from a prompt, as plain text",
     "\nThe text goes out as it is written, or with --json as one object at the end.\n",
     cmd_generate},
    {"eval", CMD_EVAL, "eval --data FILE [OPTION]...",
     "Measures accuracy, latency, overshoot and work on a set of questions",
     "\nAnswers are compared by value. The interval is Wilson's; percentiles are by nearest\n"
     "rank; overshoot is the time of an answer less its budget; passes is what passes through the\n"
     "model took over what they were expected to just before, plans what answers took over what\n"
     "strategy auto had planned. Rows with a \"level\" are also\n"
     "counted by it.\n\n"
     "With --curves DIR, all pairs of --strategies and --budgets take turns in asking. Each pair\n"
     "has a journal in DIR; called again with the same settings, what is there is not asked\n"
     "again, and pairs may be added.\n",
     cmd_eval},
    {"rollout", CMD_ROLLOUT, "rollout --data FILE [OPTION]...",
     "Samples, grades and labels solutions, for training",
     "\nOne object a question: {\"id\", \"question\", \"answer\", \"pass\", \"samples\": [{\"text\", \"answer\",\n"
     "\"right\", \"labels\"}]}. A sample is right if it ended by itself with the row's answer; pass is\n"
     "the part that is. With --labels K, each line of such a sample has the part of at least K\n"
     "tries from there that are right; the last line's is 1 or 0.\n",
     cmd_rollout},
    {"calibrate", CMD_CALIBRATE, "calibrate [--data FILE] [OPTION]...",
     "Measures this device, and with a set of questions which way of thinking is worth what",
     "\nWrites MODEL.plans.json, which strategy auto goes by: what a pass through the model takes\n"
     "here, in about a second; with --data, rows {\"id\", \"question\", \"answer\"}, how often each\n"
     "plan is right and what it takes, on questions of five degrees of predicted difficulty (of one\n"
     "where the model does not predict it). --samples is the most that a plan may have. --resume\n"
     "FILE keeps what was found question by question and goes on with it. Prints which plan is\n"
     "best at which budget, and how often that is right by two-fold cross-validation. Use questions\n"
     "that the model was not trained on.\n",
     cmd_calibrate},
    {"bench", CMD_BENCH, "bench [OPTION]...", "Measures prefill, decode by lanes, start and memory",
     "\nPrefill is of --prompt-tokens tokens up to the first one drawn; decode of --max-tokens\n"
     "steps of 1, 4, 8, 16 and 32 lanes, as far as --samples allows, that share such a prompt;\n"
     "scoring of 256 given tokens; start from the file to the first token behind a short\n"
     "prompt. --measure picks one of them.\n",
     cmd_bench},
    {"tokenize", CMD_TOKENIZE, "tokenize [OPTION]... [TEXT | -]", "Shows the tokens of a text",
     "\nOne line a token: its number and its text as a JSON string.\n", cmd_tokenize},
    {"info", CMD_INFO, "info [OPTION]...",
     "Says what a model file holds and how much memory it needs",
     "\nThe memory is planned for --samples, --max-prompt and --max-tokens; with --memory, a plan\n"
     "that does not fit makes the exit code 4.\n",
     cmd_info},
    {"pack", CMD_PACK, "pack [OPTION]...",
     "Packs a model's weights into a sidecar that starts in milliseconds",
     "\nWrites MODEL.ponder: the weights as this CPU's kernels read them, mapped at start instead\n"
     "of packed, and shared between processes. Commands use it when it is beside the model. It is\n"
     "verified at every start and left alone when the model has changed; --isa packs for another\n"
     "instruction set.\n",
     cmd_pack},
    {"score", CMD_SCORE, "score --question TEXT [OPTION]... [STEPS | -]",
     "Judges the steps of a solution that is given",
     "\nOne line a step, behind its score (-: nothing to say), and a last one with the score of the\n"
     "whole and its answer.\n",
     cmd_score},
    {"trace", CMD_TRACE, "trace [OPTION]... [FILE | -]",
     "Draws searches that solve --trace or eval --trace wrote",
     "\nEach line is a step with its score; steps that go on side by side stand below the one before\n"
     "them. The way to the answer is bold on a terminal, what was given up is dim.\n",
     cmd_trace},
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static const char *command_name(int i)
{
    return i < N_COMMANDS ? commands[i].name : NULL;
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_help(FILE *file)
{
    fputs("Usage: ponder COMMAND [OPTION]...\n\n"
          "A tiny language model that thinks as long as you can wait.\n\nCommands:\n",
          file);
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(file, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fprintf(
        file,
        "\nponder COMMAND --help shows the options of a command; ponder --version the version.\n"
        "Try: ponder solve --budget 500ms \"Tom has 3 apples and buys 4. How many now?\"\n\n%s",
        exit_codes);
}

static int unknown_command(const char *name)
{
    const char *near = nearest_name(name, command_name);
    if (near)
        complain("unknown command '%s'; did you mean %s? See ponder --help", name, near);
    else
        complain("unknown command '%s'; see ponder --help", name);
    return EXIT_USAGE;
}

/* "ponder help [COMMAND]" */
static int help(int n_words, char **words)
{
    const struct command *command = n_words > 0 ? find_command(words[0]) : NULL;
    if (n_words > 0 && !command)
        return unknown_command(words[0]);
    if (command)
        options_print_help(command);
    else
        print_help(stdout);
    return EXIT_OK;
}

static int run(int n_words, char **words)
{
    struct settings settings;
    if (n_words == 0) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *name = words[0];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help(n_words - 1, words + 1);
    if (strcmp(name, "--version") == 0) {
        printf("ponder %s\n", ponder_version());
        return EXIT_OK;
    }
    const struct command *command = find_command(name);
    if (!command)
        return unknown_command(name);
    int code = options_parse(command, n_words - 1, words + 1, &settings);
    if (code == EXIT_OK)
        code = command->run(&settings);
    options_free(&settings);
    return code < 0 ? EXIT_OK : code;
}

int main(int argc, char **argv)
{
    int code = run(argc > 0 ? argc - 1 : 0, argv + 1);
    /* Commands have looked at what they wrote; this is for help and version. */
    return code == EXIT_OK ? finish_output(stdout, "standard output", code) : code;
}
