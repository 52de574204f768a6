/* SPDX-License-Identifier: Apache-2.0
 * engine.h - the parts put together in one block (with a sidecar, the panels of the weights lie in its mapping).
 *
 *   block   | engine | directory | vocabulary | traits | threads | weights | adapters | kv | activations | logits |
 *           | verifier | search |
 *
 * The same layout code runs over a counting arena, to say how much that is, and over the block, to place it. */
#ifndef PD_ENGINE_H
#define PD_ENGINE_H

#include "decode/sidecar.h"
#include "engine_source.h"
#include "search/search.h"
#include "search/verify_prm.h"

enum { PD_MODEL_NAME_BYTES = 64 };

struct ponder {
    void *block; /* ponder_create(): ours to free; else NULL */
    size_t block_bytes;
    struct ponder_options options; /* no zeros left */
    struct ponder_info info;
    char name[PD_MODEL_NAME_BYTES];
    struct pd_kernels kernels;
    const struct pd_chat *chat;
    const struct pd_chat *
        solve_chat; /* NULL: the model's own form; plain, unless a template was named: see prompt.c */
    struct pd_traits traits;
    struct pd_tokenizer *tokenizer;
    struct pd_pool *pool;
    struct pd_decoder decoder;
    struct pd_decoder verifier; /* of a verifier that is a model */
    struct pd_prm prm;
    bool has_prm;
struct pd_search search;
    int adapter_of[PD_ROLES]; /* of the decoder, 1..; 0: the role has none */
    struct pd_sidecar sidecar; /* whose panels the weights point to; or none */
};

/* What an engine for this file and these options needs. Takes pages of its own while it runs. */
enum ponder_status pd_engine_measure(const char *path, const struct ponder_options *options,
                                     struct ponder_plan *plan_ret, const struct pd_error *err);

/* Makes an engine in block, whose file is closed again when this returns. */
enum ponder_status pd_engine_open(void *block, size_t block_bytes, const char *path,
                                  const struct ponder_options *options, struct ponder **p_ret,
                                  const struct pd_error *err);

/* The same in pages of its own. */
enum ponder_status pd_engine_create(const char *path, const struct ponder_options *options,
                                    size_t limit_bytes, struct ponder **p_ret,
                                    const struct pd_error *err);

void pd_engine_close(struct ponder *p);

/* What both ways to use a model's file look at first. */
enum ponder_status pd_engine_check_range(const char *what, int value, int min, int max,
                                         const struct pd_error *err);
enum ponder_status pd_engine_choose_kernels(struct pd_kernels *kernels, const char *isa,
                                            const struct pd_error *err);

/* ponder_pack(), ponder_check(). */
typedef bool pd_write_fn(void *user, const void *data, size_t bytes, size_t bytes_left);
enum ponder_status pd_engine_pack(const char *path, const struct ponder_options *options,
                                  pd_write_fn *write, void *user, const struct pd_error *err);
enum ponder_status pd_engine_check(const char *path, const struct ponder_options *options,
                                   const struct pd_error *err);

#endif
