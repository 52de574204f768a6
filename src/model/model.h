/* SPDX-License-Identifier: Apache-2.0
 * model.h - a GGUF directory to hyper-parameters and tensor views, with every shape checked.
 *
 * After pd_model_open() returned OK every tensor that forward.c reads is there, in a format that we
 * compute with, and of the shape that the hyper-parameters say; no later code checks again. */
#ifndef PD_MODEL_H
#define PD_MODEL_H

#include "base/arena.h"
#include "base/base.h"
#include "model/gguf.h"

enum {
    PD_MAX_LAYERS = 1024,
    PD_MAX_EMBD = 65536,
    PD_MAX_FF = 262144,
    PD_MAX_HEADS = 1024,
    PD_MAX_HEAD_DIM = 1024,
    PD_MAX_VOCAB = 4194304
};

enum pd_activation { PD_SILU, PD_GELU };

/* What differs between families: one row each in family.c. */
struct pd_family {
    const char *name;      /* general.architecture */
    enum pd_activation activation;
    bool rope_is_neox;     /* rotates halves (i, i + d/2); otherwise neighbours (2i, 2i + 1) */
    bool has_qkv_bias;     /* may have them: optional tensors in the file */
    bool has_qk_norm;      /* RMS norm of each q and k head before rope */
    bool has_post_norms;   /* RMS norm of the attention's and the ffn's output before the residual */
    bool scales_embedding; /* embedding times sqrt(n_embd) */
    int window_period;     /* every window_period-th layer sees all positions, the others a window; 0: none */
    float local_rope_base; /* rope base of the layers with a window */
};

/* A tensor of the file: rows of cols elements each, row-major. data NULL: the file does not have it. */
struct pd_tensor {
    const void *data;
    const struct pd_format *format;
    int cols; /* ne[0]: what a row is multiplied with */
    int rows; /* ne[1]; 1 for vectors */
};

enum pd_layer_tensor {
    PD_ATTN_NORM, PD_ATTN_Q, PD_ATTN_K, PD_ATTN_V, PD_ATTN_Q_BIAS, PD_ATTN_K_BIAS, PD_ATTN_V_BIAS,
    PD_ATTN_Q_NORM, PD_ATTN_K_NORM, PD_ATTN_OUTPUT, PD_ATTN_POST_NORM,
    PD_FFN_NORM, PD_FFN_GATE, PD_FFN_UP, PD_FFN_DOWN, PD_FFN_POST_NORM,
    PD_LAYER_TENSORS
};

enum pd_rope_scaling { PD_ROPE_PLAIN, PD_ROPE_LINEAR };

struct pd_hparams {
    int n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_dim, rope_dim, n_vocab, n_ctx_train;
    float rms_eps;
    double rope_base;       /* of the layers that see all positions */
    double rope_base_local; /* of the layers with a window; = rope_base without windows */
    double rope_scale;      /* positions are multiplied by this in layers that see all (1 / factor) */
    int window;             /* positions a windowed layer sees, itself included; 0: no windows */
    int window_period;
    float embedding_scale;  /* 1, or sqrt(n_embd) rounded to float */
    float attention_scale;  /* of q: 1 / sqrt(head_dim) */
};

struct pd_layer {
    struct pd_tensor tensor[PD_LAYER_TENSORS];
};

struct pd_model {
    const struct pd_family *family;
    struct pd_hparams hparams;
    struct pd_string name;        /* general.name, or "" */
    int64_t n_parameters;         /* elements of all tensors */
    struct pd_tensor token_embd;  /* [n_vocab][n_embd] */
    struct pd_tensor output;      /* [n_vocab][n_embd]; = token_embd when tied */
    struct pd_tensor output_norm; /* F32 [n_embd] */
    struct pd_tensor rope_freqs;  /* F32 [rope_dim / 2] divisors of the frequencies (Llama 3.x), or none */
    struct pd_layer *layer;       /* [n_layers] */
};

/* Reads hyper-parameters and finds tensors; layer[] goes to scratch. UNSUPPORTED: a family, tensor format,
 * tensor of the main path, rope scaling or mixture of experts that we don't have (err names it and what we have),
 * one part of a split file, an adapter; BAD_FILE: a value or shape that cannot be; NO_MEMORY: scratch too small.
 * Tensor data may lie at any address (gguf.h): decode it or copy it, don't cast. */
enum ponder_status pd_model_open(struct pd_model *model, const struct pd_gguf *gguf,
                                 struct pd_arena *scratch, const struct pd_error *err);

/* Scratch that pd_model_open() will need for this file, at most. */
size_t pd_model_scratch_bytes(const struct pd_gguf *gguf);

/* What a file calls a tensor behind "blk.<layer>."; and whether it multiplies (norms and biases do not). */
const char *pd_layer_tensor_suffix(enum pd_layer_tensor which);
bool pd_layer_tensor_is_matrix(enum pd_layer_tensor which);

/* True for a layer whose attention is limited to hparams.window positions. */
static inline bool pd_layer_is_windowed(const struct pd_hparams *h, int layer)
{
    return h->window > 0 && h->window_period > 0 && (layer + 1) % h->window_period != 0;
}

/* The format that holds most of the weights' bytes, for people. */
const char *pd_model_main_format(const struct pd_model *model);

/* The families we have, as a comma-separated list for error texts. */
const char *pd_family_list(void);
const struct pd_family *pd_family_find(struct pd_string name);

#endif
