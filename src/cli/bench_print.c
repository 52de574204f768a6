/* SPDX-License-Identifier: Apache-2.0
 * bench_print.c - what was measured, as JSON and for people; with limits, the share of them that was reached. */
#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/output.h"

/* Shares of what the machine can do, 0..1. */
struct reached {
    double arithmetic, memory;
};

/* A pass reads the weights once for rows_per_pass tokens. */
static struct reached reached(const struct ponder_limits *limits, double tps, int rows_per_pass)
{
    return (struct reached){tps * (double)limits->macs_per_token / limits->macs_per_second,
                            tps / rows_per_pass * (double)limits->weight_bytes /
                                limits->read_bytes_per_second};
}

static int rows_of(int n, const struct ponder_info *info)
{
    return n < info->n_batch ? n : info->n_batch;
}

static void put_number(struct pd_json_writer *w, const char *key, double value, int decimals)
{
    pd_json_key(w, key);
    pd_json_double(w, value, decimals);
}

static void put_reached(struct pd_json_writer *w, const char *key, struct reached share)
{
    pd_json_key(w, key);
    pd_json_begin(w, '{');
    put_number(w, "arithmetic", share.arithmetic, 4);
    put_number(w, "memory", share.memory, 4);
    pd_json_end(w, '}');
}

static const char *lanes_text(int i, char text[12])
{
    snprintf(text, 12, "%d", bench_lane_counts[i]);
    return text;
}

static void put_limits(struct pd_json_writer *w, const struct bench_plan *plan,
                       const struct bench_result *result, const struct ponder_info *info)
{
    const struct ponder_limits *limits = &result->limits;
    char lanes[12];
    pd_json_key(w, "limits");
    pd_json_begin(w, '{');
    put_number(w, "macs_per_second", limits->macs_per_second, 0);
    put_number(w, "macs_per_second_core", limits->macs_per_second_core, 0);
    put_number(w, "read_bytes_per_second", limits->read_bytes_per_second, 0);
    put_number(w, "cached_bytes_per_second", limits->cached_bytes_per_second, 0);
    pd_json_key(w, "macs_per_token");
    pd_json_int(w, limits->macs_per_token);
    pd_json_key(w, "weight_bytes");
    pd_json_u64(w, limits->weight_bytes);
    pd_json_end(w, '}');
    pd_json_key(w, "reached");
    pd_json_begin(w, '{');
    if (result->prefill_tps > 0)
        put_reached(w, "prefill",
                    reached(limits, result->prefill_tps, rows_of(plan->n_prompt, info)));
    for (int i = 0; i < BENCH_LANE_COUNTS; i++)
        if (result->decode_tps[i] > 0)
            put_reached(w, lanes_text(i, lanes),
                        reached(limits, result->decode_tps[i], bench_lane_counts[i]));
    if (result->score_tps > 0)
        put_reached(w, "score", reached(limits, result->score_tps, rows_of(plan->n_score, info)));
    pd_json_end(w, '}');
}

void bench_print_json(const struct bench_plan *plan, const struct bench_result *result,
                      const struct ponder_info *info)
{
    struct pd_json_writer w;
    char lanes[12];
    json_to_file(&w, stdout);
    pd_json_begin(&w, '{');
    if (plan->what & BENCH_PREFILL)
        put_number(&w, "prefill_tps", result->prefill_tps, 3);
    if (plan->what & BENCH_DECODE) {
        pd_json_key(&w, "decode_tps");
        pd_json_begin(&w, '{');
        for (int i = 0; i < BENCH_LANE_COUNTS; i++)
            if (bench_lane_counts[i] <= info->n_lanes)
                put_number(&w, lanes_text(i, lanes), result->decode_tps[i], 3);
        pd_json_end(&w, '}');
    }
    if (plan->what & BENCH_SCORE)
        put_number(&w, "score_tps", result->score_tps, 3);
    if (plan->what & BENCH_START) {
        put_number(&w, "load_ms", result->load_ms, 3);
        put_number(&w, "first_token_ms", result->first_token_ms, 3);
        put_number(&w, "file_to_token_ms", result->file_to_token_ms, 3);
    }
    pd_json_key(&w, "memory_bytes");
    pd_json_u64(&w, info->memory_bytes);
    pd_json_key(&w, "peak_rss_bytes");
    pd_json_u64(&w, result->peak_rss_bytes);
    pd_json_key(&w, "model");
    pd_json_text(&w, model_name(info));
    put_number(&w, "threads", info->n_threads, 0);
    pd_json_key(&w, "isa");
    pd_json_text(&w, info->isa);
    put_number(&w, "prompt_tokens", plan->n_prompt, 0);
    put_number(&w, "steps", plan->n_steps, 0);
    put_number(&w, "score_tokens", plan->n_score, 0);
    if (plan->has_limits)
        put_limits(&w, plan, result, info);
    pd_json_end(&w, '}');
    putchar('\n');
}

static void print_rate(const struct bench_plan *plan, const struct bench_result *result,
                       const char *name, double tps, int rows_per_pass)
{
    printf("  %-24s %9.1f tokens/s", name, tps);
    if (plan->has_limits) {
        struct reached share = reached(&result->limits, tps, rows_per_pass);
        printf("   %3.0f%% of arithmetic, %3.0f%% of memory", 100 * share.arithmetic,
               100 * share.memory);
    }
    putchar('\n');
}

static void print_limits(const struct ponder_limits *limits)
{
    printf("  limits: %.1f G multiply-adds/s, %.1f by one core; memory %.1f GB/s, near caches %.1f "
           "GB/s\n"
           "  a token takes %.1f M multiply-adds, a pass reads %.1f MB of weights\n",
           limits->macs_per_second / 1e9, limits->macs_per_second_core / 1e9,
           limits->read_bytes_per_second / 1e9, limits->cached_bytes_per_second / 1e9,
           (double)limits->macs_per_token / 1e6, (double)limits->weight_bytes / 1e6);
}

void bench_print_text(const struct bench_plan *plan, const struct bench_result *result,
                      const struct ponder_info *info)
{
    char text[32];
    printf("%s, %s, %d threads, %s; prompt of %d tokens; medians of %d\n", model_name(info),
           info->format, info->n_threads, info->isa, plan->n_prompt, plan->n_repeats);
    if (plan->what & BENCH_PREFILL)
        print_rate(plan, result, "prefill", result->prefill_tps, rows_of(plan->n_prompt, info));
    for (int i = 0; i < BENCH_LANE_COUNTS; i++) {
        if (!(plan->what & BENCH_DECODE) || bench_lane_counts[i] > info->n_lanes)
            continue;
        snprintf(text, sizeof text, "decode, %d lane%s", bench_lane_counts[i],
                 bench_lane_counts[i] == 1 ? "" : "s");
        print_rate(plan, result, text, result->decode_tps[i], bench_lane_counts[i]);
    }
    if (plan->what & BENCH_SCORE)
        print_rate(plan, result, "scoring", result->score_tps, rows_of(plan->n_score, info));
    if (plan->what & BENCH_START)
        printf("  %-24s %9.1f ms\n  %-24s %9.1f ms\n  %-24s %9.1f ms\n", "load", result->load_ms,
               "first token", result->first_token_ms, "file to first token",
               result->file_to_token_ms);
    printf("  %-24s %s", "memory", size_text(info->memory_bytes, text));
    if (result->peak_rss_bytes > 0)
        printf("; the process took %s at most", size_text(result->peak_rss_bytes, text));
    putchar('\n');
    if (plan->has_limits)
        print_limits(&result->limits);
}
