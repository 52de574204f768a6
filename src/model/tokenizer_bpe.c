/* SPDX-License-Identifier: Apache-2.0
 * tokenizer_bpe.c - byte-level BPE: words cut by the pre-tokenizer, bytes joined by the rank of
 * their merge. */
#include <string.h>

#include "base/utf8.h"
#include "model/tokenizer_kind.h"

static const char merges_key[] = "tokenizer.ggml.merges";

/* The merge of two tokens, or -1; *walk: where it is or would be. */
static int32_t find_merge(const struct pd_merges *merges, int32_t left, int32_t right,
                          struct pd_index_walk *walk)
{
    *walk = pd_index_begin(&merges->index, pd_hash_pair((uint32_t)left, (uint32_t)right));
    for (;;) {
        uint32_t rank = pd_index_next(walk);
        if (rank == UINT32_MAX)
            return -1;
        if (merges->rule[rank].left == (uint32_t)left &&
            merges->rule[rank].right == (uint32_t)right)
            return (int32_t)rank;
    }
}

/* "left right": cut at the first space after the first byte. False if there is none. */
static bool cut_merge(struct pd_string text, struct pd_string *left_ret,
                      struct pd_string *right_ret)
{
    const char *space = text.bytes < 2 ? NULL : memchr(text.data + 1, ' ', text.bytes - 1);
    if (space == NULL)
        return false;
    *left_ret = (struct pd_string){text.data, (size_t)(space - text.data)};
    *right_ret = (struct pd_string){space + 1, text.bytes - left_ret->bytes - 1};
    return right_ret->bytes > 0;
}

/* Reads merge number rank. One whose parts or result are no tokens joins nothing: it can be left
 * out. */
static void read_merge(struct pd_merges *merges, const struct pd_vocab *v, struct pd_string left,
                       struct pd_string right, uint32_t rank)
{
    size_t left_bytes;
    size_t right_bytes;
    char *buffer = merges->buffer;
    merges->rule[rank].left = merges->rule[rank].right = UINT32_MAX;
    if (!pd_vocab_decode(left, buffer, v->max_bytes, &left_bytes) ||
        !pd_vocab_decode(right, buffer + left_bytes, v->max_bytes, &right_bytes))
        return;
    int32_t left_token = pd_vocab_find(v, buffer, left_bytes);
    int32_t right_token = pd_vocab_find(v, buffer + left_bytes, right_bytes);
    /* Trained vocabularies number their tokens in the order of the merges that make them. */
    int32_t joined = pd_vocab_find_near(v, buffer, left_bytes + right_bytes, merges->next_joined);
    struct pd_index_walk walk;
    if (left_token < 0 || right_token < 0 || joined < 0 ||
        find_merge(merges, left_token, right_token, &walk) >= 0)
        return;
    merges->rule[rank].left = (uint32_t)left_token;
    merges->rule[rank].right = (uint32_t)right_token;
    merges->rule[rank].joined = joined;
    merges->next_joined = (uint32_t)joined + 1;
    pd_index_put(&merges->index, &walk, rank);
}

enum ponder_status pd_merges_survey(struct pd_tokenizer_survey *survey, const struct pd_gguf *gguf,
                                    const struct pd_error *err)
{
    const struct pd_gguf_kv *kv;
    PD_TRY(pd_vocab_array(gguf, merges_key, PD_GGUF_STRING, true, &kv, err));
    if (kv->n > PD_INDEX_MAX)
        return pd_fail(err, PONDER_UNSUPPORTED,
                       "the vocabulary has %llu merges; at most %d are supported",
                       (unsigned long long)kv->n, PD_INDEX_MAX);
    survey->n_merges = (uint32_t)kv->n;
    const unsigned char *cursor = kv->data;
    for (uint32_t rank = 0; rank < survey->n_merges; rank++) {
        struct pd_string left, right;
        if (!cut_merge(pd_gguf_next_string(&cursor), &left, &right))
            return pd_fail(err, PONDER_BAD_FILE, "merge %u is not two texts with a space between",
                           rank);
    }
    return PONDER_OK;
}

void pd_merges_layout(struct pd_merges *merges, const struct pd_tokenizer_survey *survey,
                      struct pd_arena *a)
{
    merges->n = survey->n_merges;
    merges->rule = PD_NEW(a, struct pd_merge_rule, merges->n);
    merges->buffer = PD_NEW(a, char, 2 * (size_t)survey->max_bytes);
    pd_index_layout(&merges->index, merges->n, a);
}

void pd_merges_fill(struct pd_merges *merges, const struct pd_vocab *v, const struct pd_gguf *gguf)
{
    const struct pd_gguf_kv *kv = pd_gguf_find(gguf, merges_key);
    PD_ASSERT(kv != NULL && kv->n == merges->n);
    const unsigned char *cursor = kv->data;
    pd_index_clear(&merges->index);
    for (uint32_t rank = 0; rank < merges->n; rank++) {
        struct pd_string left, right;
        if (cut_merge(pd_gguf_next_string(&cursor), &left, &right))
            read_merge(merges, v, left, right, rank);
    }
}

static bool find_joined(const void *user, const struct pd_symbol *left,
                        const struct pd_symbol *right, uint32_t right_end, uint32_t *key_ret,
                        int32_t *joined_ret)
{
    (void)right_end;
    const struct pd_merges *merges = user;
    struct pd_index_walk walk;
    int32_t rank = find_merge(merges, left->token, right->token, &walk);
    if (rank < 0)
        return false;
    *key_ret = (uint32_t)rank;
    *joined_ret = merges->rule[rank].joined;
    return true;
}

/* The word as the merges know it: shortest UTF-8, U+FFFD for what is none. */
static size_t normalise(const char *word, size_t n, char *text_ret)
{
    const unsigned char *bytes = (const unsigned char *)word;
    size_t n_text = 0;
    for (size_t at = 0; at < n;) {
        uint32_t code_point;
        at += pd_utf8_decode(bytes + at, n - at, &code_point);
        n_text += pd_utf8_encode(code_point, (unsigned char *)text_ret + n_text);
    }
    return n_text;
}

static void tokenize_word(struct pd_tokenize_run *run, const char *word, size_t n)
{
    const struct pd_vocab *v = &run->t->vocab;
    struct pd_merge *merge = &run->merge;
    size_t n_text = normalise(word, n, run->text);
    if (run->t->pre->ignore_merges) {
        int32_t token = pd_vocab_find(v, run->text, n_text);
        if (token >= 0) {
            pd_tokenize_emit(run, token);
            return;
        }
    }
    for (uint32_t i = 0; i < n_text; i++) {
        merge->symbol[i].begin = i;
        merge->symbol[i].token = v->byte_token[(unsigned char)run->text[i]];
    }
    merge->n = (uint32_t)n_text;
    merge->text_bytes = (uint32_t)n_text;
    merge->find = find_joined;
    merge->user = &run->t->merges;
    pd_merge_run(merge);
    for (uint32_t i = 0; i != PD_NO_SYMBOL; i = merge->symbol[i].next)
        if (merge->symbol[i].token >= 0) /* bytes that the vocabulary lacks are dropped */
            pd_tokenize_emit(run, merge->symbol[i].token);
}

void pd_tokenize_bpe(struct pd_tokenize_run *run, const char *text, size_t n)
{
    for (size_t begin = 0; begin < n;) {
        size_t end = pd_pretokenize(run->t->pre, (const unsigned char *)text, n, begin);
        tokenize_word(run, text + begin, end - begin);
        begin = end;
    }
}
