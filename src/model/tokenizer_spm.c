/* SPDX-License-Identifier: Apache-2.0
 * tokenizer_spm.c - SentencePiece BPE: characters joined by the score of the token they make;
 * what is no token in the end is spelt in byte tokens. */
#include <string.h>

#include "model/tokenizer_kind.h"

static const char space_mark[] = "\xE2\x96\x81"; /* U+2581 stands for the space */
enum { SPACE_MARK_BYTES = 3 };

struct joining {
    const struct pd_vocab *vocab;
    const char *text;
};

static bool find_joined(const void *user, const struct pd_symbol *left,
                        const struct pd_symbol *right, uint32_t right_end, uint32_t *key_ret,
                        int32_t *joined_ret)
{
    (void)right;
    const struct joining *joining = user;
    int32_t token =
        pd_vocab_find(joining->vocab, joining->text + left->begin, right_end - left->begin);
    if (token < 0)
        return false;
    *key_ret = joining->vocab->key[token];
    *joined_ret = token;
    return true;
}

static size_t escape_spaces(const char *text, size_t n, bool with_space, char *text_ret)
{
    size_t n_text = 0;
    if (with_space) {
        memcpy(text_ret, space_mark, SPACE_MARK_BYTES);
        n_text = SPACE_MARK_BYTES;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] == ' ') {
            memcpy(text_ret + n_text, space_mark, SPACE_MARK_BYTES);
            n_text += SPACE_MARK_BYTES;
        } else {
            text_ret[n_text++] = text[i];
        }
    }
    return n_text;
}

/* Bytes that a character has by its first byte alone, as llama.cpp cuts: whatever the others
 * are. */
static size_t character_bytes(char lead)
{
    unsigned char byte = (unsigned char)lead;
    if (byte < 0xC0)
        return 1;
    if (byte < 0xE0)
        return 2;
    return byte < 0xF0 ? 3 : 4;
}

void pd_tokenize_spm(struct pd_tokenize_run *run, const char *text, size_t n, bool with_space)
{
    const struct pd_vocab *v = &run->t->vocab;
    struct pd_merge *merge = &run->merge;
    struct joining joining = {v, run->text};
    size_t n_text = escape_spaces(text, n, with_space, run->text);
    uint32_t n_symbols = 0;
    for (size_t at = 0; at < n_text; n_symbols++) {
        size_t bytes = pd_min_size(character_bytes(run->text[at]), n_text - at);
        merge->symbol[n_symbols].begin = (uint32_t)at;
        merge->symbol[n_symbols].token = pd_vocab_find(v, run->text + at, bytes);
        at += bytes;
    }
    merge->n = n_symbols;
    merge->text_bytes = (uint32_t)n_text;
    merge->find = find_joined;
    merge->user = &joining;
    pd_merge_run(merge);
    for (uint32_t i = 0; i != PD_NO_SYMBOL; i = merge->symbol[i].next) {
        const struct pd_symbol *s = &merge->symbol[i];
        if (s->token >= 0) {
            pd_tokenize_emit(run, s->token);
            continue;
        }
        uint32_t end = s->next == PD_NO_SYMBOL ? merge->text_bytes : merge->symbol[s->next].begin;
        for (uint32_t at = s->begin; at < end; at++)
            pd_tokenize_emit(run, v->byte_token[(unsigned char)run->text[at]]);
    }
}
