/* SPDX-License-Identifier: Apache-2.0
 * calculator.h - the calculator that a model may lean on: behind "48/2=" it writes "24" in the model's place. */
#ifndef PD_CALCULATOR_H
#define PD_CALCULATOR_H

#include "base/rational.h"
#include "model/tokenizer.h"

enum { PD_CALCULATOR_BYTES = PD_RATIONAL_TEXT_BYTES + 1, PD_CALCULATOR_TOKENS = 24 };

/* What has to follow a text that has just come to an "=": the value of the expression before it, in its line, as
 * pd_rational_write() writes it, after a space if one stands before the "=" ("2 + 3 =" and " 5"). Returns its
 * length, with a NUL behind it; 0: the text does not end in "=", there is no operation before it, its value is in
 * doubt (equation.h), or cannot be written. */
size_t pd_calculator_result(const char *text, size_t bytes, char result_ret[PD_CALCULATOR_BYTES]);

/* The same as tokens, at most capacity; scratch is the tokenizer's. 0 also where there is no room. */
int pd_calculator_tokens(const struct pd_tokenizer *t, const char *text, size_t bytes,
                         void *scratch, size_t scratch_bytes, int32_t *tokens_ret, int capacity);

#endif
