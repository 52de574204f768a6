/* SPDX-License-Identifier: Apache-2.0
 * repeats.h - texts that come to nothing: empty ones, and those that go round in circles, which seldom stop. */
#ifndef PD_REPEATS_H
#define PD_REPEATS_H

#include "base/base.h"

enum {
    PD_REPEATS_LINES = 4,  /* of a part that repeats, at most */
    PD_REPEATS_PERIOD = 8, /* the same in tokens */
    PD_REPEATS_TOKENS = 32 /* of all repetitions: "1000000" and a row of dashes are none */
};

/* True if there is nothing in a text but white space. */
bool pd_text_is_blank(const char *text, size_t bytes);

/* True if a text has just come to a line's end, and its last lines are the same one to four lines three times, with
 * something in them. */
bool pd_lines_repeat(const char *text, size_t bytes);

/* True if the last 32 tokens are the same part of at most 8 over and over. */
bool pd_tokens_repeat(const int32_t *token, int n);

#endif
