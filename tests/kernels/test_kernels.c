/* SPDX-License-Identifier: Apache-2.0
 * test_kernels.c - every instruction set this CPU has against generic, slot by slot, bit for bit: ragged sizes,
 * buffers that end at a guard page, numbers that are not numbers. bench_kernels.c times them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>

#include <cmocka.h>

#include "arch/kernels.h"
#include "arch/panel.h"
#include "base/base.h"
#include "quant/block.h"
#include "quant/encode.h"
#include "tests/kernels/levels.h"
#include "tests/support/guarded.h"
#include "tests/support/weights.h"

static struct pd_kernels level[LEVELS_MAX]; /* the first: generic */
static int n_levels;

static int find_levels(void **state)
{
    (void)state;
    n_levels = levels_find(level);
    assert_true(n_levels > 0);
    return 0;
}

/* n numbers whose last one ends at a guard page. */
static struct guarded numbers(int n, uint64_t seed)
{
    float *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < n; i++)
        x[i] = weights_number(&seed);
    struct guarded g = guarded_copy(x, (size_t)n * sizeof *x);
    free(x);
    return g;
}

static struct guarded zeros(size_t bytes)
{
    void *x = calloc(1, bytes);
    assert_non_null(x);
    struct guarded g = guarded_copy(x, bytes);
    free(x);
    return g;
}

static float *floats(struct guarded g)
{
    return (float *)(void *)g.data;
}

static void assert_same_bits(const char *what, const char *isa, const void *a, const void *b,
                             size_t bytes)
{
    if (memcmp(a, b, bytes) != 0)
        fail_msg("%s: %s differs from generic", what, isa);
}

/* ---- matrices ---- */

struct act_buffers {
    struct guarded x, q, d, dsum, sum16;
};

static struct pd_act make_act(struct act_buffers *b, int rows, int k, uint64_t seed)
{
    int blocks = k / PD_BLOCK;
    b->x = numbers(rows * k, seed);
    b->q = zeros((size_t)(rows * k));
    b->d = zeros((size_t)(rows * blocks) * 4);
    b->dsum = zeros((size_t)(rows * blocks) * 4);
    b->sum16 = zeros((size_t)(rows * blocks) * 8);
    struct pd_act act = {floats(b->x), (int8_t *)b->q.data, floats(b->d), floats(b->dsum),
                         (int32_t *)(void *)b->sum16.data};
    for (int i = 0; i < rows && k % PD_BLOCK == 0; i++)
        level[0].quantise(act.x + i * k, k, act.q + i * k, act.d + i * blocks,
                          act.dsum + i * blocks, act.sum16 + i * blocks * 2);
    return act;
}

static void free_act(struct act_buffers *b)
{
    guarded_free(&b->x);
    guarded_free(&b->q);
    guarded_free(&b->d);
    guarded_free(&b->dsum);
    guarded_free(&b->sum16);
}

/* y[n_rows][rows] of a table's kernel, weights packed for it. */
static void multiply(const struct pd_kernels *kernels, const struct pd_format *format,
                     const uint8_t *w, int rows, int k, const struct pd_act *act, int n_rows,
                     float *y)
{
    int R = kernels->panel_rows;
    int n_panels = pd_div_up(rows, R);
    size_t panel_bytes;
    uint8_t *packed = weights_pack(format, w, rows, k, R, &panel_bytes);
    struct guarded panels = guarded_copy(packed, panel_bytes);
    struct guarded padded = zeros((size_t)(n_rows * n_panels * R) * sizeof(float));
    kernels->matmul[format->id](panels.data, n_panels, k, act, n_rows, floats(padded),
                                (size_t)(n_panels * R));
    for (int i = 0; i < n_rows; i++)
        memcpy(y + i * rows, floats(padded) + i * n_panels * R, (size_t)rows * sizeof *y);
    guarded_free(&panels);
    guarded_free(&padded);
    free(packed);
}

static void check_matmul(const struct pd_format *format, int rows, int k, int n_rows)
{
    struct act_buffers buffers;
    struct pd_act act = make_act(&buffers, n_rows, k, (uint64_t)(rows * k + n_rows));
    uint8_t *w = weights_new(format, rows, k, (uint64_t)(k + rows));
    size_t bytes = (size_t)(rows * n_rows) * sizeof(float);
    float *want = malloc(bytes), *got = malloc(bytes);
    assert_true(want != NULL && got != NULL);
    multiply(&level[0], format, w, rows, k, &act, n_rows, want);
    for (int i = 0; i < n_levels; i++) {
        multiply(&level[i], format, w, rows, k, &act, n_rows, got);
        assert_same_bits(format->name, level[i].isa, want, got, bytes);
    }
    free(want);
    free(got);
    free(w);
    free_act(&buffers);
}

static void test_matmul_of_every_format_equals_generic(void **state)
{
    (void)state;
    static const int n_rows[] = {1, 2, 3, 4, 5, 7, 8, 9, 17};
    for (int f = 0; f < PD_FORMATS; f++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)f);
        int step = format->is_quantised ? format->block_elements : 1;
        for (size_t i = 0; i < PD_COUNT(n_rows); i++) {
            check_matmul(format, 1 + (int)i * 5, step, n_rows[i]);
            check_matmul(format, 33, step * 3, n_rows[i]);
        }
        check_matmul(format, 40, format->is_quantised ? 768 : 77, 6);
    }
}

/* What generic computes is right: against doubles, on the decoded weights and activations. */
static void test_generic_matmul_is_the_product(void **state)
{
    (void)state;
    enum { ROWS = 21, K = 512, N = 3 };
    for (int f = 0; f < PD_FORMATS; f++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)f);
        struct act_buffers buffers;
        struct pd_act act = make_act(&buffers, N, K, 5);
        uint8_t *w = weights_new(format, ROWS, K, 9);
        float y[N * ROWS], decoded[K];
        multiply(&level[0], format, w, ROWS, K, &act, N, y);
        for (int r = 0; r < ROWS; r++) {
            format->decode(w + (size_t)r * pd_format_row_bytes(format, K), decoded,
                           (size_t)(K / format->block_elements));
            double largest = 0.0; /* errors go by it: a scale and a minimum may cancel */
            for (int j = 0; j < K; j++)
                largest = fmax(largest, fabs((double)decoded[j]));
            for (int i = 0; i < N; i++) {
                double sum = 0.0, magnitude = 0.0;
                for (int j = 0; j < K; j++) {
                    double a = format->is_quantised
                                   ? (double)act.d[(i * K + j) / PD_BLOCK] * act.q[i * K + j]
                                   : (double)act.x[i * K + j];
                    sum += a * (double)decoded[j];
                    magnitude += fabs(a) * largest;
                }
                if (!(fabs((double)y[i * ROWS + r] - sum) <= 1e-5 * magnitude))
                    fail_msg("%s: %g, not %g, of %g", format->name, (double)y[i * ROWS + r], sum,
                             magnitude);
            }
        }
        free(w);
        free_act(&buffers);
    }
}

/* Products and sums below 2^-126 are numbers: vector units that take them for zeros must not be used. */
static void test_subnormal_products_are_kept(void **state)
{
    (void)state;
    enum { ROWS = 16, K = 256 };
    for (int f = 0; f < PD_FORMATS; f++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)f);
        struct act_buffers buffers;
        struct pd_act act = make_act(&buffers, 1, K, 5);
        float w[K];
        uint8_t blocks[ROWS * K * sizeof(float)];
        size_t row_bytes = pd_format_row_bytes(format, K);
        for (int i = 0; i < K; i++) {
            act.x[i] = format->is_quantised ? 1e-30f : 1e-35f;
            w[i] = i % 2 == 0 ? 1e-5f : 3e-6f;
        }
        level[0].quantise(act.x, K, act.q, act.d, act.dsum, act.sum16);
        for (int r = 0; r < ROWS; r++)
            pd_encode(format->id, w, blocks + (size_t)r * row_bytes,
                      (size_t)(K / format->block_elements));
        float want[ROWS], got[ROWS];
        multiply(&level[0], format, blocks, ROWS, K, &act, 1, want);
        if (f == PD_F32 || f == PD_F16 || f == PD_Q8_0)
            assert_true(want[0] > 0.0f);
        for (int l = 0; l < n_levels; l++) {
            multiply(&level[l], format, blocks, ROWS, K, &act, 1, got);
            assert_same_bits(format->name, level[l].isa, want, got, sizeof want);
        }
        free_act(&buffers);
    }
}

static void test_panels_give_back_the_rows(void **state)
{
    (void)state;
    enum { K = 512 };
    for (int f = 0; f < PD_FORMATS; f++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)f);
        for (int R = 8; R <= 16; R += 8) {
            uint8_t *w = weights_new(format, R - 1, K, 3);
            size_t row_bytes = pd_format_row_bytes(format, K);
            uint8_t *panel = malloc(pd_panel_bytes(format->id, K, R));
            assert_non_null(panel);
            pd_panel_pack(format->id, w, row_bytes, R - 1, K, R, panel);
            for (int r = 0; r < R - 1; r++) {
                float want[K], got[K];
                format->decode(w + (size_t)r * row_bytes, want,
                               (size_t)(K / format->block_elements));
                pd_panel_row(format->id, panel, r, K, R, got);
                assert_same_bits(format->name, "panel", want, got, sizeof want);
            }
            free(panel);
            free(w);
        }
    }
}

/* ---- activations ---- */

static void test_quantise_equals_generic(void **state)
{
    (void)state;
    for (int k = PD_BLOCK; k <= 10 * PD_BLOCK; k += PD_BLOCK) {
        struct guarded x = numbers(k, (uint64_t)k);
        int n = k / PD_BLOCK;
        for (int special = 0; special < 5; special++) {
            static const float values[] = {0.0f, INFINITY, NAN, 1e-38f, 3e38f};
            floats(x)[k - 1] = values[special];
            struct guarded want[4], got[4];
            const size_t bytes[] = {(size_t)k, (size_t)n * 4, (size_t)n * 4, (size_t)n * 8};
            for (int i = 0; i < 4; i++) {
                want[i] = zeros(bytes[i]);
                got[i] = zeros(bytes[i]);
            }
            level[0].quantise(floats(x), k, (int8_t *)want[0].data, floats(want[1]),
                              floats(want[2]), (int32_t *)(void *)want[3].data);
            for (int l = 0; l < n_levels; l++) {
                level[l].quantise(floats(x), k, (int8_t *)got[0].data, floats(got[1]),
                                  floats(got[2]), (int32_t *)(void *)got[3].data);
                for (int i = 0; i < 4; i++)
                    if (i != 2 || special != 1) /* infinity times zero: a NaN of either sign */
                        assert_same_bits("quantise", level[l].isa, want[i].data, got[i].data,
                                         bytes[i]);
            }
            for (int i = 0; i < 4; i++) {
                guarded_free(&want[i]);
                guarded_free(&got[i]);
            }
        }
        guarded_free(&x);
    }
}

static void test_quantise_is_within_half_a_step(void **state)
{
    (void)state;
    enum { K = 320 };
    float x[K], d[K / 32], dsum[K / 32];
    int8_t q[K];
    int32_t sum16[K / 16];
    uint64_t seed = 1;
    for (int i = 0; i < K; i++)
        x[i] = weights_number(&seed);
    level[0].quantise(x, K, q, d, dsum, sum16);
    for (int i = 0; i < K; i++)
        assert_true(fabsf(x[i] - d[i / 32] * q[i]) <= 0.5001f * d[i / 32]);
}

/* ---- element by element ---- */

typedef void in_place_fn(const struct pd_kernels *k, float *x, const float *y, int n);

static void run_add(const struct pd_kernels *k, float *x, const float *y, int n)
{
    k->add(x, y, n);
}

static void run_scale(const struct pd_kernels *k, float *x, const float *y, int n)
{
    k->scale(x, y[0], n);
}

static void run_silu(const struct pd_kernels *k, float *x, const float *y, int n)
{
    k->silu_mul(x, y, n);
}

static void run_gelu(const struct pd_kernels *k, float *x, const float *y, int n)
{
    k->gelu_mul(x, y, n);
}

static void run_norm(const struct pd_kernels *k, float *x, const float *y, int n)
{
    k->rms_norm(x, x, y, n, 1e-5f);
}

static void run_rope(const struct pd_kernels *k, float *x, const float *y, int n)
{
    k->rope(x, y, n / 2);
}

static void run_rope_neox(const struct pd_kernels *k, float *x, const float *y, int n)
{
    k->rope_neox(x, y, n / 2);
}

static void run_softmax(const struct pd_kernels *k, float *x, const float *y, int n)
{
    (void)y;
    int first = n > 20 ? n % 19 : 0;
    x[0] = k->softmax(x, first, n) + (first == 0 ? x[0] : 0.0f);
}

static void run_exp_sum(const struct pd_kernels *k, float *x, const float *y, int n)
{
    x[0] = k->exp_sum(x, n, k->max(x, n), fabsf(y[0]) + 0.1f);
}

static const struct {
    const char *name;
    in_place_fn *run;
} in_place[] = {
    {"add", run_add},
    {"scale", run_scale},
    {"silu_mul", run_silu},
    {"gelu_mul", run_gelu},
    {"rms_norm", run_norm},
    {"rope", run_rope},
    {"rope_neox", run_rope_neox},
    {"softmax", run_softmax},
    {"exp_sum, max", run_exp_sum},
};

static void test_vector_kernels_equal_generic(void **state)
{
    (void)state;
    for (size_t f = 0; f < PD_COUNT(in_place); f++) {
        for (int n = 1; n <= 150; n++) {
            struct guarded want = numbers(n, (uint64_t)n), y = numbers(n, (uint64_t)(n + 1000));
            struct guarded start = guarded_copy(want.data, want.bytes);
            in_place[f].run(&level[0], floats(want), floats(y), n);
            for (int l = 0; l < n_levels; l++) {
                struct guarded got = guarded_copy(start.data, start.bytes);
                in_place[f].run(&level[l], floats(got), floats(y), n);
                assert_same_bits(in_place[f].name, level[l].isa, want.data, got.data, want.bytes);
                guarded_free(&got);
            }
            guarded_free(&want);
            guarded_free(&start);
            guarded_free(&y);
        }
    }
}

/* exp, over its whole range, through softmax of two numbers: e^x relative to doubles. */
static void test_exp_is_right_to_an_ulp(void **state)
{
    (void)state;
    for (float x = -86.9f; x <= 0.0f; x += 0.0137f) {
        float scores[2] = {x, 0.0f};
        level[0].softmax(scores, 0, 2);
        assert_true(fabs((double)scores[0] / exp((double)x) - 1.0) < 1.2e-7);
    }
    float masked[2] = {-INFINITY, 3.0f};
    assert_true(level[0].softmax(masked, 0, 2) == 1.0f && masked[0] == 0.0f && masked[1] == 1.0f);
}

static void test_activations_are_the_functions(void **state)
{
    (void)state;
    for (double g = -40.0; g <= 40.0; g += 0.37) {
        float silu = (float)g, gelu = (float)g, one = 1.0f;
        level[0].silu_mul(&silu, &one, 1);
        level[0].gelu_mul(&gelu, &one, 1);
        double u = 0.7978845608028654 * (g + 0.044715 * g * g * g);
        assert_true(fabs((double)silu - g / (1.0 + exp(-g))) < 1e-5);
        assert_true(fabs((double)gelu - 0.5 * g * (1.0 + tanh(u))) < 1e-5);
    }
}

/* ---- attention ---- */

static void check_attention(int head_dim, int n, int first, int end)
{
    enum { STRIDE = 48 };
    size_t page_bytes = (size_t)(PD_KV_PAGE * head_dim) * sizeof(uint16_t);
    static const char *const names[] = {"store_key", "store_value", "attn_scores", "attn_values"};
    struct guarded q = numbers(n * head_dim, 11);
    struct guarded want[4] = {{0}};
    for (int l = 0; l < n_levels; l++) {
        const struct pd_kernels *k = &level[l];
        struct guarded got[4] = {zeros(page_bytes), zeros(page_bytes),
                                 zeros((size_t)((n - 1) * STRIDE + PD_KV_PAGE) * 4),
                                 zeros((size_t)(n * head_dim) * 4)};
        uint16_t *keys = (uint16_t *)(void *)got[0].data;
        uint16_t *values = (uint16_t *)(void *)got[1].data;
        for (int t = 0; t < end; t++) {
            struct guarded v = numbers(head_dim, (uint64_t)(100 + t));
            floats(v)[0] = t % 5 == 0   ? 1e-7f
                           : t % 5 == 1 ? 70000.0f
                                        : floats(v)[0]; /* half's edges */
            k->store_key(keys, t, floats(v), head_dim);
            floats(v)[0] = 6.1e-5f;
            k->store_value(values, t, floats(v), head_dim);
            guarded_free(&v);
        }
        if (end > 1) /* an infinite key would make scores NaN, whose signs differ */
            keys[1] = 0;
        for (int t = 6; t < end; t += 5)
            keys[t] = 0;
        k->attn_scores(keys, floats(q), head_dim, n, floats(got[2]), STRIDE);
        k->attn_values(values, floats(got[2]), STRIDE, first, end, head_dim, n, floats(got[3]));
        for (int i = 0; i < 4; i++) {
            if (l == 0) {
                want[i] = got[i];
                continue;
            }
            assert_same_bits(names[i], k->isa, want[i].data, got[i].data, want[i].bytes);
            guarded_free(&got[i]);
        }
    }
    for (int i = 0; i < 4; i++)
        guarded_free(&want[i]);
    guarded_free(&q);
}

static void test_attention_kernels_equal_generic(void **state)
{
    (void)state;
    static const int head_dims[] = {4, 8, 20, 64, 96, 256};
    for (size_t i = 0; i < PD_COUNT(head_dims); i++)
        for (int n = 1; n <= 9; n++)
            for (int end = 1; end <= PD_KV_PAGE; end += 3)
                check_attention(head_dims[i], n, end / 3, end);
}

static void test_unknown_isa_is_refused(void **state)
{
    (void)state;
    struct pd_kernels k;
    assert_false(pd_kernels_init(&k, "avx9000"));
    assert_false(pd_kernels_init(&k, ""));
    assert_true(pd_kernels_init(&k, NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul_of_every_format_equals_generic),
        cmocka_unit_test(test_generic_matmul_is_the_product),
        cmocka_unit_test(test_subnormal_products_are_kept),
        cmocka_unit_test(test_panels_give_back_the_rows),
        cmocka_unit_test(test_quantise_equals_generic),
        cmocka_unit_test(test_quantise_is_within_half_a_step),
        cmocka_unit_test(test_vector_kernels_equal_generic),
        cmocka_unit_test(test_exp_is_right_to_an_ulp),
        cmocka_unit_test(test_activations_are_the_functions),
        cmocka_unit_test(test_attention_kernels_equal_generic),
        cmocka_unit_test(test_unknown_isa_is_refused),
    };
    return cmocka_run_group_tests(tests, find_levels, NULL);
}
