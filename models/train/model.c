/* SPDX-License-Identifier: Apache-2.0
 * model.c - models in memory: the tensors of a family in one block of floats. */
#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "memory.h"
#include "ops.h"

/* In the order of enum pd_layer_tensor. */
static const char *const suffixes[PD_LAYER_TENSORS] = {
    [PD_ATTN_NORM] = "attn_norm.weight",
    [PD_ATTN_Q] = "attn_q.weight",
    [PD_ATTN_K] = "attn_k.weight",
    [PD_ATTN_V] = "attn_v.weight",
    [PD_ATTN_Q_BIAS] = "attn_q.bias",
    [PD_ATTN_K_BIAS] = "attn_k.bias",
    [PD_ATTN_V_BIAS] = "attn_v.bias",
    [PD_ATTN_Q_NORM] = "attn_q_norm.weight",
    [PD_ATTN_K_NORM] = "attn_k_norm.weight",
    [PD_ATTN_OUTPUT] = "attn_output.weight",
    [PD_ATTN_POST_NORM] = "post_attention_norm.weight",
    [PD_FFN_NORM] = "ffn_norm.weight",
    [PD_FFN_GATE] = "ffn_gate.weight",
    [PD_FFN_UP] = "ffn_up.weight",
    [PD_FFN_DOWN] = "ffn_down.weight",
    [PD_FFN_POST_NORM] = "post_ffw_norm.weight",
};

const char *tr_layer_suffix(enum pd_layer_tensor which)
{
    return suffixes[which];
}

const char *tr_head_key(enum tr_head_kind kind)
{
    static const char *const keys[TR_HEADS] = {
        [TR_HEAD_VALUE] = "ponder.head.value", [TR_HEAD_DIFFICULTY] = "ponder.head.difficulty"};
    return keys[kind];
}

enum ponder_status tr_file_open(struct tr_file *file, const char *path, const struct pd_error *err)
{
    *file = (struct tr_file){.scratch = NULL};
    size_t scratch_bytes = 0;
    enum ponder_status status = pd_map_open(&file->map, path, err);
    if (status != PONDER_OK)
        return status;
    char text[PONDER_ERROR_BYTES - 64] = "";
    const struct pd_error inside = {text, sizeof text};
    status = pd_gguf_scratch_bytes(file->map.data, file->map.bytes, &scratch_bytes, &inside);
    if (status == PONDER_OK) {
        struct pd_arena arena;
        file->scratch = tr_alloc(1, scratch_bytes);
        pd_arena_init(&arena, file->scratch, scratch_bytes);
        status = pd_gguf_open(&file->gguf, file->map.data, file->map.bytes, &arena, &inside);
    }
    if (status != PONDER_OK) {
        tr_file_close(file);
        return pd_fail(err, status, "%s: %s", path, text);
    }
    return PONDER_OK;
}

void tr_file_close(struct tr_file *file)
{
    pd_map_close(&file->map);
    free(file->scratch);
    *file = (struct tr_file){.scratch = NULL};
}

/* A tensor that the model is to have. */
static struct tr_tensor *add(struct tr_model *m, const char *name, int rows, int cols)
{
    struct tr_tensor *t = &m->tensor[m->n_tensors++];
    *t = (struct tr_tensor){.rows = rows, .cols = cols, .param = TR_FROZEN};
    snprintf(t->name, sizeof t->name, "%s", name);
    return t;
}

/* Floats that a tensor takes of the block: each begins on a cache line. */
static size_t padded(const struct tr_tensor *t)
{
    enum { ALIGNMENT = 16 };
    return (tr_area(t->rows, t->cols) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Gives all tensors that were added their floats. */
static void place(struct tr_model *m)
{
    for (int i = 0; i < m->n_tensors; i++)
        m->n_values += padded(&m->tensor[i]);
    float *at = m->values = tr_new_floats(m->n_values);
    for (int i = 0; i < m->n_tensors; at += padded(&m->tensor[i++]))
        m->tensor[i].value = at;
}

static void begin(struct tr_model *m)
{
    size_t n_layers = (size_t)m->hparams.n_layers;
    m->tensor = tr_alloc(n_layers * PD_LAYER_TENSORS + 4, sizeof *m->tensor);
    m->layer = tr_alloc(n_layers, sizeof *m->layer);
    for (int i = 0; i < TR_HEADS; i++)
        m->head[i].param = TR_FROZEN;
}

static void decode(const struct pd_tensor *from, struct tr_tensor *to)
{
    from->format->decode(from->data, to->value,
                         tr_area(from->rows, from->cols) / from->format->block_elements);
}

static void read_tensors(struct tr_model *m, const struct pd_model *file)
{
    struct {
        struct tr_tensor **to;
        const char *name;
        const struct pd_tensor *from;
    } shared[] = {
        {&m->token_embd, "token_embd.weight", &file->token_embd},
        {&m->output_norm, "output_norm.weight", &file->output_norm},
        {&m->output, "output.weight", &file->output},
        {&m->rope_freqs, "rope_freqs.weight", &file->rope_freqs},
    };
    m->is_tied = file->output.data == file->token_embd.data;
    for (size_t i = 0; i < PD_COUNT(shared); i++)
        if (shared[i].from->data != NULL && !(m->is_tied && shared[i].to == &m->output))
            *shared[i].to = add(m, shared[i].name, shared[i].from->rows, shared[i].from->cols);
    for (int l = 0; l < m->hparams.n_layers; l++)
        for (int k = 0; k < PD_LAYER_TENSORS; k++) {
            const struct pd_tensor *from = &file->layer[l].tensor[k];
            char name[TR_NAME_BYTES];
            snprintf(name, sizeof name, "blk.%d.%s", l, suffixes[k]);
            if (from->data != NULL)
                m->layer[l][k] = add(m, name, from->rows, from->cols);
        }
    place(m);
    for (size_t i = 0; i < PD_COUNT(shared); i++)
        if (*shared[i].to != NULL)
            decode(shared[i].from, *shared[i].to);
    for (int l = 0; l < m->hparams.n_layers; l++)
        for (int k = 0; k < PD_LAYER_TENSORS; k++)
            if (m->layer[l][k] != NULL)
                decode(&file->layer[l].tensor[k], m->layer[l][k]);
    if (m->is_tied)
        m->output = m->token_embd;
}

enum ponder_status tr_model_read_heads(struct tr_model *m, const struct pd_gguf *gguf,
                                       const struct pd_error *err)
{
    for (int i = 0; i < TR_HEADS; i++) {
        const char *key = tr_head_key((enum tr_head_kind)i);
        const struct pd_gguf_kv *kv = pd_gguf_find(gguf, key);
        if (kv == NULL)
            continue;
        if (kv->type != PD_GGUF_ARRAY || kv->element_type != PD_GGUF_F32 ||
            kv->n != (uint64_t)m->hparams.n_embd)
            return pd_fail(err, PONDER_BAD_FILE, "'%s' is not an array of %d floats", key,
                           m->hparams.n_embd);
        float *weight = tr_alloc((size_t)m->hparams.n_embd + 1, sizeof *weight);
        memcpy(weight, kv->data, (size_t)m->hparams.n_embd * sizeof *weight);
        free(m->head[i].weight);
        m->head[i].weight = weight;
        char bias_key[TR_NAME_BYTES];
        double bias = 0;
        snprintf(bias_key, sizeof bias_key, "%s.bias", key);
        PD_TRY(pd_gguf_get_float(gguf, bias_key, false, -1e6, 1e6, &bias, err));
        weight[m->hparams.n_embd] = (float)bias;
    }
    return PONDER_OK;
}

enum ponder_status tr_model_read(struct tr_model *m, const struct pd_gguf *gguf,
                                 const struct pd_error *err)
{
    struct pd_arena arena;
    struct pd_model file;
    size_t scratch_bytes = pd_model_scratch_bytes(gguf);
    void *scratch = tr_alloc(1, scratch_bytes);
    pd_arena_init(&arena, scratch, scratch_bytes);
    *m = (struct tr_model){.n_tensors = 0};
    enum ponder_status status = pd_model_open(&file, gguf, &arena, err);
    if (status == PONDER_OK) {
        m->family = file.family;
        m->hparams = file.hparams;
        begin(m);
        read_tensors(m, &file);
        status = tr_model_read_heads(m, gguf, err);
    }
    free(scratch);
    return status;
}

/* A new model's sizes by name. */
static enum ponder_status parse_spec(const char *spec, struct pd_hparams *h,
                                     const struct pd_error *err)
{
    int rope_base = 10000;
    const struct {
        const char *name;
        int *value;
        int max;
    } fields[] = {
        {"layers", &h->n_layers, PD_MAX_LAYERS},
        {"embd", &h->n_embd, PD_MAX_EMBD},
        {"heads", &h->n_heads, PD_MAX_HEADS},
        {"kv", &h->n_kv_heads, PD_MAX_HEADS},
        {"ff", &h->n_ff, PD_MAX_FF},
        {"ctx", &h->n_ctx_train, 1 << 20},
        {"rope", &rope_base, 100000000},
    };
    for (const char *at = spec; *at != '\0';) {
        size_t name_bytes = strcspn(at, "="), bytes = strcspn(at, ",");
        bool is_known = false;
        for (size_t i = 0; i < PD_COUNT(fields); i++) {
            char *end;
            if (strlen(fields[i].name) != name_bytes || memcmp(at, fields[i].name, name_bytes) != 0)
                continue;
            long value = strtol(at + name_bytes + 1, &end, 10);
            is_known = end == at + bytes && end > at + name_bytes + 1;
            if (is_known && (value < 1 || value > fields[i].max))
                return pd_fail(err, PONDER_BAD_ARGUMENT, "--new: %s=%ld; 1 to %d is right",
                               fields[i].name, value, fields[i].max);
            *fields[i].value = (int)value;
        }
        if (!is_known)
            return pd_fail(err, PONDER_BAD_ARGUMENT,
                           "--new: '%.*s' is not one of layers=, embd=, heads=, kv=, ff=, ctx=, "
                           "rope= and a number",
                           (int)bytes, at);
        at += bytes;
        at += *at == ',';
    }
    h->rope_base = h->rope_base_local = rope_base;
    return PONDER_OK;
}

static enum ponder_status check_spec(struct pd_hparams *h, const struct pd_error *err)
{
    if (h->n_layers == 0 || h->n_embd == 0 || h->n_heads == 0 || h->n_ff == 0)
        return pd_fail(err, PONDER_BAD_ARGUMENT, "--new: layers, embd, heads and ff are needed");
    if (h->n_kv_heads == 0)
        h->n_kv_heads = h->n_heads;
    if (h->n_heads % h->n_kv_heads != 0)
        return pd_fail(err, PONDER_BAD_ARGUMENT,
                       "--new: %d heads cannot share %d key-value heads evenly", h->n_heads,
                       h->n_kv_heads);
    if (h->n_embd % h->n_heads != 0 || h->n_embd / h->n_heads % 2 != 0 ||
        h->n_embd / h->n_heads > PD_MAX_HEAD_DIM)
        return pd_fail(err, PONDER_BAD_ARGUMENT,
                       "--new: %d heads do not fit an embedding of %d: a head has an even number "
                       "of elements, %d at most",
                       h->n_heads, h->n_embd, PD_MAX_HEAD_DIM);
    h->head_dim = h->rope_dim = h->n_embd / h->n_heads;
    h->attention_scale = 1.0f / sqrtf((float)h->head_dim);
    return PONDER_OK;
}

/* Uniform of standard deviation 1 / sqrt(3 cols), the outputs of blocks less by sqrt(2 layers), so that the residual
 * stream does not grow with depth; the embedding 0.02; norms 1. */
static void randomise(struct tr_model *m, uint64_t seed)
{
    float depth = 1.0f / sqrtf(2.0f * (float)m->hparams.n_layers);
    for (int i = 0; i < m->n_tensors; i++) {
        struct tr_tensor *t = &m->tensor[i];
        bool is_block_output = strstr(t->name, "attn_output") || strstr(t->name, "ffn_down");
        float spread = t == m->token_embd
                           ? 0.02f * sqrtf(3.0f)
                           : (is_block_output ? depth : 1.0f) / sqrtf((float)t->cols);
        for (size_t k = 0; k < tr_area(t->rows, t->cols); k++)
            t->value[k] =
                t->rows == 1 ? 1.0f : spread * (2.0f * pd_rng_float(seed, (uint64_t)i, k) - 1.0f);
    }
}

enum ponder_status tr_model_new(struct tr_model *m, const char *spec, int n_vocab, uint64_t seed,
                                const struct pd_error *err)
{
    static const struct pd_string llama = {"llama", 5};
    *m = (struct tr_model){
        .family = pd_family_find(llama),
        .is_tied = true,
        .hparams = {.n_vocab = n_vocab,
                    .n_ctx_train = 1024,
                    .rms_eps = 1e-5f,
                    .rope_scale = 1,
                    .embedding_scale = 1},
    };
    struct pd_hparams *h = &m->hparams;
    PD_TRY(parse_spec(spec, h, err));
    PD_TRY(check_spec(h, err));
    begin(m);
    m->token_embd = m->output = add(m, "token_embd.weight", n_vocab, h->n_embd);
    m->output_norm = add(m, "output_norm.weight", 1, h->n_embd);
    int kv = h->n_kv_heads * h->head_dim;
    const struct {
        enum pd_layer_tensor which;
        int rows, cols;
    } shapes[] = {
        {PD_ATTN_NORM, 1, h->n_embd},
        {PD_ATTN_Q, h->n_embd, h->n_embd},
        {PD_ATTN_K, kv, h->n_embd},
        {PD_ATTN_V, kv, h->n_embd},
        {PD_ATTN_OUTPUT, h->n_embd, h->n_embd},
        {PD_FFN_NORM, 1, h->n_embd},
        {PD_FFN_GATE, h->n_ff, h->n_embd},
        {PD_FFN_UP, h->n_ff, h->n_embd},
        {PD_FFN_DOWN, h->n_embd, h->n_ff},
    };
    for (int l = 0; l < h->n_layers; l++)
        for (size_t i = 0; i < PD_COUNT(shapes); i++) {
            char name[TR_NAME_BYTES];
            snprintf(name, sizeof name, "blk.%d.%s", l, suffixes[shapes[i].which]);
            m->layer[l][shapes[i].which] = add(m, name, shapes[i].rows, shapes[i].cols);
        }
    place(m);
    randomise(m, seed);
    return PONDER_OK;
}

void tr_model_free(struct tr_model *m)
{
    for (int i = 0; i < TR_HEADS; i++)
        free(m->head[i].weight);
    tr_params_free(&m->params);
    free(m->lora);
    tr_free_floats(m->lora_values, m->n_lora_values);
    tr_free_floats(m->lora_bases, m->n_lora_bases);
    free(m->tensor);
    free(m->layer);
    tr_free_floats(m->packs, m->n_packs);
    tr_free_floats(m->values, m->n_values);
    *m = (struct tr_model){.n_tensors = 0};
}

void tr_model_train_all(struct tr_model *m)
{
    for (int i = 0; i < m->n_tensors; i++) {
        struct tr_tensor *t = &m->tensor[i];
        if (t != m->rope_freqs)
            t->param = tr_params_add(&m->params, t->name, t->value, tr_area(t->rows, t->cols),
                                     t->rows > 1);
    }
}

void tr_model_train_head(struct tr_model *m, enum tr_head_kind kind)
{
    struct tr_head *head = &m->head[kind];
    size_t n = (size_t)m->hparams.n_embd + 1;
    if (head->weight == NULL)
        head->weight = tr_alloc(n, sizeof *head->weight);
    head->param = tr_params_add(&m->params, tr_head_key(kind), head->weight, n, false);
}

size_t tr_model_size(const struct tr_model *m)
{
    size_t n = 0;
    for (int i = 0; i < m->n_tensors; i++)
        n += tr_area(m->tensor[i].rows, m->tensor[i].cols);
    return n;
}

bool tr_model_trunk_is_frozen(const struct tr_model *m)
{
    int n_heads = 0;
    for (int i = 0; i < TR_HEADS; i++)
        n_heads += m->head[i].param != TR_FROZEN;
    return m->params.n == n_heads;
}
