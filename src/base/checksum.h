/* SPDX-License-Identifier: Apache-2.0
 * checksum.h - a 64-bit checksum of much data at the speed of memory: finds damage and change, not malice. */
#ifndef PD_CHECKSUM_H
#define PD_CHECKSUM_H

#include "base/base.h"
#include "base/os.h"
#include "base/pool.h"

/* The same for any number of threads; little-endian machines agree. */
uint64_t pd_checksum(struct pd_pool *pool, const void *data, size_t bytes);

/* The same in two steps, with other tasks between. The sum is there when the task was run. */
struct pd_checksum {
    const unsigned char *data;
    size_t bytes;
    const struct pd_map
        *passing; /* data lies there, and its pages are given back once read; or NULL */
    int n_parts, n_chunks;
    uint64_t sum[PONDER_MAX_THREADS]; /* by thread */
};
struct pd_pool_task pd_checksum_begin(struct pd_checksum *c, const void *data, size_t bytes,
                                      const struct pd_map *passing);
uint64_t pd_checksum_end(const struct pd_checksum *c);

/* Of a little data, or of one part of much; different for each seed. */
uint64_t pd_checksum_part(const void *data, size_t bytes, uint64_t seed);

#endif
