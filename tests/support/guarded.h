/* SPDX-License-Identifier: Apache-2.0
 * guarded.h - a copy of some bytes that ends where reading on is noticed: at a page that cannot be read, or,
 * under AddressSanitizer, at the end of an allocation of exactly that size. */
#ifndef GUARDED_H
#define GUARDED_H

#include <stddef.h>

struct guarded {
    unsigned char *data;
    size_t bytes;
    void *block;
    size_t block_bytes;
};

struct guarded guarded_copy(const void *bytes, size_t n_bytes);
void guarded_free(struct guarded *g);

#endif
