/* SPDX-License-Identifier: Apache-2.0
 * tiny_adapter.h - LoRA adapters with random weights for tiny models.
 *
 *     struct tiny_adapter_options options;
 *     tiny_adapter_default(&options, &model_options);
 *     struct tiny_adapter *adapter = tiny_adapter_new(&options);
 *     const struct tiny_tensor *a = tiny_adapter_find(adapter, "blk.0.attn_q.weight.lora_a");
 *     tiny_adapter_free(adapter); */
#ifndef TINY_ADAPTER_H
#define TINY_ADAPTER_H

#include "tests/support/tiny_model.h"

enum { TINY_ADAPTER_MATRICES = 7 };

struct tiny_adapter_options {
    struct tiny_options base;
    int rank;
    float alpha;       /* 0: the key is left out */
    float size;        /* of B: values lie in -size .. size; A's keep activations near 1 */
    unsigned matrices; /* bit i: the i-th of q, k, v, output, gate, up, down */
    enum pd_format_id format;
    uint64_t seed;
    void (*add_keys)(void *user, struct gguf_builder *b);
    void *user;
};

struct tiny_adapter {
    unsigned char *bytes; /* the GGUF file */
    size_t n_bytes;
    int n_tensors;
    struct tiny_tensor tensor[TINY_MAX_TENSORS]; /* as the file's blocks decode */
};

/* Rank 4 on all seven matrices of all layers, in F32, large enough to change what the model says. */
void tiny_adapter_default(struct tiny_adapter_options *options, const struct tiny_options *base);
struct tiny_adapter *tiny_adapter_new(const struct tiny_adapter_options *options);
void tiny_adapter_free(struct tiny_adapter *adapter);

/* NULL if there is none of this name. */
const struct tiny_tensor *tiny_adapter_find(const struct tiny_adapter *adapter, const char *name);

#endif
