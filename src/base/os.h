/* SPDX-License-Identifier: Apache-2.0
 * os.h - what the engine asks of the operating system, and nothing else does: files, pages, the clock,
 * cores. One implementation: os_posix.c. */
#ifndef PD_OS_H
#define PD_OS_H

#include "base/base.h"

/* A whole file mapped for reading. Open: zero-length and non-regular files are errors. The mapping is
 * private; if another process cuts the file while it is mapped, reading past its end is a SIGBUS,
 * which is why the engine unmaps before it returns from init. */
struct pd_map {
    const unsigned char *data;
    size_t bytes;
};

enum ponder_status pd_map_open(struct pd_map *map, const char *path, const struct pd_error *err);
void pd_map_close(struct pd_map *map);

/* Fresh zeroed pages, huge ones where the system has them; NULL if there are none. */
void *pd_pages_alloc(size_t bytes);
void pd_pages_free(void *pages, size_t bytes);

/* Monotonic nanoseconds. */
int64_t pd_clock_ns(void);

/* Cores this process may run on (affinity mask), at least 1. */
int pd_core_count(void);

#endif
