/* SPDX-License-Identifier: Apache-2.0
 * policy.h - all that the search asks of the model that writes: lanes, passes, draws, texts. The real one is a thin
 * layer over decoder, head and sampler; tests put a scripted one behind the same functions.
 *
 * What a lane says next depends on its tokens, and a draw on the seed, the draw's sample and position: on nothing
 * else, such as what runs beside it. */
#ifndef PD_POLICY_H
#define PD_POLICY_H

#include "decode/decoder.h"
#include "decode/sampler.h"
#include "model/tokenizer.h"

struct pd_policy {
    void *self;
    int n_batch;     /* rows of a step at most */
    int n_embd;      /* of a hidden state */
    int kept_output; /* the output that keep() makes */

    /* A search begins that draws like this. wants_certainty: it will ask for that of outputs. */
    void (*begin)(void *self, const struct pd_sampling *how, bool wants_certainty);
    /* A lane with the past of lane `from` (-1: none): pd_kv_fork(). */
    enum ponder_status (*fork)(void *self, int from, int *lane_ret);
    void (*prune)(void *self, int lane);
    /* Makes a lane one of who revises attempts, with the prompt as its past and nothing else; or NULL: the policy does it
     * itself. NO_TIME: the clock passed deadline_ns; then the lane is as it was. */
    enum ponder_status (*hand_over)(void *self, int lane, const int32_t *prompt, int n_prompt,
                                    int64_t deadline_ns);
    /* Forgets all but the first n tokens of a lane. */
    void (*rewind)(void *self, int lane, int n);
    /* Gives back all lanes of the search but one; -1: that one too. */
    void (*forget)(void *self, int but);
    /* pd_decoder_step(): puts tokens through; outputs live until the next step. */
    enum ponder_status (*step)(void *self, struct pd_row *rows, int n, int64_t deadline_ns);
    /* Copies an output to kept_output, where it outlives steps. */
    void (*keep)(void *self, int output);
    /* Draws from outputs: pd_sample_all(). */
    void (*draw)(void *self, const struct pd_sampling *how, struct pd_draw *draw, int n);
    /* pd_head_score(): natural log-probability of the target of an output of the last step. */
    float (*log_prob)(void *self, int output);
    /* pd_head_certainty() of an output of the last step, or of the kept one. */
    float (*certainty)(void *self, int output);
    /* [n_embd] final norm of an output of the last step, or of the kept one. */
    const float *(*hidden)(void *self, int output);
    /* pd_token_text(), pd_tokenizer_ends_text(). */
    size_t (*text)(void *self, int32_t token, char *text_ret, size_t capacity);
    bool (*ends_text)(void *self, int32_t token);
};

/* The real one. */
struct pd_policy_model {
    struct pd_decoder *decoder;
    const struct pd_tokenizer *tokenizer;
    struct pd_sampler *sampler; /* [n_threads] */
    int adapter;                /* of the decoder, for all that is written; 0: none */
    int n_lanes;                /* of the decoder, the search's; those above are a verifier's */
    int reviser_adapter;        /* 0: none; else the last of these lanes is for its prompt */
    int reviser_trunk;          /* that lane, once the prompt is in it; -1: it is not */
    struct pd_row *row;         /* [n_batch] */
};

void pd_policy_model_layout(struct pd_policy_model *m, struct pd_decoder *d,
                            const struct pd_tokenizer *t, struct pd_arena *a);
struct pd_policy pd_policy_of_model(struct pd_policy_model *m);

#endif
