/* SPDX-License-Identifier: Apache-2.0
 * packs.c - see packs.h. */
#include "packs.h"

#include "lora.h"
#include "memory.h"

/* Words of a matrix packed for one way, up to the next cache line. */
static size_t words_of(const struct tr_product_level *level, int cols, int k)
{
    enum { ALIGNMENT = 16 };
    return (level->packed_words(cols, k) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
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
    if (t->back != NULL)
        m->level->pack_b(t->value, t->cols, true, t->cols, t->rows, t->back);
}

static void pack_changed(void *context, int phase, int chunk, int thread)
{
    const struct tr_model *m = context;
    const struct tr_tensor *t = &m->tensor[chunk];
    if (t->param != TR_FROZEN || (t->lora != NULL && t->lora->param_a != TR_FROZEN))
        pack(context, phase, chunk, thread);
}

/* Says where each matrix lies from `at` on (NULL: only counts). Words in all. */
static size_t lay_out(struct tr_model *m, uint32_t *at)
{
    bool goes_back = !tr_model_trunk_is_frozen(m);
    size_t n = 0;
    for (int i = 0; i < m->n_tensors; i++) {
        struct tr_tensor *t = &m->tensor[i];
        if (!is_multiplied(m, t))
            continue;
        t->forward = at != NULL ? at + n : NULL;
        n += words_of(m->level, t->rows, t->cols);
        t->back = at != NULL && goes_back ? at + n : NULL;
        n += goes_back ? words_of(m->level, t->cols, t->rows) : 0;
    }
    return n;
}

void tr_packs_init(struct tr_model *m, const struct tr_product_level *level, struct pd_pool *pool)
{
    if (level == NULL)
        return;
    m->level = level;
    m->n_packs = lay_out(m, NULL);
    m->packs = tr_new_floats(m->n_packs); /* words of the same size */
    lay_out(m, (uint32_t *)(void *)m->packs);
    pd_pool_run_chunks(pool, m->n_tensors, pack, m);
}

void tr_packs_renew(struct tr_model *m, struct pd_pool *pool)
{
    tr_lora_fold(m, pool);
    if (m->level != NULL)
        pd_pool_run_chunks(pool, m->n_tensors, pack_changed, m);
}
