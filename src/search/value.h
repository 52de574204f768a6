/* SPDX-License-Identifier: Apache-2.0
 * value.h - one answer, the whole of a stretch of text or its beginning, in its canonical form (answer.h).
 * Functions that write give false, or length 0, where there is no such answer or no room for it. */
#ifndef PD_VALUE_H
#define PD_VALUE_H

#include "search/span.h"

/* Where canonical text goes. */
struct pd_value_text {
    char *text;
    size_t capacity;
};

/* s without white space, emphasis, quotes and the opening of mathematics before an answer. */
struct pd_span pd_value_skip_wrappers(struct pd_span s);
/* s without their like, and punctuation, behind one. */
struct pd_span pd_value_trim_end(struct pd_span s);
/* Both, and without a \text{} or other group around the whole. */
struct pd_span pd_value_strip(struct pd_span s);

/* Just behind the last "=" of s that is no comparison, looking up to the first ',' or ';' before a
 * space; 0: none. */
size_t pd_value_after_equals(struct pd_span s);

/* What s begins with: zero to twelve, yes no true false, or a choice "(B)", "B)", "B.", "B: 12", "B" alone
 * (not the article in "A total"). Return its length. */
size_t pd_value_number_word(struct pd_span s, struct pd_value_text out);
size_t pd_value_truth(struct pd_span s, struct pd_value_text out);
size_t pd_value_choice(struct pd_span s, struct pd_value_text out);

/* The value of s if all of it is one: a number with its unit, a choice, a word of those above. */
bool pd_value_put(struct pd_span s, struct pd_value_text out);

/* Any other text: words in lower case with single spaces; anything else without white space, but for a
 * space between letters and digits. */
bool pd_value_put_plain(struct pd_span s, struct pd_value_text out);

#endif
