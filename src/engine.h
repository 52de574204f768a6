/* SPDX-License-Identifier: Apache-2.0
 * engine.h - the parts put together in one block.
 *
 *   block   | engine | directory | vocabulary | threads | weights | kv | activations | logits | search |
 *
 * The same layout code runs over a counting arena, to say how much that is, and over the block, to place it. */
#ifndef PD_ENGINE_H
#define PD_ENGINE_H

#include "search/search.h"

enum { PD_MODEL_NAME_BYTES = 64 };

struct ponder {
    void *block; /* ponder_create(): ours to free; else NULL */
    size_t block_bytes;
    struct ponder_options options; /* no zeros left */
    struct ponder_info info;
    char name[PD_MODEL_NAME_BYTES];
    struct pd_kernels kernels;
    const struct pd_chat *chat;
    const struct pd_chat *solve_chat; /* plain, unless a template was named: see prompt.c */
    struct pd_tokenizer *tokenizer;
    struct pd_pool *pool;
    struct pd_decoder decoder;
    struct pd_search search;
};

/* What an engine for this file and these options needs. Takes pages of its own while it runs. */
enum ponder_status pd_engine_measure(const char *path, const struct ponder_options *options,
                                     struct ponder_plan *plan_ret, const struct pd_error *err);

/* Makes an engine in block, whose file is closed again when this returns. */
enum ponder_status pd_engine_open(void *block, size_t block_bytes, const char *path,
                                  const struct ponder_options *options, struct ponder **p_ret,
                                  const struct pd_error *err);

#endif
