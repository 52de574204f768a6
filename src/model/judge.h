/* SPDX-License-Identifier: Apache-2.0
 * judge.h - what makes a model, or an adapter for one, a judge of steps: one of three heads, the first that a file has.
 *
 *   rank     tensors as llama.cpp stores those of rank heads, on the row of a step's last token:
 *            cls.output.weight [1 or 2][n_embd] and .bias, behind tanh(cls.weight [n_embd][n_embd] x + cls.bias) where
 *            that is there too; or cls.weight [1 or 2][n_embd] alone. One output: its sigmoid; two: the share that the
 *            second has of their softmax
 *   tokens   ponder.verifier.tokens, [positive, negative]: the share that the first has of the softmax of both as next
 *            tokens, on the same row
 *   value    ponder.head.value (traits.h), on the row from which the step's end is drawn: the one before it
 *
 * ponder.verifier.step is the text of one token that a step's last token is replaced by, or that is put behind a text that
 * just ends; without it lines end as they were written. ponder.verifier.scale and .shift turn the logit z of a rank head or
 * a pair of tokens into that of a probability, scale z + shift, and with either of them scores count as probabilities. */
#ifndef PD_JUDGE_H
#define PD_JUDGE_H

#include "model/tokenizer.h"
#include "model/traits.h"

enum pd_judge_kind { PD_JUDGE_RANK, PD_JUDGE_TOKENS, PD_JUDGE_VALUE };

struct pd_judge {
    enum pd_judge_kind kind;
    int n_embd;
    struct pd_linear value;
    /* Rank: floats of the tensors. */
    float *dense, *dense_bias;   /* [n_embd][n_embd], [n_embd]; NULL: none */
    float *output, *output_bias; /* [n_outputs][n_embd], [n_outputs] */
    int n_outputs;
    /* Texts of one token each, NUL-terminated, "": none; and the tokens, once resolved, or -1. */
    const char *positive_text, *negative_text, *step_text;
    int32_t positive, negative, step, line_end;
    float scale, shift;
    bool is_calibrated;
};

/* Reads the head with its weights placed in a; pointers are NULL while counting. UNSUPPORTED: no head; BAD_FILE: of a wrong
 * shape or type, or not finite. */
enum ponder_status pd_judge_layout(struct pd_judge *judge, const struct pd_gguf *gguf, int n_embd,
                                   struct pd_arena *a, const struct pd_error *err);

/* Finds the tokens, once the vocabulary is there. OTHER_BASE: it lacks one. */
enum ponder_status pd_judge_resolve(struct pd_judge *judge, const struct pd_tokenizer *t,
                                    void *scratch, size_t scratch_bytes,
                                    const struct pd_error *err);

/* Scores by the hidden state x of the row to be judged: of value and rank heads; by the two tokens' logits. NaN if there
 * is no number in it. The same bits on every machine. */
float pd_judge_score(const struct pd_judge *judge, const float *x);
float pd_judge_score_tokens(const struct pd_judge *judge, float positive_logit,
                            float negative_logit);

/* OTHER_BASE: the judge's vocabulary does not begin with all the policy's tokens. */
enum ponder_status pd_judge_check_vocabulary(const struct pd_gguf *policy,
                                             const struct pd_gguf *judge,
                                             const struct pd_error *err);

#endif
