/* SPDX-License-Identifier: Apache-2.0
 * bpe.c - see bpe.h. Each merge walks over all different words, of which a training set has some ten thousand, and
 * keeps the counts of pairs up to date as it goes. */
#include "models/data/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "models/data/tool.h"

struct word {
    uint32_t begin, n; /* in symbol[] */
    uint32_t count;
};

struct pair {
    int left, right; /* left < 0: free */
    int64_t count;
};

struct bpe {
    size_t n_words, words_capacity, n_slots;
    struct word *word;
    uint32_t *slot; /* hash table of words: 1 + number */
    size_t n_symbols, symbols_capacity;
    uint16_t *symbol;
    size_t n_pairs, pairs_capacity;
    struct pair *pair; /* hash table */
};

struct bpe *bpe_create(void)
{
    struct bpe *b = grow(NULL, 1, sizeof *b);
    *b = (struct bpe){.n_words = 0};
    return b;
}

void bpe_free(struct bpe *b)
{
    free(b->word);
    free(b->slot);
    free(b->symbol);
    free(b->pair);
    free(b);
}

static uint64_t hash_word(const unsigned char *word, size_t bytes)
{
    uint64_t value = bytes;
    for (size_t i = 0; i < bytes; i++)
        value = pd_rng_mix(value ^ word[i]);
    return value;
}

static bool is_word(const struct bpe *b, const struct word *w, const unsigned char *text,
                    size_t bytes)
{
    if (w->n != bytes)
        return false;
    for (size_t i = 0; i < bytes; i++)
        if (b->symbol[w->begin + i] != text[i])
            return false;
    return true;
}

static uint32_t *find_word(struct bpe *b, const unsigned char *text, size_t bytes)
{
    size_t at = (size_t)hash_word(text, bytes) & (b->n_slots - 1);
    while (b->slot[at] != 0 && !is_word(b, &b->word[b->slot[at] - 1], text, bytes))
        at = (at + 1) & (b->n_slots - 1);
    return &b->slot[at];
}

static void enlarge_words(struct bpe *b)
{
    b->n_slots = b->n_slots ? 2 * b->n_slots : 4096;
    b->slot = grow(b->slot, b->n_slots, sizeof *b->slot);
    memset(b->slot, 0, b->n_slots * sizeof *b->slot);
    unsigned char text[256];
    for (size_t i = 0; i < b->n_words; i++) {
        for (uint32_t k = 0; k < b->word[i].n; k++)
            text[k] = (unsigned char)b->symbol[b->word[i].begin + k];
        *find_word(b, text, b->word[i].n) = (uint32_t)i + 1;
    }
}

void bpe_add(struct bpe *b, const unsigned char *word, size_t bytes)
{
    if (bytes < 2 || bytes > 255)
        return; /* nothing to merge, or no word */
    if (2 * b->n_words >= b->n_slots)
        enlarge_words(b);
    uint32_t *slot = find_word(b, word, bytes);
    if (*slot != 0) {
        b->word[*slot - 1].count++;
        return;
    }
    if (b->n_words == b->words_capacity)
        b->word = grow(b->word, b->words_capacity = 2 * b->words_capacity + 1024, sizeof *b->word);
    if (b->n_symbols + bytes > b->symbols_capacity)
        b->symbol = grow(b->symbol, b->symbols_capacity = 2 * b->symbols_capacity + 65536,
                         sizeof *b->symbol);
    b->word[b->n_words] = (struct word){(uint32_t)b->n_symbols, (uint32_t)bytes, 1};
    for (size_t i = 0; i < bytes; i++)
        b->symbol[b->n_symbols++] = word[i];
    *slot = (uint32_t)++b->n_words;
}

static struct pair *find_pair(struct pair *table, size_t capacity, int left, int right)
{
    size_t at = (size_t)pd_rng_mix((uint64_t)left << 32 | (uint64_t)right) & (capacity - 1);
    while (table[at].left >= 0 && (table[at].left != left || table[at].right != right))
        at = (at + 1) & (capacity - 1);
    return &table[at];
}

static void enlarge_pairs(struct bpe *b)
{
    size_t capacity = b->pairs_capacity ? 2 * b->pairs_capacity : 65536;
    struct pair *table = grow(NULL, capacity, sizeof *table);
    for (size_t i = 0; i < capacity; i++)
        table[i].left = -1;
    for (size_t i = 0; i < b->pairs_capacity; i++)
        if (b->pair[i].left >= 0)
            *find_pair(table, capacity, b->pair[i].left, b->pair[i].right) = b->pair[i];
    free(b->pair);
    b->pair = table;
    b->pairs_capacity = capacity;
}

static void count_pair(struct bpe *b, int left, int right, int64_t count)
{
    if (2 * b->n_pairs >= b->pairs_capacity)
        enlarge_pairs(b);
    struct pair *p = find_pair(b->pair, b->pairs_capacity, left, right);
    if (p->left < 0) {
        *p = (struct pair){left, right, 0};
        b->n_pairs++;
    }
    p->count += count;
}

static void count_word(struct bpe *b, const struct word *w, int sign)
{
    for (uint32_t i = 0; i + 1 < w->n; i++)
        count_pair(b, b->symbol[w->begin + i], b->symbol[w->begin + i + 1],
                   sign * (int64_t)w->count);
}

static struct bpe_merge best_pair(const struct bpe *b, int64_t *count_ret)
{
    struct pair best = {-1, -1, 0};
    for (size_t i = 0; i < b->pairs_capacity; i++) {
        const struct pair *p = &b->pair[i];
        if (p->left < 0 || p->count < best.count)
            continue;
        if (p->count > best.count || p->left < best.left ||
            (p->left == best.left && p->right < best.right))
            best = *p;
    }
    *count_ret = best.count;
    return (struct bpe_merge){best.left, best.right};
}

/* The word with every such pair made one symbol, from left to right. */
static void merge_word(struct bpe *b, struct word *w, struct bpe_merge m, uint16_t made)
{
    uint16_t *s = b->symbol + w->begin;
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        bool is_pair = i + 1 < w->n && s[i] == m.left && s[i + 1] == m.right;
        s[n++] = is_pair ? made : s[i];
        i += is_pair;
    }
    w->n = n;
}

static bool has_pair(const struct bpe *b, const struct word *w, struct bpe_merge m)
{
    const uint16_t *s = b->symbol + w->begin;
    for (uint32_t i = 0; i + 1 < w->n; i++)
        if (s[i] == m.left && s[i + 1] == m.right)
            return true;
    return false;
}

int bpe_learn(struct bpe *b, int n, struct bpe_merge *merge_ret)
{
    for (size_t i = 0; i < b->n_words; i++)
        count_word(b, &b->word[i], 1);
    for (int k = 0; k < n; k++) {
        int64_t count;
        struct bpe_merge m = best_pair(b, &count);
        if (count < 2)
            return k;
        merge_ret[k] = m;
        for (size_t i = 0; i < b->n_words; i++) {
            if (!has_pair(b, &b->word[i], m))
                continue;
            count_word(b, &b->word[i], -1);
            merge_word(b, &b->word[i], m, (uint16_t)(256 + k));
            count_word(b, &b->word[i], 1);
        }
    }
    return n;
}
