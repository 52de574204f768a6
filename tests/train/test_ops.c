/* SPDX-License-Identifier: Apache-2.0
 * test_ops.c - every operation of the trainer: its gradients against finite differences, and what it is to compute.
 *
 * The loss is the sum of an operation's outputs times random numbers, summed in doubles; those numbers are what comes
 * in from above on the way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "models/train/ops.h"
#include "models/train/product.h"
#include "tests/support/gradient.h"

enum { MOST = 4096 };

static void fill(float *x, int n, uint64_t seed, float spread)
{
    for (int i = 0; i < n; i++)
        x[i] = spread * (2 * pd_rng_float(seed, 0, (uint64_t)i) - 1);
}

static double weigh(const float *y, const float *dy, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)y[i] * (double)dy[i];
    return sum;
}

/* --- linear --- */

struct linear {
    struct tr_shape s;
    float x[MOST], w[MOST], y[MOST], dy[MOST], dx[MOST], dw[MOST], bias[MOST], dbias[MOST];
};

static double linear_loss(void *context)
{
    struct linear *l = context;
    tr_linear(l->s, l->x, l->w, l->y, false);
    tr_bias(l->s.n, l->s.out, l->bias, l->y);
    return weigh(l->y, l->dy, l->s.n * l->s.out);
}

static void test_linear_has_the_right_gradients(void **state)
{
    (void)state;
    static struct linear l = {.s = {.n = 7, .in = 19, .out = 11}};
    fill(l.x, 7 * 19, 1, 1);
    fill(l.w, 11 * 19, 2, 1);
    fill(l.bias, 11, 3, 1);
    fill(l.dy, 7 * 11, 4, 1);
    tr_linear_dx(l.s, l.dy, l.w, l.dx, false);
    tr_linear_dw(l.s, l.dy, l.x, 1, l.dw);
    tr_bias_back(7, 11, l.dy, l.dbias);
    gradient_check("x", linear_loss, &l, l.x, l.dx, 7 * 19, 0.1, 1e-4);
    gradient_check("w", linear_loss, &l, l.w, l.dw, 11 * 19, 0.1, 1e-4);
    gradient_check("bias", linear_loss, &l, l.bias, l.dbias, 11, 0.1, 1e-4);
}

static void test_gradients_of_weights_add_up(void **state)
{
    (void)state;
    static struct linear l = {.s = {.n = 7, .in = 19, .out = 11}};
    fill(l.x, 7 * 19, 1, 1);
    fill(l.dy, 7 * 11, 4, 1);
    tr_linear_dw(l.s, l.dy, l.x, 1, l.dw);
    memcpy(l.w, l.dw, sizeof l.w);
    tr_linear_dw(l.s, l.dy, l.x, 2, l.dw);
    for (int i = 0; i < 11 * 19; i++)
        assert_float_equal(l.dw[i], 3 * l.w[i], 1e-4);
}

/* What is packed once gives the bits of what is packed for each product. */
static void check_packed(const struct tr_product_level *level, int n, int in, int out)
{
    size_t most = tr_area(n, in) + tr_area(n, out) + tr_area(out, in);
    float *x = calloc(4 * most, sizeof *x), *w = x + most, *there = w + most,
          *packed = there + most;
    uint32_t *words = calloc(tr_shape_words(level, n, in, out), sizeof *words);
    uint32_t *forward = calloc(level->packed_words(out, in), sizeof *forward);
    uint32_t *back = calloc(level->packed_words(in, out), sizeof *back);
    assert_true(x != NULL && words != NULL && forward != NULL && back != NULL);
    fill(x, n * (in > out ? in : out), 1, 1);
    fill(w, in * out, 2, 1);
    level->pack_b(w, in, false, out, in, forward);
    level->pack_b(w, in, true, in, out, back);
    struct tr_shape s = {n, in, out, level, words, NULL, NULL};
    struct tr_shape p = {n, in, out, level, words, forward, back};
    tr_linear(s, x, w, there, false);
    tr_linear(p, x, NULL, packed, false);
    assert_memory_equal(there, packed, tr_area(n, out) * sizeof *there);
    tr_linear_dx(s, x, w, there, false);
    tr_linear_dx(p, x, NULL, packed, false);
    assert_memory_equal(there, packed, tr_area(n, in) * sizeof *there);
    free(back);
    free(forward);
    free(words);
    free(x);
}

/* Against floats: rounding to 8 bits leaves about 2^-9 of each factor. */
static void check_bf16(const struct tr_product_level *level, int n, int in, int out)
{
    size_t most = tr_area(n, in) + tr_area(n, out) + tr_area(out, in);
    float *x = calloc(6 * most, sizeof *x), *y = x + most, *w = y + most;
    float *rounded = w + most, *exact = rounded + most;
    uint32_t *words = calloc(tr_shape_words(level, n, in, out), sizeof *words);
    assert_non_null(x);
    assert_non_null(words);
    fill(x, n * in, 1, 1);
    fill(w, in * out, 2, 1);
    fill(y, n * out, 3, 1);
    for (int which = 0; which < 3; which++) {
        size_t size = which == 0 ? tr_area(n, out) : which == 1 ? tr_area(n, in) : tr_area(out, in);
        fill(rounded, (int)size, 4, 1);
        memcpy(exact, rounded, size * sizeof *exact);
        rounded[size] = 12345; /* nothing is written behind the result */
        for (int i = 0; i < 2; i++) {
            struct tr_shape s = {n, in, out, i == 0 ? level : NULL, words, NULL, NULL};
            float *result = i == 0 ? rounded : exact;
            if (which == 0)
                tr_linear(s, x, w, result, true);
            else if (which == 1)
                tr_linear_dx(s, y, w, result, false);
            else
                tr_linear_dw(s, y, x, 0.5f, result);
        }
        double error = 0, square = 0;
        for (size_t i = 0; i < size; i++) {
            error +=
                ((double)rounded[i] - (double)exact[i]) * ((double)rounded[i] - (double)exact[i]);
            square += (double)exact[i] * (double)exact[i];
        }
        assert_true(sqrt(error / square) < 4e-3);
        assert_true(error > 0); /* it was used */
        assert_true(rounded[size] == 12345);
    }
    free(words);
    free(x);
}

static void test_products_in_bfloat16_are_near_those_in_floats(void **state)
{
    (void)state;
    if (tr_product_best() == NULL)
        skip();
    for (int i = 0; tr_product_levels[i] != NULL; i++) {
        const struct tr_product_level *level = tr_product_levels[i];
        if (!level->runs()) {
            printf("left out, not of this CPU: %s\n", level->name);
            continue;
        }
        check_bf16(level, 48, 48, 48);
        check_bf16(level, 61, 77, 95);
        check_bf16(level, 49, 130, 64);
        check_bf16(level, 131, 65, 201);
        check_packed(level, 49, 130, 64);
        check_packed(level, 131, 65, 201);
        if (level->thinnest <= 16)
            check_bf16(level, 33, 16, 17);
    }
}

/* --- norm --- */

enum { NORM_ROWS = 5, NORM_COLS = 37 };

struct norm {
    float x[MOST], w[MOST], y[MOST], dy[MOST], dx[MOST], dw[MOST], inverse[NORM_ROWS];
};

static double norm_loss(void *context)
{
    struct norm *t = context;
    float inverse[NORM_ROWS];
    tr_norm(NORM_ROWS, NORM_COLS, 1e-5f, t->x, t->w, t->y, inverse);
    return weigh(t->y, t->dy, NORM_ROWS * NORM_COLS);
}

static void norm_fill(struct norm *t)
{
    fill(t->x, NORM_ROWS * NORM_COLS, 1, 1);
    fill(t->w, NORM_COLS, 2, 2);
    fill(t->dy, NORM_ROWS * NORM_COLS, 3, 1);
    tr_norm(NORM_ROWS, NORM_COLS, 1e-5f, t->x, t->w, t->y, t->inverse);
}

static void test_norm_has_the_right_gradients(void **state)
{
    (void)state;
    static struct norm t;
    norm_fill(&t);
    struct tr_norm_back back = {NORM_ROWS, NORM_COLS, t.x, t.w, t.inverse, t.dy, t.dx, false, t.dw};
    tr_norm_back(&back);
    gradient_check("x", norm_loss, &t, t.x, t.dx, NORM_ROWS * NORM_COLS, 1e-2, 1e-3);
    gradient_check("w", norm_loss, &t, t.w, t.dw, NORM_COLS, 1e-1, 1e-3);
}

static void test_norm_adds_to_the_residual_stream_or_works_in_place(void **state)
{
    (void)state;
    static struct norm t, u;
    norm_fill(&t);
    struct tr_norm_back back = {NORM_ROWS, NORM_COLS, t.x, t.w, t.inverse, t.dy, t.dx, false, NULL};
    tr_norm_back(&back);
    fill(u.dx, NORM_ROWS * NORM_COLS, 9, 1);
    memcpy(u.x, u.dx, sizeof u.x);
    back.dx = u.dx;
    back.adds = true;
    tr_norm_back(&back);
    memcpy(u.dy, t.dy, sizeof u.dy);
    back.dy = back.dx = u.dy;
    back.adds = false;
    tr_norm_back(&back);
    for (int i = 0; i < NORM_ROWS * NORM_COLS; i++) {
        assert_float_equal(u.dx[i], u.x[i] + t.dx[i], 1e-5);
        assert_float_equal(u.dy[i], t.dx[i], 1e-6);
    }
}

/* --- rope --- */

enum { ROPE_ROWS = 6, ROPE_HEADS = 3, ROPE_DIM = 10, ROPE_PAIRS = 4 };

struct rope {
    struct tr_rope r;
    float x[MOST], y[MOST], dy[MOST], angles[MOST];
    int position[ROPE_ROWS];
};

static void rope_begin(struct rope *t, bool is_neox)
{
    for (int i = 0; i < ROPE_ROWS; i++) {
        t->position[i] = (i * 5) % 7;
        for (int k = 0; k < 7 * ROPE_PAIRS; k++) {
            double angle = (k / ROPE_PAIRS) * pow(100, -1.0 * (k % ROPE_PAIRS) / ROPE_PAIRS);
            float *at = t->angles + k / ROPE_PAIRS * 2 * ROPE_PAIRS;
            at[k % ROPE_PAIRS] = (float)cos(angle);
            at[ROPE_PAIRS + k % ROPE_PAIRS] = (float)sin(angle);
        }
    }
    t->r = (struct tr_rope){ROPE_ROWS, ROPE_HEADS, ROPE_DIM,   ROPE_PAIRS,
                            is_neox,   t->angles,  t->position};
    fill(t->x, ROPE_ROWS * ROPE_HEADS * ROPE_DIM, 1, 1);
    fill(t->dy, ROPE_ROWS * ROPE_HEADS * ROPE_DIM, 2, 1);
}

static double rope_loss(void *context)
{
    struct rope *t = context;
    memcpy(t->y, t->x, sizeof t->y);
    tr_rope(&t->r, false, t->y);
    return weigh(t->y, t->dy, ROPE_ROWS * ROPE_HEADS * ROPE_DIM);
}

static void test_rope_has_the_right_gradients(void **state)
{
    (void)state;
    for (int is_neox = 0; is_neox < 2; is_neox++) {
        static struct rope t;
        static float dx[MOST];
        rope_begin(&t, is_neox);
        memcpy(dx, t.dy, sizeof dx);
        tr_rope(&t.r, true, dx);
        gradient_check("x", rope_loss, &t, t.x, dx, ROPE_ROWS * ROPE_HEADS * ROPE_DIM, 0.1, 1e-4);
    }
}

/* --- attention --- */

enum { LONGEST = 150 };

struct attention {
    struct tr_attention a;
    int n, q_floats, kv_floats;
    float *q, *k, *v, *out, *log_sum, *dout, *dq, *dk, *dv, *scores, *dscores;
};

static void attention_begin(struct attention *t, int n, int heads, int kv_heads, int window)
{
    enum { HEAD_DIM = 8 };
    *t = (struct attention){
        .n = n, .q_floats = n * heads * HEAD_DIM, .kv_floats = n * kv_heads * HEAD_DIM};
    float **const blocks[] = {&t->q,  &t->k,  &t->v,  &t->out,    &t->log_sum, &t->dout,
                              &t->dq, &t->dk, &t->dv, &t->scores, &t->dscores};
    for (size_t i = 0; i < PD_COUNT(blocks); i++) {
        *blocks[i] = calloc((size_t)LONGEST * TR_ATTENTION_ROWS, sizeof(float));
        assert_non_null(*blocks[i]);
    }
    t->a = (struct tr_attention){heads, kv_heads, HEAD_DIM, window, 0.6f, t->scores, t->dscores};
    fill(t->q, t->q_floats, 1, 1);
    fill(t->k, t->kv_floats, 2, 1);
    fill(t->v, t->kv_floats, 3, 1);
    fill(t->dout, t->q_floats, 4, 1);
}

static void attention_end(struct attention *t)
{
    float *const blocks[] = {t->q,  t->k,  t->v,  t->out,    t->log_sum, t->dout,
                             t->dq, t->dk, t->dv, t->scores, t->dscores};
    for (size_t i = 0; i < PD_COUNT(blocks); i++)
        free(blocks[i]);
}

static double attention_loss(void *context)
{
    struct attention *t = context;
    tr_attention(&t->a, t->n, t->q, t->k, t->v, t->out, t->log_sum);
    return weigh(t->out, t->dout, t->q_floats);
}

static void check_attention(int n, int heads, int kv_heads, int window)
{
    struct attention t;
    attention_begin(&t, n, heads, kv_heads, window);
    attention_loss(&t);
    struct tr_attention_back back = {t.q, t.k, t.v, t.out, t.log_sum, t.dout, t.dq, t.dk, t.dv};
    tr_attention_back(&t.a, n, &back);
    gradient_check("q", attention_loss, &t, t.q, t.dq, (size_t)t.q_floats, 2e-2, 3e-3);
    gradient_check("k", attention_loss, &t, t.k, t.dk, (size_t)t.kv_floats, 2e-2, 3e-3);
    gradient_check("v", attention_loss, &t, t.v, t.dv, (size_t)t.kv_floats, 2e-2, 3e-3);
    attention_end(&t);
}

static void test_attention_has_the_right_gradients(void **state)
{
    (void)state;
    check_attention(2, 1, 1, 0);
    check_attention(23, 6, 2, 0);
    check_attention(TR_ATTENTION_ROWS + 21, 2, 1, 0); /* two blocks */
    check_attention(LONGEST, 2, 2, 0);
    check_attention(23, 2, 1, 5);
    check_attention(LONGEST, 2, 1, 40); /* a window that crosses blocks */
}

/* Against the formula, in doubles, one query at a time. */
static void test_attention_sees_the_past_and_its_window_only(void **state)
{
    (void)state;
    static const int windows[] = {0, 1, 7, 100};
    for (size_t w = 0; w < PD_COUNT(windows); w++) {
        struct attention t;
        attention_begin(&t, LONGEST, 4, 2, windows[w]);
        attention_loss(&t);
        int d = t.a.head_dim;
        for (int i = 0; i < LONGEST; i++)
            for (int head = 0; head < 4; head++) {
                double sum = 0, out[8] = {0};
                const float *q = t.q + (i * 4 + head) * d;
                for (int j = windows[w] && i >= windows[w] ? i - windows[w] + 1 : 0; j <= i; j++) {
                    const float *k = t.k + (j * 2 + head / 2) * d,
                                *v = t.v + (j * 2 + head / 2) * d;
                    double p = exp((double)t.a.scale * weigh(q, k, d));
                    sum += p;
                    for (int c = 0; c < d; c++)
                        out[c] += p * (double)v[c];
                }
                for (int c = 0; c < d; c++)
                    assert_float_equal(t.out[(i * 4 + head) * d + c], (float)(out[c] / sum), 1e-5);
                assert_float_equal(t.log_sum[i * 4 + head], (float)log(sum), 1e-5);
            }
        attention_end(&t);
    }
}

/* --- gated --- */

enum { GATED = 100 };

struct gated {
    enum pd_activation act;
    float gate[GATED], up[GATED], h[GATED], dh[GATED];
};

static double gated_loss(void *context)
{
    struct gated *t = context;
    tr_gated(t->act, GATED, t->gate, t->up, t->h);
    return weigh(t->h, t->dh, GATED);
}

static void test_gated_units_have_the_right_gradients(void **state)
{
    (void)state;
    static const enum pd_activation acts[] = {PD_SILU, PD_GELU};
    for (size_t i = 0; i < PD_COUNT(acts); i++) {
        struct gated t = {.act = acts[i]}, d;
        fill(t.gate, GATED, 1, 4);
        fill(t.up, GATED, 2, 1);
        fill(t.dh, GATED, 3, 1);
        d = t;
        tr_gated_back(acts[i], GATED, d.gate, d.up, d.dh);
        gradient_check("gate", gated_loss, &t, t.gate, d.gate, GATED, 1e-2, 1e-3);
        gradient_check("up", gated_loss, &t, t.up, d.up, GATED, 1e-1, 1e-3);
        gated_loss(&t);
        for (int k = 0; k < GATED; k++) {
            double x = (double)t.gate[k],
                   cube = 0.79788456080286535588 * (x + 0.044715 * x * x * x);
            double act = acts[i] == PD_SILU ? x / (1 + exp(-x)) : 0.5 * x * (1 + tanh(cube));
            assert_float_equal(t.h[k], (float)(act * (double)t.up[k]), 1e-5);
            assert_float_equal(d.dh[k], t.h[k], 1e-6); /* the way back makes h again */
        }
    }
}

/* --- embedding --- */

struct embedding {
    float w[MOST], x[MOST], dx[MOST], dw[MOST];
};

static const int32_t embedded[] = {3, 0, 3, 5};

static double embedding_loss(void *context)
{
    struct embedding *t = context;
    tr_embed(4, 9, 1.5f, embedded, t->w, t->x);
    return weigh(t->x, t->dx, 4 * 9);
}

static void test_embedding_has_the_right_gradients(void **state)
{
    (void)state;
    static struct embedding t;
    fill(t.w, 6 * 9, 1, 1);
    fill(t.dx, 4 * 9, 2, 1);
    tr_embed_back(4, 9, 1.5f, embedded, t.dx, t.dw);
    gradient_check("w", embedding_loss, &t, t.w, t.dw, 6 * 9, 0.1, 1e-4);
}

/* --- losses --- */

enum { LOSS_ROWS = 4, VOCAB = 77 };

struct losses {
    float logits[LOSS_ROWS * VOCAB], teacher[LOSS_ROWS * VOCAB];
    bool distils;
};

static const int32_t wanted[LOSS_ROWS] = {0, 76, 13, 13};

static double run_loss(const struct losses *t, float scale, float *d_ret)
{
    struct losses copy = *t;
    double loss = t->distils ? tr_divergence(LOSS_ROWS, VOCAB, copy.teacher, scale, copy.logits)
                             : tr_cross_entropy(LOSS_ROWS, VOCAB, wanted, scale, copy.logits);
    if (d_ret)
        memcpy(d_ret, copy.logits, sizeof copy.logits);
    return loss;
}

static double losses_loss(void *context)
{
    return run_loss(context, 0, NULL);
}

static void test_losses_over_the_vocabulary_have_the_right_gradients(void **state)
{
    (void)state;
    for (int distils = 0; distils < 2; distils++) {
        struct losses t = {.distils = distils};
        float d[LOSS_ROWS * VOCAB];
        fill(t.logits, LOSS_ROWS * VOCAB, 1, 3);
        fill(t.teacher, LOSS_ROWS * VOCAB, 2, 3);
        run_loss(&t, 1, d);
        gradient_check(distils ? "divergence" : "cross-entropy", losses_loss, &t, t.logits, d,
                       LOSS_ROWS * VOCAB, 3e-2, 3e-3);
    }
}

static void test_cross_entropy_is_exact_and_survives_large_logits(void **state)
{
    (void)state;
    struct losses t = {.distils = false};
    double expected = 0;
    for (int shift = 0; shift <= 10000; shift += 10000) {
        fill(t.logits, LOSS_ROWS * VOCAB, 1, 3);
        expected = 0;
        for (int row = 0; row < LOSS_ROWS; row++) {
            double sum = 0;
            for (int i = 0; i < VOCAB; i++) {
                t.logits[row * VOCAB + i] += (float)shift;
                sum += exp((double)t.logits[row * VOCAB + i] - shift);
            }
            expected += log(sum) + shift - (double)t.logits[row * VOCAB + wanted[row]];
        }
        assert_float_equal((float)run_loss(&t, 0, NULL), (float)expected, 1e-4);
    }
}

static void test_divergence_from_oneself_is_nothing(void **state)
{
    (void)state;
    struct losses t = {.distils = true};
    float d[LOSS_ROWS * VOCAB];
    fill(t.logits, LOSS_ROWS * VOCAB, 1, 3);
    memcpy(t.teacher, t.logits, sizeof t.teacher);
    assert_float_equal((float)run_loss(&t, 1, d), 0, 1e-5);
    for (int i = 0; i < LOSS_ROWS * VOCAB; i++)
        assert_float_equal(d[i], 0, 1e-6);
}

struct binary {
    float logit[1], label;
};

static double binary_loss(void *context)
{
    const struct binary *t = context;
    float d;
    return tr_binary(t->logit[0], t->label, &d);
}

static void test_binary_loss_has_the_right_gradient_and_is_best_at_the_label(void **state)
{
    (void)state;
    static const float logits[] = {-30, -2, 0.1f, 3, 30}, labels[] = {0, 0.25f, 1};
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 3; k++) {
            struct binary t = {{logits[i]}, labels[k]};
            float d;
            assert_true(tr_binary(logits[i], labels[k], &d) >= 0);
            if (fabsf(d) > 1e-6f)
                gradient_check("logit", binary_loss, &t, t.logit, &d, 1, 1e-2, 1e-3);
        }
    float d;
    assert_float_equal((float)tr_binary(logf(1.0f / 3), 0.25f, &d), 0, 1e-6);
    assert_float_equal(d, 0, 1e-6);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_has_the_right_gradients),
        cmocka_unit_test(test_gradients_of_weights_add_up),
        cmocka_unit_test(test_products_in_bfloat16_are_near_those_in_floats),
        cmocka_unit_test(test_norm_has_the_right_gradients),
        cmocka_unit_test(test_norm_adds_to_the_residual_stream_or_works_in_place),
        cmocka_unit_test(test_rope_has_the_right_gradients),
        cmocka_unit_test(test_attention_has_the_right_gradients),
        cmocka_unit_test(test_attention_sees_the_past_and_its_window_only),
        cmocka_unit_test(test_gated_units_have_the_right_gradients),
        cmocka_unit_test(test_embedding_has_the_right_gradients),
        cmocka_unit_test(test_losses_over_the_vocabulary_have_the_right_gradients),
        cmocka_unit_test(test_cross_entropy_is_exact_and_survives_large_logits),
        cmocka_unit_test(test_divergence_from_oneself_is_nothing),
        cmocka_unit_test(test_binary_loss_has_the_right_gradient_and_is_best_at_the_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
