/* SPDX-License-Identifier: Apache-2.0
 * open_model.c - opens a model from bytes in memory. */
#include "tests/support/open_model.h"

#include <stdlib.h>

static enum ponder_status open_both(struct opened_model *o, const unsigned char *bytes,
                                    size_t n_bytes)
{
    const struct pd_error err = {o->error, sizeof o->error};
    struct pd_arena arena;
    size_t scratch_bytes;
    PD_TRY(pd_gguf_scratch_bytes(bytes, n_bytes, &scratch_bytes, &err));
    o->gguf_scratch = malloc(scratch_bytes);
    pd_arena_init(&arena, o->gguf_scratch, scratch_bytes);
    PD_TRY(pd_gguf_open(&o->gguf, bytes, n_bytes, &arena, &err));

    scratch_bytes = pd_model_scratch_bytes(&o->gguf);
    o->model_scratch = malloc(scratch_bytes);
    pd_arena_init(&arena, o->model_scratch, scratch_bytes);
    return pd_model_open(&o->model, &o->gguf, &arena, &err);
}

enum ponder_status open_model(struct opened_model *o, const unsigned char *bytes, size_t n_bytes)
{
    *o = (struct opened_model){.status = PONDER_OK};
    o->status = open_both(o, bytes, n_bytes);
    return o->status;
}

static enum ponder_status lay_out_tokenizer(struct opened_model *o)
{
    const struct pd_error err = {o->error, sizeof o->error};
    struct pd_arena arena;
    struct pd_tokenizer_survey survey;
    PD_TRY(pd_tokenizer_survey(&survey, &o->gguf, o->model.hparams.n_vocab, &err));
    pd_arena_init_count(&arena);
    pd_tokenizer_layout(&survey, &arena);
    size_t used = arena.used, block_bytes = pd_arena_block_bytes(&arena);
    o->tokenizer_block = malloc(block_bytes);
    pd_arena_init(&arena, o->tokenizer_block, block_bytes);
    o->tokenizer = pd_tokenizer_layout(&survey, &arena);
    if (o->tokenizer == NULL || arena.used != used)
        return pd_fail(&err, PONDER_NO_MEMORY, "%zu bytes used, %zu counted", arena.used, used);
    pd_tokenizer_fill(o->tokenizer, &o->gguf);
    return PONDER_OK;
}

enum ponder_status open_tokenizer(struct opened_model *o)
{
    o->status = lay_out_tokenizer(o);
    return o->status;
}

void close_model(struct opened_model *o)
{
    free(o->gguf_scratch);
    free(o->model_scratch);
    free(o->tokenizer_block);
    o->gguf_scratch = o->model_scratch = o->tokenizer_block = NULL;
}

static unsigned touch(const void *data, size_t bytes)
{
    const unsigned char *p = data;
    return bytes > 0 ? (unsigned)p[0] + p[bytes - 1] : 0;
}

unsigned touch_model(const struct opened_model *o)
{
    unsigned sum = 0;
    for (int i = 0; i < o->gguf.n_kv; i++) {
        const struct pd_gguf_kv *kv = &o->gguf.kv[i];
        sum += touch(kv->key.data, kv->key.bytes);
        sum += touch(kv->data, (size_t)(kv->end - kv->data));
    }
    for (int i = 0; i < o->gguf.n_tensors; i++) {
        sum += touch(o->gguf.tensor[i].name.data, o->gguf.tensor[i].name.bytes);
        sum += touch(o->gguf.tensor[i].data, o->gguf.tensor[i].bytes);
    }
    for (int l = 0; l < o->model.hparams.n_layers; l++) {
        for (int i = 0; i < PD_LAYER_TENSORS; i++) {
            const struct pd_tensor *t = &o->model.layer[l].tensor[i];
            if (t->data)
                sum += touch(t->data,
                             (size_t)t->rows * pd_format_row_bytes(t->format, (size_t)t->cols));
        }
    }
    return sum;
}

unsigned touch_tokenizer(const struct opened_model *o)
{
    static const char text[] = "<|im_start|>Hello the many 12 cows\xff\n\xc3\xa9 <bos><0x-1> and";
    const struct pd_tokenizer *t = o->tokenizer;
    size_t bytes = pd_tokenizer_scratch_bytes(sizeof text - 1);
    void *scratch = malloc(bytes);
    unsigned sum = 0;
    for (int way = 0; way < 4; way++) {
        int32_t tokens[2 * sizeof text];
        size_t n = 0;
        struct pd_tokenize how = {.add_bos = way % 2 == 1, .parse_special = way >= 2};
        if (pd_tokenize(t, text, sizeof text - 1, how, scratch, bytes, tokens, PD_COUNT(tokens),
                        &n) != PONDER_OK)
            continue;
        for (size_t i = 0; i < n; i++) {
            char piece[64];
            sum += (unsigned)pd_token_text(t, tokens[i], true, piece, sizeof piece);
        }
    }
    free(scratch);
    for (int32_t token = 0; token < pd_tokenizer_n_vocab(t); token++) {
        char piece[8];
        sum += (unsigned)pd_token_text(t, token, token % 2 == 0, piece, sizeof piece);
        sum += pd_tokenizer_ends_text(t, token);
    }
    return sum + (unsigned)pd_tokenizer_special(t, "<|im_end|>");
}
