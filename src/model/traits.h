/* SPDX-License-Identifier: Apache-2.0
 * traits.h - what a model made for ponder says of itself, in metadata that other programs pass over: the form of its
 * questions and answers, and heads on its hidden states.
 *
 *   ponder.prompt                    a text around "{question}"; the model answers it as it was trained to
 *   ponder.answer                    what begins the line of the answer, "#"
 *   ponder.revision                  the line between an attempt and the next, "~"
 *   ponder.calculator                true: trained to have its equations completed behind "="
 *   ponder.head.value                f32 [n_embd], and .bias: of a row whose next token ends a step, the logit of the
 *                                    probability that the solution comes out right
 *   ponder.head.difficulty           likewise, of a prompt's last row: that a sample of the model is right
 *
 * An adapter's file may say the same; then that counts for the model with the adapter. */
#ifndef PD_TRAITS_H
#define PD_TRAITS_H

#include "model/gguf.h"

#define PD_TRAITS_QUESTION "{question}"

/* A probability out of a hidden state: 1 / (1 + exp(-(weight . x + bias))). */
struct pd_linear {
    float *weight; /* [n]; NULL: there is none */
    int n;
    float bias;
};

/* Texts are NUL-terminated; "": not said. */
struct pd_traits {
    const char *prompt, *answer, *revision;
    bool has_calculator;
    struct pd_linear value, difficulty;
};

/* What a model without any of the keys says. */
struct pd_traits pd_traits_none(void);

/* Reads what the file says over what *t holds already, with texts and weights placed in a; while counting, pointers
 * to what there is are NULL. BAD_FILE: a value of the wrong type or length, not UTF-8, without the question, or not
 * finite. */
enum ponder_status pd_traits_layout(struct pd_traits *t, const struct pd_gguf *gguf, int n_embd,
                                    struct pd_arena *a, const struct pd_error *err);

/* NaN if x does not give a number. The same bits on every machine. */
float pd_linear_probability(const struct pd_linear *linear, const float *x);

#endif
