/* SPDX-License-Identifier: Apache-2.0
 * guarded.c - a copy of some bytes that ends where reading on is noticed. */
#define _DEFAULT_SOURCE
#include "tests/support/guarded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER
#endif

static void die(void)
{
    fprintf(stderr, "guarded: out of memory\n");
    exit(1);
}

struct guarded guarded_copy(const void *bytes, size_t n_bytes)
{
    struct guarded g = {.bytes = n_bytes};
#ifdef HAS_SANITIZER
    g.block = malloc(n_bytes);
    if (n_bytes > 0 && !g.block)
        die();
    g.data = g.block;
#else
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = (n_bytes + page - 1) / page * page;
    g.block_bytes = body + page;
    g.block = mmap(NULL, g.block_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.block == MAP_FAILED || mprotect((char *)g.block + body, page, PROT_NONE) != 0)
        die();
    g.data = (unsigned char *)g.block + body - n_bytes;
#endif
    if (n_bytes > 0)
        memcpy(g.data, bytes, n_bytes);
    return g;
}

void guarded_free(struct guarded *g)
{
#ifdef HAS_SANITIZER
    free(g->block);
#else
    munmap(g->block, g->block_bytes);
#endif
    g->block = NULL;
}
