/* SPDX-License-Identifier: Apache-2.0
 * text_set.c - see text_set.h. */
#include "models/data/text_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "models/data/tool.h"

static uint64_t hash(const char *text, size_t bytes)
{
    uint64_t value = bytes;
    for (size_t at = 0; at < bytes; at += 8) {
        uint64_t word = 0;
        for (size_t i = at; i < bytes && i < at + 8; i++)
            word |= (uint64_t)(unsigned char)text[i] << 8 * (i - at);
        value = pd_rng_mix(value ^ word);
    }
    return value ? value : 1;
}

static uint64_t *find(const struct text_set *set, uint64_t value)
{
    size_t at = (size_t)value & (set->n_slots - 1);
    while (set->slot[at] != 0 && set->slot[at] != value)
        at = (at + 1) & (set->n_slots - 1);
    return &set->slot[at];
}

static void enlarge(struct text_set *set)
{
    struct text_set larger = {.n = set->n, .n_slots = set->n_slots ? 2 * set->n_slots : 1024};
    larger.slot = grow(NULL, larger.n_slots, sizeof *larger.slot);
    memset(larger.slot, 0, larger.n_slots * sizeof *larger.slot);
    for (size_t i = 0; i < set->n_slots; i++)
        if (set->slot[i] != 0)
            *find(&larger, set->slot[i]) = set->slot[i];
    free(set->slot);
    *set = larger;
}

bool text_set_add(struct text_set *set, const char *text, size_t bytes)
{
    if (2 * set->n >= set->n_slots)
        enlarge(set);
    uint64_t value = hash(text, bytes);
    uint64_t *slot = find(set, value);
    if (*slot == value)
        return false;
    *slot = value;
    set->n++;
    return true;
}

bool text_set_has(const struct text_set *set, const char *text, size_t bytes)
{
    return set->n > 0 && *find(set, hash(text, bytes)) != 0;
}

void text_set_free(struct text_set *set)
{
    free(set->slot);
    *set = (struct text_set){.n = 0};
}
