/* SPDX-License-Identifier: Apache-2.0
 * test_encode.c - blocks as numbers, and the search for their scales. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <float.h>
#include <math.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/rng.h"
#include "quant/encode.h"
#include "quant/encode_block.h"

enum { N = 64 * PD_SUPERBLOCK };

/* Roughly normal with deviation 1: a sum of twelve uniform numbers. */
static float random_normal(uint64_t seed, uint64_t i)
{
    float sum = -6.0f;
    for (uint64_t k = 0; k < 12; k++)
        sum += pd_rng_float(seed, i, k);
    return sum;
}

/* Sum of importance * error^2 of n numbers that lie in blocks. */
static double error_of(const struct pd_format *format, const void *blocks, const float *x,
                       const float *importance, int n)
{
    static float y[N];
    double sum = 0.0;
    format->decode(blocks, y, (size_t)(n / format->block_elements));
    for (int i = 0; i < n; i++) {
        double error = (double)x[i] - (double)y[i];
        sum += error * error * (importance ? (double)importance[i] : 1.0);
    }
    return sum;
}

static void test_a_packed_block_decodes_to_its_grids(void **state)
{
    (void)state;
    for (int id = 0; id < PD_FORMATS; id++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)id);
        const struct pd_coding *coding = pd_coding_get(format->id);
        assert_int_equal(coding != NULL, format->is_quantised);
        if (!coding)
            continue;
        assert_int_equal(coding->n_parts * coding->part_elements, format->block_elements);
        for (uint64_t seed = 0; seed < 50; seed++) {
            struct pd_code code = {.d = (uint16_t)(0x2000 + pd_rng_u64(seed, 0, 0) % 0x1000),
                                   .m = (uint16_t)(0xa000 + pd_rng_u64(seed, 1, 0) % 0x1000)};
            bool is_signed = coding->kind == PD_K_SYMMETRIC;
            for (uint64_t j = 0; j < PD_MAX_PARTS; j++) {
                code.scale[j] = (int8_t)(is_signed ? (int)(pd_rng_u64(seed, 2, j) % 256) - 128
                                                   : (int)(pd_rng_u64(seed, 2, j) % 64));
                code.min[j] = (uint8_t)(pd_rng_u64(seed, 3, j) % 64);
            }
            int n_quants = coding->high - coding->low + 1;
            for (uint64_t i = 0; i < format->block_elements; i++)
                code.q[i] =
                    (int8_t)(coding->low + (int)(pd_rng_u64(seed, 4, i) % (uint64_t)n_quants));
            unsigned char block[256];
            float y[PD_SUPERBLOCK];
            memset(block, 0xff, sizeof block);
            coding->pack(&code, block);
            format->decode(block, y, 1);
            assert_int_equal(block[format->block_bytes], 0xff);
            for (int i = 0; i < format->block_elements; i++) {
                struct pd_grid grid = pd_code_grid(coding, &code, i / coding->part_elements);
                assert_true(y[i] == grid.step * (float)code.q[i] + grid.offset);
            }
        }
    }
}

/* Share of the plain encoding's squared error that the search leaves of normal numbers: as measured, and 2% to
 * spare; alike, and with weights e^(1.5 normal). */
static const struct {
    enum pd_format_id id;
    double alike, weighted;
} gains[] = {
    {PD_Q4_0, 0.90, 0.66}, {PD_Q4_1, 0.85, 0.55}, {PD_Q5_0, 0.90, 0.66}, {PD_Q5_1, 0.86, 0.54},
    {PD_Q8_0, 0.90, 0.67}, {PD_Q4_K, 0.83, 0.55}, {PD_Q5_K, 0.85, 0.58}, {PD_Q6_K, 0.82, 0.55},
};

static void test_the_search_gains_what_it_is_said_to(void **state)
{
    (void)state;
    static float x[N], importance[N];
    static unsigned char plain[2 * N], best[2 * N];
    for (int i = 0; i < N; i++) {
        x[i] = random_normal(1, (uint64_t)i);
        importance[i] = expf(1.5f * random_normal(2, (uint64_t)i));
    }
    for (size_t f = 0; f < PD_COUNT(gains); f++) {
        const struct pd_format *format = pd_format_get(gains[f].id);
        size_t n_blocks = N / format->block_elements;
        pd_encode(format->id, x, plain, n_blocks);
        pd_encode_best(format->id, x, NULL, best, n_blocks);
        double alike = error_of(format, best, x, NULL, N) / error_of(format, plain, x, NULL, N);
        pd_encode_best(format->id, x, importance, best, n_blocks);
        double weighted =
            error_of(format, best, x, importance, N) / error_of(format, plain, x, importance, N);
        if (alike > gains[f].alike || weighted > gains[f].weighted)
            fail_msg("%s: %.3f of the plain error alike, %.3f weighted", format->name, alike,
                     weighted);
    }
}

/* Numbers i of a block that is hard in its own way. */
static float hard_number(int kind, int i)
{
    float normal = random_normal((uint64_t)kind, (uint64_t)i);
    switch (kind % 12) {
    case 0:
        return 0.0f;
    case 1:
        return i == 5 ? -3.0f : 0.0f;
    case 2:
        return i % 2 ? 1.0f : -1.0f;
    case 3:
        return 1.0f + 1e-3f * normal;
    case 4:
        return -7.0f;
    case 5:
        return normal * 1e-8f; /* scales are subnormal halves */
    case 6:
        return normal * 1e4f;
    case 7:
        return i == 0 ? 1000.0f : normal;
    case 8:
        return (float)(i % 16);
    case 9:
        return normal < 0.0f ? -normal : normal;
    case 10:
        return i % 2 ? 1e30f : -1e-30f;
    default:
        return normal;
    }
}

static void test_the_search_never_leaves_more_than_extremes_do(void **state)
{
    (void)state;
    for (size_t f = 0; f < PD_COUNT(gains); f++) {
        const struct pd_format *format = pd_format_get(gains[f].id);
        for (int kind = 0; kind < 48; kind++) {
            float x[PD_SUPERBLOCK], importance[PD_SUPERBLOCK], y[PD_SUPERBLOCK];
            unsigned char plain[256], best[256];
            for (int i = 0; i < PD_SUPERBLOCK; i++) {
                x[i] = hard_number(kind, i);
                /* Some inputs never occur; some blocks have none that does. */
                importance[i] = kind >= 24 && (kind >= 36 || i % 3 == 0)
                                    ? 0.0f
                                    : pd_rng_float(9, (uint64_t)kind, (uint64_t)i);
            }
            pd_encode(format->id, x, plain, 1);
            pd_encode_best(format->id, x, importance, best, 1);
            format->decode(best, y, 1);
            for (int i = 0; i < format->block_elements; i++)
                assert_true(isfinite(y[i]));
            double of_plain = error_of(format, plain, x, importance, format->block_elements);
            double of_best = error_of(format, best, x, importance, format->block_elements);
            /* The search sums in float. */
            if (of_best > of_plain * (1.0 + 1e-5))
                fail_msg("%s, block %d: %g instead of %g", format->name, kind, of_best, of_plain);
        }
    }
}

static void test_a_part_searched_alone_is_no_worse_than_before(void **state)
{
    (void)state;
    static const enum pd_format_id ids[] = {PD_Q4_K, PD_Q5_K, PD_Q6_K};
    for (size_t f = 0; f < PD_COUNT(ids); f++) {
        const struct pd_coding *coding = pd_coding_get(ids[f]);
        struct pd_code code = {.d = 0};
        float x[PD_SUPERBLOCK], importance[PD_SUPERBLOCK];
        for (int i = 0; i < PD_SUPERBLOCK; i++) {
            x[i] = random_normal(3, (uint64_t)i);
            importance[i] = pd_rng_float(4, 0, (uint64_t)i);
        }
        pd_code_search(coding, &code, x, importance);
        for (int i = 0; i < PD_SUPERBLOCK; i++)
            x[i] *= 0.6f; /* as if what came before had changed them */
        double before = 0.0, after = 0.0;
        for (int turn = 0; turn < 2; turn++) {
            for (int i = 0; i < PD_SUPERBLOCK; i++) {
                int part = i / coding->part_elements;
                struct pd_grid grid = pd_code_grid(coding, &code, part);
                float y = grid.step * (float)pd_grid_round(coding, grid, x[i]) + grid.offset;
                *(turn ? &after : &before) += (double)(importance[i] * (x[i] - y) * (x[i] - y));
            }
            for (int part = 0; part < coding->n_parts && turn == 0; part++)
                pd_code_search_part(coding, &code, part, x + part * coding->part_elements,
                                    importance + part * coding->part_elements);
        }
        assert_true(after < 0.8 * before);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_packed_block_decodes_to_its_grids),
        cmocka_unit_test(test_the_search_gains_what_it_is_said_to),
        cmocka_unit_test(test_the_search_never_leaves_more_than_extremes_do),
        cmocka_unit_test(test_a_part_searched_alone_is_no_worse_than_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
