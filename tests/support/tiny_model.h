/* SPDX-License-Identifier: Apache-2.0
 * tiny_model.h - whole little models with random weights: every family, every format, any dimensions.
 *
 *     struct tiny_options options;
 *     tiny_options_default(&options, "qwen3", PD_Q4_0);
 *     options.n_layers = 3;
 *     struct tiny_model *tiny = tiny_model_new(&options);
 *     pd_gguf_open(&gguf, tiny->bytes, tiny->n_bytes, ...);
 *     const float *q = tiny_values(tiny, "blk.0.attn_q.weight");   what the blocks decode to: [rows][cols]
 *     tiny_model_free(tiny);
 *
 * The floats are what a reference computes with: the engine sees exactly these weights. */
#ifndef TINY_MODEL_H
#define TINY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quant/format.h"
#include "tests/support/gguf_builder.h"

enum tiny_vocab { TINY_BPE, TINY_SENTENCEPIECE };

struct tiny_options {
    const char *family; /* "llama", "qwen2", "qwen3", "gemma3" */
    int n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_dim, n_ctx_train;
    int n_vocab; /* at least TINY_MIN_VOCAB */
    int window;  /* gemma3 only: attention.sliding_window */
    float rms_eps;
    float rope_base;
    float rope_factor;   /* above 1: rope.scaling.type linear with this factor */
    bool has_rope_freqs; /* the tensor that Llama 3.x has */
    bool has_qkv_bias;
    bool is_tied;             /* no output.weight */
    enum pd_format_id format; /* of matrices; vectors are F32 */
    /* Overrides format for a matrix; or NULL. */
    enum pd_format_id (*format_of)(const char *name, enum pd_format_id format);
    /* Gives the values before encoding; NULL: random, of a size that keeps activations near 1. */
    void (*fill)(void *user, const char *name, int rows, int cols, float *values);
    /* Adds more metadata; or NULL. */
    void (*add_keys)(void *user, struct gguf_builder *b);
    void *user;
    uint64_t seed;
    enum tiny_vocab vocab;
    const char *pre;           /* tokenizer.ggml.pre of a BPE vocabulary */
    const char *chat_template; /* NULL: none */
    uint32_t alignment;
};

enum { TINY_MIN_VOCAB = 320, TINY_MAX_TENSORS = 256 };

struct tiny_tensor {
    char name[64];
    int rows, cols; /* rows 1 for vectors */
    enum pd_format_id format;
    float *values; /* [rows][cols], decoded from the file's blocks */
};

struct tiny_model {
    struct tiny_options options;
    unsigned char *bytes; /* the GGUF file, exactly n_bytes */
    size_t n_bytes;
    struct gguf_builder *builder; /* for gguf_fields() */
    int n_tensors;
    struct tiny_tensor tensor[TINY_MAX_TENSORS];
};

/* Two layers, tied output; dimensions that are multiples of the format's block, head_dim * n_heads other than
 * n_embd where the family allows it. */
void tiny_options_default(struct tiny_options *options, const char *family,
                          enum pd_format_id format);

struct tiny_model *tiny_model_new(const struct tiny_options *options);
void tiny_model_free(struct tiny_model *tiny);

/* NULL if the model has no such tensor. */
const struct tiny_tensor *tiny_find(const struct tiny_model *tiny, const char *name);
const float *tiny_values(const struct tiny_model *tiny, const char *name);

/* Adds tokenizer.* keys of a little vocabulary of n_vocab tokens, padded with unused ones. */
void tiny_add_vocab(struct gguf_builder *b, enum tiny_vocab vocab, const char *pre, int n_vocab);

#endif
