/* SPDX-License-Identifier: Apache-2.0
 * merge.c - see merge.h. */
#include "model/merge.h"

static bool goes_first(const struct pd_merge *m, uint32_t i, uint32_t j)
{
    const struct pd_symbol *a = &m->symbol[i];
    const struct pd_symbol *b = &m->symbol[j];
    return a->key < b->key || (a->key == b->key && i < j);
}

static void put(struct pd_merge *m, uint32_t at, uint32_t i)
{
    m->heap[at] = i;
    m->symbol[i].heap_at = at;
}

/* Moves symbol i, which belongs near place `at`, to where its key puts it. */
static void settle(struct pd_merge *m, uint32_t at, uint32_t i)
{
    while (at > 0 && goes_first(m, i, m->heap[(at - 1) / 2])) {
        put(m, at, m->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < m->n_heap && goes_first(m, m->heap[child + 1], m->heap[child]))
            child++;
        if (child >= m->n_heap || !goes_first(m, m->heap[child], i))
            break;
        put(m, at, m->heap[child]);
        at = child;
    }
    put(m, at, i);
}

void pd_merge_place(struct pd_merge *m, uint32_t i, uint32_t key)
{
    struct pd_symbol *s = &m->symbol[i];
    s->key = key;
    settle(m, s->heap_at == PD_NO_SYMBOL ? m->n_heap++ : s->heap_at, i);
}

void pd_merge_remove(struct pd_merge *m, uint32_t i)
{
    uint32_t at = m->symbol[i].heap_at;
    if (at == PD_NO_SYMBOL)
        return;
    m->symbol[i].heap_at = PD_NO_SYMBOL;
    uint32_t last = m->heap[--m->n_heap];
    if (last != i)
        settle(m, at, last);
}

/* Looks up the candidate of symbol i anew. */
static void update(struct pd_merge *m, uint32_t i)
{
    struct pd_symbol *s = &m->symbol[i];
    uint32_t key;
    if (s->next != PD_NO_SYMBOL) {
        const struct pd_symbol *right = &m->symbol[s->next];
        uint32_t end = right->next == PD_NO_SYMBOL ? m->text_bytes : m->symbol[right->next].begin;
        if (m->find(m->user, s, right, end, &key, &s->joined)) {
            pd_merge_place(m, i, key);
            return;
        }
    }
    pd_merge_remove(m, i);
}

/* Symbol i swallows the next one. */
static void join(struct pd_merge *m, uint32_t i)
{
    struct pd_symbol *s = &m->symbol[i];
    pd_merge_remove(m, s->next);
    s->next = m->symbol[s->next].next;
    if (s->next != PD_NO_SYMBOL)
        m->symbol[s->next].prev = i;
    s->token = s->joined;
}

void pd_merge_run(struct pd_merge *m)
{
    PD_ASSERT(m->n > 0);
    m->n_heap = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        struct pd_symbol *s = &m->symbol[i];
        s->prev = i == 0 ? PD_NO_SYMBOL : i - 1;
        s->next = i + 1 == m->n ? PD_NO_SYMBOL : i + 1;
        s->heap_at = PD_NO_SYMBOL;
    }
    for (uint32_t i = 0; i < m->n; i++)
        update(m, i);
    while (m->n_heap > 0) {
        uint32_t i = m->heap[0];
        join(m, i);
        update(m, i);
        if (m->symbol[i].prev != PD_NO_SYMBOL)
            update(m, m->symbol[i].prev);
    }
}
