/* SPDX-License-Identifier: Apache-2.0
 * packs.c - see packs.h. */
#include "packs.h"

#include "lora.h"
#include "memory.h"

static size_t words_of(const struct tr_tensor *t, const struct tr_product_level *level,
                       bool is_back)
{
    enum { ALIGNMENT = 16 };
    size_t words =
        is_back ? level->packed_words(t->cols, t->rows) : level->packed_words(t->rows, t->cols);
    return (words + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static bool is_multiplied(const struct tr_model *m, const struct tr_tensor *t)
{
    return t->rows > 1 && (t != m->token_embd || m->is_tied) && t != m->rope_freqs;
}

static void pack(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)thread;
    const struct tr_model *m = context;
    const struct tr_tensor *t = &m->tensor[chunk];
    if (!is_multiplied(m, t))
        return;
    m->level->pack_b(t->value, t->cols, false, t->rows, t->cols, t->forward);
    m->level->pack_b(t->value, t->cols, true, t->cols, t->rows, t->back);
}

static void pack_changed(void *context, int phase, int chunk, int thread)
{
    const struct tr_model *m = context;
    const struct tr_tensor *t = &m->tensor[chunk];
    if (t->param != TR_FROZEN || (t->lora != NULL && t->lora->param_a != TR_FROZEN))
        pack(context, phase, chunk, thread);
}

void tr_packs_init(struct tr_model *m, const struct tr_product_level *level, struct pd_pool *pool)
{
    if (level == NULL)
        return;
    m->level = level;
    for (int i = 0; i < m->n_tensors; i++)
        if (is_multiplied(m, &m->tensor[i]))
            m->n_packs +=
                words_of(&m->tensor[i], level, false) + words_of(&m->tensor[i], level, true);
    m->packs = tr_new_floats(m->n_packs); /* words of the same size */
    uint32_t *at = (uint32_t *)(void *)m->packs;
    for (int i = 0; i < m->n_tensors; i++) {
        struct tr_tensor *t = &m->tensor[i];
        if (!is_multiplied(m, t))
            continue;
        t->forward = at;
        t->back = at += words_of(t, level, false);
        at += words_of(t, level, true);
    }
    pd_pool_run_chunks(pool, m->n_tensors, pack, m);
}

void tr_packs_renew(struct tr_model *m, struct pd_pool *pool)
{
    tr_lora_fold(m, pool);
    if (m->level != NULL)
        pd_pool_run_chunks(pool, m->n_tensors, pack_changed, m);
}
