/* SPDX-License-Identifier: Apache-2.0
 * os.h - what the engine asks of the operating system, and nothing else does: files, pages, the clock,
 * cores. One implementation: os_posix.c. */
#ifndef PD_OS_H
#define PD_OS_H

#include "base/base.h"

/* Which file it is, and whether it was touched: the system sets changed_ns at every write, and no program can. */
struct pd_file_id {
    uint64_t device, inode, modified_ns, changed_ns;
};

/* A whole file mapped for reading. Open: zero-length and non-regular files are errors. Processes share its pages
 * with the system's cache. If another process cuts the file while it is mapped, reading past its end is a SIGBUS,
 * which is why the engine unmaps the model before it returns from init; a sidecar stays, and is never cut but
 * replaced by who writes it (`ponder pack`). */
struct pd_map {
    const unsigned char *data;
    size_t bytes;
    struct pd_file_id id;
};

enum ponder_status pd_map_open(struct pd_map *map, const char *path, const struct pd_error *err);
void pd_map_close(struct pd_map *map);

/* Pages of a mapped file that have been read and no longer count as the process's memory: those around
 * data too, for that is how the system maps them. Reading them again is right, but slow. */
void pd_map_release(const struct pd_map *map, const void *data, size_t bytes);

/* Fresh zeroed pages, huge ones where the system has them; NULL if there are none. */
void *pd_pages_alloc(size_t bytes);
void pd_pages_free(void *pages, size_t bytes);

/* True if a later write to the file would show in its id: the last one is longer ago than file systems' clocks are
 * coarse (FAT: two seconds). */
bool pd_map_is_settled(const struct pd_map *map);

/* Monotonic nanoseconds. */
int64_t pd_clock_ns(void);

/* Cores this process may run on (affinity mask), at least 1. */
int pd_core_count(void);

#endif
