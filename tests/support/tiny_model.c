/* SPDX-License-Identifier: Apache-2.0
 * tiny_model.c - whole little models with random weights. */
#include "tests/support/tiny_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "quant/encode.h"

struct family_facts {
    const char *name;
    bool
        is_square; /* n_heads * head_dim has to be n_embd in the defaults: no key_length in such files */
    bool has_qkv_bias, has_qk_norm, has_post_norms;
    enum tiny_vocab vocab;
    const char *pre;
};

static const struct family_facts families[] = {
    {"llama", true, false, false, false, TINY_BPE, "smollm"},
    {"qwen2", true, true, false, false, TINY_BPE, "qwen2"},
    {"qwen3", false, false, true, false, TINY_BPE, "qwen2"},
    {"gemma3", false, false, true, true, TINY_SENTENCEPIECE, "default"},
};

static const struct family_facts *find_family(const char *name)
{
    for (size_t i = 0; i < PD_COUNT(families); i++)
        if (strcmp(families[i].name, name) == 0)
            return &families[i];
    fprintf(stderr, "tiny_model: no family %s\n", name);
    exit(1);
}

void tiny_options_default(struct tiny_options *options, const char *family,
                          enum pd_format_id format)
{
    const struct family_facts *facts = find_family(family);
    bool is_wide = pd_format_get(format)->block_elements > 64;
    *options = (struct tiny_options){
        .family = facts->name,
        .n_layers = 2,
        .n_embd = is_wide ? 256 : 64,
        .n_ff = is_wide ? 512 : 96,
        .n_heads = 4,
        .n_kv_heads = 2,
        .n_ctx_train = 256,
        .n_vocab = TINY_MIN_VOCAB,
        .rms_eps = 1e-5f,
        .rope_base = 10000.0f,
        .has_qkv_bias = facts->has_qkv_bias,
        .is_tied = true,
        .format = format,
        .seed = 1,
        .vocab = facts->vocab,
        .pre = facts->pre,
        .alignment = 32,
    };
    options->head_dim = options->n_embd / options->n_heads * (facts->is_square ? 1 : 2);
    if (facts->has_post_norms) { /* gemma3: one period of windows and the layer that sees all */
        options->n_layers = 7;
        options->window = 8;
        options->rope_base = 1e6f;
        options->rms_eps = 1e-6f;
    }
}

struct shape {
    const char *name;
    int rows, cols;
    float centre, spread; /* random values lie in centre - spread .. centre + spread */
    bool is_there;
};

static void *allocate(size_t n, size_t bytes)
{
    void *block = calloc(n ? n : 1, bytes);
    if (!block) {
        fprintf(stderr, "tiny_model: out of memory\n");
        exit(1);
    }
    return block;
}

static void add_tensor(struct tiny_model *tiny, const char *name, const struct shape *shape)
{
    const struct tiny_options *o = &tiny->options;
    if (tiny->n_tensors == TINY_MAX_TENSORS) {
        fprintf(stderr, "tiny_model: more than %d tensors\n", TINY_MAX_TENSORS);
        exit(1);
    }
    uint64_t index = (uint64_t)tiny->n_tensors;
    struct tiny_tensor *t = &tiny->tensor[tiny->n_tensors++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->rows = shape->rows;
    t->cols = shape->cols;
    t->format = PD_F32;
    if (shape->rows > 1)
        t->format = o->format_of ? o->format_of(t->name, o->format) : o->format;

    size_t n = (size_t)t->rows * (size_t)t->cols;
    t->values = allocate(n, sizeof *t->values);
    if (o->fill)
        o->fill(o->user, t->name, t->rows, t->cols, t->values);
    else
        for (size_t i = 0; i < n; i++)
            t->values[i] =
                shape->centre + shape->spread * (2 * pd_rng_float(o->seed, index, i) - 1);

    const struct pd_format *format = pd_format_get(t->format);
    if (t->cols % format->block_elements != 0) {
        fprintf(stderr, "tiny_model: rows of %d in blocks of %d\n", t->cols,
                format->block_elements);
        exit(1);
    }
    size_t bytes = pd_format_row_bytes(format, n);
    void *blocks = allocate(1, bytes);
    pd_encode(t->format, t->values, blocks, n / format->block_elements);
    format->decode(blocks, t->values, n / format->block_elements);
    uint64_t ne[2] = {(uint64_t)t->cols, (uint64_t)t->rows};
    gguf_add_tensor(tiny->builder, t->name, format->gguf_type, t->rows > 1 ? 2 : 1, ne, blocks,
                    bytes);
    free(blocks);
}

static void add_tensors(struct tiny_model *tiny)
{
    const struct tiny_options *o = &tiny->options;
    const struct family_facts *facts = find_family(o->family);
    int q = o->n_heads * o->head_dim, kv = o->n_kv_heads * o->head_dim;
    float of_embd = sqrtf(3.0f / (float)o->n_embd); /* uniform of variance 1 / cols */
    float of_ff = sqrtf(3.0f / (float)o->n_ff);
    float of_q = sqrtf(3.0f / (float)q);
    bool bias = o->has_qkv_bias, qk_norm = facts->has_qk_norm, post = facts->has_post_norms;
    const struct shape whole[] = {
        {"token_embd.weight", o->n_vocab, o->n_embd, 0, of_embd, true},
        {"output_norm.weight", 1, o->n_embd, 1, 0.25f, true},
        {"output.weight", o->n_vocab, o->n_embd, 0, of_embd, !o->is_tied},
        {"rope_freqs.weight", 1, o->head_dim / 2, 4, 3, o->has_rope_freqs},
    };
    const struct shape layer[] = {
        {"attn_norm.weight", 1, o->n_embd, 1, 0.25f, true},
        {"attn_q.weight", q, o->n_embd, 0, of_embd, true},
        {"attn_k.weight", kv, o->n_embd, 0, of_embd, true},
        {"attn_v.weight", kv, o->n_embd, 0, of_embd, true},
        {"attn_q.bias", 1, q, 0, 0.5f, bias},
        {"attn_k.bias", 1, kv, 0, 0.5f, bias},
        {"attn_v.bias", 1, kv, 0, 0.5f, bias},
        {"attn_q_norm.weight", 1, o->head_dim, 1, 0.25f, qk_norm},
        {"attn_k_norm.weight", 1, o->head_dim, 1, 0.25f, qk_norm},
        {"attn_output.weight", o->n_embd, q, 0, of_q, true},
        {"post_attention_norm.weight", 1, o->n_embd, 1, 0.25f, post},
        {"ffn_norm.weight", 1, o->n_embd, 1, 0.25f, true},
        {"ffn_gate.weight", o->n_ff, o->n_embd, 0, of_embd, true},
        {"ffn_up.weight", o->n_ff, o->n_embd, 0, of_embd, true},
        {"ffn_down.weight", o->n_embd, o->n_ff, 0, of_ff, true},
        {"post_ffw_norm.weight", 1, o->n_embd, 1, 0.25f, post},
    };
    for (size_t i = 0; i < PD_COUNT(whole); i++)
        if (whole[i].is_there)
            add_tensor(tiny, whole[i].name, &whole[i]);
    for (int l = 0; l < o->n_layers; l++) {
        for (size_t i = 0; i < PD_COUNT(layer); i++) {
            char name[64];
            snprintf(name, sizeof name, "blk.%d.%s", l, layer[i].name);
            if (layer[i].is_there)
                add_tensor(tiny, name, &layer[i]);
        }
    }
}

/* The key "family.suffix". */
static const char *key_of(const struct tiny_options *o, const char *suffix, char out[96])
{
    snprintf(out, 96, "%s.%s", o->family, suffix);
    return out;
}

static void add_hparams(struct gguf_builder *b, const struct tiny_options *o)
{
    const struct {
        const char *suffix;
        int value;
        bool is_there;
    } ints[] = {
        {"block_count", o->n_layers, true},
        {"context_length", o->n_ctx_train, true},
        {"embedding_length", o->n_embd, true},
        {"feed_forward_length", o->n_ff, true},
        {"attention.head_count", o->n_heads, true},
        {"attention.head_count_kv", o->n_kv_heads, true},
        {"attention.key_length", o->head_dim, o->head_dim * o->n_heads != o->n_embd},
        {"attention.value_length", o->head_dim, o->head_dim * o->n_heads != o->n_embd},
        {"attention.sliding_window", o->window, o->window > 0},
        {"vocab_size", o->n_vocab, find_family(o->family)->is_square},
        {"rope.dimension_count", o->head_dim, find_family(o->family)->is_square},
    };
    char key[96];
    gguf_add_string(b, "general.architecture", o->family);
    gguf_add_string(b, "general.name", "tiny");
    for (size_t i = 0; i < PD_COUNT(ints); i++)
        if (ints[i].is_there)
            gguf_add_u32(b, key_of(o, ints[i].suffix, key), (uint32_t)ints[i].value);
    gguf_add_f32(b, key_of(o, "attention.layer_norm_rms_epsilon", key), o->rms_eps);
    gguf_add_f32(b, key_of(o, "rope.freq_base", key), o->rope_base);
    if (o->rope_factor > 1) {
        gguf_add_string(b, key_of(o, "rope.scaling.type", key), "linear");
        gguf_add_f32(b, key_of(o, "rope.scaling.factor", key), o->rope_factor);
    }
    if (o->chat_template)
        gguf_add_string(b, "tokenizer.chat_template", o->chat_template);
}

struct tiny_model *tiny_model_new(const struct tiny_options *options)
{
    struct tiny_model *tiny = allocate(1, sizeof *tiny);
    tiny->options = *options;
    tiny->builder = gguf_new(3, options->alignment);
    add_hparams(tiny->builder, options);
    if (options->add_keys)
        options->add_keys(options->user, tiny->builder);
    tiny_add_vocab(tiny->builder, options->vocab, options->pre, options->n_vocab);
    add_tensors(tiny);
    tiny->bytes = gguf_finish(tiny->builder, &tiny->n_bytes);
    return tiny;
}

void tiny_model_free(struct tiny_model *tiny)
{
    if (!tiny)
        return;
    for (int i = 0; i < tiny->n_tensors; i++)
        free(tiny->tensor[i].values);
    gguf_free(tiny->builder);
    free(tiny->bytes);
    free(tiny);
}

const struct tiny_tensor *tiny_find(const struct tiny_model *tiny, const char *name)
{
    for (int i = 0; i < tiny->n_tensors; i++)
        if (strcmp(tiny->tensor[i].name, name) == 0)
            return &tiny->tensor[i];
    return NULL;
}

const float *tiny_values(const struct tiny_model *tiny, const char *name)
{
    const struct tiny_tensor *t = tiny_find(tiny, name);
    return t ? t->values : NULL;
}
