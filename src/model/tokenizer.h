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

/* What there is to know of a vocabulary before any of it is copied. */
struct pd_tokenizer_survey {
    bool is_spm, adds_bos, adds_space;
    const struct pd_pretokenizer *pre; /* BPE; NULL: SentencePiece */
    int32_t bos, eos;                  /* -1: none */
    uint32_t n_tokens, n_special, n_merges;
    uint32_t text_bytes, max_bytes; /* of all tokens and of the longest, as in the file */
    int32_t byte_token[256];
};

/* Checks the vocabulary: UNSUPPORTED: a tokenizer model or pre-tokenizer we don't have, named in
 * err; BAD_FILE. n_vocab: rows of the embedding; the token arrays must have as many. */
enum ponder_status pd_tokenizer_survey(struct pd_tokenizer_survey *survey_ret,
                                       const struct pd_gguf *gguf, int n_vocab,
                                       const struct pd_error *err);

/* Places it: counts the same bytes over a counting arena as over a real one. NULL while counting, or
 * where the arena is too small. */
struct pd_tokenizer *pd_tokenizer_layout(const struct pd_tokenizer_survey *survey,
                                         struct pd_arena *a);

/* Copies the vocabulary from the file that was surveyed: the longest part of a start that is not
 * shared among threads. */
void pd_tokenizer_fill(struct pd_tokenizer *t, const struct pd_gguf *gguf);

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
