/* SPDX-License-Identifier: Apache-2.0
 * memory.h - memory of a program that cannot go on without it, and its messages. */
#ifndef TRAIN_MEMORY_H
#define TRAIN_MEMORY_H

#include <stddef.h>

/* Zeroed memory for n elements; ends the program with a message (exit code 4) when there is none. */
void *tr_alloc(size_t n, size_t element_bytes);

/* More of it: what is added is not zeroed. */
void *tr_grow(void *block, size_t n, size_t element_bytes);

/* The same as tr_alloc(), in pages of its own, huge ones where the system has them: for what is megabytes long.
 * n floats. */
float *tr_new_floats(size_t n);
void tr_free_floats(float *floats, size_t n);

/* What messages begin with: "ponder-train", unless another program says its name first. */
extern const char *tr_program;

/* One line "ponder-train: ..." on standard error. */
void tr_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
