/* SPDX-License-Identifier: Apache-2.0
 * test_pass.c - whole little models forward and back: logits against the float64 reference and the engine, gradients
 * against finite differences, packed sequences against the same alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <unistd.h>

#include <cblas.h>
#include <cmocka.h>

#include "base/rng.h"
#include "models/train/lora.h"
#include "models/train/memory.h"
#include "models/train/ops.h"
#include "models/train/product.h"
#include "models/train/team.h"
#include "tests/support/gradient.h"
#include "tests/support/model_file.h"
#include "tests/support/open_model.h"
#include "tests/support/reference.h"
#include "tests/support/tiny_model.h"

enum { MOST = 64, N_PASSES = 2 };
static const char *const families[] = {"llama", "qwen2", "qwen3", "gemma3"};

struct fixture {
    struct tiny_model *tiny;
    struct opened_model opened;
    struct tr_model model;
    struct tr_team team;
    struct pd_pool *pool;
    void *pool_block;
    struct tr_batch batch[2];
    struct tr_objective objective;
};

static void add_sequence(struct tr_batch *b, const int32_t *tokens, int n, int n_prompt)
{
    b->begin[b->n_sequences++] = b->n;
    for (int i = 0; i < n; i++) {
        if (i + 1 < n && i + 1 >= n_prompt) {
            b->target_row[b->n_targets] = b->n;
            b->target[b->n_targets++] = tokens[i + 1];
        }
        b->position[b->n] = i;
        b->token[b->n++] = tokens[i];
    }
    b->begin[b->n_sequences] = b->n;
}

static void add_label(struct tr_batch *b, int row, float label)
{
    b->label_row[b->n_labels] = row;
    b->label[b->n_labels++] = label;
}

static void random_tokens(const struct fixture *f, uint64_t seed, int32_t *tokens, int n)
{
    for (int i = 0; i < n; i++)
        tokens[i] =
            (int32_t)(pd_rng_u64(seed, 0, (uint64_t)i) % (uint64_t)f->model.hparams.n_vocab);
}

static void start_pool(struct fixture *f)
{
    struct pd_arena a;
    openblas_set_num_threads(1);
    pd_arena_init_count(&a);
    pd_pool_layout(&a, 2);
    size_t bytes = pd_arena_block_bytes(&a);
    f->pool_block = tr_alloc(1, bytes);
    pd_arena_init(&a, f->pool_block, bytes);
    f->pool = pd_pool_layout(&a, 2);
    assert_int_equal(pd_pool_start(f->pool, NULL), PONDER_OK);
}

static void read_model(struct fixture *f, const struct tiny_options *options)
{
    *f = (struct fixture){.objective = {.language = 1}};
    f->tiny = tiny_model_new(options);
    assert_int_equal(open_model(&f->opened, f->tiny->bytes, f->tiny->n_bytes), PONDER_OK);
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    if (tr_model_read(&f->model, &f->opened.gguf, &err) != PONDER_OK)
        fail_msg("%s", text);
    start_pool(f);
}

/* Three sequences in two batches, some rows with labels too. */
static void begin(struct fixture *f)
{
    int32_t tokens[MOST];
    tr_team_init(&f->team, &f->model, NULL, f->pool, N_PASSES,
                 (struct tr_pass_size){MOST, MOST, true, NULL});
    for (int i = 0; i < 2; i++)
        tr_batch_init(&f->batch[i], MOST);
    random_tokens(f, 1, tokens, 12);
    add_sequence(&f->batch[0], tokens, 12, 4);
    random_tokens(f, 2, tokens, 9);
    add_sequence(&f->batch[0], tokens, 9, 1);
    random_tokens(f, 3, tokens, 15);
    add_sequence(&f->batch[1], tokens, 15, 9);
    add_label(&f->batch[0], 5, 0.25f);
    add_label(&f->batch[0], 20, 1);
    add_label(&f->batch[1], 14, 0);
}

static void end(struct fixture *f)
{
    for (int i = 0; i < 2; i++)
        tr_batch_free(&f->batch[i]);
    tr_team_free(&f->team);
    tr_model_free(&f->model);
    pd_pool_stop(f->pool);
    free(f->pool_block);
    close_model(&f->opened);
    tiny_model_free(f->tiny);
}

static double loss_of(void *context)
{
    struct fixture *f = context;
    tr_lora_fold(&f->model, f->pool);
    struct tr_losses losses = tr_team_run(&f->team, f->batch, 2, &f->objective, false);
    return tr_objective_value(&f->objective, &losses);
}

/* Every parameter's gradient, summed over the team, against finite differences. */
static void check_gradients(struct fixture *f, double step)
{
    const struct tr_params *params = &f->model.params;
    tr_lora_fold(&f->model, f->pool);
    tr_team_run(&f->team, f->batch, 2, &f->objective, true);
    tr_add(params->n_values, 1.0f, f->team.grads[1], f->team.grads[0]);
    for (int i = 0; i < params->n; i++) {
        const struct tr_param *p = &params->param[i];
        gradient_check(p->name, loss_of, f, p->value, f->team.grads[0] + p->at, p->n, step, 2e-2);
    }
}

static void small_options(struct tiny_options *o, const char *family)
{
    tiny_options_default(o, family, PD_F32);
    o->n_layers = strcmp(family, "gemma3") == 0 ? 6 : 2; /* one layer that sees all */
    o->n_embd = 24;
    o->n_ff = 40;
    o->head_dim = o->n_embd / o->n_heads;
    o->rms_eps = 1e-5f;
}

static void test_all_of_a_model_has_the_right_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(families); i++) {
        struct fixture f;
        struct tiny_options options;
        small_options(&options, families[i]);
        options.is_tied = i != 1;
        read_model(&f, &options);
        tr_model_train_all(&f.model);
        begin(&f);
        check_gradients(&f, 4e-3);
        end(&f);
    }
}

static void test_an_adapter_has_the_right_gradients(void **state)
{
    (void)state;
    struct fixture f;
    struct tiny_options options;
    small_options(&options, "llama");
    read_model(&f, &options);
    assert_int_equal(tr_lora_add(&f.model, 3, 6, "q,v,o,gate,down", 1, NULL), PONDER_OK);
    for (int i = 0; i < f.model.n_tensors;
         i++) { /* b of a new one is 0, and so is then the gradient of a */
        const struct tr_tensor *t = &f.model.tensor[i];
        for (size_t k = 0; t->lora && k < (size_t)(3 * t->rows); k++)
            t->lora->b[k] = 0.3f * (2 * pd_rng_float(5, (uint64_t)i, k) - 1);
    }
    tr_lora_train(&f.model);
    assert_int_equal(f.model.params.n, 2 * 5 * 2);
    begin(&f);
    check_gradients(&f, 4e-3);
    end(&f);
}

static void test_heads_have_the_right_gradients_with_the_trunk_and_without(void **state)
{
    (void)state;
    for (int is_frozen = 0; is_frozen < 2; is_frozen++) {
        struct fixture f;
        struct tiny_options options;
        small_options(&options, "llama");
        read_model(&f, &options);
        if (!is_frozen)
            tr_model_train_all(&f.model);
        tr_model_train_head(&f.model, TR_HEAD_VALUE);
        for (int i = 0; i <= options.n_embd; i++)
            f.model.head[TR_HEAD_VALUE].weight[i] = pd_rng_float(9, 0, (uint64_t)i) - 0.5f;
        f.objective = (struct tr_objective){
            .language = is_frozen ? 0 : 0.5f, .head = 2, .kind = TR_HEAD_VALUE};
        begin(&f);
        check_gradients(&f, 4e-3);
        end(&f);
    }
}

static void test_learning_from_a_teacher_has_the_right_gradients(void **state)
{
    (void)state;
    struct fixture f, teacher;
    struct tiny_options options;
    small_options(&options, "llama");
    read_model(&f, &options);
    options.seed = 2;
    options.n_layers = 3;
    read_model(&teacher, &options);
    tr_model_train_all(&f.model);
    begin(&f);
    tr_team_free(&f.team);
    tr_team_init(&f.team, &f.model, &teacher.model, f.pool, N_PASSES,
                 (struct tr_pass_size){MOST, MOST, true, NULL});
    f.objective.distils = true;
    check_gradients(&f, 4e-3);
    begin(&teacher);
    end(&teacher);
    end(&f);
}

/* The gradients' direction, which is what counts, with products in bfloat16 and without. */
static void test_gradients_in_bfloat16_point_the_same_way(void **state)
{
    (void)state;
    if (tr_product_best() == NULL)
        skip();
    struct fixture f;
    struct tiny_options options;
    tiny_options_default(&options, "llama", PD_F32);
    read_model(&f, &options);
    tr_model_train_all(&f.model);
    begin(&f);
    int32_t tokens[MOST];
    random_tokens(&f, 4, tokens, MOST);
    tr_batch_clear(&f.batch[0]);
    add_sequence(&f.batch[0], tokens, MOST, 1);
    size_t n = f.model.params.n_values;
    float *exact = tr_alloc(n, sizeof *exact);
    tr_team_run(&f.team, f.batch, 1, &f.objective, true);
    memcpy(exact, f.team.grads[0], n * sizeof *exact);
    tr_team_free(&f.team);
    tr_team_init(&f.team, &f.model, NULL, f.pool, N_PASSES,
                 (struct tr_pass_size){MOST, MOST, true, tr_product_best()});
    tr_team_run(&f.team, f.batch, 1, &f.objective, true);
    double dot = 0, square = 0, exact_square = 0;
    for (size_t i = 0; i < n; i++) {
        dot += (double)exact[i] * (double)f.team.grads[0][i];
        square += (double)f.team.grads[0][i] * (double)f.team.grads[0][i];
        exact_square += (double)exact[i] * (double)exact[i];
    }
    double cosine = dot / sqrt(square * exact_square);
    assert_true(cosine > 0.999 && cosine < 1 - 1e-9);
    free(exact);
    end(&f);
}

/* --- forward --- */

static void logits_of(struct fixture *f, const struct tr_batch *b, float *logits_ret)
{
    struct tr_pass *p = &f->team.pass[0];
    tr_pass_forward(p, b);
    tr_pass_logits(p, p->hidden, b->n, logits_ret);
}

static void test_logits_equal_the_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(families); i++) {
        struct fixture f;
        struct tiny_options options;
        tiny_options_default(&options, families[i], i % 2 ? PD_Q8_0 : PD_F16);
        options.has_rope_freqs = i == 0;
        options.rope_factor = i == 1 ? 2 : 0;
        read_model(&f, &options);
        begin(&f);
        int n_vocab = options.n_vocab;
        int32_t tokens[MOST];
        random_tokens(&f, 4, tokens, MOST);
        tr_batch_clear(&f.batch[0]);
        add_sequence(&f.batch[0], tokens, MOST, 0);
        float *logits = tr_alloc((size_t)(MOST * n_vocab), sizeof *logits);
        double *expected = tr_alloc((size_t)(MOST * n_vocab), sizeof *expected);
        logits_of(&f, &f.batch[0], logits);
        reference_logits(&f.opened.model, (struct reference_rounding){0}, tokens, MOST, expected);
        for (int k = 0; k < MOST * n_vocab; k++)
            if (!(fabs((double)logits[k] - expected[k]) < 2e-4))
                fail_msg("%s: logit %d is %g, not %g", families[i], k, (double)logits[k],
                         expected[k]);
        free(logits);
        free(expected);
        end(&f);
    }
}

/* The engine rounds what it multiplies to 8 bits and keeps keys and values in halves: as far as that goes. */
static void test_logits_agree_with_the_engine(void **state)
{
    (void)state;
    static const enum pd_format_id formats[] = {PD_F16, PD_Q8_0, PD_Q4_0};
    for (size_t i = 0; i < PD_COUNT(formats); i++) {
        struct fixture f;
        struct tiny_options options;
        struct ponder_options engine_options;
        struct ponder *engine;
        char path[MODEL_FILE_PATH];
        assert_true(model_file_tiny("llama", formats[i], path));
        tiny_options_default(&options, "llama", formats[i]);
        read_model(&f, &options);
        begin(&f);
        int32_t tokens[MOST];
        int lanes[MOST] = {0}, lane;
        random_tokens(&f, 4, tokens, MOST);
        tr_batch_clear(&f.batch[0]);
        add_sequence(&f.batch[0], tokens, MOST, 0);
        size_t n = (size_t)(MOST * options.n_vocab);
        float *logits = tr_alloc(n, sizeof *logits), *theirs = tr_alloc(n, sizeof *theirs);
        logits_of(&f, &f.batch[0], logits);
        ponder_options_default(&engine_options);
        engine_options.max_prompt_tokens = engine_options.max_tokens = MOST;
        assert_int_equal(ponder_create(path, &engine_options, 0, &engine, NULL, 0), PONDER_OK);
        assert_int_equal(ponder_fork(engine, -1, &lane), PONDER_OK);
        for (int k = 0; k < MOST; k++) {
            lanes[0] = lane;
            assert_int_equal(
                ponder_step(engine, &tokens[k], lanes, 1, theirs + k * options.n_vocab), PONDER_OK);
        }
        double error = 0, square = 0;
        for (size_t k = 0; k < n; k++) {
            error +=
                ((double)logits[k] - (double)theirs[k]) * ((double)logits[k] - (double)theirs[k]);
            square += (double)logits[k] * (double)logits[k];
        }
        assert_true(sqrt(error / square) < (formats[i] == PD_F16 ? 2e-3 : 4e-2));
        ponder_free(engine);
        unlink(path);
        free(logits);
        free(theirs);
        end(&f);
    }
}

static void test_packed_sequences_do_not_see_each_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(families); i++) {
        struct fixture f;
        struct tiny_options options;
        small_options(&options, families[i]);
        read_model(&f, &options);
        tr_model_train_all(&f.model);
        begin(&f);
        struct tr_batch alone[3];
        for (int s = 0; s < 3; s++) {
            const struct tr_batch *from = &f.batch[s == 2];
            int at = from->begin[s % 2], n = from->begin[s % 2 + 1] - at;
            tr_batch_init(&alone[s], MOST);
            add_sequence(&alone[s], from->token + at, n, s == 0 ? 4 : s == 1 ? 1 : 9);
        }
        size_t n = f.model.params.n_values;
        float *packed = tr_alloc(n, sizeof *packed);
        struct tr_losses together = tr_team_run(&f.team, f.batch, 2, &f.objective, true);
        for (int g = 0; g < N_PASSES; g++) {
            tr_add(n, 1.0f, f.team.grads[g], packed);
            memset(f.team.grads[g], 0, n * sizeof(float));
        }
        struct tr_losses apart = tr_team_run(&f.team, alone, 3, &f.objective, true);
        tr_add(n, 1.0f, f.team.grads[1], f.team.grads[0]);
        assert_int_equal(apart.n_targets, together.n_targets);
        assert_true(fabs(apart.language - together.language) < 1e-4);
        for (size_t k = 0; k < n; k++)
            assert_true(fabsf(packed[k] - f.team.grads[0][k]) < 2e-5f);
        for (int s = 0; s < 3; s++)
            tr_batch_free(&alone[s]);
        free(packed);
        end(&f);
    }
}

static void test_looking_only_gives_the_same_loss(void **state)
{
    (void)state;
    struct fixture f;
    struct tiny_options options;
    small_options(&options, "gemma3");
    read_model(&f, &options);
    begin(&f);
    double loss = loss_of(&f);
    tr_team_free(&f.team);
    tr_team_init(&f.team, &f.model, NULL, f.pool, N_PASSES,
                 (struct tr_pass_size){MOST, MOST, false, NULL});
    assert_true(loss == loss_of(&f));
    end(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_a_model_has_the_right_gradients),
        cmocka_unit_test(test_an_adapter_has_the_right_gradients),
        cmocka_unit_test(test_heads_have_the_right_gradients_with_the_trunk_and_without),
        cmocka_unit_test(test_learning_from_a_teacher_has_the_right_gradients),
        cmocka_unit_test(test_gradients_in_bfloat16_point_the_same_way),
        cmocka_unit_test(test_logits_equal_the_reference),
        cmocka_unit_test(test_logits_agree_with_the_engine),
        cmocka_unit_test(test_packed_sequences_do_not_see_each_other),
        cmocka_unit_test(test_looking_only_gives_the_same_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
