/* SPDX-License-Identifier: Apache-2.0
 * random_model.c - writes a llama-shaped model of random weights that no cache holds, to show what lanes gain where
 * reading the weights is the limit. Nothing it says means anything.
 *
 *     random_model FILE FORMAT LAYERS        25 million weights a layer */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "quant/encode.h"
#include "tests/support/tiny_model.h"

enum { N_EMBD = 1536, N_FF = 4096, N_HEADS = 24, N_KV_HEADS = 8, N_VOCAB = 1024, MAX_LAYERS = 256 };
enum { PATTERN = 1 << 16 }; /* weights that repeat: speed does not depend on their values */

static void *allocate(size_t bytes)
{
    void *block = malloc(bytes);
    if (!block) {
        fprintf(stderr, "random_model: out of memory\n");
        exit(1);
    }
    return block;
}

static void add_matrix(struct gguf_builder *b, const char *name, const struct pd_format *format,
                       int rows, int cols)
{
    static float values[PATTERN];
    uint64_t ne[2] = {(uint64_t)cols, (uint64_t)rows};
    size_t n = (size_t)rows * (size_t)cols;
    size_t bytes = pd_format_row_bytes(format, n);
    size_t pattern_bytes = pd_format_row_bytes(format, PATTERN);
    float spread = sqrtf(3.0f / (float)cols); /* keeps activations near 1 */
    unsigned char *blocks = allocate(bytes);
    unsigned char *pattern = allocate(pattern_bytes);
    for (size_t i = 0; i < PATTERN; i++)
        values[i] = spread * (2 * pd_rng_float(1, (uint64_t)cols, i) - 1);
    pd_encode(format->id, values, pattern, PATTERN / (size_t)format->block_elements);
    for (size_t done = 0; done < bytes; done += pattern_bytes)
        memcpy(blocks + done, pattern, bytes - done < pattern_bytes ? bytes - done : pattern_bytes);
    gguf_add_tensor(b, name, format->gguf_type, 2, ne, blocks, bytes);
    free(pattern);
    free(blocks);
}

static void add_norm(struct gguf_builder *b, const char *name)
{
    float ones[N_EMBD];
    uint64_t ne = N_EMBD;
    for (int i = 0; i < N_EMBD; i++)
        ones[i] = 1;
    gguf_add_tensor(b, name, pd_format_get(PD_F32)->gguf_type, 1, &ne, ones, sizeof ones);
}

static void add_layer(struct gguf_builder *b, int layer, const struct pd_format *format)
{
    static const struct {
        const char *name;
        int rows, cols; /* rows 0: a norm */
    } tensors[] = {
        {"attn_norm", 0, N_EMBD},
        {"attn_q", N_EMBD, N_EMBD},
        {"attn_k", N_EMBD / N_HEADS * N_KV_HEADS, N_EMBD},
        {"attn_v", N_EMBD / N_HEADS * N_KV_HEADS, N_EMBD},
        {"attn_output", N_EMBD, N_EMBD},
        {"ffn_norm", 0, N_EMBD},
        {"ffn_gate", N_FF, N_EMBD},
        {"ffn_up", N_FF, N_EMBD},
        {"ffn_down", N_EMBD, N_FF},
    };
    for (size_t i = 0; i < PD_COUNT(tensors); i++) {
        char name[64];
        snprintf(name, sizeof name, "blk.%d.%s.weight", layer, tensors[i].name);
        if (tensors[i].rows == 0)
            add_norm(b, name);
        else
            add_matrix(b, name, format, tensors[i].rows, tensors[i].cols);
    }
}

static void add_hparams(struct gguf_builder *b, int n_layers)
{
    const struct {
        const char *key;
        int value;
    } keys[] = {
        {"llama.block_count", n_layers},         {"llama.context_length", 2048},
        {"llama.embedding_length", N_EMBD},      {"llama.feed_forward_length", N_FF},
        {"llama.attention.head_count", N_HEADS}, {"llama.attention.head_count_kv", N_KV_HEADS},
        {"llama.vocab_size", N_VOCAB},           {"llama.rope.dimension_count", N_EMBD / N_HEADS},
    };
    gguf_add_string(b, "general.architecture", "llama");
    gguf_add_string(b, "general.name", "random weights");
    for (size_t i = 0; i < PD_COUNT(keys); i++)
        gguf_add_u32(b, keys[i].key, (uint32_t)keys[i].value);
    gguf_add_f32(b, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    gguf_add_f32(b, "llama.rope.freq_base", 10000);
    tiny_add_vocab(b, TINY_BPE, "smollm", N_VOCAB);
}

static const struct pd_format *find_format(const char *name)
{
    for (int id = 0; id < PD_FORMATS; id++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)id);
        if (strcmp(format->name, name) == 0)
            return format;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const struct pd_format *format = argc == 4 ? find_format(argv[2]) : NULL;
    int n_layers = argc == 4 ? atoi(argv[3]) : 0;
    size_t n_bytes;
    if (!format || n_layers < 1 || n_layers > MAX_LAYERS) {
        fprintf(stderr, "usage: random_model FILE FORMAT LAYERS\n");
        return 2;
    }
    struct gguf_builder *b = gguf_new(3, 32);
    add_hparams(b, n_layers);
    add_matrix(b, "token_embd.weight", format, N_VOCAB, N_EMBD);
    add_norm(b, "output_norm.weight");
    for (int layer = 0; layer < n_layers; layer++)
        add_layer(b, layer, format);
    unsigned char *bytes = gguf_finish(b, &n_bytes);
    gguf_free(b);
    bool is_written = gguf_write(argv[1], bytes, n_bytes);
    free(bytes);
    if (!is_written)
        perror(argv[1]);
    return is_written ? 0 : 1;
}
