/* SPDX-License-Identifier: Apache-2.0
 * test_real.c - exp, log, sine and cosine are within a few ulp of libm's, and their bits are pinned: every
 * machine that runs this test has to agree on them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/real.h"
#include "base/rng.h"

enum { N = 100000, N_PINNED = 10000 };

/* Evenly spread over [low, high). */
static double sample(uint64_t stream, uint64_t i, double low, double high)
{
    double u = (double)(pd_rng_u64(1, stream, i) >> 11) * 0x1p-53;
    return low + u * (high - low);
}

/* Distance in units in the last place of the expected value. */
static double ulps(double value, double expected)
{
    double ulp = nextafter(fabs(expected), INFINITY) - fabs(expected);
    return fabs(value - expected) / ulp;
}

static void test_exp_is_within_4_ulp(void **state)
{
    (void)state;
    static const double edges[] = {0.0,        -0.0,        1e-300, -1e-20,
                                   0.34657359, -0.34657360, 700.0,  -700.0};
    for (size_t i = 0; i < PD_COUNT(edges); i++)
        assert_true(ulps(pd_real_exp(edges[i]), exp(edges[i])) <= 4.0);
    for (uint64_t i = 0; i < N; i++) {
        double x = i % 2 == 0 ? sample(0, i, -700.0, 700.0) : sample(0, i, -2.0, 2.0);
        double distance = ulps(pd_real_exp(x), exp(x));
        if (!(distance <= 4.0))
            fail_msg("exp(%.17g) is off by %g ulp", x, distance);
    }
    assert_true(pd_real_exp(0.0) == 1.0);
}

static void test_exp_beyond_its_range_is_its_end(void **state)
{
    (void)state;
    static const double below[] = {-700.0000001, -745.0, -1e4, -1e300, -INFINITY, NAN};
    static const double above[] = {700.0000001, 710.0, 1e300, INFINITY};
    for (size_t i = 0; i < PD_COUNT(below); i++)
        assert_true(pd_real_exp(below[i]) == 0.0);
    for (size_t i = 0; i < PD_COUNT(above); i++)
        assert_true(pd_real_exp(above[i]) == pd_real_exp(700.0));
}

static void test_log_is_within_4_ulp(void **state)
{
    (void)state;
    static const double edges[] = {
        1.0,       0x1.fffffffffffffp-1,    0x1.0000000000001p+0, 2.0,        0.5,
        0x1p-1022, 0x1.fffffffffffffp+1023, 1.41421356,           1.41421357, 0.7071};
    for (size_t i = 0; i < PD_COUNT(edges); i++) {
        double expected = log(edges[i]);
        assert_true(expected == 0.0 ? pd_real_log(edges[i]) == 0.0
                                    : ulps(pd_real_log(edges[i]), expected) <= 4.0);
    }
    for (uint64_t i = 0; i < N; i++) {
        double x = i % 2 == 0 ? exp(sample(1, i, -700.0, 700.0)) : sample(1, i, 0.5, 2.0);
        double distance = ulps(pd_real_log(x), log(x));
        if (!(distance <= 4.0))
            fail_msg("log(%.17g) is off by %g ulp", x, distance);
    }
}

static void test_sine_and_cosine_are_within_what_is_stated(void **state)
{
    (void)state;
    static const double ranges[] = {1.0, 10.0, 1e3, 1e6, 1e9};
    for (size_t r = 0; r < PD_COUNT(ranges); r++) {
        for (uint64_t i = 0; i < N / 5; i++) {
            double x = sample(2 + r, i, -ranges[r], ranges[r]), sine, cosine;
            double bound = 1.2e-16 * fabs(x) + 3e-16;
            pd_real_sin_cos(x, &sine, &cosine);
            if (!(fabs(sine - sin(x)) <= bound && fabs(cosine - cos(x)) <= bound))
                fail_msg("of %.17g: off by %g and %g", x, sine - sin(x), cosine - cos(x));
        }
    }
}

static void test_sine_and_cosine_know_their_symmetries(void **state)
{
    (void)state;
    double sine, cosine, mirrored_sine, mirrored_cosine;
    pd_real_sin_cos(0.0, &sine, &cosine);
    assert_true(sine == 0.0 && cosine == 1.0);
    for (uint64_t i = 0; i < 1000; i++) {
        double x = sample(9, i, 0.0, 1e4);
        pd_real_sin_cos(x, &sine, &cosine);
        pd_real_sin_cos(-x, &mirrored_sine, &mirrored_cosine);
        assert_true(mirrored_sine == -sine && mirrored_cosine == cosine);
    }
}

/* FNV-1a over the bits, in an order that no machine changes. */
static uint64_t hash_add(uint64_t hash, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 64; i += 8)
        hash = (hash ^ (bits >> i & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

static void check_hash(const char *what, uint64_t hash, uint64_t expected)
{
    if (hash != expected)
        fail_msg("the bits of %s hash to 0x%016llx", what, (unsigned long long)hash);
}

/* Rotary tables, probabilities and votes are made with these: other bits are other answers. */
static void test_bits_are_the_same_on_every_machine(void **state)
{
    (void)state;
    const uint64_t start = UINT64_C(0xcbf29ce484222325);
    uint64_t exps = start, logs = start, angles = start;
    for (uint64_t i = 0; i < N_PINNED; i++) {
        double sine, cosine;
        exps = hash_add(exps, pd_real_exp(sample(10, i, -705.0, 705.0)));
        logs = hash_add(logs, pd_real_log(sample(11, i, 1e-300, 4.0)));
        pd_real_sin_cos(sample(12, i, -1e6, 1e6), &sine, &cosine);
        angles = hash_add(hash_add(angles, sine), cosine);
    }
    check_hash("exp", exps, UINT64_C(0x938b04912be27e49));
    check_hash("log", logs, UINT64_C(0x5727366cafcb582f));
    check_hash("sine and cosine", angles, UINT64_C(0x8da1ea53563ea4fe));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_is_within_4_ulp),
        cmocka_unit_test(test_exp_beyond_its_range_is_its_end),
        cmocka_unit_test(test_log_is_within_4_ulp),
        cmocka_unit_test(test_sine_and_cosine_are_within_what_is_stated),
        cmocka_unit_test(test_sine_and_cosine_know_their_symmetries),
        cmocka_unit_test(test_bits_are_the_same_on_every_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
