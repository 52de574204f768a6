/* SPDX-License-Identifier: Apache-2.0
 * cmd_bench.c - `ponder bench`: prefill, decode by lanes, start and memory of this model on this machine, as
 * medians of several runs through the engine's lowest door (ponder_fork, ponder_step). */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/stats.h"

enum { DEFAULT_LANES = 32, DEFAULT_REPEATS = 5, DEFAULT_PROMPT = 256, DEFAULT_TOKENS = 32 };
enum { PREFIX_TOKENS = 32 }; /* that decoding lanes share */

static const int lane_counts[] = {1, 4, 8, 16, 32};
enum { N_LANE_COUNTS = sizeof lane_counts / sizeof lane_counts[0] };

struct result {
    double load_ms, prefill_tps, first_token_ms;
    double decode_tps[N_LANE_COUNTS]; /* 0: more lanes than the engine has */
    int n_prefill;
};

struct bench {
    struct ponder *p;
    struct ponder_info info;
    int32_t *tokens; /* [n_batch] */
    int *lanes;      /* [n_batch] */
    float *logits;   /* [n_lanes][n_vocab] */
};

/* Any token will do: the work does not depend on which. */
static int32_t token_of(const struct bench *bench, int position)
{
    return (int32_t)((position * 37 + 11) % bench->info.n_vocab);
}

static enum ponder_status prefill(const struct bench *bench, int lane, int n)
{
    for (int done = 0; done < n;) {
        int rows = n - done < bench->info.n_batch ? n - done : bench->info.n_batch;
        for (int i = 0; i < rows; i++) {
            bench->tokens[i] = token_of(bench, done + i);
            bench->lanes[i] = lane;
        }
        enum ponder_status status = ponder_step(bench->p, bench->tokens, bench->lanes, rows, NULL);
        if (status != PONDER_OK)
            return status;
        done += rows;
    }
    return PONDER_OK;
}

static enum ponder_status begin_lane(const struct bench *bench, int from, int *lane_ret)
{
    if (from < 0)
        ponder_reset(bench->p);
    return ponder_fork(bench->p, from, lane_ret);
}

static enum ponder_status measure_prefill(const struct bench *bench, int n, double *tps_ret)
{
    int lane;
    enum ponder_status status = begin_lane(bench, -1, &lane);
    double begin = clock_ms();
    if (status == PONDER_OK)
        status = prefill(bench, lane, n);
    *tps_ret = n * 1000.0 / (clock_ms() - begin);
    return status;
}

/* n_steps steps of n_lanes lanes that share a short prompt, every one with its logits. */
static enum ponder_status measure_decode(const struct bench *bench, int n_lanes, int n_steps,
                                         int n_prefix, double *tps_ret)
{
    int lanes[PONDER_MAX_LANES];
    enum ponder_status status = begin_lane(bench, -1, &lanes[0]);
    if (status == PONDER_OK)
        status = prefill(bench, lanes[0], n_prefix);
    for (int i = 1; i < n_lanes && status == PONDER_OK; i++)
        status = begin_lane(bench, lanes[0], &lanes[i]);
    double begin = clock_ms();
    for (int step = 0; step < n_steps && status == PONDER_OK; step++) {
        for (int i = 0; i < n_lanes; i++)
            bench->tokens[i] = token_of(bench, n_prefix + step * n_lanes + i);
        status = ponder_step(bench->p, bench->tokens, lanes, n_lanes, bench->logits);
    }
    *tps_ret = (double)n_lanes * n_steps * 1000.0 / (clock_ms() - begin);
    return status;
}

static enum ponder_status measure_first_token(const struct bench *bench, double *ms_ret)
{
    static const char question[] =
        "A baker makes 24 rolls in the morning and 18 in the afternoon. She sells 30 of them and "
        "shares the rest equally among 4 friends. How many rolls does each friend get?";
    struct ponder_request request;
    struct ponder_answer answer;
    ponder_request_default(&request);
    request.max_tokens = 1;
    request.temperature = -1;
    enum ponder_status status =
        ponder_generate(bench->p, question, sizeof question - 1, &request, &answer);
    *ms_ret = answer.ms_first_token;
    return status;
}

static double median(double *values, int n)
{
    stats_sort(values, (size_t)n);
    return stats_percentile(values, (size_t)n, 0.5);
}

/* Load times come from engines of their own, made one after the other. */
static int measure_load(const struct settings *settings, int n_repeats, double *ms_ret)
{
    double *ms = grow(NULL, (size_t)n_repeats * sizeof *ms);
    int code = EXIT_OK;
    for (int i = 0; i < n_repeats && code == EXIT_OK; i++) {
        struct ponder *p = NULL;
        double begin = clock_ms();
        code = open_engine(settings, &p);
        ms[i] = clock_ms() - begin;
        ponder_free(p);
    }
    *ms_ret = code == EXIT_OK ? median(ms, n_repeats) : 0;
    free(ms);
    return code;
}

static enum ponder_status measure_all(const struct bench *bench, int n_repeats,
                                      struct result *result)
{
    enum { FIRST_TOKEN = N_LANE_COUNTS, PREFILL, N_KINDS };
    double *values = grow(NULL, N_KINDS * (size_t)n_repeats * sizeof *values);
    int n_prefix = PREFIX_TOKENS < bench->info.max_prompt_tokens ? PREFIX_TOKENS
                                                                 : bench->info.max_prompt_tokens;
    enum ponder_status status = PONDER_OK;
    result->n_prefill = bench->info.max_prompt_tokens;
    for (int i = 0; i < n_repeats && status == PONDER_OK; i++) {
        double *slot = values + i;
        status = measure_prefill(bench, result->n_prefill, slot + PREFILL * n_repeats);
        if (status == PONDER_OK)
            status = measure_first_token(bench, slot + FIRST_TOKEN * n_repeats);
        for (int j = 0; j < N_LANE_COUNTS && status == PONDER_OK; j++)
            if (lane_counts[j] <= bench->info.n_lanes)
                status = measure_decode(bench, lane_counts[j], bench->info.max_tokens, n_prefix,
                                        slot + j * n_repeats);
    }
    if (status == PONDER_OK) {
        result->prefill_tps = median(values + PREFILL * n_repeats, n_repeats);
        result->first_token_ms = median(values + FIRST_TOKEN * n_repeats, n_repeats);
        for (int j = 0; j < N_LANE_COUNTS; j++)
            if (lane_counts[j] <= bench->info.n_lanes)
                result->decode_tps[j] = median(values + j * n_repeats, n_repeats);
    }
    free(values);
    return status;
}

static void put_number(struct pd_json_writer *w, const char *key, double value)
{
    pd_json_key(w, key);
    pd_json_double(w, value, 3);
}

static void print_json(const struct result *result, const struct ponder_info *info)
{
    struct pd_json_writer w;
    json_to_file(&w, stdout);
    pd_json_begin(&w, '{');
    put_number(&w, "prefill_tps", result->prefill_tps);
    pd_json_key(&w, "decode_tps");
    pd_json_begin(&w, '{');
    for (int i = 0; i < N_LANE_COUNTS; i++) {
        char lanes[12];
        snprintf(lanes, sizeof lanes, "%d", lane_counts[i]);
        if (lane_counts[i] <= info->n_lanes)
            put_number(&w, lanes, result->decode_tps[i]);
    }
    pd_json_end(&w, '}');
    put_number(&w, "load_ms", result->load_ms);
    put_number(&w, "first_token_ms", result->first_token_ms);
    pd_json_key(&w, "memory_bytes");
    pd_json_u64(&w, info->memory_bytes);
    pd_json_key(&w, "model");
    pd_json_text(&w, model_name(info));
    put_number(&w, "threads", info->n_threads);
    pd_json_key(&w, "isa");
    pd_json_text(&w, info->isa);
    pd_json_end(&w, '}');
    putchar('\n');
}

static void print_people(const struct result *result, const struct ponder_info *info, int n_repeats)
{
    char memory[24];
    printf("%s, %s, %d threads, %s; medians of %d\n", model_name(info), info->format,
           info->n_threads, info->isa, n_repeats);
    printf("  %-24s %9.1f tokens/s\n", "prefill", result->prefill_tps);
    for (int i = 0; i < N_LANE_COUNTS; i++) {
        char name[32];
        snprintf(name, sizeof name, "decode, %d lane%s", lane_counts[i],
                 lane_counts[i] == 1 ? "" : "s");
        if (lane_counts[i] <= info->n_lanes)
            printf("  %-24s %9.1f tokens/s\n", name, result->decode_tps[i]);
    }
    printf("  %-24s %9.1f ms\n  %-24s %9.1f ms\n  %-24s %s\n", "load", result->load_ms,
           "first token", result->first_token_ms, "memory", size_text(info->memory_bytes, memory));
}

static int bench(struct settings *settings, int n_repeats, struct result *result)
{
    struct bench bench = {.p = NULL};
    int code = open_engine(settings, &bench.p);
    if (code != EXIT_OK)
        return code;
    ponder_describe(bench.p, &bench.info);
    int n_rows = bench.info.n_batch > bench.info.n_lanes ? bench.info.n_batch : bench.info.n_lanes;
    bench.tokens = grow(NULL, (size_t)n_rows * sizeof *bench.tokens);
    bench.lanes = grow(NULL, (size_t)n_rows * sizeof *bench.lanes);
    bench.logits =
        grow(NULL, (size_t)bench.info.n_lanes * (size_t)bench.info.n_vocab * sizeof(float));
    enum ponder_status status = measure_all(&bench, n_repeats, result);
    if (status != PONDER_OK)
        code = complain_status(status, "bench", bench.p, NULL);
    else if (settings->is_json)
        print_json(result, &bench.info);
    else
        print_people(result, &bench.info, n_repeats);
    free(bench.tokens);
    free(bench.lanes);
    free(bench.logits);
    ponder_free(bench.p);
    return code;
}

int cmd_bench(struct settings *settings)
{
    struct result result = {.load_ms = 0};
    int n_repeats = settings->n_repeats > 0 ? settings->n_repeats : DEFAULT_REPEATS;
    if (settings->n_words > 0) {
        complain("bench takes no '%s'; see ponder bench --help", settings->words[0]);
        return EXIT_USAGE;
    }
    settle_lanes(settings, DEFAULT_LANES);
    if (settings->engine.max_prompt_tokens == 0)
        settings->engine.max_prompt_tokens = DEFAULT_PROMPT;
    if (settings->engine.max_tokens == 0)
        settings->engine.max_tokens = DEFAULT_TOKENS;
    int code = measure_load(settings, n_repeats, &result.load_ms);
    if (code == EXIT_OK)
        code = bench(settings, n_repeats, &result);
    return finish_output(stdout, "standard output", code);
}
