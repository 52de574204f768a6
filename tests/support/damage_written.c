/* SPDX-License-Identifier: Apache-2.0
 * damage_written.c - damage that is written down case by case, with the error that it has to give.
 *
 * Three tables: fields overwritten in the finished file, metadata replaced, tensors added. */
#include "tests/support/damage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/guarded.h"
#include "tests/support/tiny_model.h"

enum { BAD = PONDER_BAD_FILE, UNS = PONDER_UNSUPPORTED, ANY = PONDER_OK };

/* clang-format off */
static const struct overwrite {
    enum gguf_field_kind kind;
    const char *owner;
    int nth; /* fields after the first of that kind and owner */
    uint64_t value;
    int status;
    const char *says;
} overwrites[] = { /* on a llama in Q8_0 with an alignment of 64 */
    {GGUF_FIELD_MAGIC, "", 0, 0x58585858, BAD, "not a GGUF file"},
    {GGUF_FIELD_MAGIC, "", 0, 0x04034b50, BAD, "zip"},
    {GGUF_FIELD_MAGIC, "", 0, 0x67676d6c, BAD, "before GGUF"},
    {GGUF_FIELD_MAGIC, "", 0, 0x4f44213c, BAD, "web page"},
    {GGUF_FIELD_MAGIC, "", 0, 0x47475546, BAD, "big-endian"},
    {GGUF_FIELD_VERSION, "", 0, 0, BAD, "version 0"},
    {GGUF_FIELD_VERSION, "", 0, 1, UNS, "version 1"},
    {GGUF_FIELD_VERSION, "", 0, 4, UNS, "version 4"},
    {GGUF_FIELD_VERSION, "", 0, 0x03000000, UNS, "big-endian"},
    {GGUF_FIELD_N_KV, "", 0, UINT64_C(0x55555555555555a), BAD, "metadata entries"},
    {GGUF_FIELD_N_KV, "", 0, UINT64_MAX, BAD, "metadata entries"},
    {GGUF_FIELD_N_KV, "", 0, 4097, UNS, "at most 4096"},
    {GGUF_FIELD_N_KV, "", 0, 0, BAD, NULL},
    {GGUF_FIELD_N_TENSORS, "", 0, UINT64_C(0xaaaaaaaaaaaaaab), BAD, "tensors"},
    {GGUF_FIELD_N_TENSORS, "", 0, UINT64_MAX, BAD, "tensors"},
    {GGUF_FIELD_N_TENSORS, "", 0, 0, BAD, "'token_embd.weight' is missing"},
    {GGUF_FIELD_KEY_LENGTH, "llama.block_count", 0, UINT64_MAX, BAD, "bytes, "},
    {GGUF_FIELD_KEY_LENGTH, "llama.block_count", 0, 0, BAD, "name is empty"},
    {GGUF_FIELD_KEY_LENGTH, "llama.block_count", 0, 1025, BAD, "at most 1024"},
    {GGUF_FIELD_TYPE, "llama.block_count", 0, 13, BAD, "value type is 13"},
    {GGUF_FIELD_TYPE, "llama.block_count", 0, 0xffffffff, BAD, "'llama.block_count'"},
    {GGUF_FIELD_STRING_LENGTH, "general.name", 0, UINT64_MAX, BAD, "'general.name'"},
    {GGUF_FIELD_ARRAY_TYPE, "tokenizer.ggml.tokens", 0, 9, UNS, "arrays of arrays"},
    {GGUF_FIELD_ARRAY_TYPE, "tokenizer.ggml.tokens", 0, 13, BAD, "array element type is 13"},
    {GGUF_FIELD_ARRAY_TYPE, "tokenizer.ggml.tokens", 0, 0xffffffff, BAD, "array element type"},
    {GGUF_FIELD_ARRAY_COUNT, "tokenizer.ggml.tokens", 0, UINT64_C(1) << 60, BAD, "elements"},
    {GGUF_FIELD_ARRAY_COUNT, "tokenizer.ggml.tokens", 0, UINT64_MAX, BAD, "elements"},
    {GGUF_FIELD_ARRAY_COUNT, "tokenizer.ggml.token_type", 0, UINT64_C(1) << 62, BAD, "elements"},
    {GGUF_FIELD_STRING_LENGTH, "tokenizer.ggml.tokens", 0, UINT64_MAX, BAD, "'tokenizer.ggml.tokens'"},
    {GGUF_FIELD_STRING_LENGTH, "tokenizer.ggml.tokens", 0, 65536, BAD, "at most 65535"},
    {GGUF_FIELD_NUMBER, "tokenizer.ggml.add_bos_token", 0, 2, BAD, "a bool of 2"},
    {GGUF_FIELD_NUMBER, "general.alignment", 0, 0, BAD, "power of two"},
    {GGUF_FIELD_NUMBER, "general.alignment", 0, 48, BAD, "power of two"},
    {GGUF_FIELD_NUMBER, "general.alignment", 0, 8192, BAD, "power of two"},
    {GGUF_FIELD_NUMBER, "general.alignment", 0, 0x80000000, BAD, "power of two"},
    {GGUF_FIELD_TYPE, "general.alignment", 0, PD_GGUF_I32, BAD, "not u32"},
    {GGUF_FIELD_NAME_LENGTH, "token_embd.weight", 0, 0, BAD, "name is empty"},
    {GGUF_FIELD_NAME_LENGTH, "token_embd.weight", 0, UINT64_MAX, BAD, "tensor 0"},
    {GGUF_FIELD_NAME_LENGTH, "token_embd.weight", 0, 1025, BAD, "at most 1024"},
    {GGUF_FIELD_N_DIMS, "token_embd.weight", 0, 0, BAD, "0 dimensions"},
    {GGUF_FIELD_N_DIMS, "token_embd.weight", 0, 5, BAD, "5 dimensions"},
    {GGUF_FIELD_N_DIMS, "token_embd.weight", 0, 0xffffffff, BAD, "dimensions"},
    {GGUF_FIELD_DIM, "token_embd.weight", 0, 0, BAD, "dimension 0 is 0"},
    {GGUF_FIELD_DIM, "token_embd.weight", 1, 0, BAD, "dimension 1 is 0"},
    {GGUF_FIELD_DIM, "token_embd.weight", 0, 33, BAD, "Q8_0 blocks of 32"},
    {GGUF_FIELD_DIM, "token_embd.weight", 0, UINT64_C(1) << 32, BAD, "of the tensor data"},
    {GGUF_FIELD_DIM, "token_embd.weight", 1, UINT64_MAX, BAD, "too many elements"},
    {GGUF_FIELD_DIM, "token_embd.weight", 1, UINT64_C(1) << 57, BAD, "of the tensor data"},
    {GGUF_FIELD_DIM, "token_embd.weight", 0, UINT64_C(1) << 63, BAD, "too many elements"},
    {GGUF_FIELD_DIM, "token_embd.weight", 0, 64, BAD, NULL},
    {GGUF_FIELD_DIM, "token_embd.weight", 1, 319, BAD, "but the embedding has 319 rows"},
    {GGUF_FIELD_DIM, "output_norm.weight", 0, 31, BAD, "has 31 columns"},
    {GGUF_FIELD_DIM, "blk.1.attn_k.weight", 1, 15, BAD, "15 rows; 32 and 16 are right"},
    {GGUF_FIELD_DIM, "rope_freqs.weight", 0, 7, BAD, "has 7 columns"},
    {GGUF_FIELD_TENSOR_TYPE, "token_embd.weight", 0, 99, BAD, "unknown tensor type 99"},
    {GGUF_FIELD_TENSOR_TYPE, "token_embd.weight", 0, 0xffffffff, BAD, "unknown tensor type"},
    {GGUF_FIELD_TENSOR_TYPE, "token_embd.weight", 0, 4, UNS, "in format Q4_2; we have F32"},
    {GGUF_FIELD_TENSOR_TYPE, "token_embd.weight", 0, 10, UNS, "in format Q2_K"},
    {GGUF_FIELD_TENSOR_TYPE, "token_embd.weight", 0, 24, UNS, "in format I8"},
    {GGUF_FIELD_TENSOR_TYPE, "token_embd.weight", 0, 30, BAD, "overlaps"},
    {GGUF_FIELD_TENSOR_TYPE, "token_embd.weight", 0, 14, BAD, "Q6_K blocks of 256"},
    {GGUF_FIELD_TENSOR_TYPE, "output_norm.weight", 0, 1, UNS, "F32 is supported for vectors"},
    {GGUF_FIELD_OFFSET, "output.weight", 0, 1, BAD, "no multiple of the alignment"},
    {GGUF_FIELD_OFFSET, "output.weight", 0, 0, BAD, "overlap"},
    {GGUF_FIELD_OFFSET, "output.weight", 0, UINT64_C(1) << 40, BAD, "incomplete download"},
    {GGUF_FIELD_OFFSET, "output.weight", 0, UINT64_C(1) << 63, BAD, "incomplete download"},
    {GGUF_FIELD_OFFSET, "output.weight", 0, UINT64_MAX - 63, BAD, "incomplete download"},
};

enum { NONE = PD_GGUF_TYPES, U8 = PD_GGUF_U8, I8 = PD_GGUF_I8, U32 = PD_GGUF_U32,
       I32 = PD_GGUF_I32, F32 = PD_GGUF_F32, STR = PD_GGUF_STRING, U64 = PD_GGUF_U64,
       I64 = PD_GGUF_I64, F64 = PD_GGUF_F64, BOOL = PD_GGUF_BOOL };

static const struct replacement {
    const char *family, *key;
    int type; /* NONE: the key goes */
    double number;
    const char *text;
    int status;
    const char *says;
    enum damage_layer layer;
} replacements[] = {
    {"llama", "general.architecture", NONE, 0, NULL, BAD, "'general.architecture' is missing", 0},
    {"llama", "general.architecture", U32, 1, NULL, BAD, "of type u32, not string", 0},
    {"llama", "general.architecture", STR, 0, "phi3", UNS, "'phi3' is not supported; we have llama", 0},
    {"llama", "general.architecture", STR, 0, "", UNS, "''", 0},
    {"llama", "general.architecture", STR, 0, "a\nb\x1b[2J", UNS, "'a?b?[2J'", 0},
    {"llama", "general.architecture", STR, 0, "qwen2", BAD, "'qwen2.block_count' is missing", 0},
    {"llama", "general.type", STR, 0, "adapter", UNS, "'adapter', not a whole model", 0},
    {"llama", "general.name", U32, 1, NULL, BAD, "'general.name'", 0},
    {"llama", "split.count", U32, 3, NULL, UNS, "3 parts", 0},
    {"llama", "general.alignment", U64, 32, NULL, BAD, "not u32", 0},
    {"llama", "general.alignment", U32, 0, NULL, BAD, "power of two", 0},
    {"llama", "llama.block_count", NONE, 0, NULL, BAD, "'llama.block_count' is missing", 0},
    {"llama", "llama.block_count", U32, 0, NULL, BAD, "is 0; 1 to 1024 is right", 0},
    {"llama", "llama.block_count", U32, 1025, NULL, BAD, "is 1025; 1 to 1024", 0},
    {"llama", "llama.block_count", I32, -1, NULL, BAD, "is -1", 0},
    {"llama", "llama.block_count", I8, -2, NULL, BAD, "is -2", 0},
    {"llama", "llama.block_count", U64, 0x1p63, NULL, BAD, "is 9223372036854775807; 1", 0},
    {"llama", "llama.block_count", U64, 0x1p32 + 2, NULL, BAD, "is 4294967298", 0},
    {"llama", "llama.block_count", I64, -0x1p63, NULL, BAD, "1 to 1024", 0},
    {"llama", "llama.block_count", F32, 2, NULL, BAD, "of type f32, not an integer", 0},
    {"llama", "llama.block_count", STR, 0, "2", BAD, "of type string", 0},
    {"llama", "llama.block_count", U32, 1, NULL, UNS, "'blk.1.attn_norm.weight' is not supported", 0},
    {"llama", "llama.block_count", U32, 3, NULL, BAD, "'blk.2.attn_norm.weight' is missing", 0},
    {"llama", "llama.embedding_length", NONE, 0, NULL, BAD, "is missing", 0},
    {"llama", "llama.embedding_length", U32, 0, NULL, BAD, "1 to 65536", 0},
    {"llama", "llama.embedding_length", U32, 65537, NULL, BAD, "1 to 65536", 0},
    {"llama", "llama.embedding_length", U32, 128, NULL, BAD, "has 64 columns and 320 rows; 128 and 320", 0},
    {"llama", "llama.embedding_length", U32, 63, NULL, BAD, "4 attention heads do not fit", 0},
    {"llama", "llama.feed_forward_length", NONE, 0, NULL, BAD, "is missing", 0},
    {"llama", "llama.feed_forward_length", U32, 0, NULL, BAD, "1 to 262144", 0},
    {"llama", "llama.feed_forward_length", U32, 97, NULL, BAD, "'blk.0.ffn_gate.weight'", 0},
    {"llama", "llama.context_length", NONE, 0, NULL, BAD, "is missing", 0},
    {"llama", "llama.context_length", U32, 0, NULL, BAD, "context_length", 0},
    {"llama", "llama.context_length", U32, 4294967295.0, NULL, BAD, "context_length", 0},
    {"llama", "llama.attention.head_count", NONE, 0, NULL, BAD, "is missing", 0},
    {"llama", "llama.attention.head_count", U32, 0, NULL, BAD, "1 to 1024", 0},
    {"llama", "llama.attention.head_count", U32, 1025, NULL, BAD, "1 to 1024", 0},
    {"llama", "llama.attention.head_count", U32, 6, NULL, BAD, "6 attention heads do not fit", 0},
    {"llama", "llama.attention.head_count", U32, 64, NULL, BAD, "64 attention heads do not fit", 0},
    {"llama", "llama.attention.head_count_kv", U32, 0, NULL, BAD, "1 to 4", 0},
    {"llama", "llama.attention.head_count_kv", U32, 3, NULL, BAD, "share 3", 0},
    {"llama", "llama.attention.head_count_kv", U32, 8, NULL, BAD, "1 to 4", 0},
    {"llama", "llama.attention.head_count_kv", U32, 4, NULL, BAD, "'blk.0.attn_k.weight'", 0},
    {"llama", "llama.attention.key_length", U32, 0, NULL, BAD, "2 to 1024", 0},
    {"llama", "llama.attention.key_length", U32, 1025, NULL, BAD, "2 to 1024", 0},
    {"llama", "llama.attention.key_length", U32, 32, NULL, BAD, "'blk.0.attn_q.weight'", 0},
    {"llama", "llama.attention.value_length", U32, 8, NULL, UNS, "keys of 16 and values of 8", 0},
    {"llama", "llama.attention.layer_norm_rms_epsilon", NONE, 0, NULL, BAD, "is missing", 0},
    {"llama", "llama.attention.layer_norm_rms_epsilon", F32, 0, NULL, BAD, "epsilon' is 0", 0},
    {"llama", "llama.attention.layer_norm_rms_epsilon", F32, -1e-5, NULL, BAD, "epsilon", 0},
    {"llama", "llama.attention.layer_norm_rms_epsilon", F32, (double)NAN, NULL, BAD, "epsilon' is ", 0},
    {"llama", "llama.attention.layer_norm_rms_epsilon", F64, (double)INFINITY, NULL, BAD, "inf", 0},
    {"llama", "llama.attention.layer_norm_rms_epsilon", U32, 1, NULL, BAD, "not f32", 0},
    {"llama", "llama.rope.dimension_count", U32, 0, NULL, BAD, "2 to 16", 0},
    {"llama", "llama.rope.dimension_count", U32, 7, NULL, BAD, "even", 0},
    {"llama", "llama.rope.dimension_count", U32, 18, NULL, BAD, "2 to 16", 0},
    {"llama", "llama.rope.freq_base", F32, 0, NULL, BAD, "freq_base", 0},
    {"llama", "llama.rope.freq_base", F32, (double)NAN, NULL, BAD, "freq_base", 0},
    {"llama", "llama.rope.freq_base", F32, (double)INFINITY, NULL, BAD, "freq_base", 0},
    {"llama", "llama.rope.freq_base", F32, -10000, NULL, BAD, "freq_base", 0},
    {"llama", "llama.rope.scaling.type", STR, 0, "yarn", UNS, "'yarn' is not supported", 0},
    {"llama", "llama.rope.scaling.type", STR, 0, "longrope", UNS, "'longrope'", 0},
    {"llama", "llama.rope.scaling.type", U32, 1, NULL, BAD, "not string", 0},
    {"llama", "llama.rope.scaling.factor", F32, -1, NULL, BAD, "factor", 0},
    {"llama", "llama.rope.scaling.factor", F32, (double)NAN, NULL, BAD, "factor", 0},
    {"llama", "llama.rope.scaling.factor", F32, 1e-30, NULL, BAD, "too small", 0},
    {"llama", "llama.vocab_size", U32, 0, NULL, BAD, "vocab_size", 0},
    {"llama", "llama.vocab_size", U32, 319, NULL, BAD, "vocab_size is 319, but the embedding has 320", 0},
    {"llama", "llama.vocab_size", U32, 4294967295.0, NULL, BAD, "vocab_size", 0},
    {"llama", "llama.expert_count", U32, 8, NULL, UNS, "8 experts", 0},
    {"llama", "llama.final_logit_softcapping", F32, 30, NULL, UNS, "soft-capping", 0},
    {"gemma3", "gemma3.attention.sliding_window", NONE, 0, NULL, BAD, "is missing", 0},
    {"gemma3", "gemma3.attention.sliding_window", I32, -1, NULL, BAD, "sliding_window", 0},
    {"gemma3", "gemma3.attention.sliding_window_pattern", U32, 0, NULL, BAD, "1 to 1024", 0},
    {"gemma3", "gemma3.rope.freq_base_swa", F32, 0, NULL, BAD, "freq_base_swa", 0},
    {"llama", "tokenizer.ggml.tokens", U32, 320, NULL, BAD, "", 0},
    {"llama", "tokenizer.ggml.tokens", NONE, 0, NULL, BAD, "", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.token_type", U32, 1, NULL, BAD, "", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.merges", NONE, 0, NULL, BAD, "", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.merges", STR, 0, "a b", BAD, "", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.model", NONE, 0, NULL, BAD, "", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.model", U32, 1, NULL, BAD, "", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.model", STR, 0, "bert", UNS, "bert", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.pre", STR, 0, "no\nsuch", UNS, "no?such", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.bos_token_id", U32, 320, NULL, BAD, "bos_token_id", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.eos_token_id", U32, 4294967295.0, NULL, BAD, "eos_token_id", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.eos_token_id", STR, 0, "2", BAD, "eos_token_id", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.add_bos_token", U32, 1, NULL, BAD, "add_bos_token", DAMAGE_TOKENIZER},
    {"gemma3", "tokenizer.ggml.scores", NONE, 0, NULL, BAD, "", DAMAGE_TOKENIZER},
    {"gemma3", "tokenizer.ggml.scores", F32, 1, NULL, BAD, "", DAMAGE_TOKENIZER},
};

/* Arrays, one byte an element, in the type given: most are too short or of the wrong type for their key. */
static const struct array_replacement {
    const char *family, *key;
    enum pd_gguf_type type;
    int n;
    int status;
    const char *says;
    enum damage_layer layer;
} array_replacements[] = {
    {"llama", "llama.attention.head_count", PD_GGUF_U32, 0, BAD, "of type array", 0},
    {"llama", "llama.attention.head_count", PD_GGUF_F32, 2, BAD, "of type array", 0},
    {"llama", "llama.attention.head_count", PD_GGUF_U32, 2, UNS, "differs between layers", 0},
    {"llama", "llama.feed_forward_length", PD_GGUF_I32, 2, UNS, "differs between layers", 0},
    {"llama", "llama.block_count", PD_GGUF_I32, 1, BAD, "is 0; 1 to 1024 is right", 0},
    {"llama", "tokenizer.ggml.tokens", PD_GGUF_U8, 319, BAD, "319 tokens, the embedding 320", 0},
    {"llama", "tokenizer.ggml.tokens", PD_GGUF_U8, 320, BAD, "", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.token_type", PD_GGUF_I32, 319, BAD, "", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.token_type", PD_GGUF_I32, 0, BAD, "", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.token_type", PD_GGUF_U8, 320, BAD, "", DAMAGE_TOKENIZER},
    {"llama", "tokenizer.ggml.merges", PD_GGUF_U32, 3, BAD, "", DAMAGE_TOKENIZER},
    {"gemma3", "tokenizer.ggml.scores", PD_GGUF_U8, 320, BAD, "", DAMAGE_TOKENIZER},
    {"gemma3", "tokenizer.ggml.scores", PD_GGUF_F32, 319, BAD, "", DAMAGE_TOKENIZER},
    {"gemma3", "tokenizer.ggml.scores", PD_GGUF_F64, 320, BAD, "", DAMAGE_TOKENIZER},
};

static const struct extra_tensor {
    const char *family, *name;
    uint32_t type;
    uint64_t cols, rows;
    float value;
    int status;
    const char *says;
} extra_tensors[] = {
    {"llama", "token_embd.weight", 0, 64, 320, 1, BAD, "two tensor entries"},
    {"llama", "blk.0.attn_output.bias", 0, 64, 1, 1, UNS, "'blk.0.attn_output.bias' is not supported"},
    {"llama", "blk.0.attn_q_norm.weight", 0, 16, 1, 1, UNS, "family llama"},
    {"llama", "blk.0.ffn_gate_inp.weight", 0, 64, 8, 1, UNS, "ffn_gate_inp"},
    {"llama", "blk.2.attn_q.weight", 0, 64, 64, 1, UNS, "with 2 layers"},
    {"llama", "blk.4294967296.attn_q.weight", 0, 64, 64, 1, UNS, "with 2 layers"},
    {"llama", "blk.99999999999999999999999.attn_q.weight", 0, 64, 64, 1, UNS, "blk.9"},
    {"llama", "blk.", 0, 64, 64, 1, UNS, "blk."},
    {"llama", "blk.0", 0, 64, 64, 1, UNS, "blk.0"},
    {"llama", "blk.-1.attn_q.weight", 0, 64, 64, 1, UNS, "blk.-1"},
    {"llama", "output.bias", 0, 320, 1, 1, UNS, "output.bias"},
    {"llama", "output.weight", 0, 64, 319, 1, BAD, "'output.weight' has 64 columns and 319 rows"},
    {"llama", "output.weight", 0, 320, 64, 1, BAD, "'output.weight' has 320 columns and 64 rows"},
    {"llama", "rope_factors_long.weight", 0, 8, 1, 1, UNS, "rope_factors_long"},
    {"llama", "rope_freqs.weight", 0, 8, 1, 0, BAD, "rope_freqs.weight' holds 0"},
    {"llama", "rope_freqs.weight", 0, 8, 1, NAN, BAD, "rope_freqs.weight' holds"},
    {"llama", "rope_freqs.weight", 0, 8, 1, -1, BAD, "rope_freqs.weight' holds -1"},
    {"llama", "rope_freqs.weight", 0, 16, 1, 1, BAD, "has 16 columns"},
    {"llama", "blk.0.attn_q.bias", 0, 63, 1, 1, BAD, "has 63 columns"},
};
/* clang-format on */

static struct tiny_model *new_llama(uint32_t alignment, enum pd_format_id format)
{
    struct tiny_options options;
    tiny_options_default(&options, "llama", format);
    options.n_embd = options.n_ff = 32;
    options.n_heads = 2;
    options.n_kv_heads = 1;
    options.n_vocab = 640; /* so that the file could hold more than 4096 metadata entries */
    options.is_tied = false;
    options.has_rope_freqs = true;
    options.alignment = alignment;
    return tiny_model_new(&options);
}

static int run_overwrites(damage_visit visit, void *user)
{
    struct tiny_model *tiny = new_llama(64, PD_Q8_0);
    for (size_t i = 0; i < PD_COUNT(overwrites); i++) {
        const struct overwrite *o = &overwrites[i];
        const struct gguf_field *field = gguf_find_field(tiny->builder, o->kind, o->owner);
        if (!field) {
            fprintf(stderr, "damage: no field of '%s'\n", o->owner);
            exit(1);
        }
        field += o->nth;
        unsigned char right[8];
        memcpy(right, tiny->bytes + field->offset, field->bytes);
        for (size_t k = 0; k < field->bytes; k++)
            tiny->bytes[field->offset + k] = (unsigned char)(o->value >> 8 * k);
        char name[128];
        snprintf(name, sizeof name, "overwrite %zu: field %d of '%s' is %#llx", i, (int)o->kind,
                 o->owner, (unsigned long long)o->value);
        damage_show(visit, user,
                    (struct damage_case){name, tiny->bytes, tiny->n_bytes, true,
                                         DAMAGE_GGUF_OR_MODEL, (enum ponder_status)o->status,
                                         o->says});
        memcpy(tiny->bytes + field->offset, right, field->bytes);
    }
    tiny_model_free(tiny);
    return (int)PD_COUNT(overwrites);
}

/* The tiny model that the tables of replacements and extra tensors have in mind. */
static struct tiny_model *new_plain(const char *family)
{
    struct tiny_options options;
    tiny_options_default(&options, family, PD_F32);
    options.n_layers = 2;
    return tiny_model_new(&options);
}

/* Writes the file again with what was added since, and hides the key or name that it had before, if any. */
static void finish_again(struct tiny_model *tiny, enum gguf_field_kind kind, const char *hidden)
{
    bool is_old = gguf_find_field(tiny->builder, kind, hidden) != NULL;
    free(tiny->bytes);
    tiny->bytes = gguf_finish(tiny->builder, &tiny->n_bytes);
    if (is_old)
        tiny->bytes[gguf_find_field(tiny->builder, kind, hidden)->offset] = '~';
}

static void add_number(struct gguf_builder *b, const struct replacement *r)
{
    const float real = (float)r->number;
    const bool is_negative = r->number < 0;
    const uint64_t whole =
        is_negative ? (uint64_t)(int64_t)r->number : (uint64_t)(r->number < 0x1p64 ? r->number : 0);
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(whole >> 8 * i);
    const void *value = bytes;
    if (r->type == F32)
        value = &real;
    if (r->type == F64)
        value = &r->number;
    gguf_add_number(b, r->key, (enum pd_gguf_type)r->type, value);
}

static int run_replacements(damage_visit visit, void *user)
{
    for (size_t i = 0; i < PD_COUNT(replacements); i++) {
        const struct replacement *r = &replacements[i];
        struct tiny_model *tiny = new_plain(r->family);
        if (r->type == STR)
            gguf_add_string(tiny->builder, r->key, r->text);
        else if (r->type != NONE)
            add_number(tiny->builder, r);
        finish_again(tiny, GGUF_FIELD_KEY, r->key);
        char name[128];
        snprintf(name, sizeof name, "replacement %zu: %s of type %d", i, r->key, r->type);
        damage_show(visit, user,
                    (struct damage_case){name, tiny->bytes, tiny->n_bytes, true, r->layer,
                                         (enum ponder_status)r->status, r->says});
        tiny_model_free(tiny);
    }
    return (int)PD_COUNT(replacements);
}

static int run_arrays(damage_visit visit, void *user)
{
    for (size_t i = 0; i < PD_COUNT(array_replacements); i++) {
        const struct array_replacement *r = &array_replacements[i];
        struct tiny_model *tiny = new_plain(r->family);
        uint32_t elements[640];
        for (size_t k = 0; k < PD_COUNT(elements); k++)
            elements[k] = (uint32_t)k;
        gguf_add_array(tiny->builder, r->key, r->type, elements, (size_t)r->n);
        finish_again(tiny, GGUF_FIELD_KEY, r->key);
        char name[128];
        snprintf(name, sizeof name, "array %zu: %s of %d", i, r->key, r->n);
        damage_show(visit, user,
                    (struct damage_case){name, tiny->bytes, tiny->n_bytes, true, r->layer,
                                         (enum ponder_status)r->status, r->says});
        tiny_model_free(tiny);
    }
    return (int)PD_COUNT(array_replacements);
}

static int run_extra_tensors(damage_visit visit, void *user)
{
    for (size_t i = 0; i < PD_COUNT(extra_tensors); i++) {
        const struct extra_tensor *e = &extra_tensors[i];
        struct tiny_model *tiny = new_plain(e->family);
        size_t n = (size_t)(e->cols * e->rows);
        float *values = calloc(n, sizeof *values);
        if (!values)
            exit(1);
        for (size_t k = 0; k < n; k++)
            values[k] = e->value;
        const uint64_t ne[] = {e->cols, e->rows};
        gguf_add_tensor(tiny->builder, e->name, e->type, e->rows > 1 ? 2 : 1, ne, values,
                        n * sizeof *values);
        free(values);
        finish_again(tiny, GGUF_FIELD_KEY, "");
        char name[128];
        snprintf(name, sizeof name, "extra tensor %zu: %s", i, e->name);
        damage_show(visit, user,
                    (struct damage_case){name, tiny->bytes, tiny->n_bytes, true,
                                         DAMAGE_GGUF_OR_MODEL, (enum ponder_status)e->status,
                                         e->says});
        tiny_model_free(tiny);
    }
    return (int)PD_COUNT(extra_tensors);
}

/* Token embeddings of shapes that the tables cannot say, in place of the right one. */
static int run_embeddings(damage_visit visit, void *user)
{
    enum { I8_TENSOR = 24 }; /* a type of unknown size: the file needs no data for it */
    static const struct {
        uint32_t type, n_dims;
        uint64_t ne[4];
        const char *says;
    } embeddings[] = {
        {I8_TENSOR, 2, {64, 4194305}, "4194305 rows; at most 4194304"},
        {0, 3, {64, 320, 2}, "64 columns and 640 rows; 64 and 320"},
        {0, 4, {64, 320, 1, 2}, "64 columns and 640 rows; 64 and 320"},
        {0, 1, {64}, "the embedding has 1 rows"},
    };
    static const float values[64 * 640];
    for (size_t i = 0; i < PD_COUNT(embeddings); i++) {
        struct tiny_model *tiny = new_plain("llama");
        gguf_add_tensor(tiny->builder, "token_embd.weight", embeddings[i].type,
                        embeddings[i].n_dims, embeddings[i].ne, values, sizeof values);
        finish_again(tiny, GGUF_FIELD_NAME, "token_embd.weight");
        damage_show(visit, user,
                    (struct damage_case){embeddings[i].says, tiny->bytes, tiny->n_bytes, true,
                                         DAMAGE_GGUF_OR_MODEL, PONDER_BAD_FILE,
                                         embeddings[i].says});
        tiny_model_free(tiny);
    }
    return (int)PD_COUNT(embeddings);
}

/* Arrays that end exactly with the file, said to have one element more. */
static int run_last_arrays(damage_visit visit, void *user)
{
    static const enum pd_gguf_type types[] = {PD_GGUF_U8, PD_GGUF_I16, PD_GGUF_F32, PD_GGUF_U64};
    static const unsigned char elements[64];
    for (size_t i = 0; i < PD_COUNT(types); i++) {
        struct gguf_builder *b = gguf_new(3, 32);
        size_t n_bytes;
        gguf_add_array(b, "last", types[i], elements, 7);
        unsigned char *bytes = gguf_finish(b, &n_bytes);
        bytes[gguf_find_field(b, GGUF_FIELD_ARRAY_COUNT, "last")->offset] = 8;
        damage_show(visit, user,
                    (struct damage_case){"one element more", bytes, n_bytes, true,
                                         DAMAGE_GGUF_OR_MODEL, PONDER_BAD_FILE, "8 elements"});
        free(bytes);
        gguf_free(b);
    }
    return (int)PD_COUNT(types);
}

/* What the tables cannot say. */
static int run_others(damage_visit visit, void *user)
{
    static const char *const texts[] = {
        "", "G", "GGU", "GGUF", "version https://git-lfs.github.com/spec/v1", "<!DOCTYPE html>",
    };
    for (size_t i = 0; i < PD_COUNT(texts); i++)
        damage_show(visit, user,
                    (struct damage_case){texts[i], (const unsigned char *)texts[i],
                                         strlen(texts[i]), true, DAMAGE_GGUF_OR_MODEL,
                                         PONDER_BAD_FILE, "GGUF"});

    /* Nested arrays, one in the other as deep as the file is long. */
    struct gguf_builder *b = gguf_new(3, 32);
    enum { DEPTH = 100000 };
    unsigned char *nested = calloc(DEPTH, 12);
    if (!nested)
        exit(1);
    for (size_t i = 0; i < DEPTH; i++) {
        nested[12 * i] = PD_GGUF_ARRAY;
        nested[12 * i + 4] = 1;
    }
    gguf_add_raw(b, "deep", PD_GGUF_ARRAY, nested, (size_t)DEPTH * 12);
    size_t n_bytes;
    unsigned char *bytes = gguf_finish(b, &n_bytes);
    damage_show(visit, user,
                (struct damage_case){"nested arrays", bytes, n_bytes, true, DAMAGE_GGUF_OR_MODEL,
                                     PONDER_UNSUPPORTED, "'deep': arrays of arrays"});
    free(bytes);
    free(nested);
    gguf_free(b);

    struct tiny_model *tiny = new_plain("llama");
    gguf_add_u32(tiny->builder, "llama.block_count", 2);
    finish_again(tiny, GGUF_FIELD_KEY, "");
    damage_show(visit, user,
                (struct damage_case){"two equal keys", tiny->bytes, tiny->n_bytes, true,
                                     DAMAGE_GGUF_OR_MODEL, PONDER_BAD_FILE,
                                     "two metadata entries have the name 'llama.block_count'"});
    tiny_model_free(tiny);
    return (int)PD_COUNT(texts) + 2;
}

int damage_each_written(damage_visit visit, void *user)
{
    return run_overwrites(visit, user) + run_replacements(visit, user) + run_arrays(visit, user) +
           run_extra_tensors(visit, user) + run_embeddings(visit, user) +
           run_last_arrays(visit, user) + run_others(visit, user);
}
