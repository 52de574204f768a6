/* SPDX-License-Identifier: Apache-2.0
 * limits.c - see limits.h. Rates are the best of several rounds: a limit is what is possible. */
#include "decode/limits.h"

#include "base/os.h"

enum {
    REPEATS = 8,
    CHUNKS_PER_THREAD = 8,
    PIECE_BYTES = PD_LIMITS_MIN_BYTES, /* of memory that a thread takes at a time */
    NEAR_BYTES = 1 << 18,              /* fits the cache that a core has to itself */
    NEAR_READS = 32,                   /* of the same bytes, a chunk */
    ROUND_NS = 1000000,                /* what a chunk of arithmetic is to take */
    MIN_ROUNDS = 1 << 10,
    MAX_ROUNDS = 1 << 28,
};

struct probe {
    const struct pd_kernels *kernels;
    const unsigned char *memory;
    size_t bytes;
    size_t piece_bytes;
    int n_reads, n_rounds;
    int64_t done[PONDER_MAX_THREADS]; /* multiply-adds, or bytes */
    uint64_t sum[PONDER_MAX_THREADS]; /* keeps the compiler from leaving the reading out */
};

static void multiply(void *context, int phase, int chunk, int thread)
{
    struct probe *probe = context;
    (void)phase;
    (void)chunk;
    probe->done[thread] += probe->kernels->multiply_add(probe->n_rounds);
}

/* The chunk's piece of memory: shared out when there is one for each, each thread's own when there are fewer. */
static void read_piece(void *context, int phase, int chunk, int thread)
{
    struct probe *probe = context;
    size_t n_pieces = probe->bytes / probe->piece_bytes;
    size_t piece = (size_t)(probe->n_reads > 1 ? thread : chunk) % n_pieces;
    const void *at = probe->memory + piece * probe->piece_bytes;
    (void)phase;
    for (int i = 0; i < probe->n_reads; i++)
        probe->sum[thread] += probe->kernels->read_words(at, probe->piece_bytes / sizeof(uint64_t));
    probe->done[thread] += (int64_t)probe->piece_bytes * probe->n_reads;
}

/* What is done a second by n chunks, on all threads or (pool NULL) on this one. */
static double best_rate(struct probe *probe, struct pd_pool *pool, int n_chunks,
                        void (*run)(void *context, int phase, int chunk, int thread))
{
    double best = 0;
    for (int i = 0; i < REPEATS; i++) {
        int64_t total = 0;
        for (size_t t = 0; t < PD_COUNT(probe->done); t++)
            probe->done[t] = 0;
        int64_t begin_ns = pd_clock_ns();
        if (pool != NULL)
            pd_pool_run_chunks(pool, n_chunks, run, probe);
        else
            for (int chunk = 0; chunk < n_chunks; chunk++)
                run(probe, 0, chunk, 0);
        int64_t ns = pd_clock_ns() - begin_ns;
        for (size_t t = 0; t < PD_COUNT(probe->done); t++)
            total += probe->done[t];
        double rate = (double)total * 1e9 / (double)(ns > 0 ? ns : 1);
        best = rate > best ? rate : best;
    }
    return best;
}

/* Enough rounds that a chunk takes about ROUND_NS: cores differ by a factor of a thousand. */
static int count_rounds(const struct pd_kernels *kernels)
{
    int n = MIN_ROUNDS;
    for (; n < MAX_ROUNDS; n *= 2) {
        int64_t begin_ns = pd_clock_ns();
        kernels->multiply_add(n);
        if (pd_clock_ns() - begin_ns >= ROUND_NS)
            break;
    }
    return n;
}

static void add_weight(const struct pd_weight *w, struct ponder_limits *limits)
{
    limits->macs_per_token += (int64_t)w->rows * w->cols;
    limits->weight_bytes += (size_t)w->n_panels * w->panel_bytes;
}

void pd_limits_probe(const struct pd_decoder *d, const void *memory, size_t bytes,
                     struct ponder_limits *limits_ret)
{
    struct probe probe = {.kernels = d->kernels, .memory = memory, .bytes = bytes};
    int n_threads = pd_pool_threads(d->pool);
    *limits_ret = (struct ponder_limits){0};
    for (int l = 0; l < d->hparams.n_layers; l++)
        for (int t = 0; t < PD_LAYER_TENSORS; t++)
            if (d->weights.layer[l].matrix[t].rows > 0)
                add_weight(&d->weights.layer[l].matrix[t], limits_ret);
    add_weight(d->weights.output, limits_ret);

    probe.n_rounds = count_rounds(d->kernels);
    limits_ret->macs_per_second_core = best_rate(&probe, NULL, CHUNKS_PER_THREAD, multiply);
    limits_ret->macs_per_second =
        best_rate(&probe, d->pool, n_threads * CHUNKS_PER_THREAD, multiply);

    probe.n_reads = 1;
    probe.piece_bytes = PIECE_BYTES;
    limits_ret->read_bytes_per_second = best_rate(
        &probe, d->pool, (int)pd_min_size(bytes / PIECE_BYTES, PD_MAX_CHUNKS), read_piece);
    probe.n_reads = NEAR_READS;
    probe.piece_bytes = NEAR_BYTES;
    limits_ret->cached_bytes_per_second =
        best_rate(&probe, d->pool, n_threads * CHUNKS_PER_THREAD, read_piece);
}
