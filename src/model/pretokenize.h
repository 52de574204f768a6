/* SPDX-License-Identifier: Apache-2.0
 * pretokenize.h - cuts text into the words that byte-level BPE merges within. The regular
 * expressions of the pre-tokenizers ("tokenizer.ggml.pre") done by hand, over bytes, without
 * memory. */
#ifndef PD_PRETOKENIZE_H
#define PD_PRETOKENIZE_H

#include "base/base.h"
#include "model/gguf.h"

enum pd_split {
    PD_SPLIT_WORDS, /* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
    PD_SPLIT_DIGITS,   /* \p{N} first, then as above between them */
    PD_SPLIT_MARKS,    /* [\p{P}$+<=>^~|]+ first, then as above, then \p{N}+, then [0-9]{3} */
    PD_SPLIT_PREFIXED, /* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,max_digits}|
                         *  ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
};

struct pd_pretokenizer {
    const char *name;
    enum pd_split split;
    int max_digits;     /* of PD_SPLIT_PREFIXED */
    bool ignore_merges; /* a word that is a token stays one, whatever the merges say */
    bool add_bos;       /* where tokenizer.ggml.add_bos_token does not say */
};

/* The row called name, or NULL. */
const struct pd_pretokenizer *pd_pretokenizer_find(struct pd_string name);

/* The names, comma-separated, for error texts. */
const char *pd_pretokenizer_list(void);

/* End of the word that begins at begin (< n): the next one begins there. Any bytes: text is read as
 * pd_utf8_decode() reads it. */
size_t pd_pretokenize(const struct pd_pretokenizer *pre, const unsigned char *text, size_t n,
                      size_t begin);

#endif
