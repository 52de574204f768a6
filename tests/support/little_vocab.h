/* SPDX-License-Identifier: Apache-2.0
 * little_vocab.h - makes little vocabularies by hand, and opens vocabularies for tests, in memory of
 * exactly the bytes that they count. Fails the test where something is not as it should be.
 *
 *     struct little_vocab v = {.merge = {"a b"}, .n_merges = 1};
 *     little_add_byte_characters(&v);
 *     little_add(&v, "ab", NORMAL, 0);
 *     little_open(&o, &v, "gpt2", "smollm");
 *     vocab_assert_tokens(&o, "abc", (struct pd_tokenize){0}, "ab|c");
 *     vocab_close(&o); */
#ifndef LITTLE_VOCAB_H
#define LITTLE_VOCAB_H

#include "model/tokenizer.h"
#include "tests/support/gguf_builder.h"

struct opened_vocab {
    struct pd_tokenizer *t;
    enum ponder_status status; /* of the layout */
    char error[PONDER_ERROR_BYTES];
    size_t used; /* bytes of the arena */
    unsigned char *block;
};

/* From a whole file. n_vocab 0: as many as the file has tokens. missing: bytes less than counted. */
void vocab_open_bytes(struct opened_vocab *o, const unsigned char *bytes, size_t n_bytes,
                      int n_vocab, size_t missing);
/* From a file that is not finished yet; the builder goes. */
void vocab_open_built(struct opened_vocab *o, struct gguf_builder *b, int n_vocab);
void vocab_close(struct opened_vocab *o);

/* Tokens of a text, in scratch of exactly the size asked for; returns how many. */
size_t vocab_tokenize(const struct opened_vocab *o, const char *text, size_t n,
                      struct pd_tokenize how, int32_t *tokens_ret, size_t capacity);

/* wanted: the tokens' texts with "|" between. */
void vocab_assert_tokens(const struct opened_vocab *o, const char *text, struct pd_tokenize how,
                         const char *wanted);

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER = 4, UNUSED = 5, BYTE = 6 };
enum { LITTLE_MAX = 1024 };

struct little_vocab {
    const char *token[LITTLE_MAX];
    int32_t type[LITTLE_MAX];
    float score[LITTLE_MAX];
    size_t n;
    const char *merge[LITTLE_MAX];
    size_t n_merges;
    char byte_text[256][8];
};

void little_add(struct little_vocab *v, const char *text, int32_t type, float score);
/* Of byte-level BPE: token b is byte b. */
void little_add_byte_characters(struct little_vocab *v);
/* Of SentencePiece: "<unk>", "<s>", "</s>", then the bytes: token 3 + b is byte b. */
void little_add_byte_tokens(struct little_vocab *v);

/* model: "gpt2" or "llama"; pre NULL: none. The texts must live until the file is finished. */
struct gguf_builder *little_build(const struct little_vocab *v, const char *model, const char *pre);
void little_open(struct opened_vocab *o, const struct little_vocab *v, const char *model,
                 const char *pre);

#endif
