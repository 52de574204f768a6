/* SPDX-License-Identifier: Apache-2.0
 * model.h - a model in memory as floats: from a GGUF file of any family and format that the engine runs, or new.
 *
 * The floats of all tensors lie in one block. What is trained of them, or beside them (adapters, heads), is entered
 * in `params`; what is not entered stays as it is. */
#ifndef TRAIN_MODEL_H
#define TRAIN_MODEL_H

#include "base/os.h"
#include "model/model.h"
#include "params.h"

/* A low-rank adapter of one matrix: the weight in use is base + scale b a. */
struct tr_lora {
    const float *base; /* [rows][cols] */
    float *a;          /* [rank][cols] */
    float *b;          /* [rows][rank] */
    int rank;
    float scale; /* alpha / rank */
    int param_a, param_b;
};

struct tr_product_level;

struct tr_tensor {
    char name[TR_NAME_BYTES]; /* as in the file */
    int rows, cols;
    float *value;         /* [rows][cols], the weight in use; NULL: the model has no such tensor */
    int param;            /* in params, or TR_FROZEN */
    struct tr_lora *lora; /* or NULL */
    uint32_t *forward, *back; /* packed for products, see packs.h; NULL: not */
};

/* A linear head on the last norm's output: weight[n_embd] and bias. */
enum tr_head_kind { TR_HEAD_VALUE, TR_HEAD_DIFFICULTY, TR_HEADS };
struct tr_head {
    float *weight; /* [n_embd + 1], the bias last; NULL: none */
    int param;
};

struct tr_model {
    const struct pd_family *family;
    struct pd_hparams hparams;
    bool is_tied;
    int n_tensors;
    struct tr_tensor *tensor; /* [n_tensors], in the order of the file */
    struct tr_tensor *token_embd, *output, *output_norm,
        *rope_freqs;                              /* output: token_embd when tied */
    struct tr_tensor *(*layer)[PD_LAYER_TENSORS]; /* [n_layers], NULL: none */
    float *values;
    size_t n_values;
    struct tr_params params;
    struct tr_lora *lora; /* [n_lora] */
    int n_lora, lora_rank;
    float lora_alpha;
    float *lora_values, *lora_bases;
    size_t n_lora_values, n_lora_bases;
    struct tr_head head[TR_HEADS];
    const struct tr_product_level *level; /* that tensors are packed for, or NULL */
    float *packs;                         /* their block */
    size_t n_packs;
};

/* An open GGUF file: a base, whose metadata goes on into what is made of it. */
struct tr_file {
    struct pd_map map;
    struct pd_gguf gguf;
    void *scratch;
};
enum ponder_status tr_file_open(struct tr_file *file, const char *path, const struct pd_error *err);
void tr_file_close(struct tr_file *file);

/* The file's weights as floats, and its heads. Statuses of pd_model_open(). */
enum ponder_status tr_model_read(struct tr_model *m, const struct pd_gguf *gguf,
                                 const struct pd_error *err);

/* The heads of a file, an adapter's too, in place of those that the model has. BAD_FILE: of another size. */
enum ponder_status tr_model_read_heads(struct tr_model *m, const struct pd_gguf *gguf,
                                       const struct pd_error *err);

/* A new one with random weights: "layers=7,embd=320,heads=5,kv=1,ff=896,ctx=1024,rope=10000" in any order (ctx, rope
 * and kv have these values, kv that of heads, where they are left out) for a vocabulary of n_vocab tokens.
 * BAD_ARGUMENT. */
enum ponder_status tr_model_new(struct tr_model *m, const char *spec, int n_vocab, uint64_t seed,
                                const struct pd_error *err);

void tr_model_free(struct tr_model *m);

/* Enters all of the model's tensors in params. */
void tr_model_train_all(struct tr_model *m);

/* Gives the model a head (zeros, unless it has one) and enters it in params. */
void tr_model_train_head(struct tr_model *m, enum tr_head_kind kind);

/* The suffix of a layer's tensor in a file: "attn_q.weight". */
const char *tr_layer_suffix(enum pd_layer_tensor which);

/* The metadata key of a head's weights; the bias has ".bias" behind it. */
const char *tr_head_key(enum tr_head_kind kind);

/* Elements of all tensors. */
size_t tr_model_size(const struct tr_model *m);

/* True where nothing below the heads is trained. */
bool tr_model_trunk_is_frozen(const struct tr_model *m);

#endif
