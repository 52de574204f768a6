/* SPDX-License-Identifier: Apache-2.0
 * checksum.c - see checksum.h.
 *
 * Data is cut into parts of a fixed size. In a part, word i goes to lane i % 8 by x -> rotate((lane ^ x) * K), which
 * loses nothing: two parts that differ in one word always end in different lanes. Eight lanes hide the
 * multiplication's latency: 15 GB/s a core where one was measured, more than memory gives two. The parts' sums are
 * keyed by their index and added up, in whatever order threads finish them. */
#include "base/checksum.h"

#include <string.h>

enum { PART_BYTES = 1 << 20, LANES = 8 };

#define MULTIPLIER UINT64_C(0x9E3779B97F4A7C15) /* odd; bits of the golden ratio */

static inline uint64_t stir(uint64_t lane, uint64_t word)
{
    uint64_t product = (lane ^ word) * MULTIPLIER;
    return product << 29 | product >> 35;
}

static inline uint64_t load_word(const unsigned char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* Eight words into eight lanes that the compiler keeps in registers. */
static void stir_blocks(uint64_t lane[LANES], const unsigned char *p, size_t n_blocks)
{
    uint64_t a = lane[0], b = lane[1], c = lane[2], d = lane[3];
    uint64_t e = lane[4], f = lane[5], g = lane[6], h = lane[7];
    for (size_t i = 0; i < n_blocks; i++, p += 8 * LANES) {
        a = stir(a, load_word(p));
        b = stir(b, load_word(p + 8));
        c = stir(c, load_word(p + 16));
        d = stir(d, load_word(p + 24));
        e = stir(e, load_word(p + 32));
        f = stir(f, load_word(p + 40));
        g = stir(g, load_word(p + 48));
        h = stir(h, load_word(p + 56));
    }
    const uint64_t after[LANES] = {a, b, c, d, e, f, g, h};
    memcpy(lane, after, sizeof after);
}

uint64_t pd_checksum_part(const void *data, size_t bytes, uint64_t seed)
{
    uint64_t lane[LANES];
    for (int i = 0; i < LANES; i++)
        lane[i] = stir(seed, (uint64_t)i);
    size_t n_blocks = bytes / (8 * LANES);
    const unsigned char *rest = (const unsigned char *)data + n_blocks * 8 * LANES;
    size_t n_rest = bytes % (8 * LANES);
    unsigned char last[8 * LANES] = {0};
    stir_blocks(lane, data, n_blocks);
    if (n_rest > 0)
        memcpy(last, rest, n_rest);
    stir_blocks(lane, last, 1);
    uint64_t sum = stir(seed, (uint64_t)bytes);
    for (int i = 0; i < LANES; i++)
        sum = stir(sum, lane[i]);
    return (sum ^ sum >> 32) * MULTIPLIER;
}

static void sum_parts(void *context, int phase, int chunk, int thread)
{
    (void)phase;
    struct pd_checksum *c = context;
    int begin, end;
    pd_share(c->n_parts, chunk, c->n_chunks, &begin, &end);
    for (int i = begin; i < end; i++) {
        size_t offset = (size_t)i * PART_BYTES;
        size_t bytes = pd_min_size(PART_BYTES, c->bytes - offset);
        c->sum[thread] += pd_checksum_part(c->data + offset, bytes, (uint64_t)i + 1);
        if (c->passing != NULL)
            pd_map_release(c->passing, c->data + offset, bytes);
    }
}

struct pd_pool_task pd_checksum_begin(struct pd_checksum *c, const void *data, size_t bytes,
                                      const struct pd_map *passing)
{
    *c = (struct pd_checksum){.data = data, .bytes = bytes, .passing = passing};
    c->n_parts = (int)(bytes / PART_BYTES + (bytes % PART_BYTES != 0));
    c->n_chunks = pd_min_int(c->n_parts, PD_MAX_TASK_CHUNKS);
    return (struct pd_pool_task){c->n_chunks, sum_parts, c};
}

uint64_t pd_checksum_end(const struct pd_checksum *c)
{
    uint64_t sum = c->bytes;
    for (int i = 0; i < PONDER_MAX_THREADS; i++)
        sum += c->sum[i];
    return stir(sum, 0);
}

uint64_t pd_checksum(struct pd_pool *pool, const void *data, size_t bytes)
{
    struct pd_checksum c;
    struct pd_pool_task task = pd_checksum_begin(&c, data, bytes, NULL);
    pd_pool_run_tasks(pool, &task, 1);
    return pd_checksum_end(&c);
}
