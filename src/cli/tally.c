/* SPDX-License-Identifier: Apache-2.0
 * tally.c - sums of an evaluation. */
#include "cli/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/stats.h"

static void add_level(struct tally *tally, const struct outcome *outcome)
{
    int i = 0;
    while (i < tally->n_levels && strcmp(tally->levels[i].name, outcome->level) != 0)
        i++;
    if (i == tally->n_levels) {
        if (i == MAX_LEVELS || strlen(outcome->level) >= MAX_LEVEL_BYTES)
            return;
        strcpy(tally->levels[i].name, outcome->level);
        tally->n_levels++;
    }
    tally->levels[i].n++;
    tally->levels[i].n_correct += outcome->is_correct;
}

void tally_add(struct tally *tally, const struct outcome *outcome)
{
    if (tally->n == tally->capacity) {
        tally->capacity = tally->capacity ? tally->capacity * 2 : 256;
        tally->ms_total = grow(tally->ms_total, tally->capacity * sizeof(double));
        tally->over_ms = grow(tally->over_ms, tally->capacity * sizeof(double));
        tally->pass_ratio = grow(tally->pass_ratio, tally->capacity * sizeof(double));
        tally->plan_ratio = grow(tally->plan_ratio, tally->capacity * sizeof(double));
    }
    tally->ms_total[tally->n++] = outcome->ms_total;
    tally->n_answered += outcome->is_answered;
    tally->n_correct += outcome->is_correct;
    tally->n_tokens += outcome->n_tokens;
    tally->n_samples += outcome->n_samples;
    tally->n_steps += outcome->n_steps;
    if (outcome->ms_step > tally->max_step_ms)
        tally->max_step_ms = outcome->ms_step;
    if (outcome->budget_ms > 0) {
        double over = outcome->ms_total - outcome->budget_ms;
        tally->over_ms[tally->n_budgeted++] = over;
        tally->n_late += over > 0;
        tally->n_late_by_step += over > outcome->ms_step;
    }
    if (outcome->ms_expected > 0)
        tally->pass_ratio[tally->n_passes++] = outcome->ms_passes / outcome->ms_expected;
    if (outcome->ms_planned > 0)
        tally->plan_ratio[tally->n_planned++] = outcome->ms_total / outcome->ms_planned;
    if (outcome->level)
        add_level(tally, outcome);
}

static double share(size_t part, size_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

void tally_note(const struct tally *tally, char *text, size_t capacity)
{
    snprintf(text, capacity, ", %.1f%% right", share(tally->n_correct, tally->n) * 100);
}

static int compare_levels(const void *left, const void *right)
{
    const struct level *a = left;
    const struct level *b = right;
    return strcmp(a->name, b->name);
}

static void put_number(struct pd_json_writer *w, const char *key, double value)
{
    pd_json_key(w, key);
    pd_json_double(w, value, 4);
}

/* "name": {"p50": ..., ...}; shares gives the percentiles by name. */
struct percentile {
    const char *name;
    double share;
};

static const struct percentile percentiles[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
enum { N_PERCENTILES = sizeof percentiles / sizeof percentiles[0] };

static void put_percentiles(struct pd_json_writer *w, const char *key, const double *sorted,
                            size_t n)
{
    pd_json_key(w, key);
    pd_json_begin(w, '{');
    for (int i = 0; i < N_PERCENTILES; i++)
        put_number(w, percentiles[i].name, stats_percentile(sorted, n, percentiles[i].share));
    pd_json_end(w, '}');
}

static void put_accuracy(struct pd_json_writer *w, size_t n, size_t n_correct)
{
    struct interval interval = stats_wilson(n_correct, n);
    put_number(w, "questions", (double)n);
    put_number(w, "correct", (double)n_correct);
    put_number(w, "accuracy", share(n_correct, n));
    put_number(w, "accuracy_low", interval.low);
    put_number(w, "accuracy_high", interval.high);
}

static void put_totals(struct pd_json_writer *w, const char *key, const struct tally *tally,
                       double scale)
{
    pd_json_key(w, key);
    pd_json_begin(w, '{');
    put_number(w, "samples", (double)tally->n_samples * scale);
    put_number(w, "tokens", (double)tally->n_tokens * scale);
    put_number(w, "steps", (double)tally->n_steps * scale);
    pd_json_end(w, '}');
}

static void print_json(const struct tally *tally, const struct ponder_info *info,
                       const struct settings *settings)
{
    const struct ponder_request *request = &settings->request;
    struct pd_json_writer w;
    json_to_file(&w, stdout);
    pd_json_begin(&w, '{');
    put_accuracy(&w, tally->n, tally->n_correct);
    put_number(&w, "answered", share(tally->n_answered, tally->n));
    put_percentiles(&w, "ms_total", tally->ms_total, tally->n);
    if (tally->n_budgeted > 0) {
        put_percentiles(&w, "overshoot_ms", tally->over_ms, tally->n_budgeted);
        put_number(&w, "late", (double)tally->n_late);
        put_number(&w, "late_by_more_than_a_step", (double)tally->n_late_by_step);
    }
    if (tally->n_passes > 0)
        put_percentiles(&w, "passes_over_expected", tally->pass_ratio, tally->n_passes);
    if (tally->n_planned > 0)
        put_percentiles(&w, "total_over_planned", tally->plan_ratio, tally->n_planned);
    put_number(&w, "ms_step_max", tally->max_step_ms);
    put_totals(&w, "per_question", tally, tally->n > 0 ? 1 / (double)tally->n : 0);
    put_totals(&w, "total", tally, 1);
    if (tally->n_levels > 0) {
        pd_json_key(&w, "levels");
        pd_json_begin(&w, '{');
        for (int i = 0; i < tally->n_levels; i++) {
            pd_json_key(&w, tally->levels[i].name);
            pd_json_begin(&w, '{');
            put_accuracy(&w, tally->levels[i].n, tally->levels[i].n_correct);
            pd_json_end(&w, '}');
        }
        pd_json_end(&w, '}');
    }
    pd_json_key(&w, "budget_ms");
    if (request->budget_ms > 0)
        pd_json_double(&w, request->budget_ms, 3);
    else
        pd_json_text(&w, NULL);
    pd_json_key(&w, "seed");
    pd_json_u64(&w, request->seed);
    put_number(&w, "threads", info->n_threads);
    pd_json_key(&w, "isa");
    pd_json_text(&w, info->isa);
    pd_json_key(&w, "memory_bytes");
    pd_json_u64(&w, info->memory_bytes);
    pd_json_key(&w, "model");
    pd_json_text(&w, model_name(info));
    pd_json_end(&w, '}');
    putchar('\n');
}

static void print_accuracy(const char *name, size_t n, size_t n_correct)
{
    struct interval interval = stats_wilson(n_correct, n);
    printf("%-12s %.1f%%  (%zu of %zu; 95%% interval %.1f%% to %.1f%%)\n", name,
           share(n_correct, n) * 100, n_correct, n, interval.low * 100, interval.high * 100);
}

static void print_percentiles(const char *name, const char *unit, const double *sorted, size_t n)
{
    printf("%-12s", name);
    for (int i = 0; i < N_PERCENTILES; i++)
        printf(" %s %.*f%s%s", percentiles[i].name, unit[0] != '\0' ? 1 : 2,
               stats_percentile(sorted, n, percentiles[i].share), unit,
               i + 1 < N_PERCENTILES ? "," : "\n");
}

static void print_people(const struct tally *tally, const struct ponder_info *info)
{
    char memory[24];
    double n = tally->n > 0 ? (double)tally->n : 1;
    print_accuracy("accuracy", tally->n, tally->n_correct);
    for (int i = 0; i < tally->n_levels; i++) {
        char name[MAX_LEVEL_BYTES + 8];
        snprintf(name, sizeof name, "  level %s", tally->levels[i].name);
        print_accuracy(name, tally->levels[i].n, tally->levels[i].n_correct);
    }
    printf("%-12s %.1f%%\n", "answered", share(tally->n_answered, tally->n) * 100);
    print_percentiles("latency", " ms", tally->ms_total, tally->n);
    if (tally->n_budgeted > 0) {
        print_percentiles("overshoot", " ms", tally->over_ms, tally->n_budgeted);
        printf("%-12s %zu of %zu, by more than their longest decode step %zu\n", "late",
               tally->n_late, tally->n_budgeted, tally->n_late_by_step);
    }
    if (tally->n_passes > 0)
        print_percentiles("passes", "", tally->pass_ratio, tally->n_passes);
    if (tally->n_planned > 0)
        print_percentiles("plans", "", tally->plan_ratio, tally->n_planned);
    printf("%-12s %.1f ms\n", "longest step", tally->max_step_ms);
    printf("%-12s %.1f samples, %.0f tokens, %.0f steps\n", "per question",
           (double)tally->n_samples / n, (double)tally->n_tokens / n, (double)tally->n_steps / n);
    printf("%-12s %lld samples, %lld tokens, %lld steps\n", "total", (long long)tally->n_samples,
           (long long)tally->n_tokens, (long long)tally->n_steps);
    printf("%-12s %s, %d threads, %s, %s\n", "engine", model_name(info), info->n_threads, info->isa,
           size_text(info->memory_bytes, memory));
}

void tally_print(struct tally *tally, const struct ponder *p, const struct settings *settings)
{
    struct ponder_info info;
    ponder_describe(p, &info);
    stats_sort(tally->ms_total, tally->n);
    stats_sort(tally->over_ms, tally->n_budgeted);
    stats_sort(tally->pass_ratio, tally->n_passes);
    stats_sort(tally->plan_ratio, tally->n_planned);
    qsort(tally->levels, (size_t)tally->n_levels, sizeof tally->levels[0], compare_levels);
    if (settings->is_json)
        print_json(tally, &info, settings);
    else
        print_people(tally, &info);
}

void tally_free(struct tally *tally)
{
    free(tally->ms_total);
    free(tally->over_ms);
    free(tally->pass_ratio);
    free(tally->plan_ratio);
    *tally = (struct tally){.n = 0};
}
