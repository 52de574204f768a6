/* SPDX-License-Identifier: Apache-2.0
 * test_format.c - the table of tensor formats: decoders bit for bit against another implementation's
 * (scripts/make-format-goldens.py), halves exhaustively, encoders within stated errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <float.h>
#include <math.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/rng.h"
#include "quant/block.h"
#include "quant/encode.h"
#include "quant/format.h"
#include "tests/support/guarded.h"

static uint32_t float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The same bytes as in scripts/make-format-goldens.py. */
static void random_bytes(unsigned char *bytes, size_t n, enum pd_format_id id)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(pd_rng_mix((uint64_t)id << 32 | i / 8) >> 8 * (i % 8));
}

static void *new_bytes(size_t n)
{
    void *bytes = malloc(n);
    assert_non_null(bytes);
    return bytes;
}

static void test_table_rows_name_their_format(void **state)
{
    (void)state;
    for (int id = 0; id < PD_FORMATS; id++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)id);
        assert_int_equal(format->id, id);
        assert_ptr_equal(pd_format_from_gguf(format->gguf_type), format);
        assert_string_equal(pd_format_gguf_name(format->gguf_type), format->name);
        assert_int_equal(pd_format_row_bytes(format, 512),
                         512 / format->block_elements * format->block_bytes);
        assert_int_equal(format->is_quantised, format->block_elements > 1);
    }
}

static void test_types_we_lack_have_names_but_no_row(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        const char *name;
    } lacking[] = {{4, "Q4_2"},      {9, "Q8_1"},    {10, "Q2_K"},       {16, "IQ2_XXS"},
                   {20, "IQ4_NL"},   {23, "IQ4_XS"}, {24, "I8"},         {29, "IQ1_M"},
                   {33, "Q4_0_8_8"}, {34, "TQ1_0"},  {38, "IQ4_NL_8_8"}, {39, "MXFP4"},
                   {40, "NVFP4"}};
    for (size_t i = 0; i < PD_COUNT(lacking); i++) {
        assert_null(pd_format_from_gguf(lacking[i].type));
        assert_string_equal(pd_format_gguf_name(lacking[i].type), lacking[i].name);
    }
    assert_null(pd_format_from_gguf(1000));
    assert_null(pd_format_gguf_name(1000));
    assert_null(pd_format_gguf_name(UINT32_MAX));
}

static void test_decoders_agree_with_golden_bits(void **state)
{
    (void)state;
    FILE *file = fopen("tests/golden/formats.txt", "r");
    assert_non_null(file);
    for (int id = 0; id < PD_FORMATS; id++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)id);
        char name[8];
        size_t n_blocks;
        unsigned long long want;
        assert_int_equal(fscanf(file, "%7s %zu %llx", name, &n_blocks, &want), 3);
        assert_string_equal(name, format->name);

        size_t n = n_blocks * format->block_elements;
        unsigned char *blocks = new_bytes(n_blocks * format->block_bytes);
        float *values = new_bytes(n * sizeof *values);
        random_bytes(blocks, n_blocks * format->block_bytes, format->id);
        format->decode(blocks, values, n_blocks);
        uint64_t checksum = 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t bits = isnan(values[i]) ? 0x7fc00000u : float_bits(values[i]);
            unsigned head;
            if (i < 8) {
                assert_int_equal(fscanf(file, "%x", &head), 1);
                assert_int_equal(bits, head);
            }
            checksum += pd_rng_mix((uint64_t)i << 32 | bits);
        }
        free(values);
        free(blocks);
        if (checksum != want)
            fail_msg("%s decodes differently", name);
    }
    fclose(file);
}

static void test_decoders_read_only_their_blocks_at_any_alignment(void **state)
{
    (void)state;
    enum { N_BLOCKS = 3, MAX_BYTES = N_BLOCKS * 256 };
    for (int id = 0; id < PD_FORMATS; id++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)id);
        size_t n = (size_t)N_BLOCKS * format->block_elements;
        size_t n_bytes = (size_t)N_BLOCKS * format->block_bytes;
        unsigned char blocks[3 + MAX_BYTES] = {0};
        float want[N_BLOCKS * PD_SUPERBLOCK];
        float got[N_BLOCKS * PD_SUPERBLOCK + 1];
        random_bytes(blocks + 3, n_bytes, format->id);
        format->decode(blocks + 3, want, N_BLOCKS);
        for (size_t before = 0; before < 4; before++) {
            struct guarded copy = guarded_copy(blocks + 3 - before, before + n_bytes);
            got[n] = 42.0f;
            format->decode(copy.data + before, got, N_BLOCKS);
            guarded_free(&copy);
            assert_memory_equal(got, want, n * sizeof *got);
            assert_true(got[n] == 42.0f);
        }
    }
}

/* What a half means, by its definition: fraction and exponent. */
static double half_value(uint16_t h)
{
    int exponent = h >> 10 & 31;
    int fraction = h & 1023;
    double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return h & 0x8000 ? -magnitude : magnitude;
}

static void test_every_half_becomes_its_float(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        float value = pd_f16_to_f32((uint16_t)h);
        if ((h & 0x7fff) > 0x7c00) {
            assert_true(isnan(value));
        } else if ((h & 0x7fff) == 0x7c00) {
            assert_true(isinf(value));
            assert_int_equal(signbit(value) != 0, h >> 15);
        } else {
            assert_true((double)value == half_value((uint16_t)h));
            assert_int_equal(signbit(value) != 0, h >> 15);
        }
        uint16_t back = pd_f32_to_f16(value);
        if (isnan(value))
            assert_true((back & 0x7fff) > 0x7c00);
        else
            assert_int_equal(back, h);
    }
}

static void check_to_half(float value, uint32_t want)
{
    assert_int_equal(pd_f32_to_f16(value), want);
    assert_int_equal(pd_f32_to_f16(-value), want | 0x8000);
}

static void test_floats_round_to_the_nearest_half(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7c00; h++) {
        double above = h + 1 == 0x7c00 ? 65536.0 : half_value((uint16_t)(h + 1));
        float middle = (float)((half_value((uint16_t)h) + above) / 2); /* exact: one bit more */
        check_to_half((float)half_value((uint16_t)h), h);
        check_to_half(nextafterf(middle, 0.0f), h);
        check_to_half(middle, h + (h & 1));
        check_to_half(nextafterf(middle, INFINITY), h + 1);
    }
    check_to_half(FLT_MAX, 0x7c00);
    check_to_half(INFINITY, 0x7c00);
    check_to_half(FLT_MIN, 0);
    check_to_half(float_of_bits(1), 0);
    assert_true((pd_f32_to_f16(NAN) & 0x7fff) > 0x7c00);
    assert_true((pd_f32_to_f16(float_of_bits(0x7f800001)) & 0x7fff) > 0x7c00); /* not infinity */
}

static void test_floats_round_to_the_nearest_bfloat(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7f80; h++) {
        float values[4] = {float_of_bits(h << 16), float_of_bits((h << 16) + 0x7fff),
                           float_of_bits((h << 16) + 0x8000), float_of_bits((h << 16) + 0x8001)};
        uint32_t want[4] = {h, h, h + (h & 1), h + 1};
        uint8_t bytes[8];
        pd_encode(PD_BF16, values, bytes, 4);
        for (int i = 0; i < 4; i++)
            assert_int_equal(pd_load_u16(bytes + 2 * i), want[i]);
    }
    float nan = float_of_bits(0x7f800001);
    uint8_t bytes[2];
    pd_encode(PD_BF16, &nan, bytes, 1);
    assert_true(isnan(pd_bf16_to_f32(pd_load_u16(bytes))));
}

/* Roughly normal with deviation 1: a sum of twelve uniform numbers. */
static float random_normal(uint64_t seed, uint64_t i)
{
    float sum = -6.0f;
    for (uint64_t k = 0; k < 12; k++)
        sum += pd_rng_float(seed, i, k);
    return sum;
}

/* Errors of encoding and decoding again. Worst: of one element, as a share of its block's largest
 * magnitude A, from the step between quants: half a step inside the range, a whole one at the short end of
 * the signed formats, and for K formats the rounding of 6-bit scales and minimums on top (A / 63 + A / 126); scales rounded to
 * half add A / 1024, and subnormal ones up to 2^-24 * 63 * 31.
 * Mean: root mean square over normal numbers with deviation 1, as measured, and 2% to spare. */
static const struct {
    enum pd_format_id id;
    double worst, mean;
} bounds[] = {
    {PD_F32, 0.0, 0.0},
    {PD_F16, 1 / 2048.0, 2.1e-4},
    {PD_BF16, 1 / 256.0, 1.7e-3},
    {PD_Q4_0, 1 / 8.0, 0.0846},
    {PD_Q4_1, 1 / 15.0, 0.0783},
    {PD_Q5_0, 1 / 16.0, 0.0429},
    {PD_Q5_1, 1 / 31.0, 0.0379},
    {PD_Q8_0, 1 / 254.0, 0.00542},
    {PD_Q4_K, 1 / 15.0 + 1 / 42.0, 0.0793},
    {PD_Q5_K, 1 / 31.0 + 1 / 42.0, 0.0387},
    {PD_Q6_K, 1 / 32.0, 0.01925},
};

static void test_encoding_stays_within_its_error(void **state)
{
    (void)state;
    enum { N = 64 * PD_SUPERBLOCK };
    static float x[N];
    static float y[N];
    static unsigned char blocks[N * sizeof(float)];
    for (size_t f = 0; f < PD_COUNT(bounds); f++) {
        const struct pd_format *format = pd_format_get(bounds[f].id);
        size_t block = format->block_elements;
        for (int power = -4; power <= 12; power += 4) { /* halves stay normal */
            double square = 0.0;
            for (size_t i = 0; i < N; i++)
                x[i] = ldexpf(random_normal((uint64_t)f, i), power);
            pd_encode(format->id, x, blocks, N / block);
            format->decode(blocks, y, N / block);
            for (size_t b = 0; b < N; b += block) {
                double largest = 0.0;
                double worst = 0.0;
                for (size_t i = b; i < b + block; i++) {
                    double error = fabs((double)x[i] - (double)y[i]);
                    square += error * error;
                    largest = fmax(largest, fabs((double)x[i]));
                    worst = fmax(worst, error);
                }
                double slack = (format->is_quantised ? largest / 1024 : 0) + 0x1p-25;
                if (worst > bounds[f].worst * largest + slack)
                    fail_msg("%s: error %g in a block of magnitude %g", format->name, worst,
                             largest);
            }
            double mean = ldexp(sqrt(square / N), -power);
            if (mean > bounds[f].mean)
                fail_msg("%s at 2^%d: root mean square error %g", format->name, power, mean);
        }
    }
}

static void test_encoding_of_hard_blocks_stays_finite_and_near(void **state)
{
    (void)state;
    static const float values[][2] = {
        /* even elements, odd elements */
        {0.0f, 0.0f},        {1.0f, 1.0f},       {-1.0f, -1.0f},        {3e-8f, -3e-8f},
        {1e-40f, -1e-40f},   {1e-45f, 0.0f},     {65504.0f, -65504.0f}, {7.0f, 0.0f},
        {-7.0f, 0.0f},       {1000.0f, 1e-30f},  {5.0f, 5.0001f},       {1e30f, -1e30f},
        {FLT_MAX, -FLT_MAX}, {FLT_MAX, FLT_MAX}, {-FLT_MAX, 1.0f},      {-0.0f, 0.0f},
    };
    float x[PD_SUPERBLOCK];
    float y[PD_SUPERBLOCK];
    unsigned char blocks[PD_SUPERBLOCK * sizeof(float)];
    for (size_t f = 0; f < PD_COUNT(bounds); f++) {
        const struct pd_format *format = pd_format_get(bounds[f].id);
        if (!format->is_quantised)
            continue;
        for (size_t v = 0; v < PD_COUNT(values); v++) {
            for (size_t i = 0; i < PD_SUPERBLOCK; i++)
                x[i] = values[v][i % 2];
            size_t n_blocks = PD_SUPERBLOCK / format->block_elements;
            pd_encode(format->id, x, blocks, n_blocks);
            format->decode(blocks, y, n_blocks);
            double largest = fmax(fabs((double)values[v][0]), fabs((double)values[v][1]));
            for (size_t i = 0; i < PD_SUPERBLOCK; i++) {
                assert_true(isfinite(y[i]));
                double error = fabs((double)x[i] - (double)y[i]);
                if (largest <= 65504.0)
                    assert_true(error <= (bounds[f].worst + 1 / 1024.0) * largest + 0x1p-13);
                else
                    assert_true(error <= largest); /* saturates on the right side */
            }
        }
    }
}

static void test_zeros_stay_exactly_zero(void **state)
{
    (void)state;
    float x[PD_SUPERBLOCK] = {0.0f};
    float y[PD_SUPERBLOCK];
    unsigned char blocks[PD_SUPERBLOCK * sizeof(float)];
    for (int id = 0; id < PD_FORMATS; id++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)id);
        memset(blocks, 0xff, sizeof blocks);
        pd_encode(format->id, x, blocks, PD_SUPERBLOCK / format->block_elements);
        format->decode(blocks, y, PD_SUPERBLOCK / format->block_elements);
        for (size_t i = 0; i < PD_SUPERBLOCK; i++)
            assert_true(y[i] == 0.0f);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_rows_name_their_format),
        cmocka_unit_test(test_types_we_lack_have_names_but_no_row),
        cmocka_unit_test(test_decoders_agree_with_golden_bits),
        cmocka_unit_test(test_decoders_read_only_their_blocks_at_any_alignment),
        cmocka_unit_test(test_every_half_becomes_its_float),
        cmocka_unit_test(test_floats_round_to_the_nearest_half),
        cmocka_unit_test(test_floats_round_to_the_nearest_bfloat),
        cmocka_unit_test(test_encoding_stays_within_its_error),
        cmocka_unit_test(test_encoding_of_hard_blocks_stays_finite_and_near),
        cmocka_unit_test(test_zeros_stay_exactly_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
