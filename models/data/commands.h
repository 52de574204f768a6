/* SPDX-License-Identifier: Apache-2.0
 * commands.h - the subcommands of ponder-problems. Each takes the arguments behind its name and returns the exit
 * code. */
#ifndef DATA_COMMANDS_H
#define DATA_COMMANDS_H

#include "models/data/tool.h"

int cmd_generate(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_renumber(int argc, char **argv);
int cmd_vocab(int argc, char **argv);
int cmd_overlap(int argc, char **argv);
int cmd_mix(int argc, char **argv);
int cmd_cue(int argc, char **argv);
int cmd_told(int argc, char **argv);

#endif
