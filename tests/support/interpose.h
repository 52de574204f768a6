/* SPDX-License-Identifier: Apache-2.0
 * interpose.h - counts what a program asks the system for, and refuses it where told to.
 *
 *     interpose_begin(0);                 from here on every request is counted
 *     ponder_solve(...);
 *     counts = interpose_end();
 *
 * Stands between the program (libc's inside included) and malloc, mmap, open, fstat, pthread_create. Threads
 * count together. */
#ifndef INTERPOSE_H
#define INTERPOSE_H

#include <stdbool.h>
#include <stddef.h>

struct interpose_counts {
    int n_requests;    /* all of the following but frees, unmaps and closes */
    int n_allocations; /* malloc, calloc, realloc, posix_memalign, aligned_alloc, memalign */
    int n_frees;
    int n_maps; /* mmap, sbrk */
    int n_unmaps;
    int n_opens;
    int n_closes;
    int n_stats;
    int n_threads;
};

/* False where nothing can be put between: under a sanitizer, or with another libc than glibc. */
bool interpose_works(void);

/* Starts to count. The fail_at-th request from now on is refused as the system would; 0: none. */
void interpose_begin(int fail_at);

struct interpose_counts interpose_end(void);

/* Pages of address space that the process has; catches what no function call shows. 0 in an emulator, whose own
 * would be counted. */
size_t interpose_address_space(void);

#endif
