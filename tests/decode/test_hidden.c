/* SPDX-License-Identifier: Apache-2.0
 * test_hidden.c - the hidden states that heads read: what the output head multiplies, the same bits for any number
 * of threads and lanes and any instruction set, and of a prompt's last row for as long as the prompt is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine.h"
#include "tests/support/model_file.h"

enum { N = 24 };

static int32_t token_at(int i)
{
    return (int32_t)(3 + i * 37 % 290);
}

static struct ponder *new_engine(const char *path, int n_threads, int n_lanes, const char *isa)
{
    struct ponder_options options;
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES] = "";
    ponder_options_default(&options);
    options.n_lanes = n_lanes;
    options.n_threads = n_threads;
    options.isa = isa;
    options.max_prompt_tokens = options.max_tokens = 64;
    if (ponder_create(path, &options, 0, &p, err, sizeof err) != PONDER_OK)
        fail_msg("%s", err);
    ponder_reset(p);
    return p;
}

static void test_the_output_head_multiplies_the_hidden_state(void **state)
{
    (void)state;
    struct tiny_options options;
    char path[MODEL_FILE_PATH];
    tiny_options_default(&options, "llama", PD_F32);
    assert_true(model_file_of(&options, path));
    struct tiny_model *tiny = tiny_model_new(&options);
    const float *head = tiny_values(tiny, "token_embd.weight");
    struct ponder *p = new_engine(path, 1, 1, NULL);
    float *logits = malloc((size_t)(N * options.n_vocab) * sizeof *logits);
    int32_t tokens[N];
    int lane, lanes[N];
    assert_int_equal(ponder_fork(p, -1, &lane), PONDER_OK);
    for (int i = 0; i < N; i++) {
        tokens[i] = token_at(i);
        lanes[i] = lane;
    }
    assert_int_equal(ponder_step(p, tokens, lanes, N, logits), PONDER_OK);
    for (int i = 0; i < N; i++) {
        const float *hidden = pd_decoder_hidden(&p->decoder, i);
        for (int t = 0; t < options.n_vocab; t++) {
            float sum = 0.0f;
            for (int k = 0; k < options.n_embd; k++) {
                volatile float product = head[t * options.n_embd + k] * hidden[k];
                sum += product;
            }
            assert_true(sum == logits[i * options.n_vocab + t]);
        }
    }
    free(logits);
    ponder_free(p);
    tiny_model_free(tiny);
    unlink(path);
}

/* Hidden states of a sequence, one row a step in each of n_lanes lanes, or all rows in one step. */
static void read_states(struct ponder *p, int n_lanes, float *states)
{
    int n_embd = p->info.n_embd, lanes[N];
    struct pd_row row[N];
    int n_steps = n_lanes > 0 ? N : 1;
    p->decoder.head.logits = NULL;
    for (int i = 0; i < pd_max_int(n_lanes, 1); i++)
        assert_int_equal(ponder_fork(p, -1, &lanes[i]), PONDER_OK);
    for (int step = 0; step < n_steps; step++) {
        int n = n_lanes > 0 ? n_lanes : N;
        for (int i = 0; i < n; i++)
            row[i] = (struct pd_row){.token = token_at(n_lanes > 0 ? step : i),
                                     .lane = lanes[n_lanes > 0 ? i : 0],
                                     .wants_output = n_lanes > 0 ? i == n_lanes - 1 : true};
        assert_int_equal(pd_decoder_step(&p->decoder, row, n, 0), PONDER_OK);
        for (int i = 0; i < p->decoder.n_outputs; i++)
            memcpy(states + (step + i) * n_embd, pd_decoder_hidden(&p->decoder, i),
                   (size_t)n_embd * sizeof *states);
    }
}

static void test_hidden_states_are_the_same_bits_everywhere(void **state)
{
    (void)state;
    static const struct {
        const char *family;
        enum pd_format_id format;
    } models[] = {{"llama", PD_Q4_0}, {"gemma3", PD_Q8_0}, {"qwen3", PD_F16}};
    for (size_t m = 0; m < PD_COUNT(models); m++) {
        char path[MODEL_FILE_PATH];
        assert_true(model_file_tiny(models[m].family, models[m].format, path));
        bool is_available;
        const char *isa;
        static float want[N * 1024], got[N * 1024];
        for (int level = 0; (isa = pd_kernels_isa(level, &is_available)) != NULL; level++) {
            if (!is_available)
                continue;
            static const int lanes[] = {0, 1, 5, 16};
            for (size_t i = 0; i < PD_COUNT(lanes); i++) {
                struct ponder *p = new_engine(path, 1 + (int)i % 3, 16, isa);
                bool is_first = level == 0 && i == 0;
                size_t bytes = (size_t)(N * p->info.n_embd) * sizeof(float);
                read_states(p, lanes[i], is_first ? want : got);
                if (!is_first && memcmp(want, got, bytes) != 0)
                    fail_msg("%s: %d lanes, %s", models[m].family, lanes[i], isa);
                ponder_free(p);
            }
        }
        unlink(path);
    }
}

static void test_a_kept_state_outlives_steps(void **state)
{
    (void)state;
    char path[MODEL_FILE_PATH];
    float want[256];
    assert_true(model_file_tiny("llama", PD_Q8_0, path));
    struct ponder *p = new_engine(path, 1, 4, NULL);
    struct pd_decoder *d = &p->decoder;
    size_t bytes = (size_t)p->info.n_embd * sizeof *want;
    int lane;
    assert_int_equal(ponder_fork(p, -1, &lane), PONDER_OK);
    for (int i = 0; i < 2; i++) {
        struct pd_row row = {.token = token_at(i), .lane = lane, .wants_output = true};
        assert_int_equal(pd_decoder_step(d, &row, 1, 0), PONDER_OK);
        if (i == 0) {
            memcpy(want, pd_decoder_hidden(d, 0), bytes);
            pd_decoder_keep(d, 0);
        }
    }
    assert_memory_equal(pd_decoder_hidden(d, d->head.n_rows), want, bytes);
    assert_memory_not_equal(pd_decoder_hidden(d, 0), want, bytes);
    ponder_free(p);
    unlink(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_output_head_multiplies_the_hidden_state),
        cmocka_unit_test(test_hidden_states_are_the_same_bits_everywhere),
        cmocka_unit_test(test_a_kept_state_outlives_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
