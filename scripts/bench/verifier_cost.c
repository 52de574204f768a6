/* SPDX-License-Identifier: Apache-2.0
 * verifier_cost.c - what adapters and verifiers cost beside decoding: time of the processor on one thread, so that other
 * work on the machine matters little; each figure is the best of many, taken in turn with those it is compared with.
 *
 *     make build/scripts/bench/verifier_cost
 *     build/scripts/bench/verifier_cost MODEL.gguf ADAPTER.gguf     the adapter with a ponder.head.value */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"
#include "search/verify.h"

enum { LANES = 16, PROMPT = 96, STEP = 12, STEPS = 4, ROUNDS = 5 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void keep_least(double *best, double ms)
{
    if (*best == 0 || ms < *best)
        *best = ms;
}

/* A lane of a role with the prompt in it. */
static int prompt_lane(struct ponder *p, enum ponder_role role, const int32_t *prompt)
{
    int lane, lanes[PROMPT];
    if (ponder_lane(p, role, &lane) != PONDER_OK)
        exit(1);
    for (int i = 0; i < PROMPT; i++)
        lanes[i] = lane;
    for (int i = 0; i < PROMPT; i += 48)
        ponder_step(p, prompt + i, lanes, 48, NULL);
    return lane;
}

/* One token for n lanes, drawn; of the bare model and of the adapter. */
static void time_decoding(struct ponder *p, const int32_t *prompt, int n, double best[2])
{
    for (int round = 0; round < ROUNDS; round++)
        for (int adapted = 0; adapted < 2; adapted++) {
            int lanes[LANES];
            int32_t tokens[LANES];
            ponder_reset(p);
            int trunk = prompt_lane(p, adapted ? PONDER_VERIFIER : PONDER_POLICY, prompt);
            for (int i = 0; i < n; i++) {
                ponder_fork(p, trunk, &lanes[i]);
                tokens[i] = prompt[i];
            }
            for (int step = 0; step < STEP; step++) {
                double start = now_ms();
                ponder_decode(p, lanes, n, tokens, NULL, NULL);
                keep_least(&best[adapted], now_ms() - start);
            }
        }
}

/* STEPS steps of STEP tokens of n paths, judged step by step; for a token of a path. */
static void time_verifying(struct ponder *p, const int32_t *prompt, const int32_t *tokens, int n,
                           double best[1])
{
    const struct pd_verify_question question = {.text = "", .token = prompt, .n_tokens = PROMPT};
    for (int round = 0; round < ROUNDS; round++) {
        struct pd_verify_item item[LANES];
        float score[LANES];
        double sum = 0;
        ponder_reset(p);
        pd_verifier_prm.begin(&p->prm, &question);
        for (int step = 0; step <= STEPS; step++) {
            for (int i = 0; i < n; i++)
                item[i] = (struct pd_verify_item){
                    .lane = i, .token = tokens + i * STEP * STEPS, .n_tokens = step * STEP};
            double start = now_ms();
            pd_verifier_prm.score(&p->prm, item, step > 0 ? n : 1, 0, score);
            if (step > 0) /* the prompt was read in round 0 */
                sum += now_ms() - start;
        }
        keep_least(best, sum / (STEP * STEPS * n));
    }
}

static double time_value_head(struct ponder *p)
{
    enum { N = 1000 };
    struct pd_verify_item item = {.hidden = p->decoder.kept_hidden};
    double best = 0;
    float score;
    memset(p->decoder.kept_hidden, 0, (size_t)p->info.n_embd * sizeof(float));
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ms();
        for (int i = 0; i < N; i++)
            pd_verifier_value.score(&p->prm.judge.value, &item, 1, 0, &score);
        keep_least(&best, (now_ms() - start) / N);
    }
    return best;
}

int main(int argc, char **argv)
{
    static const int lanes[] = {1, 4, 16};
    struct ponder_options options;
    struct ponder *p;
    char err[PONDER_ERROR_BYTES];
    int32_t prompt[PROMPT];
    static int32_t tokens[LANES * STEP * STEPS];
    ponder_options_default(&options);
    options.n_lanes = LANES;
    options.n_threads = 1;
    options.max_prompt_tokens = 128;
    options.max_tokens = 64;
    options.verifier = argc > 2 ? argv[2] : NULL;
    if (argc != 3 || ponder_create(argv[1], &options, 0, &p, err, sizeof err) != PONDER_OK) {
        fprintf(stderr, "%s\n", argc != 3 ? "verifier_cost MODEL ADAPTER" : err);
        return 1;
    }
    for (int i = 0; i < PROMPT; i++)
        prompt[i] = 100 + i * 7;
    for (int i = 0; i < LANES * STEP * STEPS; i++)
        tokens[i] = 1000 + i * 37 % 20000;
    double head = time_value_head(p);
    printf("value head: %.2f us a score\n", head * 1e3);
    for (size_t i = 0; i < PD_COUNT(lanes); i++) {
        int n = lanes[i];
        double decode[2] = {0}, verify = 0;
        time_decoding(p, prompt, n, decode);
        time_verifying(p, prompt, tokens, n, &verify);
        printf(
            "%2d lanes: decoding %.3f ms a token of one, with the adapter %.2f times; verifying by "
            "the adapter %.3f ms, %.0f%% of decoding; value head each %d tokens %.3f%%\n",
            n, decode[0] / n, decode[1] / decode[0], verify, 100 * verify * n / decode[0], STEP,
            100 * head / (STEP * decode[0] / n));
    }
    ponder_free(p);
    return 0;
}
