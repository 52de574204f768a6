/* SPDX-License-Identifier: Apache-2.0
 * vocab.h - the vocabulary behind the tokenizer: texts, what kind of token each is, look-up by
 * text, and the special tokens in an order to find them in text. Private to tokenizer*.c.
 *
 * Texts are stored as the merging sees them: of byte-level BPE as the bytes they stand for ("Ġt"
 * is " t"), of SentencePiece as they are ("▁t"). */
#ifndef PD_VOCAB_H
#define PD_VOCAB_H

#include "base/arena.h"
#include "base/base.h"
#include "model/gguf.h"
#include "model/tokenizer.h"

/* What a token is; none of the kinds: unused or undefined, without text. */
enum {
    PD_TOKEN_NORMAL = 1,
    PD_TOKEN_UNKNOWN = 2,
    PD_TOKEN_CONTROL = 4,
    PD_TOKEN_USER = 8, /* found in any text before anything else */
    PD_TOKEN_BYTE = 16,
    PD_TOKEN_ENDS_TEXT = 32,
    PD_TOKEN_INDEXED = 64, /* the one that pd_vocab_find() gives for its text */
    PD_TOKEN_ASKED = PD_TOKEN_UNKNOWN | PD_TOKEN_CONTROL, /* found and shown only if asked */
    PD_TOKEN_SPECIAL = PD_TOKEN_ASKED | PD_TOKEN_USER
};

/* Hash table from something to numbers below PD_INDEX_MAX: open addressing, at most two thirds
 * full. A slot holds the number and, above it, a piece of the hash that saves most comparisons. */
enum { PD_INDEX_BITS = 22, PD_INDEX_MAX = (1 << PD_INDEX_BITS) - 1 };
struct pd_index {
    uint32_t *slot; /* [n_slots] */
    uint32_t n_slots;
};

void pd_index_layout(struct pd_index *index, size_t n, struct pd_arena *a);
void pd_index_clear(struct pd_index *index);

/* Walks the numbers stored under a hash: begin, then next until UINT32_MAX, after which
 * pd_index_put() stores one more in the place found. */
struct pd_index_walk {
    const struct pd_index *index;
    uint32_t at, tag;
};
struct pd_index_walk pd_index_begin(const struct pd_index *index, uint64_t hash);
uint32_t pd_index_next(struct pd_index_walk *walk);
void pd_index_put(struct pd_index *index, const struct pd_index_walk *end, uint32_t number);

uint64_t pd_hash_bytes(const char *text, size_t bytes);
uint64_t pd_hash_pair(uint32_t a, uint32_t b);

struct pd_vocab {
    bool is_spm;
    uint32_t n;
    uint32_t max_bytes; /* no token's text is longer */
    char *text;
    uint32_t *offset;      /* [n + 1] of each token in text */
    uint8_t *kind;         /* [n] */
    uint32_t *key;         /* [n] order in which SentencePiece joins, from the scores; BPE: NULL */
    struct pd_index index; /* by text: tokens that merging can make */
    int32_t byte_token[256]; /* token of each byte; -1: none (BPE only) */

    /* Tokens of PD_TOKEN_SPECIAL, sorted by text. */
    uint32_t n_special;
    uint32_t *special; /* [n_special] */
    uint32_t
        *shorter; /* [n_special] place of the longest one that begins this one; or UINT32_MAX */
    uint8_t special_lead[256]; /* by first byte: PD_TOKEN_USER, PD_TOKEN_CONTROL, both or none */
};

/* Checks the token arrays and says what of the survey is theirs; is_spm is given. unknown: token for
 * bytes that a SentencePiece vocabulary lacks, or -1. */
enum ponder_status pd_vocab_survey(struct pd_tokenizer_survey *survey, const struct pd_gguf *gguf,
                                   int n_vocab, int32_t unknown, const struct pd_error *err);

void pd_vocab_layout(struct pd_vocab *v, const struct pd_tokenizer_survey *survey,
                     struct pd_arena *a);
void pd_vocab_fill(struct pd_vocab *v, const struct pd_gguf *gguf);

/* The array called key, of exactly this element type; NULL in *kv_ret if the file has none. */
enum ponder_status pd_vocab_array(const struct pd_gguf *gguf, const char *key,
                                  enum pd_gguf_type element_type, bool required,
                                  const struct pd_gguf_kv **kv_ret, const struct pd_error *err);

/* Fills shorter[] and sorts special[], which hold n_special tokens in any order. */
void pd_vocab_sort_special(struct pd_vocab *v);

/* Token with this text as the merging sees it, or -1. */
int32_t pd_vocab_find(const struct pd_vocab *v, const char *text, size_t bytes);

/* The same, where it is likely to be this token: any number will do. */
int32_t pd_vocab_find_near(const struct pd_vocab *v, const char *text, size_t bytes,
                           uint32_t guess);

/* Place in special[] of the longest special token that begins text, or UINT32_MAX; the next
 * shorter ones follow by shorter[]. */
uint32_t pd_vocab_special_at(const struct pd_vocab *v, const char *text, size_t bytes);

/* Bytes that an encoded text stands for ("Ġ" is a space), to bytes_ret (NULL: only counts).
 * False if a character of it stands for no byte, or if they are more than capacity. */
bool pd_vocab_decode(struct pd_string encoded, char *bytes_ret, size_t capacity, size_t *n_ret);

/* The byte that a text of the form <0xNN> names, or -1. */
int pd_vocab_byte(struct pd_string text);

static inline struct pd_string pd_vocab_text(const struct pd_vocab *v, uint32_t token)
{
    uint32_t begin = v->offset[token];
    return (struct pd_string){v->text + begin, v->offset[token + 1] - begin};
}

#endif
