/* SPDX-License-Identifier: Apache-2.0
 * lora.c - see lora.h.
 *
 * The adapters are folded into the weights once a step instead of being multiplied beside them: that costs as much as
 * `rank` tokens, and saves two thin products of six for every token. */
#include "lora.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cblas.h>

#include "base/rng.h"
#include "memory.h"
#include "ops.h"

static const struct {
    const char *name;
    enum pd_layer_tensor which;
} targets[] = {
    {"q", PD_ATTN_Q},      {"k", PD_ATTN_K},  {"v", PD_ATTN_V},      {"o", PD_ATTN_OUTPUT},
    {"gate", PD_FFN_GATE}, {"up", PD_FFN_UP}, {"down", PD_FFN_DOWN},
};

static enum ponder_status parse_which(const char *which, bool is_target[PD_LAYER_TENSORS],
                                      const struct pd_error *err)
{
    for (const char *at = which; *at != '\0';) {
        size_t bytes = strcspn(at, ",");
        bool is_known = false;
        for (size_t i = 0; i < PD_COUNT(targets); i++)
            if (strlen(targets[i].name) == bytes && memcmp(targets[i].name, at, bytes) == 0)
                is_known = is_target[targets[i].which] = true;
        if (!is_known)
            return pd_fail(err, PONDER_BAD_ARGUMENT, "--lora-on: '%.*s' is none of " TR_LORA_ALL,
                           (int)bytes, at);
        at += bytes;
        at += *at == ',';
    }
    return PONDER_OK;
}

/* Lays out adapters for the tensors of the table: their floats, and copies of the matrices without them. */
static void place(struct tr_model *m, const bool *has, int rank, float alpha)
{
    size_t n = 0, bases = 0;
    int n_lora = 0;
    for (int i = 0; i < m->n_tensors; i++) {
        if (!has[i])
            continue;
        n += (size_t)rank * (size_t)(m->tensor[i].rows + m->tensor[i].cols);
        bases += tr_area(m->tensor[i].rows, m->tensor[i].cols);
        n_lora++;
    }
    m->lora = tr_alloc((size_t)n_lora, sizeof *m->lora);
    m->n_lora = n_lora;
    m->lora_rank = rank;
    m->lora_alpha = alpha;
    m->lora_values = tr_new_floats(n);
    m->n_lora_values = n;
    m->lora_bases = tr_new_floats(bases);
    m->n_lora_bases = bases;
    float *value = m->lora_values, *base = m->lora_bases;
    struct tr_lora *lora = m->lora;
    for (int i = 0; i < m->n_tensors; i++) {
        struct tr_tensor *t = &m->tensor[i];
        if (!has[i])
            continue;
        *lora = (struct tr_lora){.base = base,
                                 .a = value,
                                 .b = value + tr_area(rank, t->cols),
                                 .rank = rank,
                                 .scale = alpha / (float)rank,
                                 .param_a = TR_FROZEN,
                                 .param_b = TR_FROZEN};
        memcpy(base, t->value, tr_area(t->rows, t->cols) * sizeof *base);
        value += tr_area(rank, t->cols + t->rows);
        base += tr_area(t->rows, t->cols);
        t->lora = lora++;
    }
}

enum ponder_status tr_lora_add(struct tr_model *m, int rank, float alpha, const char *which,
                               uint64_t seed, const struct pd_error *err)
{
    bool is_target[PD_LAYER_TENSORS] = {false};
    PD_TRY(parse_which(which, is_target, err));
    bool *has = tr_alloc((size_t)m->n_tensors, sizeof *has);
    enum ponder_status status = PONDER_OK;
    for (int l = 0; l < m->hparams.n_layers; l++)
        for (int k = 0; k < PD_LAYER_TENSORS; k++) {
            const struct tr_tensor *t = m->layer[l][k];
            if (t == NULL || !is_target[k])
                continue;
            has[t - m->tensor] = true;
            if (rank > t->rows || rank > t->cols)
                status = pd_fail(err, PONDER_BAD_ARGUMENT,
                                 "--lora %d: more than the %d by %d of tensor '%s'", rank, t->rows,
                                 t->cols, t->name);
        }
    if (status == PONDER_OK) {
        place(m, has, rank, alpha);
        for (int i = 0; i < m->n_tensors; i++) {
            const struct tr_tensor *t = &m->tensor[i];
            float spread = sqrtf(3.0f / (float)t->cols);
            for (size_t k = 0; t->lora != NULL && k < tr_area(rank, t->cols); k++)
                t->lora->a[k] = spread * (2.0f * pd_rng_float(seed + 1, (uint64_t)i, k) - 1.0f);
        }
    }
    free(has);
    return status;
}

/* Splits "NAME.lora_a" (b): the tensor that it adapts, or NULL. */
static struct tr_tensor *adapted(const struct tr_model *m, struct pd_string name, bool *is_b_ret)
{
    static const char ends[2][8] = {".lora_a", ".lora_b"};
    enum { END_BYTES = 7 };
    for (int e = 0; e < 2; e++) {
        if (name.bytes <= END_BYTES ||
            memcmp(name.data + name.bytes - END_BYTES, ends[e], END_BYTES) != 0)
            continue;
        *is_b_ret = e == 1;
        struct pd_string stem = {name.data, name.bytes - END_BYTES};
        for (int l = 0; l < m->hparams.n_layers; l++)
            for (size_t i = 0; i < PD_COUNT(targets); i++)
                if (pd_string_equal(stem, m->layer[l][targets[i].which]->name))
                    return m->layer[l][targets[i].which];
    }
    return NULL;
}

/* Looks at every tensor of the file: has_ret[tensor], and the rank that all share. */
static enum ponder_status survey(const struct tr_model *m, const struct pd_gguf *gguf,
                                 bool *has_ret, int *rank_ret, const struct pd_error *err)
{
    int *parts = tr_alloc((size_t)m->n_tensors, sizeof *parts);
    enum ponder_status status = PONDER_OK;
    for (int i = 0; i < gguf->n_tensors && status == PONDER_OK; i++) {
        const struct pd_gguf_tensor *t = &gguf->tensor[i];
        char text[PD_SHOW_BYTES];
        bool is_b;
        struct tr_tensor *of = adapted(m, t->name, &is_b);
        uint64_t rank = is_b ? t->ne[0] : t->ne[1];
        if (of == NULL || t->format == NULL)
            status = pd_fail(err, PONDER_UNSUPPORTED,
                             "tensor '%s' is no adapter of a matrix of this model",
                             pd_string_show(t->name, text));
        else if ((is_b ? t->ne[1] : t->ne[0]) != (uint64_t)(is_b ? of->rows : of->cols) ||
                 rank < 1 || rank > (uint64_t)pd_min_int(of->rows, of->cols))
            status = pd_fail(err, PONDER_BAD_FILE,
                             "tensor '%s' does not fit the base's %d by %d: an adapter of "
                             "another model",
                             pd_string_show(t->name, text), of->rows, of->cols);
        else if (*rank_ret != 0 && rank != (uint64_t)*rank_ret)
            status = pd_fail(err, PONDER_UNSUPPORTED, "adapters of ranks %d and %d in one file",
                             *rank_ret, (int)rank);
        else {
            *rank_ret = (int)rank;
            has_ret[of - m->tensor] = true;
            parts[of - m->tensor] += is_b ? 2 : 1;
        }
    }
    for (int i = 0; i < m->n_tensors && status == PONDER_OK; i++)
        if (has_ret[i] && parts[i] != 3)
            status = pd_fail(err, PONDER_BAD_FILE, "half of the adapter of '%s' is missing",
                             m->tensor[i].name);
    free(parts);
    return status;
}

enum ponder_status tr_lora_read(struct tr_model *m, const struct pd_gguf *gguf, int rank,
                                const struct pd_error *err)
{
    struct pd_string type = {"", 0};
    double alpha = 0;
    int file_rank = 0;
    bool *has = tr_alloc((size_t)m->n_tensors, sizeof *has);
    enum ponder_status status = pd_gguf_get_string(gguf, "general.type", false, &type, err);
    if (status == PONDER_OK && !pd_string_equal(type, "adapter"))
        status = pd_fail(err, PONDER_UNSUPPORTED, "the file holds no adapter");
    if (status == PONDER_OK)
        status = pd_gguf_get_float(gguf, "adapter.lora.alpha", true, 1e-3, 1e6, &alpha, err);
    if (status == PONDER_OK)
        status = survey(m, gguf, has, &file_rank, err);
    if (status == PONDER_OK && file_rank == 0)
        status = pd_fail(err, PONDER_BAD_FILE, "an adapter without tensors");
    if (status == PONDER_OK && rank != 0 && rank != file_rank)
        status = pd_fail(err, PONDER_BAD_ARGUMENT, "the adapter's rank is %d, --lora asks for %d",
                         file_rank, rank);
    if (status == PONDER_OK) {
        place(m, has, file_rank, (float)alpha);
        for (int i = 0; i < gguf->n_tensors; i++) {
            const struct pd_gguf_tensor *t = &gguf->tensor[i];
            bool is_b;
            struct tr_tensor *of = adapted(m, t->name, &is_b);
            t->format->decode(t->data, is_b ? of->lora->b : of->lora->a,
                              t->bytes / t->format->block_bytes);
        }
    }
    free(has);
    return status;
}

void tr_lora_train(struct tr_model *m)
{
    for (int i = 0; i < m->n_tensors; i++) {
        struct tr_tensor *t = &m->tensor[i];
        char name[TR_NAME_BYTES];
        if (t->lora == NULL)
            continue;
        snprintf(name, sizeof name, "%.60s.lora_a", t->name);
        t->lora->param_a =
            tr_params_add(&m->params, name, t->lora->a, tr_area(t->lora->rank, t->cols), true);
        snprintf(name, sizeof name, "%.60s.lora_b", t->name);
        t->lora->param_b =
            tr_params_add(&m->params, name, t->lora->b, tr_area(t->rows, t->lora->rank), true);
    }
}

static void fold(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)thread;
    struct tr_model *m = context;
    struct tr_tensor *t = &m->tensor[chunk];
    const struct tr_lora *lora = t->lora;
    if (lora == NULL)
        return;
    memcpy(t->value, lora->base, tr_area(t->rows, t->cols) * sizeof *t->value);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, t->rows, t->cols, lora->rank,
                lora->scale, lora->b, lora->rank, lora->a, t->cols, 1.0f, t->value, t->cols);
}

void tr_lora_fold(struct tr_model *m, struct pd_pool *pool)
{
    PD_ASSERT(m->n_tensors <= PD_MAX_CHUNKS);
    if (m->n_lora > 0)
        pd_pool_run_chunks(pool, m->n_tensors, fold, m);
}
