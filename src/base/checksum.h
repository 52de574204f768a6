/* SPDX-License-Identifier: Apache-2.0
 * checksum.h - a 64-bit checksum of much data at the speed of memory: finds damage and change, not malice. */
#ifndef PD_CHECKSUM_H
#define PD_CHECKSUM_H

#include "base/base.h"
#include "base/pool.h"

/* The same for any number of threads; little-endian machines agree. */
uint64_t pd_checksum(struct pd_pool *pool, const void *data, size_t bytes);

/* Of a little data, or of one part of much; different for each seed. */
uint64_t pd_checksum_part(const void *data, size_t bytes, uint64_t seed);

#endif
