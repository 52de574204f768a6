/* SPDX-License-Identifier: Apache-2.0
 * save.c - see save.h. */
#include "save.h"

#include <stdio.h>

#include "gguf_out.h"
#include "ops.h"

static bool begins_with(struct pd_string s, const char *start)
{
    size_t bytes = strlen(start);
    return s.bytes >= bytes && memcmp(s.data, start, bytes) == 0;
}

/* Keys that are written anew: heads among them, which every model has read. */
static bool is_ours(const struct tr_save *how, struct pd_string key)
{
    static const char *const always[] = {"general.file_type", "general.quantization_version",
                                         "general.alignment", "general.name"};
    static const char *const format[] = {"ponder.prompt", "ponder.answer", "ponder.calculator"};
    for (size_t i = 0; i < PD_COUNT(always); i++)
        if (pd_string_equal(key, always[i]))
            return true;
    for (size_t i = 0; how->speaks_format && i < PD_COUNT(format); i++)
        if (pd_string_equal(key, format[i]))
            return true;
    if (how->revises && pd_string_equal(key, "ponder.revision"))
        return true;
    for (int i = 0; i < TR_HEADS; i++)
        if (begins_with(key, tr_head_key((enum tr_head_kind)i)))
            return true;
    return false;
}

static void copy_metadata(struct gguf_out *g, const struct tr_save *how)
{
    for (int i = 0; i < how->base->n_kv; i++) {
        const struct pd_gguf_kv *kv = &how->base->kv[i];
        bool is_wanted = how->is_adapter ? begins_with(kv->key, "ponder.")
                         : how->is_new   ? begins_with(kv->key, "tokenizer.")
                                         : true;
        if (is_wanted && !is_ours(how, kv->key))
            gguf_out_copy(g, kv);
    }
}

static void put_sizes(struct gguf_out *g, const struct tr_model *m)
{
    const struct pd_hparams *h = &m->hparams;
    const struct {
        const char *suffix;
        int value;
    } sizes[] = {
        {"block_count", h->n_layers},          {"context_length", h->n_ctx_train},
        {"embedding_length", h->n_embd},       {"feed_forward_length", h->n_ff},
        {"attention.head_count", h->n_heads},  {"attention.head_count_kv", h->n_kv_heads},
        {"rope.dimension_count", h->rope_dim}, {"vocab_size", h->n_vocab},
    };
    char key[96];
    gguf_out_string(g, "general.architecture", m->family->name);
    for (size_t i = 0; i < PD_COUNT(sizes); i++) {
        snprintf(key, sizeof key, "%s.%s", m->family->name, sizes[i].suffix);
        gguf_out_u32(g, key, (uint32_t)sizes[i].value);
    }
    snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", m->family->name);
    gguf_out_f32(g, key, h->rms_eps);
    snprintf(key, sizeof key, "%s.rope.freq_base", m->family->name);
    gguf_out_f32(g, key, (float)h->rope_base);
}

static void put_format(struct gguf_out *g, const struct tr_model *m, const struct tr_save *how)
{
    if (how->speaks_format) {
        gguf_out_string(g, "ponder.prompt", "{question}\n");
        gguf_out_string(g, "ponder.answer", "#");
        gguf_out_bool(g, "ponder.calculator", how->has_calculator);
    }
    if (how->revises)
        gguf_out_string(g, "ponder.revision", "~");
    for (int i = 0; i < TR_HEADS; i++) {
        const char *key = tr_head_key((enum tr_head_kind)i);
        const float *weight = m->head[i].weight;
        char bias_key[96];
        if (weight == NULL)
            continue;
        snprintf(bias_key, sizeof bias_key, "%s.bias", key);
        gguf_out_floats(g, key, weight, (size_t)m->hparams.n_embd);
        gguf_out_f32(g, bias_key, weight[m->hparams.n_embd]);
    }
}

static void put_adapters(struct gguf_out *g, const struct tr_model *m, enum pd_format_id format)
{
    for (int i = 0; i < m->n_tensors; i++) {
        const struct tr_tensor *t = &m->tensor[i];
        char name[TR_NAME_BYTES];
        if (t->lora == NULL)
            continue;
        snprintf(name, sizeof name, "%.60s.lora_a", t->name);
        gguf_out_tensor(g, name, t->lora->rank, t->cols, t->lora->a, format);
        snprintf(name, sizeof name, "%.60s.lora_b", t->name);
        gguf_out_tensor(g, name, t->rows, t->lora->rank, t->lora->b, format);
    }
}

/* general.file_type of llama.cpp: what most of it is. */
static uint32_t file_type(enum pd_format_id format)
{
    return format == PD_F32 ? 0 : format == PD_F16 ? 1 : 7;
}

enum ponder_status tr_save(const struct tr_model *m, const struct tr_save *how, const char *path,
                           const struct pd_error *err)
{
    struct gguf_out g;
    gguf_out_begin(&g);
    if (how->is_adapter) {
        gguf_out_string(&g, "general.type", "adapter");
        gguf_out_string(&g, "general.architecture", m->family->name);
        gguf_out_string(&g, "adapter.type", "lora");
        gguf_out_f32(&g, "adapter.lora.alpha", m->lora_alpha);
    } else if (how->is_new) {
        put_sizes(&g, m);
    }
    gguf_out_string(&g, "general.name", how->name);
    gguf_out_u32(&g, "general.file_type", file_type(how->format));
    gguf_out_u32(&g, "general.quantization_version", 2);
    copy_metadata(&g, how);
    put_format(&g, m, how);
    if (how->is_adapter)
        put_adapters(&g, m, how->format);
    else
        for (int i = 0; i < m->n_tensors; i++)
            gguf_out_tensor(&g, m->tensor[i].name, m->tensor[i].rows, m->tensor[i].cols,
                            m->tensor[i].value, how->format);
    enum ponder_status status = gguf_out_write(&g, path, err);
    gguf_out_free(&g);
    return status;
}
