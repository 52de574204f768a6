/* SPDX-License-Identifier: Apache-2.0
 * arena.c - see arena.h. */
#include "base/arena.h"

void pd_arena_init_count(struct pd_arena *a)
{
    *a = (struct pd_arena){.capacity = SIZE_MAX};
}

void pd_arena_init(struct pd_arena *a, void *block, size_t block_bytes)
{
    size_t skip = (size_t)(-(uintptr_t)block) % PD_ARENA_ALIGN;
    *a = (struct pd_arena){0};
    if (block == NULL || block_bytes < skip) {
        a->overflowed = true;
        return;
    }
    a->base = (unsigned char *)block + skip;
    a->capacity = block_bytes - skip;
}

size_t pd_arena_block_bytes(const struct pd_arena *counted)
{
    if (counted->overflowed || counted->used > SIZE_MAX - PD_ARENA_ALIGN)
        return SIZE_MAX;
    return counted->used + PD_ARENA_ALIGN - 1;
}

void *pd_arena_alloc(struct pd_arena *a, size_t n, size_t element_bytes)
{
    size_t bytes;
    if (a->overflowed || __builtin_mul_overflow(n, element_bytes, &bytes) ||
        bytes > SIZE_MAX - PD_ARENA_ALIGN) {
        a->overflowed = true;
        return NULL;
    }
    bytes = (bytes + PD_ARENA_ALIGN - 1) / PD_ARENA_ALIGN * PD_ARENA_ALIGN;
    if (bytes > a->capacity - a->used) {
        a->overflowed = true;
        return NULL;
    }
    void *p = a->base ? a->base + a->used : NULL;
    a->used += bytes;
    return p;
}
