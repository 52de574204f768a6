/* SPDX-License-Identifier: Apache-2.0
 * tiny_adapter.c - see tiny_adapter.h. */
#include "tests/support/tiny_adapter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/rng.h"
#include "quant/encode.h"

void tiny_adapter_default(struct tiny_adapter_options *options, const struct tiny_options *base)
{
    *options = (struct tiny_adapter_options){.base = *base,
                                             .rank = 4,
                                             .alpha = 8.0f,
                                             .size = 0.5f,
                                             .matrices = 0x7f,
                                             .format = PD_F32,
                                             .seed = 100};
}

static void *allocate(size_t n, size_t bytes)
{
    void *block = calloc(n, bytes);
    if (!block) {
        fprintf(stderr, "tiny_adapter: out of memory\n");
        exit(1);
    }
    return block;
}

static void add_tensor(struct tiny_adapter *adapter, struct gguf_builder *b,
                       const struct tiny_adapter_options *o, const char *name, int rows, int cols,
                       float spread)
{
    uint64_t index = (uint64_t)adapter->n_tensors;
    struct tiny_tensor *t = &adapter->tensor[adapter->n_tensors++];
    const struct pd_format *format = pd_format_get(o->format);
    size_t n = (size_t)rows * (size_t)cols, n_blocks = n / format->block_elements;
    size_t bytes = pd_format_row_bytes(format, n);
    snprintf(t->name, sizeof t->name, "%s", name);
    *t = (struct tiny_tensor){.rows = rows, .cols = cols, .format = o->format};
    snprintf(t->name, sizeof t->name, "%s", name);
    t->values = allocate(n, sizeof *t->values);
    for (size_t i = 0; i < n; i++)
        t->values[i] = spread * (2 * pd_rng_float(o->seed, index, i) - 1);
    void *blocks = allocate(1, bytes);
    pd_encode(o->format, t->values, blocks, n_blocks);
    format->decode(blocks, t->values, n_blocks);
    gguf_add_tensor(b, name, format->gguf_type, 2, (uint64_t[]){(uint64_t)cols, (uint64_t)rows},
                    blocks, bytes);
    free(blocks);
}

struct tiny_adapter *tiny_adapter_new(const struct tiny_adapter_options *o)
{
    const struct tiny_options *base = &o->base;
    int q = base->n_heads * base->head_dim, kv = base->n_kv_heads * base->head_dim;
    const struct {
        const char *name;
        int rows, cols;
    } matrices[TINY_ADAPTER_MATRICES] = {
        {"attn_q.weight", q, base->n_embd},
        {"attn_k.weight", kv, base->n_embd},
        {"attn_v.weight", kv, base->n_embd},
        {"attn_output.weight", base->n_embd, q},
        {"ffn_gate.weight", base->n_ff, base->n_embd},
        {"ffn_up.weight", base->n_ff, base->n_embd},
        {"ffn_down.weight", base->n_embd, base->n_ff},
    };
    struct tiny_adapter *adapter = allocate(1, sizeof *adapter);
    struct gguf_builder *b = gguf_new(3, 32);
    gguf_add_string(b, "general.type", "adapter");
    gguf_add_string(b, "general.architecture", base->family);
    gguf_add_string(b, "adapter.type", "lora");
    if (o->alpha != 0)
        gguf_add_f32(b, "adapter.lora.alpha", o->alpha);
    if (o->add_keys)
        o->add_keys(o->user, b);
    for (int layer = 0; layer < base->n_layers; layer++)
        for (size_t i = 0; i < PD_COUNT(matrices); i++) {
            char name[64];
            if ((o->matrices >> i & 1) == 0)
                continue;
            snprintf(name, sizeof name, "blk.%d.%s.lora_a", layer, matrices[i].name);
            add_tensor(adapter, b, o, name, o->rank, matrices[i].cols,
                       sqrtf(3.0f / (float)matrices[i].cols));
            name[strlen(name) - 1] = 'b';
            add_tensor(adapter, b, o, name, matrices[i].rows, o->rank, o->size);
        }
    adapter->bytes = gguf_finish(b, &adapter->n_bytes);
    gguf_free(b);
    return adapter;
}

void tiny_adapter_free(struct tiny_adapter *adapter)
{
    for (int i = 0; i < adapter->n_tensors; i++)
        free(adapter->tensor[i].values);
    free(adapter->bytes);
    free(adapter);
}

const struct tiny_tensor *tiny_adapter_find(const struct tiny_adapter *adapter, const char *name)
{
    for (int i = 0; i < adapter->n_tensors; i++)
        if (strcmp(adapter->tensor[i].name, name) == 0)
            return &adapter->tensor[i];
    return NULL;
}
