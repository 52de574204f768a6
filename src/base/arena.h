/* SPDX-License-Identifier: Apache-2.0
 * arena.h - one block of memory, handed out from front to back, never back.
 *
 * The same layout code runs twice: over a counting arena (no block; every request returns NULL and is
 * only added up), then over the real one. So the size is exact by construction.
 *
 *     |pad to 64| a | pad | b | pad | ...        each request starts on a 64-byte boundary
 */
#ifndef PD_ARENA_H
#define PD_ARENA_H

#include "base/base.h"

enum { PD_ARENA_ALIGN = 64 };

struct pd_arena {
    unsigned char *base; /* NULL while counting; aligned to PD_ARENA_ALIGN */
    size_t capacity;     /* bytes after base; SIZE_MAX while counting */
    size_t used;
    bool overflowed; /* a request did not fit, or a size wrapped: sticky */
};

/* A counting arena. */
void pd_arena_init_count(struct pd_arena *a);

/* An arena over block. Up to PD_ARENA_ALIGN - 1 bytes go to alignment: see pd_arena_block_bytes(). */
void pd_arena_init(struct pd_arena *a, void *block, size_t block_bytes);

/* Block size that holds what a counting arena counted, wherever the block starts. SIZE_MAX if it
 * overflowed. */
size_t pd_arena_block_bytes(const struct pd_arena *counted);

/* n elements of element_bytes, not zeroed, or NULL: while counting, or when overflowed is set. */
void *pd_arena_alloc(struct pd_arena *a, size_t n, size_t element_bytes);

#define PD_NEW(a, type, n) ((type *)pd_arena_alloc((a), (size_t)(n), sizeof(type)))

static inline bool pd_arena_is_counting(const struct pd_arena *a)
{
    return a->base == NULL;
}

#endif
