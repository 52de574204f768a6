/* SPDX-License-Identifier: Apache-2.0
 * model.c - hyper-parameters and tensor views of a model file, each checked against the other. */
#include "model/model.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What is being opened, handed from step to step. */
struct loader {
    struct pd_model *model;
    const struct pd_gguf *gguf;
    const struct pd_error *err;
};

enum { KEY_BYTES = 96, NAME_BYTES = 64 };

/* "llama.block_count" */
static const char *family_key(const struct pd_family *family, const char *suffix,
                              char key_ret[KEY_BYTES])
{
    snprintf(key_ret, KEY_BYTES, "%s.%s", family->name, suffix);
    return key_ret;
}

static enum ponder_status read_family(const struct loader *l)
{
    char text[PD_SHOW_BYTES];
    struct pd_string name = {"", 0}, type = {"model", 5};
    int64_t n_parts = 1;
    PD_TRY(pd_gguf_get_string(l->gguf, "general.type", false, &type, l->err));
    if (!pd_string_equal(type, "model"))
        return pd_fail(l->err, PONDER_UNSUPPORTED, "the file holds '%s', not a whole model",
                       pd_string_show(type, text));
    PD_TRY(pd_gguf_get_int(l->gguf, "split.count", false, 0, INT32_MAX, &n_parts, l->err));
    if (n_parts > 1)
        return pd_fail(
            l->err, PONDER_UNSUPPORTED,
            "one of %d parts of a split model: join them with `llama-gguf-split --merge`",
            (int)n_parts);
    PD_TRY(pd_gguf_get_string(l->gguf, "general.architecture", true, &name, l->err));
    l->model->family = pd_family_find(name);
    if (!l->model->family)
        return pd_fail(l->err, PONDER_UNSUPPORTED, "model family '%s' is not supported; we have %s",
                       pd_string_show(name, text), pd_family_list());
    return pd_gguf_get_string(l->gguf, "general.name", false, &l->model->name, l->err);
}

/* An integer of the family that converters also write as an array, one element a layer. */
static enum ponder_status get_int(const struct loader *l, const char *suffix, bool required,
                                  int min, int max, int *value_ret)
{
    char key[KEY_BYTES];
    family_key(l->model->family, suffix, key);
    const struct pd_gguf_kv *kv = pd_gguf_find(l->gguf, key);
    int64_t value = *value_ret;
    if (kv && kv->type == PD_GGUF_ARRAY && kv->n > 0 &&
        (kv->element_type == PD_GGUF_U32 || kv->element_type == PD_GGUF_I32)) {
        uint32_t first = pd_gguf_array_u32(kv, 0);
        for (uint64_t i = 1; i < kv->n; i++)
            if (pd_gguf_array_u32(kv, i) != first)
                return pd_fail(l->err, PONDER_UNSUPPORTED,
                               "metadata '%s' differs between layers, which is not supported", key);
        if (first < (uint32_t)min || first > (uint32_t)max)
            return pd_fail(l->err, PONDER_BAD_FILE, "metadata '%s' is %lu; %d to %d is right", key,
                           (unsigned long)first, min, max);
        value = first;
    } else {
        PD_TRY(pd_gguf_get_int(l->gguf, key, required, min, max, &value, l->err));
    }
    *value_ret = (int)value;
    return PONDER_OK;
}

static enum ponder_status get_float(const struct loader *l, const char *suffix, bool required,
                                    double min, double max, double *value_ret)
{
    char key[KEY_BYTES];
    return pd_gguf_get_float(l->gguf, family_key(l->model->family, suffix, key), required, min, max,
                             value_ret, l->err);
}

static enum ponder_status read_sizes(const struct loader *l)
{
    struct pd_hparams *h = &l->model->hparams;
    int n_experts = 0;
    PD_TRY(get_int(l, "expert_count", false, 0, INT_MAX, &n_experts));
    if (n_experts > 0)
        return pd_fail(l->err, PONDER_UNSUPPORTED, "a mixture of %d experts is not supported",
                       n_experts);
    PD_TRY(get_int(l, "block_count", true, 1, PD_MAX_LAYERS, &h->n_layers));
    PD_TRY(get_int(l, "embedding_length", true, 1, PD_MAX_EMBD, &h->n_embd));
    PD_TRY(get_int(l, "feed_forward_length", true, 1, PD_MAX_FF, &h->n_ff));
    return get_int(l, "context_length", true, 1, INT_MAX, &h->n_ctx_train);
}

static enum ponder_status read_heads(const struct loader *l)
{
    struct pd_hparams *h = &l->model->hparams;
    PD_TRY(get_int(l, "attention.head_count", true, 1, PD_MAX_HEADS, &h->n_heads));
    h->n_kv_heads = h->n_heads;
    PD_TRY(get_int(l, "attention.head_count_kv", false, 1, h->n_heads, &h->n_kv_heads));
    if (h->n_heads % h->n_kv_heads != 0)
        return pd_fail(l->err, PONDER_BAD_FILE,
                       "%d attention heads cannot share %d key-value heads evenly", h->n_heads,
                       h->n_kv_heads);
    PD_TRY(get_int(l, "attention.key_length", false, 2, PD_MAX_HEAD_DIM, &h->head_dim));
    if (h->head_dim == 0) {
        h->head_dim = h->n_embd / h->n_heads;
        if (h->n_embd % h->n_heads != 0 || h->head_dim < 2 || h->head_dim > PD_MAX_HEAD_DIM)
            return pd_fail(l->err, PONDER_BAD_FILE,
                           "%d attention heads do not fit an embedding of %d", h->n_heads,
                           h->n_embd);
    }
    int value_length = h->head_dim;
    PD_TRY(get_int(l, "attention.value_length", false, 1, PD_MAX_HEAD_DIM, &value_length));
    if (value_length != h->head_dim)
        return pd_fail(l->err, PONDER_UNSUPPORTED,
                       "attention keys of %d and values of %d elements are not supported",
                       h->head_dim, value_length);
    h->attention_scale = 1.0f / sqrtf((float)h->head_dim);
    return PONDER_OK;
}

/* Positions times 1 / factor ("linear"), in the key of today or of early files. */
static enum ponder_status read_rope_scaling(const struct loader *l)
{
    char key[KEY_BYTES], text[PD_SHOW_BYTES];
    struct pd_string type = {"linear", 6};
    double factor = 1;
    family_key(l->model->family, "rope.scaling.type", key);
    PD_TRY(pd_gguf_get_string(l->gguf, key, false, &type, l->err));
    PD_TRY(get_float(l, "rope.scale_linear", false, 0, 1e6, &factor));
    PD_TRY(get_float(l, "rope.scaling.factor", false, 0, 1e6, &factor));
    bool is_linear = pd_string_equal(type, "linear");
    if (!is_linear && !pd_string_equal(type, "none"))
        return pd_fail(l->err, PONDER_UNSUPPORTED,
                       "rope scaling '%s' is not supported; we have none, linear and rope_freqs",
                       pd_string_show(type, text));
    bool is_scaled = is_linear && factor != 0; /* converters write 0 for none */
    if (is_scaled && factor < 1e-6)
        return pd_fail(l->err, PONDER_BAD_FILE, "rope scaling factor %g is too small", factor);
    l->model->hparams.rope_scale = is_scaled ? 1 / factor : 1;
    return PONDER_OK;
}

static enum ponder_status read_rope(const struct loader *l)
{
    const struct pd_family *family = l->model->family;
    struct pd_hparams *h = &l->model->hparams;
    h->rope_dim = h->head_dim;
    PD_TRY(get_int(l, "rope.dimension_count", false, 2, h->head_dim, &h->rope_dim));
    if (h->rope_dim % 2 != 0)
        return pd_fail(l->err, PONDER_BAD_FILE, "rope of %d dimensions; an even number is right",
                       h->rope_dim);
    h->rope_base = 10000;
    PD_TRY(get_float(l, "rope.freq_base", false, 1, 1e12, &h->rope_base));
    PD_TRY(read_rope_scaling(l));
    h->rope_base_local = h->rope_base;
    if (family->window_period == 0)
        return PONDER_OK;

    PD_TRY(get_int(l, "attention.sliding_window", true, 0, INT_MAX, &h->window));
    h->window_period = family->window_period;
    PD_TRY(
        get_int(l, "attention.sliding_window_pattern", false, 1, PD_MAX_LAYERS, &h->window_period));
    h->rope_base_local = (double)family->local_rope_base;
    return get_float(l, "rope.freq_base_swa", false, 1, 1e12, &h->rope_base_local);
}

static enum ponder_status read_hparams(const struct loader *l)
{
    struct pd_hparams *h = &l->model->hparams;
    double rms_eps = 0, softcap = 0;
    PD_TRY(read_sizes(l));
    PD_TRY(read_heads(l));
    PD_TRY(read_rope(l));
    PD_TRY(get_float(l, "attention.layer_norm_rms_epsilon", true, 1e-20, 0.1, &rms_eps));
    h->rms_eps = (float)rms_eps;
    h->embedding_scale = l->model->family->scales_embedding ? sqrtf((float)h->n_embd) : 1.0f;
    PD_TRY(get_float(l, "final_logit_softcapping", false, 0, 1e6, &softcap));
    if (softcap > 0)
        return pd_fail(l->err, PONDER_UNSUPPORTED, "logit soft-capping (%g) is not supported",
                       softcap);
    return PONDER_OK;
}

/* What the size of a tensor follows from. */
enum dimension { DIM_ONE, DIM_EMBD, DIM_FF, DIM_Q, DIM_KV, DIM_HEAD, DIMENSIONS };

enum need { ALWAYS, QKV_BIAS, QK_NORM, POST_NORMS };

/* In the order of enum pd_layer_tensor. A file calls them blk.<layer>.<suffix>. */
static const struct {
    const char *suffix;
    enum dimension rows, cols; /* rows DIM_ONE: a vector */
    enum need need;
} layer_rules[PD_LAYER_TENSORS] = {
    [PD_ATTN_NORM] = {"attn_norm.weight", DIM_ONE, DIM_EMBD, ALWAYS},
    [PD_ATTN_Q] = {"attn_q.weight", DIM_Q, DIM_EMBD, ALWAYS},
    [PD_ATTN_K] = {"attn_k.weight", DIM_KV, DIM_EMBD, ALWAYS},
    [PD_ATTN_V] = {"attn_v.weight", DIM_KV, DIM_EMBD, ALWAYS},
    [PD_ATTN_Q_BIAS] = {"attn_q.bias", DIM_ONE, DIM_Q, QKV_BIAS},
    [PD_ATTN_K_BIAS] = {"attn_k.bias", DIM_ONE, DIM_KV, QKV_BIAS},
    [PD_ATTN_V_BIAS] = {"attn_v.bias", DIM_ONE, DIM_KV, QKV_BIAS},
    [PD_ATTN_Q_NORM] = {"attn_q_norm.weight", DIM_ONE, DIM_HEAD, QK_NORM},
    [PD_ATTN_K_NORM] = {"attn_k_norm.weight", DIM_ONE, DIM_HEAD, QK_NORM},
    [PD_ATTN_OUTPUT] = {"attn_output.weight", DIM_EMBD, DIM_Q, ALWAYS},
    [PD_ATTN_POST_NORM] = {"post_attention_norm.weight", DIM_ONE, DIM_EMBD, POST_NORMS},
    [PD_FFN_NORM] = {"ffn_norm.weight", DIM_ONE, DIM_EMBD, ALWAYS},
    [PD_FFN_GATE] = {"ffn_gate.weight", DIM_FF, DIM_EMBD, ALWAYS},
    [PD_FFN_UP] = {"ffn_up.weight", DIM_FF, DIM_EMBD, ALWAYS},
    [PD_FFN_DOWN] = {"ffn_down.weight", DIM_EMBD, DIM_FF, ALWAYS},
    [PD_FFN_POST_NORM] = {"post_ffw_norm.weight", DIM_ONE, DIM_EMBD, POST_NORMS},
};

const char *pd_layer_tensor_suffix(enum pd_layer_tensor which)
{
    return layer_rules[which].suffix;
}

bool pd_layer_tensor_is_matrix(enum pd_layer_tensor which)
{
    return layer_rules[which].rows != DIM_ONE;
}

static bool family_has(const struct pd_family *family, enum need need)
{
    switch (need) {
    case QKV_BIAS:
        return family->has_qkv_bias;
    case QK_NORM:
        return family->has_qk_norm;
    case POST_NORMS:
        return family->has_post_norms;
    case ALWAYS:
        break;
    }
    return true;
}

/* "F32, F16, ...": the formats that we compute with. */
static const char *list_formats(char text_ret[PD_SHOW_BYTES])
{
    size_t at = 0;
    for (int i = 0; i < PD_FORMATS && at < PD_SHOW_BYTES; i++)
        at += (size_t)snprintf(text_ret + at, PD_SHOW_BYTES - at, "%s%s", i ? ", " : "",
                               pd_format_get((enum pd_format_id)i)->name);
    return text_ret;
}

/* The view of a tensor. Missing: no data, and an error if required. */
static enum ponder_status find_tensor(const struct loader *l, const char *name, bool required,
                                      int rows, int cols, struct pd_tensor *tensor_ret)
{
    const struct pd_gguf_tensor *t = pd_gguf_find_tensor(l->gguf, name);
    *tensor_ret = (struct pd_tensor){.data = NULL};
    if (!t)
        return required ? pd_fail(l->err, PONDER_BAD_FILE, "tensor '%s' is missing", name)
                        : PONDER_OK;
    if (t->ne[0] != (uint64_t)cols || t->ne[1] != (uint64_t)rows || t->ne[2] != 1 || t->ne[3] != 1)
        return pd_fail(l->err, PONDER_BAD_FILE,
                       "tensor '%s' has %llu columns and %llu rows; %d and %d are right", name,
                       (unsigned long long)t->ne[0],
                       (unsigned long long)(t->ne[1] * t->ne[2] * t->ne[3]), cols, rows);
    char formats[PD_SHOW_BYTES];
    const char *type = t->format ? t->format->name : pd_format_gguf_name(t->gguf_type);
    if (!t->format)
        return pd_fail(l->err, PONDER_UNSUPPORTED, "tensor '%s' is in format %s; we have %s", name,
                       type, list_formats(formats));
    if (rows == 1 && t->format->id != PD_F32)
        return pd_fail(l->err, PONDER_UNSUPPORTED,
                       "tensor '%s' is in format %s; F32 is supported for vectors", name, type);
    *tensor_ret =
        (struct pd_tensor){.data = t->data, .format = t->format, .cols = cols, .rows = rows};
    return PONDER_OK;
}

static enum ponder_status find_layer(const struct loader *l, int layer)
{
    const struct pd_hparams *h = &l->model->hparams;
    const int size[DIMENSIONS] = {
        [DIM_ONE] = 1,
        [DIM_EMBD] = h->n_embd,
        [DIM_FF] = h->n_ff,
        [DIM_Q] = h->n_heads * h->head_dim,
        [DIM_KV] = h->n_kv_heads * h->head_dim,
        [DIM_HEAD] = h->head_dim,
    };
    for (int i = 0; i < PD_LAYER_TENSORS; i++) {
        struct pd_tensor *tensor = &l->model->layer[layer].tensor[i];
        *tensor = (struct pd_tensor){.data = NULL};
        if (!family_has(l->model->family, layer_rules[i].need))
            continue;
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "blk.%d.%s", layer, layer_rules[i].suffix);
        PD_TRY(find_tensor(l, name, layer_rules[i].need != QKV_BIAS, size[layer_rules[i].rows],
                           size[layer_rules[i].cols], tensor));
    }
    return PONDER_OK;
}

/* Rows of the embedding, which everything else about the vocabulary has to agree with. */
static enum ponder_status read_vocab_size(const struct loader *l)
{
    struct pd_hparams *h = &l->model->hparams;
    const struct pd_gguf_tensor *embedding = pd_gguf_find_tensor(l->gguf, "token_embd.weight");
    const struct pd_gguf_kv *tokens = pd_gguf_find(l->gguf, "tokenizer.ggml.tokens");
    if (!embedding)
        return pd_fail(l->err, PONDER_BAD_FILE, "tensor 'token_embd.weight' is missing");
    if (embedding->ne[1] > PD_MAX_VOCAB)
        return pd_fail(l->err, PONDER_BAD_FILE,
                       "tensor 'token_embd.weight' has %llu rows; at most %d are right",
                       (unsigned long long)embedding->ne[1], PD_MAX_VOCAB);
    h->n_vocab = (int)embedding->ne[1];

    int n_vocab = h->n_vocab;
    PD_TRY(get_int(l, "vocab_size", false, 1, PD_MAX_VOCAB, &n_vocab));
    if (n_vocab != h->n_vocab)
        return pd_fail(l->err, PONDER_BAD_FILE, "vocab_size is %d, but the embedding has %d rows",
                       n_vocab, h->n_vocab);
    if (tokens && (tokens->type != PD_GGUF_ARRAY || tokens->n != embedding->ne[1]))
        return pd_fail(l->err, PONDER_BAD_FILE, "the vocabulary has %llu tokens, the embedding %d",
                       (unsigned long long)tokens->n, h->n_vocab);
    return PONDER_OK;
}

/* A divisor of 0 or NaN would silence every position. */
static enum ponder_status check_rope_freqs(const struct loader *l)
{
    const struct pd_tensor *t = &l->model->rope_freqs;
    for (int i = 0; t->data && i < t->cols; i++) {
        float divisor;
        t->format->decode((const unsigned char *)t->data + sizeof divisor * (size_t)i, &divisor, 1);
        if (!(divisor >= 1e-6f && divisor <= 1e6f))
            return pd_fail(l->err, PONDER_BAD_FILE,
                           "tensor 'rope_freqs.weight' holds %g; 1e-6 to 1e6 is right",
                           (double)divisor);
    }
    return PONDER_OK;
}

static enum ponder_status find_shared_tensors(const struct loader *l)
{
    struct pd_model *m = l->model;
    const struct pd_hparams *h = &m->hparams;
    PD_TRY(read_vocab_size(l));
    PD_TRY(find_tensor(l, "token_embd.weight", true, h->n_vocab, h->n_embd, &m->token_embd));
    PD_TRY(find_tensor(l, "output.weight", false, h->n_vocab, h->n_embd, &m->output));
    if (!m->output.data)
        m->output = m->token_embd;
    PD_TRY(find_tensor(l, "output_norm.weight", true, 1, h->n_embd, &m->output_norm));
    PD_TRY(find_tensor(l, "rope_freqs.weight", false, 1, h->rope_dim / 2, &m->rope_freqs));
    return check_rope_freqs(l);
}

static bool begins_with(struct pd_string s, const char *start)
{
    size_t bytes = strlen(start);
    return s.bytes >= bytes && memcmp(s.data, start, bytes) == 0;
}

/* True if name is "blk.<layer>.<suffix>" of a layer and a tensor that we read. */
static bool is_layer_tensor(const struct pd_model *m, struct pd_string name)
{
    size_t at = 4; /* after "blk." */
    int layer = 0;
    for (; at < name.bytes && name.data[at] >= '0' && name.data[at] <= '9'; at++) {
        layer = 10 * layer + (name.data[at] - '0');
        if (layer >= m->hparams.n_layers)
            return false;
    }
    if (at == 4 || at == name.bytes || name.data[at] != '.')
        return false;
    struct pd_string suffix = {name.data + at + 1, name.bytes - at - 1};
    for (int i = 0; i < PD_LAYER_TENSORS; i++)
        if (pd_string_equal(suffix, layer_rules[i].suffix))
            return family_has(m->family, layer_rules[i].need);
    return false;
}

/* A tensor that belongs to the main path, but that we would pass over, makes a model that runs and is
 * wrong. Others (heads of verifiers, say) are none of our business. */
static enum ponder_status check_ignored_tensors(const struct loader *l)
{
    static const char *const main_path[] = {"blk.", "output", "token_embd", "rope_f"};
    static const char *const known[] = {"output.weight", "output_norm.weight", "token_embd.weight",
                                        "rope_freqs.weight"};
    for (int i = 0; i < l->gguf->n_tensors; i++) {
        struct pd_string name = l->gguf->tensor[i].name;
        bool matters = false, is_known = false;
        for (size_t k = 0; k < PD_COUNT(main_path); k++)
            matters = matters || begins_with(name, main_path[k]);
        for (size_t k = 0; k < PD_COUNT(known); k++)
            is_known = is_known || pd_string_equal(name, known[k]);
        if (begins_with(name, "blk."))
            is_known = is_layer_tensor(l->model, name);
        char text[PD_SHOW_BYTES];
        if (matters && !is_known)
            return pd_fail(l->err, PONDER_UNSUPPORTED,
                           "tensor '%s' is not supported in family %s with %d layers",
                           pd_string_show(name, text), l->model->family->name,
                           l->model->hparams.n_layers);
    }
    return PONDER_OK;
}

static int64_t count_parameters(const struct pd_gguf *gguf)
{
    int64_t n = 0;
    for (int i = 0; i < gguf->n_tensors; i++) {
        const struct pd_gguf_tensor *t = &gguf->tensor[i];
        if (t->format)
            n += (int64_t)(t->bytes / t->format->block_bytes) * t->format->block_elements;
    }
    return n;
}

enum ponder_status pd_model_open(struct pd_model *model, const struct pd_gguf *gguf,
                                 struct pd_arena *scratch, const struct pd_error *err)
{
    const struct loader l = {model, gguf, err};
    *model = (struct pd_model){.name = {"", 0}, .n_parameters = count_parameters(gguf)};
    PD_TRY(read_family(&l));
    PD_TRY(read_hparams(&l));
    PD_TRY(find_shared_tensors(&l));
    model->layer = PD_NEW(scratch, struct pd_layer, model->hparams.n_layers);
    if (!model->layer)
        return pd_fail(err, PONDER_NO_MEMORY, "no memory for the model's %d layers",
                       model->hparams.n_layers);
    for (int i = 0; i < model->hparams.n_layers; i++)
        PD_TRY(find_layer(&l, i));
    return check_ignored_tensors(&l);
}

size_t pd_model_scratch_bytes(const struct pd_gguf *gguf)
{
    struct pd_model model = {.layer = NULL};
    const struct loader l = {&model, gguf, NULL};
    struct pd_arena count;
    pd_arena_init_count(&count);
    /* A file without a readable layer count fails before pd_model_open() takes any memory. */
    if (read_family(&l) == PONDER_OK && read_sizes(&l) == PONDER_OK)
        PD_NEW(&count, struct pd_layer, model.hparams.n_layers);
    return pd_arena_block_bytes(&count);
}

static void add_bytes(size_t bytes[PD_FORMATS], const struct pd_tensor *t)
{
    if (t->data)
        bytes[t->format->id] += (size_t)t->rows * pd_format_row_bytes(t->format, (size_t)t->cols);
}

const char *pd_model_main_format(const struct pd_model *model)
{
    size_t bytes[PD_FORMATS] = {0};
    int largest = 0;
    add_bytes(bytes, &model->token_embd);
    if (model->output.data != model->token_embd.data)
        add_bytes(bytes, &model->output);
    for (int i = 0; i < model->hparams.n_layers; i++)
        for (int k = 0; k < PD_LAYER_TENSORS; k++)
            add_bytes(bytes, &model->layer[i].tensor[k]);
    for (int i = 1; i < PD_FORMATS; i++)
        if (bytes[i] > bytes[largest])
            largest = i;
    return pd_format_get((enum pd_format_id)largest)->name;
}
