/* SPDX-License-Identifier: Apache-2.0
 * save.h - what was trained as a GGUF file that ponder and llama.cpp load: a model, or an adapter of its base.
 *
 * The metadata of the base goes on into a model; that of a new one is its sizes and the vocabulary's. Heads and what
 * the text format is are metadata too: ponder.prompt, ponder.answer, ponder.revision, ponder.calculator,
 * ponder.head.* */
#ifndef TRAIN_SAVE_H
#define TRAIN_SAVE_H

#include "model.h"

struct tr_save {
    const struct pd_gguf
        *base;   /* whose metadata goes on: the base, the adapter begun with, or the vocabulary */
    bool is_new; /* sizes are written; of base, only the vocabulary is taken */
    bool is_adapter;
    bool speaks_format; /* the model was trained on the text format: says so in ponder.* keys */
    bool revises, has_calculator;
    const char *name;         /* general.name */
    enum pd_format_id format; /* of matrices */
};

enum ponder_status tr_save(const struct tr_model *m, const struct tr_save *how, const char *path,
                           const struct pd_error *err);

#endif
