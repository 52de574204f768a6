/* SPDX-License-Identifier: Apache-2.0
 * verify_prm.h - a process reward model: a judge (model/judge.h) that reads what paths write on lanes of its own, of the
 * policy's decoder with an adapter, or of a decoder of its own.
 *
 *   trunk   a lane with the question's prompt, as the policy was given it
 *   slot    a lane with what was read of one path; the next step is read on from where the longest common past ends
 *
 * So only new tokens are read, those of all paths of a round in batches; a path's score does not depend on what else is
 * judged, nor on what was before. Slots outlive questions only as far as the prompts agree. */
#ifndef PD_VERIFY_PRM_H
#define PD_VERIFY_PRM_H

#include "decode/decoder.h"
#include "model/judge.h"
#include "search/verifier.h"

struct pd_prm_slot {
    int lane;       /* of the decoder; -1: none */
    int32_t *token; /* [capacity] the lane's, and those it is to read next */
    int n_wanted;   /* of them; the lane has read fewer */
    int item;       /* of the round, -1: none */
    uint64_t round; /* when it was last used */
};

struct pd_prm_size {
    int n_lanes;  /* paths of a round */
    int capacity; /* tokens of a lane */
};

struct pd_prm {
    struct pd_decoder *decoder;
    int adapter;    /* of its lanes; 0: none */
    int first_lane; /* of the decoder: its lanes are this and those above */
    struct pd_judge judge;
    const struct pd_tokenizer *tokenizer;
    struct pd_prm_size size;
    struct pd_prm_slot *slot; /* [n_lanes + 1], the trunk first */
    int32_t *sequence;        /* [capacity] a path as it is to be read */
    struct pd_row *row;       /* [n_batch] */
    int *row_slot;            /* [n_batch] whose */
    const int32_t *prompt;    /* of the question */
    int n_prompt;
    uint64_t round;
};

/* Places it around a judge and its decoder, which must have been placed. The decoder needs n_lanes + 1 lanes for it, of
 * `capacity` tokens. */
void pd_prm_layout(struct pd_prm *prm, struct pd_decoder *d, int adapter, int first_lane,
                   const struct pd_tokenizer *t, struct pd_prm_size size, struct pd_arena *a);

/* All lanes have been taken from it. */
void pd_prm_forget(struct pd_prm *prm);

/* The verifier, whose self is a struct pd_prm: for judges whose scores are probabilities, and for others. */
extern const struct pd_verifier pd_verifier_prm;
extern const struct pd_verifier pd_verifier_prm_uncalibrated;

#endif
