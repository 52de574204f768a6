/* SPDX-License-Identifier: Apache-2.0
 * vocabulary.h - the tokenizer of an open file, in memory of its own. */
#ifndef TRAIN_VOCABULARY_H
#define TRAIN_VOCABULARY_H

#include "model/tokenizer.h"

/* n_vocab: rows of the embedding. *block_ret is the caller's to free, also after an error. Statuses of pd_tokenizer_survey();
 * UNSUPPORTED: no token ends a text. */
enum ponder_status tr_vocabulary_open(const struct pd_gguf *gguf, int n_vocab,
                                      struct pd_tokenizer **tokenizer_ret, void **block_ret,
                                      const struct pd_error *err);

#endif
