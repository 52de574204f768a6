/* SPDX-License-Identifier: Apache-2.0
 * mention.h - the numbers in a question: where they stand, and which may be changed. */
#ifndef DATA_MENTION_H
#define DATA_MENTION_H

#include "models/data/ratio.h"
#include "models/data/words.h"

enum { MAX_MENTIONS = 48 };

struct mention {
    size_t begin, end; /* in the text, without "$" and "%" */
    struct ratio value;
    int decimals; /* as written */
    bool in_words, has_separators, is_money, is_percent;
    bool is_fixed; /* a date, a clock time, an ordinal, part of a fraction, one, none */
    int64_t
        most; /* what it can sensibly be at most: days a week, hours a day, years of age; 0: anything */
};

/* Finds them in order; returns how many, or -1 if there are too many. */
int mention_find(const char *text, struct mention mention_ret[MAX_MENTIONS]);

/* Writes the number another value takes at this place, with the same words, separators and decimals. */
bool mention_format(const struct mention *mention, struct ratio value, char text_ret[WORDS_BYTES]);

/* Whether a sum may use this number though it stands nowhere in the text, since some word of it stands for
 * it: 7 for "week", 100 for "%", 2 for "twice". */
bool mention_is_implied(const char *text, struct ratio value);

#endif
