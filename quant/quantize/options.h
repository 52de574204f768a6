/* SPDX-License-Identifier: Apache-2.0
 * options.h - the command line of ponder-quantize. */
#ifndef QUANTIZE_OPTIONS_H
#define QUANTIZE_OPTIONS_H

#include "quant/quantize/recipe.h"

struct options {
    const char *in, *out;
    struct recipe recipe;
    bool is_plain;         /* scales from extremes, no search */
    const char *calibrate; /* texts; NULL: no calibration */
    int max_tokens;        /* of them */
    bool makes_up;         /* for rounding errors: GPTQ */
    double damping;
    const char *eval; /* texts, and problems, to measure with; NULL: nothing is measured */
    bool is_quiet;
};

/* Fills in *options. 0: go on; -1: help or the version was asked for and printed; else the exit code, after a
 * message. */
int options_parse(int n_words, char **words, struct options *options);

#endif
