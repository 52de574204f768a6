/* SPDX-License-Identifier: Apache-2.0
 * tiny_vocab.c - little vocabularies: every byte, some merges, the special tokens of chat templates. */
#include "tests/support/tiny_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_BYTES = 48, MAX_TOKENS = 4096 };
enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, UNUSED = 5, BYTE = 6 }; /* tokenizer.ggml.token_type */

struct vocab {
    int n;
    char text[MAX_TOKENS][TOKEN_BYTES];
    float score[MAX_TOKENS];
    int32_t type[MAX_TOKENS];
};

static void add(struct vocab *v, const char *text, int32_t type, float score)
{
    if (v->n == MAX_TOKENS) {
        fprintf(stderr, "tiny_vocab: more than %d tokens\n", MAX_TOKENS);
        exit(1);
    }
    snprintf(v->text[v->n], TOKEN_BYTES, "%s", text);
    v->type[v->n] = type;
    v->score[v->n++] = score;
}

/* UTF-8 of a code point below 0x800. */
static void put_utf8(unsigned code_point, char out[3])
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        out[1] = '\0';
    } else {
        out[0] = (char)(0xc0 | code_point >> 6);
        out[1] = (char)(0x80 | (code_point & 0x3f));
        out[2] = '\0';
    }
}

/* GPT-2 writes bytes that do not print as the code points from 256 on, in order. */
static void add_byte_alphabet(struct vocab *v)
{
    unsigned next = 256;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool prints = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
        char text[3];
        put_utf8(prints ? byte : next++, text);
        add(v, text, NORMAL, 0);
    }
}

static void add_padding(struct vocab *v, int n_vocab)
{
    while (v->n < n_vocab) {
        char text[TOKEN_BYTES];
        snprintf(text, sizeof text, "<unused%d>", v->n);
        add(v, text, UNUSED, -1e4f);
    }
}

static void add_arrays(struct gguf_builder *b, const struct vocab *v)
{
    const char *texts[MAX_TOKENS];
    for (int i = 0; i < v->n; i++)
        texts[i] = v->text[i];
    gguf_add_string_array(b, "tokenizer.ggml.tokens", texts, (size_t)v->n);
    gguf_add_array(b, "tokenizer.ggml.token_type", PD_GGUF_I32, v->type, (size_t)v->n);
}

static void add_bpe(struct gguf_builder *b, struct vocab *v, const char *pre, int n_vocab)
{
    /* "\xc4\xa0" is the space of the byte alphabet; each merge makes a token of its two sides. */
    static const char *const merges[] = {
        "\xc4\xa0 t", "h e",          "\xc4\xa0t he", "i n",  "a n",           "e r",
        "o n",        "\xc4\xa0 a",   "r e",          "n d",  "\xc4\xa0 s",    "o u",
        "an d",       "\xc4\xa0 and", "in g",         "l l",  "he ll",         "hell o",
        "o w",        "\xc4\xa0 m",   "an y",         "ow m", "\xc4\xa0m any", "' s",
    };
    static const char *const specials[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
    for (size_t i = 0; i < PD_COUNT(specials); i++)
        add(v, specials[i], CONTROL, 0);
    add_byte_alphabet(v);
    for (size_t i = 0; i < PD_COUNT(merges); i++) {
        char text[TOKEN_BYTES];
        const char *gap = strchr(merges[i], ' ');
        snprintf(text, sizeof text, "%.*s%s", (int)(gap - merges[i]), merges[i], gap + 1);
        add(v, text, NORMAL, 0);
    }
    add_padding(v, n_vocab);
    gguf_add_string(b, "tokenizer.ggml.model", "gpt2");
    gguf_add_string(b, "tokenizer.ggml.pre", pre);
    add_arrays(b, v);
    gguf_add_string_array(b, "tokenizer.ggml.merges", merges, PD_COUNT(merges));
    gguf_add_u32(b, "tokenizer.ggml.bos_token_id", 1);
    gguf_add_u32(b, "tokenizer.ggml.eos_token_id", 2);
    gguf_add_bool(b, "tokenizer.ggml.add_bos_token", false);
}

static void add_sentencepiece(struct gguf_builder *b, struct vocab *v, int n_vocab)
{
    /* "\xe2\x96\x81" is the space; earlier pieces score higher, as if they had been merged first. */
    static const char *const pieces[] = {
        "\xe2\x96\x81t",
        "he",
        "\xe2\x96\x81the",
        "in",
        "an",
        "er",
        "on",
        "re",
        "nd",
        "ou",
        "and",
        "ing",
        "ll",
        "ow",
        "hell",
        "hello",
    };
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.,?";
    add(v, "<pad>", CONTROL, 0);
    add(v, "<eos>", CONTROL, 0);
    add(v, "<bos>", CONTROL, 0);
    add(v, "<unk>", UNKNOWN, 0);
    add(v, "<start_of_turn>", CONTROL, 0);
    add(v, "<end_of_turn>", CONTROL, 0);
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", byte);
        add(v, text, BYTE, 0);
    }
    float score = 0;
    for (size_t i = 0; i < PD_COUNT(pieces); i++)
        add(v, pieces[i], NORMAL, score--);
    add(v, "\xe2\x96\x81", NORMAL, score--);
    for (const char *letter = letters; *letter; letter++)
        add(v, (char[]){*letter, '\0'}, NORMAL, score--);
    add_padding(v, n_vocab);
    gguf_add_string(b, "tokenizer.ggml.model", "llama");
    gguf_add_string(b, "tokenizer.ggml.pre", "default");
    add_arrays(b, v);
    gguf_add_array(b, "tokenizer.ggml.scores", PD_GGUF_F32, v->score, (size_t)v->n);
    gguf_add_u32(b, "tokenizer.ggml.bos_token_id", 2);
    gguf_add_u32(b, "tokenizer.ggml.eos_token_id", 1);
    gguf_add_u32(b, "tokenizer.ggml.unknown_token_id", 3);
    gguf_add_bool(b, "tokenizer.ggml.add_bos_token", true);
}

void tiny_add_vocab(struct gguf_builder *b, enum tiny_vocab vocab, const char *pre, int n_vocab)
{
    struct vocab *v = calloc(1, sizeof *v);
    if (!v)
        exit(1);
    if (vocab == TINY_BPE)
        add_bpe(b, v, pre, n_vocab);
    else
        add_sentencepiece(b, v, n_vocab);
    free(v);
}
