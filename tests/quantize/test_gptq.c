/* SPDX-License-Identifier: Apache-2.0
 * test_gptq.c - rounding that makes up for its errors, against the method written out slowly; and the sums of inputs
 * that it lives on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/rng.h"
#include "quant/encode.h"
#include "quant/encode_block.h"
#include "quant/quantize/gptq.h"
#include "quant/quantize/inputs.h"
#include "quant/quantize/tool.h"

enum { ROWS = 24, COLS = 512, N_INPUTS = 2000 };

/* A matrix, inputs whose elements have much in common, and their H. */
struct problem {
    int cols, n_inputs;
    float *x;     /* [n_inputs][cols] */
    float *w;     /* [ROWS][cols] */
    float *h, *u; /* [cols][cols] */
    unsigned char *blocks;
    struct tool_pool pool;
};

static float random_normal(uint64_t seed, uint64_t i)
{
    float sum = -6.0f;
    for (uint64_t k = 0; k < 12; k++)
        sum += pd_rng_float(seed, i, k);
    return sum;
}

/* Each input is a mix of a few directions, and a little of its own; elements differ in size. */
static void make_problem(struct problem *p, int cols, int n_inputs)
{
    enum { DIRECTIONS = 12 };
    size_t n = (size_t)cols;
    *p = (struct problem){.cols = cols, .n_inputs = n_inputs};
    p->x = calloc((size_t)n_inputs * n, sizeof *p->x);
    p->w = calloc((size_t)ROWS * n, sizeof *p->w);
    p->u = calloc(n * n, sizeof *p->u);
    p->blocks = calloc((size_t)ROWS * n, 2);
    for (size_t i = 0; i < (size_t)n_inputs; i++) {
        for (size_t j = 0; j < n; j++) {
            float value = 0.3f * random_normal(1, i * n + j);
            for (size_t k = 0; k < DIRECTIONS; k++)
                value += random_normal(2, i * DIRECTIONS + k) * random_normal(3, k * n + j) * 0.3f;
            p->x[i * n + j] = value * (j % 7 == 0 ? 3.0f : 1.0f);
        }
    }
    for (size_t i = 0; i < (size_t)ROWS * n; i++)
        p->w[i] = random_normal(4, i) * 0.1f;
    struct inputs inputs;
    inputs_init(&inputs, cols);
    inputs_add(&inputs, p->x, n_inputs);
    p->h = inputs.sum;
    tool_pool_new(&p->pool);
}

static void free_problem(struct problem *p)
{
    tool_pool_free(&p->pool);
    free(p->blocks);
    free(p->u);
    free(p->h);
    free(p->w);
    free(p->x);
}

static float *copy_of(const float *x, size_t n)
{
    float *copy = malloc(n * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, x, n * sizeof *copy);
    return copy;
}

static double h_at(const struct problem *p, int i, int j, double added)
{
    size_t at = (size_t)(i < j ? i : j) * (size_t)p->cols + (size_t)(i < j ? j : i);
    return (double)p->h[at] + (i == j ? added : 0.0);
}

/* Sum over rows of d (H + added I) d^T, d = the matrix less v. */
static double cost_of(const struct problem *p, const float *v, double added)
{
    double sum = 0.0;
    for (int row = 0; row < ROWS; row++) {
        for (int i = 0; i < p->cols; i++) {
            for (int j = 0; j < p->cols; j++) {
                int at = row * p->cols;
                double di = (double)p->w[at + i] - (double)v[at + i];
                double dj = (double)p->w[at + j] - (double)v[at + j];
                sum += di * dj * h_at(p, i, j, added);
            }
        }
    }
    return sum;
}

static double added_for(const struct problem *p, double damping)
{
    double mean = 0.0;
    for (int i = 0; i < p->cols; i++)
        mean += h_at(p, i, i, 0.0) / p->cols;
    return damping * mean;
}

static void test_inputs_add_up_as_they_would_slowly(void **state)
{
    (void)state;
    enum { N = 37, WIDTH = 19 };
    float x[N][WIDTH];
    float importance[WIDTH];
    struct inputs inputs;
    double mean = 0.0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < WIDTH; j++)
            x[i][j] = j == 3 ? 0.0f : random_normal(5, (uint64_t)(i * WIDTH + j));
    inputs_init(&inputs, WIDTH);
    inputs_add(&inputs, x[0], 20);
    inputs_add(&inputs, x[20], N - 20);
    assert_int_equal(inputs.n, N);
    for (int i = 0; i < WIDTH; i++) {
        for (int j = i; j < WIDTH; j++) {
            double want = 0.0;
            for (int k = 0; k < N; k++)
                want += (double)x[k][i] * (double)x[k][j];
            assert_true(fabs((double)inputs.sum[i * WIDTH + j] - want) < 1e-4);
            mean += i == j ? want / WIDTH : 0.0;
        }
    }
    inputs_importance(&inputs, importance);
    for (int i = 0; i < WIDTH; i++)
        assert_true(fabs((double)importance[i] - (double)inputs.sum[i * WIDTH + i] - 0.01 * mean) <
                    1e-4);
    inputs_free(&inputs);
}

static void test_the_factor_is_that_of_the_inverse(void **state)
{
    (void)state;
    struct problem p;
    make_problem(&p, 96, 300);
    double added = added_for(&p, 0.01);
    assert_true(gptq_factor(p.h, p.cols, 0.01, p.u));
    for (int i = 0; i < p.cols; i++) {
        for (int j = 0; j < i; j++)
            assert_true(p.u[i * p.cols + j] == 0.0f);
        /* Column i of U^T U H should be that of the identity. */
        double uh[96], product;
        for (int k = 0; k < p.cols; k++) {
            uh[k] = 0.0;
            for (int l = k; l < p.cols; l++)
                uh[k] += (double)p.u[k * p.cols + l] * h_at(&p, l, i, added);
        }
        for (int j = 0; j < p.cols; j++) {
            product = 0.0;
            for (int k = 0; k <= j; k++)
                product += (double)p.u[k * p.cols + j] * uh[k];
            assert_true(fabs(product - (i == j ? 1.0 : 0.0)) < 1e-3);
        }
    }
    free_problem(&p);
}

static void test_inputs_that_say_little_are_damped_and_nonsense_is_refused(void **state)
{
    (void)state;
    struct problem p;
    make_problem(&p, 96, 5); /* rank 5 */
    assert_true(gptq_factor(p.h, p.cols, 0.01, p.u));
    assert_true(gptq_factor(p.h, p.cols, 1e-12, p.u));
    p.h[7 * p.cols + 7] = NAN;
    assert_false(gptq_factor(p.h, p.cols, 0.01, p.u));
    p.h[7 * p.cols + 7] = INFINITY;
    assert_false(gptq_factor(p.h, p.cols, 0.01, p.u));
    for (int i = 0; i < p.cols * p.cols; i++)
        p.h[i] = 0.0f; /* no input at all */
    assert_true(gptq_factor(p.h, p.cols, 0.01, p.u));
    free_problem(&p);
}

/* Solves a x = b for n unknowns, a[n][n]; spoils both. Gauss, with a positive definite matrix. */
static void solve(double *a, double *b, int n)
{
    for (int i = 0; i < n; i++) {
        for (int k = i + 1; k < n; k++) {
            double factor = a[k * n + i] / a[i * n + i];
            for (int j = i; j < n; j++)
                a[k * n + j] -= factor * a[i * n + j];
            b[k] -= factor * b[i];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int j = i + 1; j < n; j++)
            b[i] -= a[i * n + j] * b[j];
        b[i] /= a[i * n + i];
    }
}

/* The method, word for word: when a column is rounded, those behind it become what makes the whole cost least, which is
 * a regression anew for each column: delta = -(w_j - q) / inv_jj inv_j, inv the inverse of what is left of H. */
static void round_slowly(const struct problem *p, const float *steps, float low, float high,
                         double added, float *v)
{
    int n = p->cols;
    double *a = malloc((size_t)n * (size_t)n * sizeof *a);
    double *inverse = malloc((size_t)n * sizeof *inverse);
    assert_true(a != NULL && inverse != NULL);
    for (int j = 0; j < n; j++) {
        int left = n - j;
        for (int i = 0; i < left; i++) {
            inverse[i] = i == 0 ? 1.0 : 0.0;
            for (int k = 0; k < left; k++)
                a[i * left + k] = h_at(p, i + j, k + j, added);
        }
        solve(a, inverse, left);
        for (int row = 0; row < ROWS; row++) {
            float *w = v + row * n;
            float step = steps[row * n / PD_BLOCK + j / PD_BLOCK];
            float q = roundf(w[j] / step);
            q = q < low ? low : q > high ? high : q;
            double error = ((double)w[j] - (double)(step * q)) / inverse[0];
            w[j] = step * q;
            for (int k = 1; k < left; k++)
                w[j + k] = (float)((double)w[j + k] - error * inverse[k]);
        }
    }
    free(inverse);
    free(a);
}

static void test_it_rounds_as_the_method_says(void **state)
{
    (void)state;
    struct problem p;
    make_problem(&p, 96, 300);
    size_t n = (size_t)ROWS * 96, n_blocks = n / PD_BLOCK;
    double added = added_for(&p, 0.01);
    float *got = copy_of(p.w, n), *want = copy_of(p.w, n), *decoded = copy_of(p.w, n);
    float *steps = calloc(n_blocks, sizeof *steps);
    assert_true(gptq_factor(p.h, p.cols, 0.01, p.u));
    double cost = gptq_round(p.pool.pool, got, ROWS, p.cols, p.u, PD_Q5_0, p.blocks);
    for (size_t b = 0; b < n_blocks; b++)
        steps[b] = pd_load_f16(p.blocks + b * sizeof(struct pd_block_q5_0));
    pd_format_get(PD_Q5_0)->decode(p.blocks, decoded, n_blocks);
    round_slowly(&p, steps, -16.0f, 15.0f, added, want);
    int n_other = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(got[i] == decoded[i]);
        n_other += got[i] != want[i];
    }
    /* A quant on the edge between two may go either way, and the rest of its row with it. */
    assert_true(n_other <= (int)n / 50);
    /* What it returns is what it cost. */
    double real = cost_of(&p, got, added);
    assert_true(fabs(cost - real) < 1e-3 * real);
    free(steps);
    free(decoded);
    free(want);
    free(got);
    free_problem(&p);
}

static const enum pd_format_id all_formats[] = {PD_Q4_0, PD_Q4_1, PD_Q5_0, PD_Q5_1,
                                                PD_Q8_0, PD_Q4_K, PD_Q5_K, PD_Q6_K};

static void test_it_costs_far_less_than_rounding_to_nearest(void **state)
{
    (void)state;
    struct problem p;
    make_problem(&p, COLS, N_INPUTS);
    size_t n = (size_t)ROWS * COLS;
    float *v = copy_of(p.w, n);
    assert_true(gptq_factor(p.h, p.cols, 0.01, p.u));
    for (size_t f = 0; f < PD_COUNT(all_formats); f++) {
        const struct pd_format *format = pd_format_get(all_formats[f]);
        double cost[3];
        for (int how = 0; how < 3; how++) {
            float importance[COLS];
            for (int j = 0; j < COLS; j++)
                importance[j] = p.h[j * (COLS + 1)];
            for (size_t row = 0; row < ROWS && how < 2; row++) {
                unsigned char *blocks = p.blocks + row * pd_format_row_bytes(format, COLS);
                size_t n_blocks = COLS / format->block_elements;
                if (how == 0)
                    pd_encode(format->id, p.w + row * COLS, blocks, n_blocks);
                else
                    pd_encode_best(format->id, p.w + row * COLS, importance, blocks, n_blocks);
            }
            memcpy(v, p.w, n * sizeof *v);
            if (how == 2)
                gptq_round(p.pool.pool, v, ROWS, COLS, p.u, format->id, p.blocks);
            format->decode(p.blocks, v, n / format->block_elements);
            cost[how] = cost_of(&p, v, 0.0);
        }
        if (cost[1] > 0.9 * cost[0] || cost[2] > 0.45 * cost[1])
            fail_msg("%s: %g plain, %g with importances, %g made up for", format->name, cost[0],
                     cost[1], cost[2]);
    }
    free(v);
    free_problem(&p);
}

static void test_without_correlations_it_is_rounding_by_importance(void **state)
{
    (void)state;
    enum { WIDTH = 64 };
    struct problem p;
    make_problem(&p, WIDTH, 100);
    float importance[WIDTH];
    for (int i = 0; i < WIDTH; i++)
        for (int j = 0; j < WIDTH; j++)
            p.h[i * WIDTH + j] = i != j ? 0.0f : ldexpf(1.0f, 2 * (i % 5)); /* exact roots */
    assert_true(gptq_factor(p.h, WIDTH, 0.0, p.u));
    for (int i = 0; i < WIDTH; i++)
        importance[i] = p.h[i * (WIDTH + 1)];
    for (size_t f = 0; f < PD_COUNT(all_formats); f++) {
        const struct pd_format *format = pd_format_get(all_formats[f]);
        if (format->block_elements > WIDTH)
            continue;
        float *v = copy_of(p.w, (size_t)ROWS * WIDTH);
        unsigned char want[2 * WIDTH];
        size_t row_bytes = pd_format_row_bytes(format, WIDTH);
        gptq_round(p.pool.pool, v, ROWS, WIDTH, p.u, format->id, p.blocks);
        for (size_t row = 0; row < ROWS; row++) {
            pd_encode_best(format->id, p.w + row * WIDTH, importance, want,
                           WIDTH / format->block_elements);
            assert_memory_equal(p.blocks + row * row_bytes, want, row_bytes);
        }
        free(v);
    }
    free_problem(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inputs_add_up_as_they_would_slowly),
        cmocka_unit_test(test_the_factor_is_that_of_the_inverse),
        cmocka_unit_test(test_inputs_that_say_little_are_damped_and_nonsense_is_refused),
        cmocka_unit_test(test_it_rounds_as_the_method_says),
        cmocka_unit_test(test_it_costs_far_less_than_rounding_to_nearest),
        cmocka_unit_test(test_without_correlations_it_is_rounding_by_importance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
