/* SPDX-License-Identifier: Apache-2.0
 * words.h - English for numbers and nouns. */
#ifndef DATA_WORDS_H
#define DATA_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/data/ratio.h"

enum { WORDS_BYTES = 96 };

/* "forty-two", for 0..9999; false beyond. */
bool words_number(int64_t n, char text_ret[WORDS_BYTES]);

/* The number that text begins with in words, "forty-two", "three hundred", as far as hyphens and single
 * spaces hold it together; lower or upper case. Returns its length, 0 if there is none. */
size_t words_parse(const char *text, int64_t *n_ret);

/* "3rd" and, for 1..12, "third". */
void words_ordinal(int64_t n, bool in_words, char text_ret[WORDS_BYTES]);

/* "third", "quarter", "twentieth": the word for one of n equal parts; NULL if there is none here. */
const char *words_part(int64_t n);

/* "12,500" or "12500", "0.75". False if it cannot be written in full. */
bool words_digits(struct ratio value, bool separators, char text_ret[WORDS_BYTES]);

/* "$12", "$3.50", "$1,250". False unless it is whole cents. */
bool words_money(struct ratio value, bool separators, char text_ret[WORDS_BYTES]);

/* "peaches" for "peach"; the last word of several, or the first where " of " follows. */
void words_plural(const char *singular, char *text_ret, size_t capacity);

/* Whether the sound that text begins with wants "an". */
bool words_wants_an(const char *text);

#endif
