/* SPDX-License-Identifier: Apache-2.0
 * test_lora.c - adapters: they do what merged weights would, lanes of several in one batch as each alone, the same bits
 * on every instruction set, in memory of exactly the size that was said. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine.h"
#include "tests/support/model_file.h"
#include "tests/support/tiny_adapter.h"

enum { N = 20, MAX_VOCAB = 320 };

static int32_t token_at(int i)
{
    return (int32_t)(3 + i * 53 % 290);
}

/* A model's file, and adapters' for it. */
struct files {
    struct tiny_options model;
    char path[MODEL_FILE_PATH], lora[3][MODEL_FILE_PATH];
    int n;
};

static void write_adapter(struct files *f, const struct tiny_adapter_options *options)
{
    struct tiny_adapter *adapter = tiny_adapter_new(options);
    assert_true(model_file_bytes(adapter->bytes, adapter->n_bytes, f->lora[f->n++]));
    tiny_adapter_free(adapter);
}

/* A verifier's adapter needs one. */
static void add_head(void *user, struct gguf_builder *b)
{
    const struct files *f = user;
    float weight[1024] = {0};
    gguf_add_array(b, "ponder.head.value", PD_GGUF_F32, weight, (size_t)f->model.n_embd);
}

static void make_files(struct files *f, const char *family, enum pd_format_id format, int n,
                       const int *ranks)
{
    *f = (struct files){.n = 0};
    tiny_options_default(&f->model, family, format);
    assert_true(model_file_of(&f->model, f->path));
    for (int i = 0; i < n; i++) {
        struct tiny_adapter_options options;
        tiny_adapter_default(&options, &f->model);
        options.rank = ranks[i];
        options.add_keys = add_head;
        options.user = f;
        options.seed += (uint64_t)i;
        write_adapter(f, &options);
    }
}

static void remove_files(const struct files *f)
{
    unlink(f->path);
    for (int i = 0; i < f->n; i++)
        unlink(f->lora[i]);
}

static struct ponder_options options_of(const struct files *f, int n_threads, int n_lanes,
                                        const char *isa)
{
    struct ponder_options options;
    ponder_options_default(&options);
    options.n_lanes = n_lanes;
    options.n_threads = n_threads;
    options.isa = isa;
    options.max_prompt_tokens = options.max_tokens = 64;
    options.lora = f->n > 0 ? f->lora[0] : NULL;
    options.reviser = f->n > 1 ? f->lora[1] : NULL;
    options.verifier = f->n > 2 ? f->lora[2] : NULL;
    return options;
}

static struct ponder *new_engine(const struct files *f, int n_threads, int n_lanes, const char *isa)
{
    struct ponder_options options = options_of(f, n_threads, n_lanes, isa);
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES] = "";
    if (ponder_create(f->path, &options, 0, &p, err, sizeof err) != PONDER_OK)
        fail_msg("%s", err);
    ponder_reset(p);
    return p;
}

/* Logits [N][MAX_VOCAB] of a sequence by a role, all in one step. */
static void read_logits(struct ponder *p, enum ponder_role role, float *logits)
{
    int32_t tokens[N];
    int lane, lanes[N];
    assert_int_equal(p->info.n_vocab, MAX_VOCAB);
    assert_int_equal(ponder_lane(p, role, &lane), PONDER_OK);
    for (int i = 0; i < N; i++) {
        tokens[i] = token_at(i);
        lanes[i] = lane;
    }
    assert_int_equal(ponder_step(p, tokens, lanes, N, logits), PONDER_OK);
    ponder_prune(p, lane);
}

static double distance(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < N * MAX_VOCAB; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(sum);
}

/* ---- against merged weights ---- */

struct merge {
    const struct tiny_model *base;
    const struct tiny_adapter *adapter;
    double factor;
};

static void merge(void *user, const char *name, int rows, int cols, float *values)
{
    const struct merge *m = user;
    char lora[80];
    memcpy(values, tiny_values(m->base, name), (size_t)(rows * cols) * sizeof *values);
    snprintf(lora, sizeof lora, "%s.lora_a", name);
    const struct tiny_tensor *a = tiny_adapter_find(m->adapter, lora);
    snprintf(lora, sizeof lora, "%s.lora_b", name);
    const struct tiny_tensor *b = tiny_adapter_find(m->adapter, lora);
    for (int r = 0; a != NULL && r < rows; r++)
        for (int c = 0; c < cols; c++)
            for (int k = 0; k < a->rows; k++)
                values[r * cols + c] += (float)(m->factor * (double)b->values[r * b->cols + k] *
                                                (double)a->values[k * cols + c]);
}

/* How far the adapted model is from the merged one, as a share of how far the base is. */
static double error_of(const char *family, enum pd_format_id format,
                       const struct tiny_adapter_options *changes)
{
    static float base[N * MAX_VOCAB], adapted[N * MAX_VOCAB], merged[N * MAX_VOCAB];
    struct files f, plain;
    make_files(&f, family, format, 0, NULL);
    plain = f;
    struct tiny_adapter_options options;
    tiny_adapter_default(&options, &f.model);
    options.rank = changes->rank;
    options.alpha = changes->alpha;
    options.matrices = changes->matrices;
    options.format = changes->format;
    options.size = changes->size;
    write_adapter(&f, &options);
    struct ponder *p = new_engine(&f, 1, 1, NULL);
    read_logits(p, PONDER_POLICY, adapted);
    read_logits(p, PONDER_REVISER, base);
    ponder_free(p);

    struct tiny_model *tiny = tiny_model_new(&f.model);
    struct tiny_adapter *adapter = tiny_adapter_new(&options);
    struct merge m = {tiny, adapter,
                      options.alpha != 0 ? (double)options.alpha / options.rank : 1.0};
    plain.model.fill = merge;
    plain.model.user = &m;
    unlink(plain.path);
    assert_true(model_file_of(&plain.model, plain.path));
    p = new_engine(&plain, 1, 1, NULL);
    read_logits(p, PONDER_POLICY, merged);
    ponder_free(p);
    tiny_adapter_free(adapter);
    tiny_model_free(tiny);
    unlink(plain.path);
    remove_files(&f);
    assert_true(distance(base, merged) > 1.0);
    return distance(adapted, merged) / distance(base, merged);
}

static void test_an_adapter_does_what_merged_weights_do(void **state)
{
    (void)state;
    static const char *const families[] = {"llama", "qwen2", "qwen3", "gemma3"};
    static const int ranks[] = {1, 4, 16, 32, 40};
    struct tiny_adapter_options changes = {
        .rank = 4, .alpha = 8, .matrices = 0x7f, .format = PD_F32, .size = 0.5f};
    for (size_t i = 0; i < PD_COUNT(families); i++) {
        double error = error_of(families[i], PD_F32, &changes);
        if (!(error < 0.06)) /* 8-bit activations and weights, through all layers */
            fail_msg("%s: %g", families[i], error);
    }
    for (size_t i = 0; i < PD_COUNT(ranks); i++) {
        changes.rank = ranks[i];
        assert_true(error_of("llama", PD_F32, &changes) < 0.06);
    }
}

static void test_each_matrix_is_adapted_alone(void **state)
{
    (void)state;
    for (int i = 0; i < TINY_ADAPTER_MATRICES; i++) {
        struct tiny_adapter_options changes = {
            .rank = 4, .alpha = 16, .matrices = 1u << i, .format = PD_F32, .size = 2.0f};
        double error = error_of("llama", PD_F32, &changes);
        if (!(error < 0.06))
            fail_msg("matrix %d: %g", i, error);
    }
}

static void test_values_of_any_size_and_format_are_kept(void **state)
{
    (void)state;
    static const enum pd_format_id formats[] = {PD_F16, PD_BF16, PD_F32, PD_Q8_0};
    for (size_t i = 0; i < PD_COUNT(formats); i++) {
        struct tiny_adapter_options changes = {
            .rank = 32, .alpha = 64, .matrices = 0x7f, .format = formats[i], .size = 0.5f};
        assert_true(error_of("llama", PD_F32, &changes) < 0.06);
    }
    struct tiny_adapter_options small = {
        .rank = 8, .alpha = 8e6f, .matrices = 0x7f, .format = PD_F32, .size = 1e-6f};
    assert_true(error_of("llama", PD_F32, &small) < 0.06);
    small.alpha = 0; /* then there is no factor */
    small.size = 1.0f;
    assert_true(error_of("llama", PD_F32, &small) < 0.06);
}

static void test_an_adapter_of_zeros_changes_nothing(void **state)
{
    (void)state;
    static float base[N * MAX_VOCAB], adapted[N * MAX_VOCAB];
    struct files f;
    make_files(&f, "llama", PD_Q4_0, 0, NULL);
    struct tiny_adapter_options options;
    tiny_adapter_default(&options, &f.model);
    options.size = 0;
    write_adapter(&f, &options);
    struct ponder *p = new_engine(&f, 1, 1, NULL);
    read_logits(p, PONDER_POLICY, adapted);
    read_logits(p, PONDER_REVISER, base);
    for (int i = 0; i < N * MAX_VOCAB; i++)
        assert_true(base[i] == adapted[i]);
    ponder_free(p);
    remove_files(&f);
}

/* ---- the same bits ---- */

static const int three_ranks[] = {4, 40, 16};

/* Lane i of n is run by role i * step % 4; 3: by the bare model, as a fork of nothing with no adapter. */
static int role_of(int i, int step)
{
    return i * step % 4;
}

static void test_mixed_adapters_in_a_batch_are_as_each_alone(void **state)
{
    (void)state;
    static const struct {
        const char *family;
        enum pd_format_id format;
    } models[] = {{"llama", PD_Q4_0}, {"gemma3", PD_Q8_0}, {"qwen3", PD_F16}};
    static float want[4][N * MAX_VOCAB];
    for (size_t m = 0; m < PD_COUNT(models); m++) {
        struct files f;
        bool is_available;
        const char *isa;
        make_files(&f, models[m].family, models[m].format, 3, three_ranks);
        struct ponder *p = new_engine(&f, 1, 2, "generic");
        for (int role = 0; role < 3; role++)
            read_logits(p, (enum ponder_role)role, want[role]);
        p->adapter_of[PONDER_REVISER] = 0;
        read_logits(p, PONDER_REVISER, want[3]);
        ponder_free(p);
        for (int i = 0; i < 3; i++)
            assert_true(distance(want[i], want[i + 1]) > 1.0);

        for (int level = 0; (isa = pd_kernels_isa(level, &is_available)) != NULL; level++) {
            for (int step = 0; is_available && step < 4; step++) {
                enum { LANES = 16 };
                static float logits[LANES * MAX_VOCAB];
                int lanes[LANES];
                p = new_engine(&f, 1 + step, LANES, isa);
                for (int i = 0; i < LANES; i++) {
                    int role = role_of(i, step);
                    assert_int_equal(ponder_lane(p, PONDER_POLICY, &lanes[i]), PONDER_OK);
                    p->decoder.kv.lane[lanes[i]].adapter = role < 3 ? p->adapter_of[role] : 0;
                }
                for (int t = 0; t < N; t++) {
                    int32_t tokens[LANES];
                    for (int i = 0; i < LANES; i++)
                        tokens[i] = token_at(t);
                    assert_int_equal(ponder_step(p, tokens, lanes, LANES, logits), PONDER_OK);
                    for (int i = 0; i < LANES; i++)
                        if (memcmp(logits + i * MAX_VOCAB, want[role_of(i, step)] + t * MAX_VOCAB,
                                   MAX_VOCAB * sizeof *logits) != 0)
                            fail_msg("%s, %s, role %d, token %d", models[m].family, isa,
                                     role_of(i, step), t);
                }
                ponder_free(p);
            }
        }
        remove_files(&f);
    }
}

static void test_a_fork_keeps_its_adapter(void **state)
{
    (void)state;
    static float want[N * MAX_VOCAB], got[MAX_VOCAB];
    struct files f;
    int lane, fork;
    make_files(&f, "llama", PD_Q8_0, 3, three_ranks);
    struct ponder *p = new_engine(&f, 1, 4, NULL);
    read_logits(p, PONDER_VERIFIER, want);
    assert_int_equal(ponder_lane(p, PONDER_VERIFIER, &lane), PONDER_OK);
    for (int i = 0; i < N; i++) {
        int32_t token = token_at(i);
        assert_int_equal(ponder_step(p, &token, &lane, 1, got), PONDER_OK);
        assert_memory_equal(got, want + i * MAX_VOCAB, sizeof got);
        assert_int_equal(ponder_fork(p, lane, &fork), PONDER_OK);
        ponder_prune(p, lane);
        lane = fork;
    }
    ponder_free(p);
    remove_files(&f);
}

/* ---- memory ---- */

static void test_memory_is_exactly_what_was_said(void **state)
{
    (void)state;
    struct files f;
    make_files(&f, "llama", PD_Q4_0, 3, three_ranks);
    struct ponder_options options = options_of(&f, 2, 4, NULL);
    struct ponder_plan plan;
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES] = "";
    assert_int_equal(ponder_measure(f.path, &options, &plan, err, sizeof err), PONDER_OK);
    size_t sum = 0, adapters = 0;
    for (int i = 0; i < plan.n_sections; i++) {
        sum += plan.sections[i].bytes;
        if (strcmp(plan.sections[i].name, "adapters") == 0)
            adapters = plan.sections[i].bytes;
    }
    assert_int_equal(sum, plan.total_bytes);
    assert_true(adapters > 0);
    void *block = malloc(plan.total_bytes);
    assert_int_equal(
        ponder_init(block, plan.total_bytes - 1, f.path, &options, &p, err, sizeof err),
        PONDER_NO_MEMORY);
    assert_int_equal(ponder_init(block, plan.total_bytes, f.path, &options, &p, err, sizeof err),
                     PONDER_OK);
    assert_int_equal(p->info.memory_bytes, plan.total_bytes);
    ponder_free(p);
    free(block);
    remove_files(&f);
}

/* ---- what speaks for the policy ---- */

static void add_traits(void *user, struct gguf_builder *b)
{
    (void)user;
    gguf_add_string(b, "ponder.prompt", "{question}\n");
    gguf_add_string(b, "ponder.answer", "#");
}

static void test_the_policy_s_adapter_says_how_it_is_asked(void **state)
{
    (void)state;
    struct files f;
    make_files(&f, "llama", PD_Q8_0, 0, NULL);
    struct tiny_adapter_options options;
    tiny_adapter_default(&options, &f.model);
    options.add_keys = add_traits;
    write_adapter(&f, &options);
    struct ponder *p = new_engine(&f, 1, 2, NULL);
    struct ponder_info info;
    ponder_describe(p, &info);
    assert_string_equal(info.prompt, "{question}\n");
    struct ponder_answer answer;
    enum ponder_status status = ponder_solve(p, "hello", 5, NULL, &answer);
    assert_true(status == PONDER_OK || status == PONDER_NO_ANSWER);
    assert_true(answer.n_prompt_tokens < 8);
    ponder_free(p);
    remove_files(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_adapter_does_what_merged_weights_do),
        cmocka_unit_test(test_each_matrix_is_adapted_alone),
        cmocka_unit_test(test_values_of_any_size_and_format_are_kept),
        cmocka_unit_test(test_an_adapter_of_zeros_changes_nothing),
        cmocka_unit_test(test_mixed_adapters_in_a_batch_are_as_each_alone),
        cmocka_unit_test(test_a_fork_keeps_its_adapter),
        cmocka_unit_test(test_memory_is_exactly_what_was_said),
        cmocka_unit_test(test_the_policy_s_adapter_says_how_it_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
