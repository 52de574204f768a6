/* SPDX-License-Identifier: Apache-2.0
 * setup.h - the files, models and threads of a run, as its settings ask for them. */
#ifndef TRAIN_SETUP_H
#define TRAIN_SETUP_H

#include "base/pool.h"
#include "data.h"
#include "model.h"
#include "settings.h"

struct tr_setup {
    const struct tr_settings *settings;
    struct tr_file base, adapter, teacher_file; /* base: the vocabulary, for a new model */
    struct tr_model model, teacher;
    struct pd_tokenizer *tokenizer;
    void *tokenizer_block, *pool_block;
    struct pd_pool *pool;
    int n_threads;
    const struct tr_product_level *level; /* of products in bfloat16, or NULL: floats */
    bool writes_adapter;                  /* what comes out is an adapter */
};

/* Opens everything and enters in the model's params what is trained. Text in err; close it in either case. */
enum ponder_status tr_setup_open(struct tr_setup *s, const struct tr_settings *settings,
                                 const struct pd_error *err);
void tr_setup_close(struct tr_setup *s);

/* The head that the objective trains; TR_HEADS: none. */
enum tr_head_kind tr_setup_head(const struct tr_settings *settings);

/* Writes what the model is now to settings->out. */
enum ponder_status tr_setup_save(const struct tr_setup *s, const struct pd_error *err);

#endif
