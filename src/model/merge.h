/* SPDX-License-Identifier: Apache-2.0
 * merge.h - joins neighbouring symbols, best pair first, until no pair can be joined: the heart
 * of both kinds of BPE. O(n log n) for n symbols whatever the text.
 *
 *     symbol   h <-> e <-> l <-> l <-> o       a list; each may join the next: its candidate
 *     heap     [e+l, h+e, l+o]                 symbols that have a candidate, the best on top
 *
 * Nothing in the heap is ever stale: when a symbol changes, its candidate and its left
 * neighbour's are looked up anew and moved to their place. */
#ifndef PD_MERGE_H
#define PD_MERGE_H

#include "base/base.h"

#define PD_NO_SYMBOL UINT32_MAX

struct pd_symbol {
    uint32_t begin;      /* offset of its text; it ends where the next symbol begins */
    uint32_t prev, next; /* PD_NO_SYMBOL at the ends */
    int32_t token;       /* -1: none has this text */
    uint32_t key;        /* of the candidate: the lowest goes first, then the leftmost */
    int32_t joined;      /* token of the candidate */
    uint32_t heap_at;    /* place in the heap; PD_NO_SYMBOL: no candidate */
};

struct pd_merge {
    struct pd_symbol *symbol; /* [n]; the list begins at 0 */
    uint32_t *heap;           /* [n] */
    uint32_t n;
    uint32_t n_heap;
    uint32_t text_bytes; /* end of the last symbol */
    /* Gives key and token of left and right joined; false if they do not join. */
    bool (*find)(const void *user, const struct pd_symbol *left, const struct pd_symbol *right,
                 uint32_t right_end, uint32_t *key_ret, int32_t *joined_ret);
    const void *user;
};

/* Joins symbols 0..n - 1, n > 0, of which begin and token are set. Afterwards the list from 0 by
 * next is the result. */
void pd_merge_run(struct pd_merge *m);

/* The heap by itself, for who has another use for it: put a symbol in or to its new place, take
 * the best out. */
void pd_merge_place(struct pd_merge *m, uint32_t i, uint32_t key);
void pd_merge_remove(struct pd_merge *m, uint32_t i);

#endif
