/* SPDX-License-Identifier: Apache-2.0
 * embeddings.h - token embeddings of a new model from those of a larger one, so that words which that one learned to be
 * alike begin alike.
 *
 * A token's text is cut into the larger model's tokens, and their embeddings are averaged; what varies most among all of
 * them (principal components) is kept, as many directions as the new model has elements. */
#ifndef TRAIN_EMBEDDINGS_H
#define TRAIN_EMBEDDINGS_H

#include "model.h"
#include "model/tokenizer.h"

/* Rows of m->token_embd whose tokens have a text; the others stay as they are. The root mean square of what is written is
 * that of what was there. tokenizer: m's. Statuses of tr_model_read(); UNSUPPORTED: the file has fewer elements a
 * token than m. Names the file in err. */
enum ponder_status tr_embeddings_take(struct tr_model *m, const struct pd_tokenizer *tokenizer,
                                      const char *path, const struct pd_error *err);

#endif
