/* SPDX-License-Identifier: Apache-2.0
 * bench.h - what `ponder bench` measures and how it is told. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli/options.h"

enum {
    BENCH_PREFILL = 1 << 0,
    BENCH_DECODE = 1 << 1,
    BENCH_SCORE = 1 << 2,
    BENCH_START = 1 << 3,
    BENCH_ALL = BENCH_PREFILL | BENCH_DECODE | BENCH_SCORE | BENCH_START,
};

enum { BENCH_LANE_COUNTS = 5 };
extern const int bench_lane_counts[BENCH_LANE_COUNTS]; /* 1, 4, 8, 16, 32 */

struct bench_plan {
    unsigned what; /* BENCH_... */
    bool has_limits;
    int n_repeats;
    int n_prompt; /* tokens of a prefill, and of the prompt that decoding lanes share */
    int n_steps;  /* of decoding */
    int n_score;  /* tokens whose log-probabilities are taken */
};

/* Medians; 0: not measured. */
struct bench_result {
    double prefill_tps;
    double decode_tps[BENCH_LANE_COUNTS]; /* 0: more lanes than the engine has */
    double score_tps;
    double load_ms;
    double first_token_ms;   /* of a short prompt, engine ready */
    double file_to_token_ms; /* load, and then that */
    size_t peak_rss_bytes;   /* of this process; 0: the system does not say */
    struct ponder_limits limits;
};

/* From a file: load_ms, first_token_ms and file_to_token_ms, each time in an engine of its own. Exit code, after a
 * message if it is not 0. */
int bench_start(const struct settings *settings, const struct bench_plan *plan,
                struct bench_result *result);

/* All else, in an open engine. */
enum ponder_status bench_run(struct ponder *p, const struct bench_plan *plan, bool is_quiet,
                             struct bench_result *result);

void bench_print_json(const struct bench_plan *plan, const struct bench_result *result,
                      const struct ponder_info *info);
void bench_print_text(const struct bench_plan *plan, const struct bench_result *result,
                      const struct ponder_info *info);

#endif
