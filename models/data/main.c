/* SPDX-License-Identifier: Apache-2.0
 * main.c - ponder-problems: makes the problem sets and the vocabulary that our models are trained with. */
#include <stdlib.h>
#include <string.h>

#include "models/data/commands.h"

static const struct {
    const char *name, *usage;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"generate", "--n N [--seed S] [--first I] [--level A-B] [--kinds K,...] [--grammar DIR]",
     cmd_generate},
    {"convert", "--set gsm8k|mawps [--split train|valid] FILE", cmd_convert},
    {"renumber", "[--copies K] [--seed S] [--grammar DIR] FILE", cmd_renumber},
    {"overlap", "[--drop | --drop-same] FILE OTHER...   exit 1: some rows are the same or alike",
     cmd_overlap},
    {"mix", "[--seed S] [--level A-B] FILE...", cmd_mix},
    {"cue", "[--ask [--words FILE] [--seed S]] FILE", cmd_cue},
    {"told", "CUES ROLLOUTS", cmd_told},
    {"vocab", "[--size 4096] --out FILE.gguf FILE...", cmd_vocab},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    bool wants_help = argc > 1 && strcmp(argv[1], "--help") == 0;
    FILE *out = wants_help ? stdout : stderr;
    fputs("usage: ponder-problems COMMAND ...   rows go to standard output, see models/README.md\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].usage);
    return wants_help ? 0 : EXIT_USAGE;
}
