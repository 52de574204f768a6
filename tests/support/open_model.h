/* SPDX-License-Identifier: Apache-2.0
 * open_model.h - opens a model and its tokenizer from bytes in memory, with scratch of exactly the sizes that
 * are asked for. */
#ifndef OPEN_MODEL_H
#define OPEN_MODEL_H

#include "model/model.h"
#include "model/tokenizer.h"

struct opened_model {
    struct pd_gguf gguf;
    struct pd_model model;
    struct pd_tokenizer *tokenizer; /* NULL until open_tokenizer() */
    void *gguf_scratch, *model_scratch, *tokenizer_block;
    enum ponder_status status;
    char error[PONDER_ERROR_BYTES]; /* "" unless somebody wrote to it */
};

/* Always close it, also after an error. The bytes have to live as long. */
enum ponder_status open_model(struct opened_model *o, const unsigned char *bytes, size_t n_bytes);
void close_model(struct opened_model *o);

/* The tokenizer of a model that opened, in memory of exactly the size that it counted. */
enum ponder_status open_tokenizer(struct opened_model *o);

/* Reads a byte at both ends of everything that the directory points to, so that a checker of memory
 * notices what should not be pointed to. Returns a sum of them. */
unsigned touch_model(const struct opened_model *o);

/* Writes out every token, and reads some text in every way that there is. Returns a sum of it all. */
unsigned touch_tokenizer(const struct opened_model *o);

#endif
