/* SPDX-License-Identifier: Apache-2.0
 * fuzz_tokenizer.c - libFuzzer target: any bytes as text, through a little vocabulary of each
 * kind that has all bytes. The first byte picks vocabulary and options. Aborts if the tokens'
 * texts are not the text: as it is (SentencePiece), or with U+FFFD for what is no UTF-8
 * (byte-level BPE). See README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "model/tokenizer.h"
#include "tests/support/gguf_builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const char *const pre[] = {"gpt-2", "smollm", "llama-bpe", "qwen2", "default", NULL};
enum { N_VOCABS = sizeof pre / sizeof pre[0], MAX_TOKENS = 512 }; /* the last: SentencePiece */

static struct pd_tokenizer *tokenizers[N_VOCABS];

static const char *const bpe_merges[] = {"a b", "ab ab", "\xC4\xA0 a", "\xC4\xA0 \xC4\xA0",
                                         "1 2", "' s",   "\xC3 \xA9",  "\xC3\xA9 \xC3\xA9",
                                         "s s", "ss ss"};
#define SPACE "\xE2\x96\x81"
static const char *const pieces[] = {"a",           "b",         "1",  SPACE, "ab",
                                     "abab",        (SPACE "a"), "12", "'s",  "\xC3\xA9",
                                     (SPACE SPACE), "ss",        "s"};
static const char *const special[] = {"<a>", "<a>b", ">bab", "\n\n", "\n\n\n", "<|im_end|>", "aba"};

struct vocab {
    char text[MAX_TOKENS][12];
    const char *token[MAX_TOKENS];
    int32_t type[MAX_TOKENS];
    float score[MAX_TOKENS];
    size_t n;
};

static void add(struct vocab *v, const char *text, int32_t type, float score)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->text[i], text) == 0)
            return;
    snprintf(v->text[v->n], sizeof v->text[0], "%s", text);
    v->token[v->n] = v->text[v->n];
    v->type[v->n] = type;
    v->score[v->n++] = score;
}

static void add_bytes(struct vocab *v, bool is_spm)
{
    uint32_t other = 0x100;
    for (uint32_t byte = 0; byte < 256; byte++) {
        bool is_own = (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
        char text[12] = "";
        if (is_spm)
            snprintf(text, sizeof text, "<0x%02X>", (unsigned)byte);
        else
            pd_utf8_encode(is_own ? byte : other++, (unsigned char *)text);
        add(v, text, is_spm ? 6 : 1, 0);
    }
}

static void add_merged(struct vocab *v, const char *merge)
{
    char text[12];
    size_t cut = strcspn(merge, " ");
    snprintf(text, sizeof text, "%.*s%s", (int)cut, merge, merge + cut + 1);
    add(v, text, 1, 0);
}

static struct pd_tokenizer *make_tokenizer(const char *pre_name)
{
    static struct vocab v;
    struct gguf_builder *b = gguf_new(3, 32);
    bool is_spm = pre_name == NULL;
    v.n = 0;
    add_bytes(&v, is_spm);
    if (is_spm)
        for (size_t i = 0; i < PD_COUNT(pieces); i++)
            add(&v, pieces[i], 1, (float)(i % 5) - 2);
    else
        for (size_t i = 0; i < PD_COUNT(bpe_merges); i++)
            add_merged(&v, bpe_merges[i]);
    for (size_t i = 0; i < PD_COUNT(special); i++)
        add(&v, special[i], i % 2 == 0 ? 3 : 4, 0);
    gguf_add_string(b, "tokenizer.ggml.model", is_spm ? "llama" : "gpt2");
    if (is_spm)
        gguf_add_bool(b, "tokenizer.ggml.add_space_prefix", false);
    else
        gguf_add_string(b, "tokenizer.ggml.pre", pre_name);
    gguf_add_string_array(b, "tokenizer.ggml.tokens", v.token, v.n);
    gguf_add_array(b, "tokenizer.ggml.token_type", PD_GGUF_I32, v.type, v.n);
    gguf_add_array(b, "tokenizer.ggml.scores", PD_GGUF_F32, v.score, v.n);
    gguf_add_string_array(b, "tokenizer.ggml.merges", bpe_merges, PD_COUNT(bpe_merges));

    size_t n_bytes;
    size_t scratch_bytes;
    unsigned char *bytes = gguf_finish(b, &n_bytes);
    struct pd_gguf gguf;
    struct pd_arena arena;
    struct pd_tokenizer *t;
    if (pd_gguf_scratch_bytes(bytes, n_bytes, &scratch_bytes, NULL) != PONDER_OK)
        abort();
    void *scratch = malloc(scratch_bytes);
    pd_arena_init(&arena, scratch, scratch_bytes);
    if (pd_gguf_open(&gguf, bytes, n_bytes, &arena, NULL) != PONDER_OK)
        abort();
    struct pd_tokenizer_survey survey;
    if (pd_tokenizer_survey(&survey, &gguf, (int)v.n, NULL) != PONDER_OK)
        abort();
    pd_arena_init_count(&arena);
    pd_tokenizer_layout(&survey, &arena);
    size_t block_bytes = pd_arena_block_bytes(&arena);
    pd_arena_init(&arena, malloc(block_bytes), block_bytes);
    t = pd_tokenizer_layout(&survey, &arena);
    if (t == NULL)
        abort();
    pd_tokenizer_fill(t, &gguf);
    free(scratch);
    free(bytes);
    gguf_free(b);
    return t;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (int i = 0; i < N_VOCABS; i++)
        tokenizers[i] = make_tokenizer(pre[i]);
    return 0;
}

/* Both sides of the comparison in one form: shortest UTF-8 for BPE, spaces as U+2581 for
 * SentencePiece, whose byte tokens may spell that one out. */
static size_t normalise(const char *text, size_t n, bool is_spm, char *text_ret)
{
    size_t n_text = 0;
    for (size_t at = 0; at < n;) {
        uint32_t code_point = (unsigned char)text[at];
        if (is_spm && text[at] != ' ') {
            text_ret[n_text++] = text[at++];
            continue;
        }
        at += pd_utf8_decode((const unsigned char *)text + at, n - at, &code_point);
        n_text += pd_utf8_encode(is_spm ? 0x2581 : code_point, (unsigned char *)text_ret + n_text);
    }
    return n_text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    int which = data[0] % N_VOCABS;
    bool is_spm = which == N_VOCABS - 1;
    const struct pd_tokenizer *t = tokenizers[which];
    struct pd_tokenize how = {.parse_special = data[0] >= 0x80};
    const char *text = (const char *)data + 1;
    size_t n = size - 1;
    size_t scratch_bytes = pd_tokenizer_scratch_bytes(n);
    size_t capacity = 3 * n;
    size_t n_tokens;
    void *scratch = malloc(scratch_bytes);
    int32_t *tokens = malloc(capacity * sizeof *tokens + 1);
    char *got = malloc(9 * n + 1);
    char *wanted = malloc(9 * n + 1);
    char *other = malloc(9 * n + 1);
    if (pd_tokenize(t, text, n, how, scratch, scratch_bytes, tokens, capacity, &n_tokens) !=
        PONDER_OK)
        abort();
    size_t n_got = 0;
    for (size_t i = 0; i < n_tokens; i++)
        n_got += pd_token_text(t, tokens[i], how.parse_special, got + n_got, 9 * n - n_got);
    size_t n_other = normalise(got, n_got, is_spm, other);
    if (normalise(text, n, is_spm, wanted) != n_other || memcmp(other, wanted, n_other) != 0)
        abort();
    free(scratch);
    free(tokens);
    free(got);
    free(wanted);
    free(other);
    return 0;
}
