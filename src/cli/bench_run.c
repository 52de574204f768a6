/* SPDX-License-Identifier: Apache-2.0
 * bench_run.c - prefill, decoding by lanes and scoring, as medians of several runs through the engine's lowest door. */
#define _DEFAULT_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/stats.h"

const int bench_lane_counts[BENCH_LANE_COUNTS] = {1, 4, 8, 16, 32};

struct bench {
    struct ponder *p;
    struct ponder_info info;
    const struct bench_plan *plan;
    int32_t *tokens; /* [n_batch or n_score + 1] */
    int *lanes;      /* [n_batch] */
    float *log_prob; /* [n_score] */
};

/* Any token will do: the work does not depend on which. */
static int32_t token_of(const struct bench *bench, int position)
{
    return (int32_t)((position * 37 + 11) % bench->info.n_vocab);
}

/* Draws the likeliest token behind each lane. */
static enum ponder_status decode(const struct bench *bench, const int *lanes, int n)
{
    struct ponder_request request;
    ponder_request_default(&request);
    request.temperature = -1;
    return ponder_decode(bench->p, lanes, n, bench->tokens, &request, NULL);
}

/* n tokens into the lane; `draws`: and the token behind them out, into tokens. */
static enum ponder_status prefill(const struct bench *bench, int lane, int n, bool draws)
{
    for (int done = 0; done < n;) {
        int rows = n - done < bench->info.n_batch ? n - done : bench->info.n_batch;
        bool is_last = done + rows == n;
        for (int i = 0; i < rows; i++) {
            bench->tokens[i] = token_of(bench, done + i);
            bench->lanes[i] = lane;
        }
        enum ponder_status status =
            draws && is_last ? decode(bench, bench->lanes, rows)
                             : ponder_step(bench->p, bench->tokens, bench->lanes, rows, NULL);
        if (status != PONDER_OK)
            return status;
        done += rows;
    }
    return PONDER_OK;
}

static enum ponder_status first_lane(const struct bench *bench, int *lane_ret)
{
    ponder_reset(bench->p);
    return ponder_fork(bench->p, -1, lane_ret);
}

static double per_second(int n, double begin_ms)
{
    double ms = clock_ms() - begin_ms;
    return ms > 0 ? n * 1000.0 / ms : 0;
}

/* A prompt up to the token that is drawn behind it. */
static enum ponder_status measure_prefill(const struct bench *bench, double *tps_ret)
{
    int lane, n = bench->plan->n_prompt;
    enum ponder_status status = first_lane(bench, &lane);
    double begin = clock_ms();
    if (status == PONDER_OK)
        status = prefill(bench, lane, n, true);
    *tps_ret = per_second(n, begin);
    return status;
}

/* Steps of n_lanes lanes that share a prompt; each lane goes on with the token it drew. */
static enum ponder_status measure_decode(const struct bench *bench, int n_lanes, double *tps_ret)
{
    int lanes[PONDER_MAX_LANES];
    enum ponder_status status = first_lane(bench, &lanes[0]);
    if (status == PONDER_OK)
        status = prefill(bench, lanes[0], bench->plan->n_prompt, false);
    for (int i = 1; i < n_lanes && status == PONDER_OK; i++)
        status = ponder_fork(bench->p, lanes[0], &lanes[i]);
    for (int i = 0; i < n_lanes; i++)
        bench->tokens[i] = token_of(bench, bench->plan->n_prompt + i);
    double begin = clock_ms();
    for (int step = 0; step < bench->plan->n_steps && status == PONDER_OK; step++)
        status = decode(bench, lanes, n_lanes);
    *tps_ret = per_second(n_lanes * bench->plan->n_steps, begin);
    return status;
}

/* n_score + 1 tokens: the first one has nothing before it and so no probability. */
static enum ponder_status measure_score(const struct bench *bench, double *tps_ret)
{
    int lane, n = bench->plan->n_score;
    enum ponder_status status = first_lane(bench, &lane);
    for (int i = 0; i <= n; i++)
        bench->tokens[i] = token_of(bench, i);
    double begin = clock_ms();
    if (status == PONDER_OK)
        status = ponder_score(bench->p, lane, bench->tokens, n + 1, bench->log_prob);
    *tps_ret = per_second(n, begin);
    return status;
}

enum { PREFILL = BENCH_LANE_COUNTS, SCORE, N_KINDS };

static bool is_wanted(const struct bench *bench, int kind)
{
    if (kind == PREFILL)
        return (bench->plan->what & BENCH_PREFILL) != 0;
    if (kind == SCORE)
        return (bench->plan->what & BENCH_SCORE) != 0 && bench->plan->n_score > 0;
    return (bench->plan->what & BENCH_DECODE) != 0 &&
           bench_lane_counts[kind] <= bench->info.n_lanes;
}

static enum ponder_status measure(const struct bench *bench, int kind, double *tps_ret)
{
    if (kind == PREFILL)
        return measure_prefill(bench, tps_ret);
    if (kind == SCORE)
        return measure_score(bench, tps_ret);
    return measure_decode(bench, bench_lane_counts[kind], tps_ret);
}

/* values: [N_KINDS][n_repeats]. A round before the first is not counted: memory is touched there for the first
 * time. */
static enum ponder_status measure_all(const struct bench *bench, double *values, bool is_quiet)
{
    struct progress progress;
    int n = bench->plan->n_repeats;
    enum ponder_status status = PONDER_OK;
    progress_begin(&progress, (int64_t)(n + 1) * N_KINDS, is_quiet);
    for (int i = -1; i < n; i++) {
        for (int kind = 0; kind < N_KINDS && status == PONDER_OK; kind++) {
            double warm_up;
            if (is_wanted(bench, kind))
                status = measure(bench, kind, i < 0 ? &warm_up : values + kind * n + i);
            progress_show(&progress, (int64_t)(i + 1) * N_KINDS + kind + 1, "");
        }
    }
    progress_clear(&progress);
    return status;
}

static size_t peak_rss_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
#ifdef __APPLE__
    return (size_t)usage.ru_maxrss;
#else
    return (size_t)usage.ru_maxrss * 1024;
#endif
}

/* Twice the last cache where the system knows it: reading that much is reading memory. */
static size_t memory_to_read(void)
{
    size_t bytes = (size_t)256 << 20;
#ifdef _SC_LEVEL3_CACHE_SIZE
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (cache > 0 && (size_t)cache > bytes / 2)
        bytes = 2 * (size_t)cache;
#endif
    return bytes;
}

static enum ponder_status probe_limits(struct ponder *p, struct ponder_limits *limits)
{
    size_t bytes = memory_to_read();
    void *memory = grow(NULL, bytes);
    memset(memory, 1, bytes);
    enum ponder_status status = ponder_probe_limits(p, memory, bytes, limits);
    free(memory);
    return status;
}

enum ponder_status bench_run(struct ponder *p, const struct bench_plan *plan, bool is_quiet,
                             struct bench_result *result)
{
    struct bench bench = {.p = p, .plan = plan};
    size_t n = (size_t)plan->n_repeats;
    ponder_describe(p, &bench.info);
    int n_rows = bench.info.n_batch;
    if (n_rows < bench.info.n_lanes)
        n_rows = bench.info.n_lanes;
    if (n_rows < plan->n_score + 1)
        n_rows = plan->n_score + 1;
    bench.tokens = grow(NULL, (size_t)n_rows * sizeof *bench.tokens);
    bench.lanes = grow(NULL, (size_t)n_rows * sizeof *bench.lanes);
    bench.log_prob = grow(NULL, (size_t)n_rows * sizeof *bench.log_prob);
    double *values = grow(NULL, N_KINDS * n * sizeof *values);
    memset(values, 0, N_KINDS * n * sizeof *values);
    enum ponder_status status = measure_all(&bench, values, is_quiet);
    result->prefill_tps = stats_median(values + PREFILL * n, n);
    result->score_tps = stats_median(values + SCORE * n, n);
    for (size_t i = 0; i < BENCH_LANE_COUNTS; i++)
        result->decode_tps[i] = stats_median(values + i * n, n);
    result->peak_rss_bytes = peak_rss_bytes();
    if (status == PONDER_OK && plan->has_limits)
        status = probe_limits(p, &result->limits);
    free(values);
    free(bench.log_prob);
    free(bench.lanes);
    free(bench.tokens);
    return status;
}
