/* SPDX-License-Identifier: Apache-2.0
 * row.h - one line of a data file as texts. Two kinds of rows, which may be mixed:
 *
 *   problem   {"id","question","answer","steps":["48/2=24","48+24=72"]}
 *   rollout   {"id","question","answer","pass":0.25,"samples":[{"text":"48/2=24\n...\n#72","right":true,"labels":[..]}]}
 *
 * Texts are in one block that the row owns and the next tr_row_parse() reuses. White space runs of a question become
 * one space. */
#ifndef TRAIN_ROW_H
#define TRAIN_ROW_H

#include <stdbool.h>
#include <stddef.h>

enum { TR_MAX_STEPS = 64, TR_MAX_SAMPLES = 256 };

struct tr_sample {
    const char *text;
    bool is_right;
    int n_labels;       /* 0: none given */
    const float *label; /* [n_labels], one a line of text */
};

struct tr_row {
    const char *question;
    const char
        *solution; /* steps and answer, "48/2=24\n48+24=72\n#72"; NULL: a row without steps */
    double pass;   /* -1: not given */
    int n_samples;
    struct tr_sample sample[TR_MAX_SAMPLES];
    char *text; /* all of the above */
    size_t used, capacity;
    float *labels;
    int n_labels, label_capacity;
};

/* Zero-initialise a row before its first line. NULL, or what is wrong with the line. */
const char *tr_row_parse(struct tr_row *row, const char *line, size_t bytes);
void tr_row_free(struct tr_row *row);

#endif
