/* SPDX-License-Identifier: Apache-2.0
 * tokenizer_kind.h - what the tokenizer's two kinds share. Private to tokenizer*.c. */
#ifndef PD_TOKENIZER_KIND_H
#define PD_TOKENIZER_KIND_H

#include "model/merge.h"
#include "model/pretokenize.h"
#include "model/tokenizer.h"
#include "model/vocab.h"

/* Byte-level BPE's merges: rank r joins two tokens to one. */
struct pd_merges {
    struct pd_index index; /* ranks by pair */
    uint32_t n;
    struct pd_merge_rule {
        uint32_t left, right;
        int32_t joined;
    } * rule;             /* [n] in rank order */
    char *buffer;         /* [2 * vocab.max_bytes] for reading them */
    uint32_t next_joined; /* while reading: what the next one makes, likely */
};

struct pd_tokenizer {
    struct pd_vocab vocab;
    const struct pd_pretokenizer *pre; /* BPE; NULL: SentencePiece */
    struct pd_merges merges;           /* BPE */
    bool adds_bos;
    bool adds_space; /* SentencePiece: a space before the first text and after special tokens */
    int32_t bos, eos;
};

/* The caller's scratch, laid out for a text, and where the tokens go. */
struct pd_tokenize_run {
    const struct pd_tokenizer *t;
    struct pd_merge merge; /* symbol and heap: [max_symbols] */
    char *text;            /* [text_bytes] of a word or fragment as the merging sees it */
    int32_t *tokens;       /* [capacity] */
    size_t capacity;
    size_t n; /* tokens found, those beyond capacity too */
};

static inline void pd_tokenize_emit(struct pd_tokenize_run *run, int32_t token)
{
    if (run->n < run->capacity)
        run->tokens[run->n] = token;
    run->n++;
}

/* Checks the merges, places them, and reads them once the vocabulary is there. */
enum ponder_status pd_merges_survey(struct pd_tokenizer_survey *survey, const struct pd_gguf *gguf,
                                    const struct pd_error *err);
void pd_merges_layout(struct pd_merges *merges, const struct pd_tokenizer_survey *survey,
                      struct pd_arena *a);
void pd_merges_fill(struct pd_merges *merges, const struct pd_vocab *v, const struct pd_gguf *gguf);

/* What a text of n bytes can take of the scratch, at most. BPE: an invalid byte becomes U+FFFD,
 * and each byte is a symbol. SentencePiece: a space becomes U+2581, one symbol, unless a cut-off
 * character before it takes some of its three bytes along. One space may come before the text. */
static inline size_t pd_tokenize_max_text(size_t n)
{
    return 3 * n + 3;
}

static inline size_t pd_tokenize_max_symbols(size_t n)
{
    return 3 * n + 2;
}

/* Tokens of text, n > 0 bytes without special tokens in it. */
void pd_tokenize_bpe(struct pd_tokenize_run *run, const char *text, size_t n);
void pd_tokenize_spm(struct pd_tokenize_run *run, const char *text, size_t n, bool with_space);

#endif
