/* SPDX-License-Identifier: Apache-2.0
 * settings.h - the command line of ponder-train. */
#ifndef TRAIN_SETTINGS_H
#define TRAIN_SETTINGS_H

#include "data.h"

enum { TR_EXIT_OK = 0, TR_EXIT_DIVERGED = 1, TR_EXIT_USAGE = 2, TR_EXIT_FILE = 3 };

struct tr_data_file {
    const char *path;
    double weight;
};

struct tr_settings {
    enum tr_task task;
    bool is_bench;
    const char *base, *new_spec, *vocab, *adapter, *teacher, *eval, *out;
    struct tr_data_file *data; /* [n_data] */
    int n_data;
    int lora_rank;     /* 0: all weights, unless head_only */
    double lora_alpha; /* 0: the rank */
    const char *lora_on;
    bool head_only, merges, resumes, has_calculator, is_quiet;
    double rate; /* 0: 1e-3 for a new model and adapters, 2e-4 for all weights of a base */
    double weight_decay, clip;
    double language_weight; /* of verify and difficulty: the language loss beside the head's */
    int batch, micro, context, warmup, n_threads;
    int steps; /* 0: no limit, as epochs and seconds */
    double epochs, seconds, checkpoint_seconds;
    int n_evals, eval_tokens;
    enum pd_format_id format;
    const char *precision; /* "bf16" or "f32"; NULL: bf16 where the CPU has it */
    uint64_t seed;
};

/* Reads the words behind the program's name. 0, an exit code after a message, or -1 after --help. */
int tr_settings_parse(struct tr_settings *s, int n_words, char **words);
void tr_settings_free(struct tr_settings *s);

const char *tr_task_name(enum tr_task task);

#endif
