/* SPDX-License-Identifier: Apache-2.0
 * bpe.h - learns a byte-pair vocabulary (Sennrich, Haddow, Birch 2016) from words and how often they come. */
#ifndef DATA_BPE_H
#define DATA_BPE_H

#include <stddef.h>
#include <stdint.h>

struct bpe_merge {
    int left, right; /* symbols: 0..255 are bytes, 256 + i is what merge i makes */
};

struct bpe;

struct bpe *bpe_create(void);
void bpe_free(struct bpe *b);

/* Counts a word once more. */
void bpe_add(struct bpe *b, const unsigned char *word, size_t bytes);

/* The n best merges in order: each joins the most frequent pair of neighbours; of equals, the one with the lower
 * symbols. Returns how many there were: fewer than n if no pair comes twice. */
int bpe_learn(struct bpe *b, int n, struct bpe_merge *merge_ret);

#endif
