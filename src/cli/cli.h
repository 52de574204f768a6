/* SPDX-License-Identifier: Apache-2.0
 * cli.h - what the subcommands share: messages, exit codes, signals, reading, opening the engine. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include "cli/options.h"

#define DEFAULT_MODEL "models/ponder-mini.gguf"

/* Those of statuses are in ponder.h; these are the program's own. */
enum { EXIT_OK = 0, EXIT_SOME_FAILED = 1, EXIT_USAGE = 2, EXIT_FILE = 3 };

int cmd_solve(struct settings *settings);
int cmd_eval(struct settings *settings);
int cmd_generate(struct settings *settings);
int cmd_tokenize(struct settings *settings);
int cmd_info(struct settings *settings);
int cmd_bench(struct settings *settings);
int cmd_rollout(struct settings *settings);
int cmd_pack(struct settings *settings);
int cmd_score(struct settings *settings);
int cmd_trace(struct settings *settings);
int cmd_calibrate(struct settings *settings);

/* One line "ponder: ..." on standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says what a status means for `what` ("the question", "line 3") and what to do about it; answer may be
 * NULL. Returns the exit code. */
int complain_status(enum ponder_status status, const char *what, const struct ponder *p,
                    const struct ponder_answer *answer);

/* What is wrong with the words of a command, if anything is (NULL: nothing). Exit code. */
int complain_usage(const char *command, const char *error);

/* SIGINT and SIGTERM from here on set what request.cancel polls; a second one ends the program. */
void catch_signals(struct settings *settings);
/* 128 + signal once one came, else 0. */
int caught_exit_code(void);

double clock_ms(void);
void *grow(void *block, size_t bytes); /* realloc that ends the program when there is no memory */

/* The model file to use, or NULL after a message. */
const char *find_model(const struct settings *settings);

/* Strategy auto where none is named, nor a number of samples, and there is a table. Call before settle_lanes(). */
void settle_strategy(struct settings *settings);

/* True if this strategy was named. */
bool strategy_is(const struct settings *settings, const char *name);

/* How many samples and lanes follow from the options; default_samples where none are given. Call before
 * the engine is measured or opened. */
void settle_lanes(struct settings *settings, int default_samples);

/* Says why a model could not be measured or opened; exit code. */
int complain_open(enum ponder_status status, const char *path, const char *err);

/* Opens the engine and says so with --verbose; exit code, after a message if not 0. */
int open_engine(const struct settings *settings, struct ponder **p_ret);

/* Sees to it that the engine has the verifiers that --verifier names; exit code. */
int check_verifiers(const struct settings *settings, const struct ponder *p);

/* Says once a run what is done otherwise than asked. */
void say_note(struct settings *settings, const struct ponder_answer *answer);

/* Before the first question: what all questions share must not count against its budget, and a budget is kept by
 * what passes through the model have taken before. */
void warm_engine(const struct settings *settings, struct ponder *p, bool solves);

/* The words of the command line joined by spaces, or all of standard input for "-" or where there are
 * none, in memory of its own. Exit code. */
int read_text(const struct settings *settings, const char *what, char **text_ret,
              size_t *bytes_ret);

/* Flushes standard output: exit code `code`, or EXIT_FILE after a message if it could not be written. */
int finish_output(FILE *file, const char *name, int code);

#endif
