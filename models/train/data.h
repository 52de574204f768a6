/* SPDX-License-Identifier: Apache-2.0
 * data.h - training examples: files of rows (row.h) to tokens with what is to be learned from each.
 *
 *   sft, distill   Q \n | 48/2=24 \n 48+24=72 \n #72 <eos>       the part behind | has targets; of a rollout row its
 *                                                              right samples, if it has no steps
 *   revise         Q \n wrong \n ~ \n wrong \n ~ \n | right <eos>   up to four wrong samples, the last one nearest to
 *                                                              the right one by edit distance
 *   verify         Q \n sample                                 labels at the row from which a step's end is drawn;
 *                                                              targets too in right samples (joint language loss)
 *   difficulty     Q \n                                        the label "pass" at the last row
 *
 * The parts are tokenised one by one, so that a prompt's tokens are what the engine makes of the prompt alone. */
#ifndef TRAIN_DATA_H
#define TRAIN_DATA_H

#include "base/base.h"
#include "batch.h"
#include "model/tokenizer.h"
#include "row.h"

enum tr_task { TR_SFT, TR_REVISE, TR_VERIFY, TR_DIFFICULTY, TR_DISTILL };

struct tr_example {
    size_t at; /* of its tokens */
    int n;
    size_t label_at;
    int n_labels;
};

struct tr_source { /* a file's examples */
    int first, n;
    double weight; /* how often each comes in an epoch; a fraction: by chance */
};

struct tr_data {
    const struct pd_tokenizer *tokenizer;
    enum tr_task task;
    int max_tokens;      /* longer examples are left out */
    bool has_calculator; /* numbers behind "=" are given, not learned */
    uint64_t seed;       /* of which wrong samples a revision gets */
    int32_t *token;      /* [n_tokens], with TR_IS_TARGET for those to be predicted */
    size_t n_tokens, token_capacity;
    int *label_row; /* [n_labels] in its example */
    float *label;
    size_t n_labels, label_capacity;
    struct tr_example *example;
    int n_examples, example_capacity;
    struct tr_source *source;
    int n_sources;
    int n_too_long, n_bad, n_useless; /* rows left out, or parts of them, of the last file */
    struct tr_row row;
    char *part; /* scratch for tokenising */
    size_t part_bytes;
    int32_t *piece;
    size_t piece_capacity;
};

enum { TR_IS_TARGET = 1 << 30 };

/* Fill in tokenizer to seed first; the rest is zero. */
void tr_data_free(struct tr_data *d);

/* Appends the examples of a file. Bad rows are left out, the first ten of a file with a line "FILE:LINE: why". NO_FILE;
 * BAD_INPUT: it holds no example, err says so. */
enum ponder_status tr_data_load(struct tr_data *d, const char *path, double weight,
                                const struct pd_error *err);

/* Example number i behind what the batch holds. */
void tr_data_put(const struct tr_data *d, int i, struct tr_batch *b);

#endif
