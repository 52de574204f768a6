/* SPDX-License-Identifier: Apache-2.0
 * bench_start.c - how long it takes from a file to a ready engine, and to its first token. */
#include <stdlib.h>

#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/stats.h"

/* Eight tokens to most tokenizers: what is timed is the start, not a prompt. */
static const char prompt[] = "one two three four five six seven eight";

enum { LOAD, FIRST_TOKEN, FILE_TO_TOKEN, N_KINDS };

/* One start: a column of values[N_KINDS][n]. */
static int start_once(const struct settings *settings, double *values, int n)
{
    struct ponder *p = NULL;
    struct ponder_request request;
    struct ponder_answer answer;
    ponder_request_default(&request);
    request.max_tokens = 1;
    request.temperature = -1;
    request.raw = true;
    double begin = clock_ms();
    int code = open_engine(settings, &p);
    if (code != EXIT_OK)
        return code;
    double loaded = clock_ms();
    enum ponder_status status = ponder_generate(p, prompt, sizeof prompt - 1, &request, &answer);
    values[LOAD * n] = loaded - begin;
    values[FIRST_TOKEN * n] = answer.ms_first_token;
    values[FILE_TO_TOKEN * n] = loaded - begin + answer.ms_first_token;
    if (status != PONDER_OK)
        code = complain_status(status, "bench", p, &answer);
    ponder_free(p);
    return code;
}

int bench_start(const struct settings *settings, const struct bench_plan *plan,
                struct bench_result *result)
{
    int n = plan->n_repeats;
    double *values = grow(NULL, N_KINDS * (size_t)n * sizeof *values);
    int code = EXIT_OK;
    for (int i = 0; i < n && code == EXIT_OK; i++)
        code = start_once(settings, values + i, n);
    if (code == EXIT_OK) {
        result->load_ms = stats_median(values + LOAD * n, (size_t)n);
        result->first_token_ms = stats_median(values + FIRST_TOKEN * n, (size_t)n);
        result->file_to_token_ms = stats_median(values + FILE_TO_TOKEN * n, (size_t)n);
    }
    free(values);
    return code;
}
