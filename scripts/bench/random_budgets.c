/* SPDX-License-Identifier: Apache-2.0
 * random_budgets.c - how late answers come when every request has another budget, from 20 ms to 2 s, evenly in the logarithm.
 * A measurement, not a test; run it alone, and beside busy loops.
 *
 *     make build/scripts/bench/random_budgets
 *     build/scripts/bench/random_budgets MODEL.gguf QUESTIONS.jsonl REQUESTS [STRATEGY [PLANS.json]]
 *
 * Prints overshoot percentiles, and how many answers came later than their budget, and later than one decode step behind it. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "ponder.h"

#define LEAST_MS 20.0
#define MOST_MS  2000.0

enum { MAX_QUESTIONS = 100000, MAX_LINE = 1 << 16, LANES = 16 };

struct question {
    char *text;
    size_t bytes;
};

/* The whole file. */
static char *read_file(const char *path, size_t *bytes_ret)
{
    FILE *file = fopen(path, "rb");
    size_t capacity = 1 << 20, bytes = 0, n;
    char *text = malloc(capacity);
    while (file && text && (n = fread(text + bytes, 1, capacity - bytes, file)) > 0) {
        bytes += n;
        if (bytes == capacity)
            text = realloc(text, capacity *= 2);
    }
    if (!file || !text) {
        fprintf(stderr, "random_budgets: cannot read %s\n", path);
        exit(3);
    }
    fclose(file);
    *bytes_ret = bytes;
    return text;
}

/* Questions of the rows; how many. */
static size_t read_questions(const char *path, struct question *questions)
{
    size_t bytes, n = 0;
    char *text = read_file(path, &bytes);
    for (char *line = text, *end; line < text + bytes && n < MAX_QUESTIONS; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text + bytes - line));
        end = end ? end : text + bytes;
        size_t length = (size_t)(end - line);
        struct pd_json_value question = {PD_JSON_NONE, NULL, 0};
        if (!pd_json_check(line, length, NULL))
            question = pd_json_field(line, length, "question");
        if (question.kind == PD_JSON_STRING) {
            char *at = line + (question.raw - line);
            questions[n++] = (struct question){at, pd_json_unescape(question, at)};
        }
    }
    return n;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double percentile(const double *sorted, size_t n, double share)
{
    size_t rank = (size_t)ceil(share * (double)n);
    return sorted[rank > 0 ? rank - 1 : 0];
}

int main(int argc, char **argv)
{
    static struct question questions[MAX_QUESTIONS];
    char err[PONDER_ERROR_BYTES] = "";
    struct ponder_options options;
    struct ponder_request request;
    struct ponder_answer answer;
    struct ponder *p;
    if (argc < 4) {
        fprintf(
            stderr,
            "usage: random_budgets MODEL.gguf QUESTIONS.jsonl REQUESTS [STRATEGY [PLANS.json]]\n");
        return 2;
    }
    size_t n_questions = read_questions(argv[2], questions), n = (size_t)atoi(argv[3]);
    ponder_options_default(&options);
    ponder_request_default(&request);
    options.n_lanes = LANES;
    request.strategy = argc > 4 ? argv[4] : "auto";
    if (ponder_create(argv[1], &options, 0, &p, err, sizeof err) != PONDER_OK || n == 0 ||
        n_questions == 0) {
        fprintf(stderr, "random_budgets: %s\n", err[0] ? err : "no questions");
        return 3;
    }
    if (argc > 5) {
        size_t bytes;
        char *table = read_file(argv[5], &bytes);
        if (ponder_use_table(p, table, bytes, NULL, err, sizeof err) != PONDER_OK) {
            fprintf(stderr, "random_budgets: %s: %s\n", argv[5], err);
            return 3;
        }
    }
    ponder_warm(p);
    double *over = malloc(n * sizeof *over);
    size_t n_late = 0, n_late_by_step = 0, n_answered = 0, n_no_time = 0;
    for (size_t i = 0; i < n; i++) {
        const struct question *q = &questions[pd_rng_u64(1, 1, i) % n_questions];
        double share = (double)(pd_rng_u64(1, 2, i) >> 11) / 9007199254740992.0;
        request.budget_ms = LEAST_MS * pow(MOST_MS / LEAST_MS, share);
        request.seed = i;
        enum ponder_status status = ponder_solve(p, q->text, q->bytes, &request, &answer);
        over[i] = answer.ms_total - request.budget_ms;
        n_late += over[i] > 0;
        n_late_by_step += over[i] > answer.ms_step;
        n_answered += status == PONDER_OK;
        n_no_time += status == PONDER_NO_TIME;
    }
    qsort(over, n, sizeof *over, compare);
    printf("%zu requests, %zu answered, %zu without time for a prompt\n", n, n_answered, n_no_time);
    printf("overshoot p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, max %.1f ms\n",
           percentile(over, n, 0.5), percentile(over, n, 0.99), percentile(over, n, 0.999),
           over[n - 1]);
    printf("late %zu (%.3f%%), by more than their longest decode step %zu (%.3f%%)\n", n_late,
           100.0 * (double)n_late / (double)n, n_late_by_step,
           100.0 * (double)n_late_by_step / (double)n);
    ponder_free(p);
    free(over);
    return 0;
}
