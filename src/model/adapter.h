/* SPDX-License-Identifier: Apache-2.0
 * adapter.h - a LoRA adapter's GGUF directory to checked views of its matrices.
 *
 * An adapter changes matrices of a base model: W x becomes W x + (alpha / rank) B (A x), with A [rank][cols] and
 * B [rows][rank]. Files are those of llama.cpp's convert_lora_to_gguf: general.type "adapter", adapter.type "lora",
 * adapter.lora.alpha (missing or 0: the factor is 1), tensors NAME.lora_a and NAME.lora_b of the base's NAME. */
#ifndef PD_ADAPTER_H
#define PD_ADAPTER_H

#include "model/model.h"

enum { PD_MAX_RANK = 1024 };

/* Both or none have data. */
struct pd_low_rank {
    struct pd_tensor a; /* [rank][cols of the matrix] */
    struct pd_tensor b; /* [rows of the matrix][rank] */
};

struct pd_adapted_layer {
    struct pd_low_rank matrix[PD_LAYER_TENSORS];
};

struct pd_adapter {
    double alpha;
    int n_layers;
    int max_rank;
    int64_t n_parameters;
    struct pd_adapted_layer *layer; /* [n_layers] */
};

/* True for a file that says it is an adapter, not a model. */
bool pd_adapter_is_one(const struct pd_gguf *gguf);

/* Finds the matrices; layer[] goes to scratch, pd_adapter_scratch_bytes() of it. OTHER_BASE: made for another model, by family, layer,
 * matrix or shape; UNSUPPORTED: no adapter, of another kind than LoRA, or of a tensor that we don't adapt; BAD_FILE: half a
 * pair, a rank or an alpha that cannot be; NO_MEMORY. */
enum ponder_status pd_adapter_open(struct pd_adapter *adapter, const struct pd_gguf *gguf,
                                   const struct pd_model *base, struct pd_arena *scratch,
                                   const struct pd_error *err);

static inline size_t pd_adapter_scratch_bytes(const struct pd_model *base)
{
    return (size_t)base->hparams.n_layers * sizeof(struct pd_adapted_layer) + PD_ARENA_ALIGN;
}

#endif
