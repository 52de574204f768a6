/* SPDX-License-Identifier: Apache-2.0
 * setup.c - see setup.h. */
#include "setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "lora.h"
#include "memory.h"
#include "packs.h"
#include "save.h"

/* Puts the file's name before an error about its inside. */
static enum ponder_status name_file(const char *path, enum ponder_status status, const char *text,
                                    const struct pd_error *err)
{
    if (status == PONDER_OK || strstr(text, path) != NULL)
        return pd_fail(err, status, "%s", text);
    return pd_fail(err, status, "%s: %s", path, text[0] ? text : ponder_status_text(status));
}

static enum ponder_status start_pool(struct tr_setup *s, const struct pd_error *err)
{
    struct pd_arena a;
    openblas_set_num_threads(1); /* each of our threads for itself, see team.h */
    int n = s->settings->n_threads > 0 ? s->settings->n_threads : pd_core_count();
    s->n_threads = pd_min_int(n, PONDER_MAX_THREADS);
    pd_arena_init_count(&a);
    pd_pool_layout(&a, s->n_threads);
    size_t bytes = pd_arena_block_bytes(&a);
    s->pool_block = tr_alloc(1, bytes);
    pd_arena_init(&a, s->pool_block, bytes);
    struct pd_pool *pool = pd_pool_layout(&a, s->n_threads);
    PD_TRY(pd_pool_start(pool, err));
    s->pool = pool;
    return PONDER_OK;
}

static enum ponder_status open_tokenizer(struct tr_setup *s, int n_vocab,
                                         const struct pd_error *err)
{
    struct pd_tokenizer_survey survey;
    struct pd_arena a;
    PD_TRY(pd_tokenizer_survey(&survey, &s->base.gguf, n_vocab, err));
    pd_arena_init_count(&a);
    pd_tokenizer_layout(&survey, &a);
    size_t bytes = pd_arena_block_bytes(&a);
    s->tokenizer_block = tr_alloc(1, bytes);
    pd_arena_init(&a, s->tokenizer_block, bytes);
    s->tokenizer = pd_tokenizer_layout(&survey, &a);
    pd_tokenizer_fill(s->tokenizer, &s->base.gguf);
    if (pd_tokenizer_eos(s->tokenizer) < 0)
        return pd_fail(err, PONDER_UNSUPPORTED, "the vocabulary has no token that ends a text");
    return PONDER_OK;
}

static enum ponder_status make_new(struct tr_setup *s, const struct pd_error *err)
{
    const struct tr_settings *o = s->settings;
    if (o->vocab == NULL) /* a bench */
        return tr_model_new(&s->model, o->new_spec, 4096, o->seed, err);
    char text[PONDER_ERROR_BYTES - 64] = "";
    const struct pd_error inside = {text, sizeof text};
    PD_TRY(tr_file_open(&s->base, o->vocab, err));
    const struct pd_gguf_kv *tokens = pd_gguf_find(&s->base.gguf, "tokenizer.ggml.tokens");
    if (tokens == NULL || tokens->type != PD_GGUF_ARRAY || tokens->n < 1 ||
        tokens->n > PD_MAX_VOCAB)
        return pd_fail(err, PONDER_BAD_FILE, "%s: holds no vocabulary", o->vocab);
    enum ponder_status status = open_tokenizer(s, (int)tokens->n, &inside);
    if (status != PONDER_OK)
        return name_file(o->vocab, status, text, err);
    return tr_model_new(&s->model, o->new_spec, (int)tokens->n, o->seed, err);
}

static enum ponder_status read_base(struct tr_setup *s, const struct pd_error *err)
{
    const char *path = s->settings->base;
    char text[PONDER_ERROR_BYTES - 64] = "";
    const struct pd_error inside = {text, sizeof text};
    PD_TRY(tr_file_open(&s->base, path, err));
    enum ponder_status status = tr_model_read(&s->model, &s->base.gguf, &inside);
    if (status == PONDER_OK)
        status = open_tokenizer(s, s->model.hparams.n_vocab, &inside);
    return status == PONDER_OK ? PONDER_OK : name_file(path, status, text, err);
}

static enum ponder_status read_adapter(struct tr_setup *s, const struct pd_error *err)
{
    const char *path = s->settings->adapter;
    char text[PONDER_ERROR_BYTES - 64] = "";
    const struct pd_error inside = {text, sizeof text};
    PD_TRY(tr_file_open(&s->adapter, path, err));
    enum ponder_status status =
        tr_lora_read(&s->model, &s->adapter.gguf, s->settings->lora_rank, &inside);
    if (status == PONDER_OK)
        status = tr_model_read_heads(&s->model, &s->adapter.gguf, &inside);
    if (status != PONDER_OK)
        return name_file(path, status, text, err);
    tr_lora_fold(&s->model, s->pool);
    return PONDER_OK;
}

static enum ponder_status read_teacher(struct tr_setup *s, const struct pd_error *err)
{
    const char *path = s->settings->teacher;
    char text[PONDER_ERROR_BYTES - 64] = "";
    const struct pd_error inside = {text, sizeof text};
    PD_TRY(tr_file_open(&s->teacher_file, path, err));
    enum ponder_status status = tr_model_read(&s->teacher, &s->teacher_file.gguf, &inside);
    if (status != PONDER_OK)
        return name_file(path, status, text, err);
    const struct pd_gguf_kv *ours = pd_gguf_find(&s->base.gguf, "tokenizer.ggml.tokens");
    const struct pd_gguf_kv *theirs = pd_gguf_find(&s->teacher_file.gguf, "tokenizer.ggml.tokens");
    bool is_same = ours != NULL && theirs != NULL && ours->n == theirs->n &&
                   ours->end - ours->data == theirs->end - theirs->data &&
                   memcmp(ours->data, theirs->data, (size_t)(ours->end - ours->data)) == 0;
    return is_same ? PONDER_OK
                   : pd_fail(err, PONDER_UNSUPPORTED,
                             "%s: its vocabulary is another than the student's", path);
}

enum tr_head_kind tr_setup_head(const struct tr_settings *settings)
{
    return settings->task == TR_VERIFY       ? TR_HEAD_VALUE
           : settings->task == TR_DIFFICULTY ? TR_HEAD_DIFFICULTY
                                             : TR_HEADS;
}

/* Adapters that are only begun with become part of the weights. */
static void forget_adapters(struct tr_model *m)
{
    for (int i = 0; i < m->n_tensors; i++)
        m->tensor[i].lora = NULL;
    m->n_lora = m->lora_rank = 0;
}

/* A head says nothing about hidden states other than those it was trained on. */
static void drop_stale_heads(struct tr_model *m)
{
    for (int i = 0; i < TR_HEADS; i++)
        if (m->head[i].weight != NULL && m->head[i].param == TR_FROZEN) {
            tr_say("%s is left out: the weights under it change",
                   tr_head_key((enum tr_head_kind)i));
            free(m->head[i].weight);
            m->head[i].weight = NULL;
        }
}

static enum ponder_status choose_parameters(struct tr_setup *s, const struct pd_error *err)
{
    const struct tr_settings *o = s->settings;
    struct tr_model *m = &s->model;
    if (o->adapter != NULL)
        PD_TRY(read_adapter(s, err));
    else if (o->lora_rank > 0)
        PD_TRY(tr_lora_add(m, o->lora_rank,
                           (float)(o->lora_alpha > 0 ? o->lora_alpha : o->lora_rank), o->lora_on,
                           o->seed, err));
    if (o->lora_rank > 0) {
        tr_lora_train(m);
    } else if (!o->head_only) {
        forget_adapters(m);
        tr_model_train_all(m);
    }
    if (!o->is_bench && tr_setup_head(o) != TR_HEADS)
        tr_model_train_head(m, tr_setup_head(o));
    if (!tr_model_trunk_is_frozen(m))
        drop_stale_heads(m);
    s->writes_adapter = m->n_lora > 0 && !o->merges;
    return PONDER_OK;
}

enum ponder_status tr_setup_open(struct tr_setup *s, const struct tr_settings *settings,
                                 const struct pd_error *err)
{
    *s = (struct tr_setup){.settings = settings};
    bool wants_floats = settings->precision != NULL && strcmp(settings->precision, "f32") == 0;
    s->level = wants_floats ? NULL : tr_product_best();
    PD_TRY(start_pool(s, err));
    PD_TRY(settings->new_spec != NULL ? make_new(s, err) : read_base(s, err));
    PD_TRY(choose_parameters(s, err));
    tr_packs_init(&s->model, s->level, s->pool);
    if (settings->teacher == NULL)
        return PONDER_OK;
    PD_TRY(read_teacher(s, err));
    tr_packs_init(&s->teacher, s->level, s->pool);
    return PONDER_OK;
}

void tr_setup_close(struct tr_setup *s)
{
    if (s->pool != NULL)
        pd_pool_stop(s->pool);
    tr_model_free(&s->teacher);
    tr_model_free(&s->model);
    tr_file_close(&s->teacher_file);
    tr_file_close(&s->adapter);
    tr_file_close(&s->base);
    free(s->tokenizer_block);
    free(s->pool_block);
    *s = (struct tr_setup){.pool = NULL};
}

enum ponder_status tr_setup_save(const struct tr_setup *s, const struct pd_error *err)
{
    const struct tr_settings *o = s->settings;
    const char *slash = strrchr(o->out, '/');
    char name[64];
    snprintf(name, sizeof name, "%s", slash != NULL ? slash + 1 : o->out);
    if (strrchr(name, '.') != NULL)
        *strrchr(name, '.') = '\0';
    struct tr_save how = {
        .base = s->writes_adapter && o->adapter != NULL ? &s->adapter.gguf : &s->base.gguf,
        .is_new = o->new_spec != NULL,
        .is_adapter = s->writes_adapter,
        .speaks_format = tr_setup_head(o) == TR_HEADS,
        .revises = o->task == TR_REVISE,
        .has_calculator = o->has_calculator,
        .name = name,
        .format = o->format,
    };
    return tr_save(&s->model, &how, o->out, err);
}
