/* SPDX-License-Identifier: Apache-2.0
 * lora.h - low-rank adapters of a model's matrices: new, from a file, and folded into the weights in use. */
#ifndef TRAIN_LORA_H
#define TRAIN_LORA_H

#include "base/pool.h"
#include "model.h"

/* Matrices that have one by default, and all that may: "q,k,v,o,gate,up,down". */
#define TR_LORA_ALL "q,k,v,o,gate,up,down"

/* Gives matrices of every layer an adapter that does nothing yet (b is 0, a random). BAD_ARGUMENT: a name in `which`
 * that is none, a rank that is too large. */
enum ponder_status tr_lora_add(struct tr_model *m, int rank, float alpha, const char *which,
                               uint64_t seed, const struct pd_error *err);

/* The adapters of a file. BAD_FILE, UNSUPPORTED: it holds none, or not this model's; BAD_ARGUMENT: rank is not 0 and
 * the file's is another. */
enum ponder_status tr_lora_read(struct tr_model *m, const struct pd_gguf *gguf, int rank,
                                const struct pd_error *err);

/* Enters the adapters in params. */
void tr_lora_train(struct tr_model *m);

/* Makes the weights in use again, after a and b have changed. */
void tr_lora_fold(struct tr_model *m, struct pd_pool *pool);

#endif
