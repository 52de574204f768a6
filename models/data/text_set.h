/* SPDX-License-Identifier: Apache-2.0
 * text_set.h - a set of texts, kept as 64-bit hashes: one text in a billion pairs of a million may be taken
 * for another, which costs a row and nothing else. */
#ifndef DATA_TEXT_SET_H
#define DATA_TEXT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised: empty. */
struct text_set {
    size_t n, n_slots;
    uint64_t *slot; /* 0: free */
};

/* False if it is there already. */
bool text_set_add(struct text_set *set, const char *text, size_t bytes);
bool text_set_has(const struct text_set *set, const char *text, size_t bytes);
void text_set_free(struct text_set *set);

#endif
