/* SPDX-License-Identifier: Apache-2.0
 * tokenizer.h - text to tokens and back: byte-level BPE ("gpt2") and SentencePiece BPE
 * ("llama").
 *
 * Copies all it needs from the file into the arena, so the file may be closed afterwards.
 * Tokenizing writes only to the caller's scratch: any number of threads may use one tokenizer.
 * Equal to llama.cpp token for token (tests/golden). */
#ifndef PD_TOKENIZER_H
#define PD_TOKENIZER_H

#include "base/arena.h"
#include "base/base.h"
#include "model/gguf.h"

struct pd_tokenizer;

/* Checks the vocabulary (UNSUPPORTED: a tokenizer model or pre-tokenizer we don't have, named in
 * err; BAD_FILE) and lays it out in the arena: counts the same bytes over a counting arena as
 * over a real one. NULL in *tokenizer_ret while counting. n_vocab: rows of the embedding; the
 * token arrays must have as many. */
enum ponder_status pd_tokenizer_layout(struct pd_tokenizer **tokenizer_ret,
                                       const struct pd_gguf *gguf, int n_vocab, struct pd_arena *a,
                                       const struct pd_error *err);

int pd_tokenizer_n_vocab(const struct pd_tokenizer *t);
int32_t pd_tokenizer_bos(const struct pd_tokenizer *t); /* -1: none */
int32_t pd_tokenizer_eos(const struct pd_tokenizer *t); /* -1: none */

/* True for tokens that end a generation: eos, end of turn ("<|im_end|>", "<|eot_id|>",
 * "<end_of_turn>", ...). */
bool pd_tokenizer_ends_text(const struct pd_tokenizer *t, int32_t token);

/* The token whose text is exactly this special text, or -1. */
int32_t pd_tokenizer_special(const struct pd_tokenizer *t, const char *text);

/* Scratch bytes for texts of at most text_bytes: about 103 for each, whatever the model. */
size_t pd_tokenizer_scratch_bytes(size_t text_bytes);

struct pd_tokenize {
    bool add_bos;       /* put bos first, if the model's vocabulary asks for it */
    bool parse_special; /* special tokens in the text become one token, not plain text */
    bool goes_on;       /* from other text: no space is put before it, whatever the model */
};

/* Tokens of text; invalid UTF-8 is taken as llama.cpp takes it. TOO_LONG: more than capacity, or
 * above 16 MiB; NO_MEMORY: scratch too small. User-defined tokens are found in any text, control
 * tokens only with parse_special. *n_ret is the number of tokens of the whole text where that is
 * known, else capacity + 1. */
enum ponder_status pd_tokenize(const struct pd_tokenizer *t, const char *text, size_t text_bytes,
                               struct pd_tokenize how, void *scratch, size_t scratch_bytes,
                               int32_t *tokens_ret, size_t capacity, size_t *n_ret);

/* Text of one token: returns its length, writes at most capacity bytes; control tokens: 0 unless
 * with_special. */
size_t pd_token_text(const struct pd_tokenizer *t, int32_t token, bool with_special, char *text_ret,
                     size_t capacity);

#endif
