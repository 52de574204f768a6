/* SPDX-License-Identifier: Apache-2.0
 * answer.h - finds the final answer in what a model wrote, and compares answers by value. Exact: numbers
 * are rationals in digits, never floating point; the same bytes give the same answer everywhere.
 *
 * Canonical forms; for all but mathematics one for each value, so that equal values are equal strings:
 *     number    an integer "-12", a terminating decimal "0.5", else a reduced fraction "3/7"
 *     clock, ratio "7:30" as written         choice "A".."E"         "yes" "no" "true" "false"
 *     words     lower case, single spaces    mathematics: as written, without most white space
 * Mathematics is compared by meaning (latex.h): \sqrt{12} is 2\sqrt{3}. Equality is that of keys, so it is an
 * equivalence: votes group answers by it, grading uses it.
 * On the way go: currency signs, thousands separators ("1,000", "1{,}000"), units after a number,
 * percent signs ("50%" is 50), markdown emphasis, math-mode dollars, \text{}, closing punctuation,
 * and all up to the last "=" of a chain ("3 + 4 = 7" is 7). Words zero to twelve are numbers. Magnitude
 * words are units: "5 million" is 5, since a question asks for one or the other.
 * No tolerance: 3.33 is not 10/3, as in the graders of GSM8K and MATH.
 * Limits: 60 digits on either side of the point, 18 in a fraction's parts; beyond, it is no number. */
#ifndef PD_ANSWER_H
#define PD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PD_ANSWER_BYTES = 256 }; /* room for any canonical answer and its NUL */

/* Finds the final answer. Rules, the first that gives one wins, and within a rule the last place:
 *  1. "#### x" on one line (GSM8K); a heading such as "#### Step 2" or "#### 2. Add" is none
 *  2. "\boxed{x}", braces balanced
 *  3. "answer is x", "answer: x", "answer = x", "answer to ... is x", or a heading "Final Answer" and x
 *     below it; from there to the end of the sentence counts a choice, a number (after an "=", else the
 *     first), a number word, yes or no, or up to three words
 *  4. the number behind the last "=" of the last sentence ("8 + 2 = 10 m after the 3rd turn")
 *  5. the last number of the text in digits, list markers ("2. Add"), exponents and names ("x2") left
 *     out; where there are no digits, the last number word.
 * Writes the canonical form with its NUL. False, and "" in answer_ret: none, or it takes more than
 * capacity; PD_ANSWER_BYTES is always enough for a number. */
bool pd_answer_find(const char *text, size_t bytes, char *answer_ret, size_t capacity);

/* True if rules 1 to 3 give an answer that further text cannot lengthen: its line, sentence or brace
 * is closed. Such a lane may end early. */
bool pd_answer_is_final(const char *text, size_t bytes);

/* The canonical form of a text that is an answer as a whole. False: nothing is left of it, or it takes
 * more than capacity. */
bool pd_answer_normalise(const char *text, size_t bytes, char *answer_ret, size_t capacity);

/* The same for answers that are equal, and as good as never for others. */
uint64_t pd_answer_hash(const char *answer);

/* True if both texts are the same answer; a few microseconds. Not for those of which nothing is left. */
bool pd_answer_equal(const char *a, const char *b);

#endif
