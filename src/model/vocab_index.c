/* SPDX-License-Identifier: Apache-2.0
 * vocab_index.c - the vocabulary's hash table; see vocab.h. */
#include <string.h>

#include "model/vocab.h"

void pd_index_layout(struct pd_index *index, size_t n, struct pd_arena *a)
{
    PD_ASSERT(n <= PD_INDEX_MAX);
    index->n_slots = (uint32_t)(n + n / 2 + 1);
    index->slot = PD_NEW(a, uint32_t, index->n_slots);
}

void pd_index_clear(struct pd_index *index)
{
    memset(index->slot, 0xFF, index->n_slots * sizeof *index->slot);
}

struct pd_index_walk pd_index_begin(const struct pd_index *index, uint64_t hash)
{
    /* The hash's upper half, as a fraction, picks the slot; its lower bits are the tag. */
    uint32_t at = (uint32_t)((hash >> 32) * index->n_slots >> 32);
    return (struct pd_index_walk){index, at, (uint32_t)hash << PD_INDEX_BITS};
}

uint32_t pd_index_next(struct pd_index_walk *walk)
{
    for (;;) {
        uint32_t slot = walk->index->slot[walk->at];
        if (slot == UINT32_MAX)
            return UINT32_MAX;
        if (++walk->at == walk->index->n_slots)
            walk->at = 0;
        if (((slot ^ walk->tag) >> PD_INDEX_BITS) == 0)
            return slot & PD_INDEX_MAX;
    }
}

void pd_index_put(struct pd_index *index, const struct pd_index_walk *end, uint32_t number)
{
    PD_ASSERT(number < PD_INDEX_MAX && index->slot[end->at] == UINT32_MAX);
    index->slot[end->at] = end->tag | number;
}

/* Steele and Vigna's multipliers mix well enough: no one's secret depends on it, and an index is
 * never more than two thirds full. */
uint64_t pd_hash_pair(uint32_t a, uint32_t b)
{
    uint64_t h = ((uint64_t)a << 32 | b) * UINT64_C(0xD1342543DE82EF95);
    return (h ^ h >> 29) * UINT64_C(0x9E3779B97F4A7C15);
}

uint64_t pd_hash_bytes(const char *text, size_t bytes)
{
    uint64_t h = bytes;
    for (size_t i = 0; i < bytes; i++)
        h = (h ^ (unsigned char)text[i]) * UINT64_C(0xD1342543DE82EF95);
    return (h ^ h >> 29) * UINT64_C(0x9E3779B97F4A7C15);
}
