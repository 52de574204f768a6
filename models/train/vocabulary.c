/* SPDX-License-Identifier: Apache-2.0
 * vocabulary.c - see vocabulary.h. */
#include "vocabulary.h"

#include "memory.h"

enum ponder_status tr_vocabulary_open(const struct pd_gguf *gguf, int n_vocab,
                                      struct pd_tokenizer **tokenizer_ret, void **block_ret,
                                      const struct pd_error *err)
{
    struct pd_tokenizer_survey survey;
    struct pd_arena a;
    PD_TRY(pd_tokenizer_survey(&survey, gguf, n_vocab, err));
    pd_arena_init_count(&a);
    pd_tokenizer_layout(&survey, &a);
    size_t bytes = pd_arena_block_bytes(&a);
    *block_ret = tr_alloc(1, bytes);
    pd_arena_init(&a, *block_ret, bytes);
    *tokenizer_ret = pd_tokenizer_layout(&survey, &a);
    pd_tokenizer_fill(*tokenizer_ret, gguf);
    if (pd_tokenizer_eos(*tokenizer_ret) < 0)
        return pd_fail(err, PONDER_UNSUPPORTED, "the vocabulary has no token that ends a text");
    return PONDER_OK;
}
