/* SPDX-License-Identifier: Apache-2.0
 * little_vocab.c - see little_vocab.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/little_vocab.h"

/* Lays the tokenizer out in exactly the bytes that it counts, less missing. */
static void lay_out(struct opened_vocab *o, const struct pd_gguf *gguf, int n_vocab, size_t missing)
{
    const struct pd_error err = {o->error, sizeof o->error};
    struct pd_arena arena;
    struct pd_tokenizer_survey survey;
    o->status = pd_tokenizer_survey(&survey, gguf, n_vocab, &err);
    if (o->status != PONDER_OK)
        return;
    pd_arena_init_count(&arena);
    assert_null(pd_tokenizer_layout(&survey, &arena));
    o->used = arena.used;
    o->block = malloc(o->used + PD_ARENA_ALIGN);
    size_t skip = (size_t)(-(uintptr_t)o->block) % PD_ARENA_ALIGN;
    memset(o->block, 0xA5, o->used + PD_ARENA_ALIGN);
    pd_arena_init(&arena, o->block + skip, o->used - missing);
    o->t = pd_tokenizer_layout(&survey, &arena);
    if (o->t == NULL)
        o->status = PONDER_NO_MEMORY;
    else
        pd_tokenizer_fill(o->t, gguf);
    if (missing == 0)
        assert_int_equal(arena.used, o->used);
}

void vocab_open_bytes(struct opened_vocab *o, const unsigned char *bytes, size_t n_bytes,
                      int n_vocab, size_t missing)
{
    const struct pd_error err = {o->error, sizeof o->error};
    struct pd_gguf gguf;
    struct pd_arena arena;
    size_t scratch_bytes;
    *o = (struct opened_vocab){.status = PONDER_OK};
    assert_int_equal(pd_gguf_scratch_bytes(bytes, n_bytes, &scratch_bytes, &err), PONDER_OK);
    void *scratch = malloc(scratch_bytes);
    pd_arena_init(&arena, scratch, scratch_bytes);
    if (pd_gguf_open(&gguf, bytes, n_bytes, &arena, &err) != PONDER_OK)
        fail_msg("%s", o->error);
    const struct pd_gguf_kv *tokens = pd_gguf_find(&gguf, "tokenizer.ggml.tokens");
    if (n_vocab == 0 && tokens != NULL)
        n_vocab = (int)tokens->n;
    lay_out(o, &gguf, n_vocab, missing);
    free(scratch);
}

void vocab_close(struct opened_vocab *o)
{
    free(o->block);
    o->block = NULL;
}

void vocab_open_built(struct opened_vocab *o, struct gguf_builder *b, int n_vocab)
{
    size_t n_bytes;
    unsigned char *bytes = gguf_finish(b, &n_bytes);
    vocab_open_bytes(o, bytes, n_bytes, n_vocab, 0);
    free(bytes);
    gguf_free(b);
}

size_t vocab_tokenize(const struct opened_vocab *o, const char *text, size_t n,
                      struct pd_tokenize how, int32_t *tokens_ret, size_t capacity)
{
    size_t scratch_bytes = pd_tokenizer_scratch_bytes(n);
    void *scratch = malloc(scratch_bytes);
    size_t n_tokens;
    assert_int_equal(
        pd_tokenize(o->t, text, n, how, scratch, scratch_bytes, tokens_ret, capacity, &n_tokens),
        PONDER_OK);
    free(scratch);
    return n_tokens;
}

void vocab_assert_tokens(const struct opened_vocab *o, const char *text, struct pd_tokenize how,
                         const char *wanted)
{
    int32_t tokens[64];
    char got[512] = "";
    size_t n = vocab_tokenize(o, text, strlen(text), how, tokens, 64);
    for (size_t i = 0; i < n; i++) {
        char piece[64];
        size_t bytes = pd_token_text(o->t, tokens[i], true, piece, sizeof piece);
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s", i > 0 ? "|" : "",
                 (int)bytes, piece);
    }
    assert_string_equal(got, wanted);
}

void little_add(struct little_vocab *v, const char *text, int32_t type, float score)
{
    assert_true(v->n < LITTLE_MAX);
    v->token[v->n] = text;
    v->type[v->n] = type;
    v->score[v->n++] = score;
}

void little_add_byte_characters(struct little_vocab *v)
{
    unsigned other = 0x100;
    for (unsigned b = 0; b < 256; b++) {
        bool is_own = (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD);
        unsigned c = is_own ? b : other++;
        if (c < 0x80)
            snprintf(v->byte_text[b], sizeof v->byte_text[b], "%c", (int)c);
        else
            snprintf(v->byte_text[b], sizeof v->byte_text[b], "%c%c", (int)(0xC0 | c >> 6),
                     (int)(0x80 | (c & 0x3F)));
        little_add(v, v->byte_text[b], NORMAL, 0);
    }
}

void little_add_byte_tokens(struct little_vocab *v)
{
    little_add(v, "<unk>", UNKNOWN, 0);
    little_add(v, "<s>", CONTROL, 0);
    little_add(v, "</s>", CONTROL, 0);
    for (unsigned b = 0; b < 256; b++) {
        snprintf(v->byte_text[b], sizeof v->byte_text[b], "<0x%02X>", b);
        little_add(v, v->byte_text[b], BYTE, 0);
    }
}

struct gguf_builder *little_build(const struct little_vocab *v, const char *model, const char *pre)
{
    struct gguf_builder *b = gguf_new(3, 32);
    gguf_add_string(b, "tokenizer.ggml.model", model);
    if (pre != NULL)
        gguf_add_string(b, "tokenizer.ggml.pre", pre);
    gguf_add_string_array(b, "tokenizer.ggml.tokens", v->token, v->n);
    gguf_add_array(b, "tokenizer.ggml.token_type", PD_GGUF_I32, v->type, v->n);
    if (strcmp(model, "gpt2") == 0)
        gguf_add_string_array(b, "tokenizer.ggml.merges", v->merge, v->n_merges);
    else
        gguf_add_array(b, "tokenizer.ggml.scores", PD_GGUF_F32, v->score, v->n);
    return b;
}

void little_open(struct opened_vocab *o, const struct little_vocab *v, const char *model,
                 const char *pre)
{
    vocab_open_built(o, little_build(v, model, pre), 0);
    if (o->status != PONDER_OK)
        fail_msg("%s", o->error);
}
