/* SPDX-License-Identifier: Apache-2.0
 * test_rng.c - random numbers are a fixed function of (seed, sample, position), even and without a pattern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/rng.h"

/* The published SplitMix64 from state 0: its outputs are finalisers of multiples of the increment. */
static void test_mix_is_splitmix64(void **state)
{
    (void)state;
    static const uint64_t published[] = {UINT64_C(0xe220a8397b1dcdaf), UINT64_C(0x6e789e6aa1b965f4),
                                         UINT64_C(0x06c45d188009454f)};
    for (size_t i = 0; i < PD_COUNT(published); i++)
        assert_true(pd_rng_mix(i * UINT64_C(0x9e3779b97f4a7c15)) == published[i]);
}

/* Answers are promised to be the same in every build: these numbers may never change. */
static void test_numbers_are_pinned(void **state)
{
    (void)state;
    static const struct {
        uint64_t key[3], value;
    } pinned[] = {
        {{0, 0, 0}, UINT64_C(0x238275bc38fcbe91)},
        {{0, 0, 1}, UINT64_C(0x2f32a78496c67c60)},
        {{0, 1, 0}, UINT64_C(0x44e5b98100c67fb0)},
        {{1, 0, 0}, UINT64_C(0xb18a02f46d8d86c3)},
        {{42, 7, 300}, UINT64_C(0xa4da904e6cfd33d1)},
        {{UINT64_MAX, UINT64_MAX, UINT64_MAX}, UINT64_C(0x595b17f487c0e71b)},
    };
    for (size_t i = 0; i < PD_COUNT(pinned); i++) {
        uint64_t value = pd_rng_u64(pinned[i].key[0], pinned[i].key[1], pinned[i].key[2]);
        if (value != pinned[i].value)
            fail_msg("number %zu is 0x%016llx", i, (unsigned long long)value);
    }
}

static void test_floats_are_multiples_below_one(void **state)
{
    (void)state;
    float least = 1.0f, most = 0.0f;
    for (uint64_t i = 0; i < 200000; i++) {
        float u = pd_rng_float(3, i / 1000, i % 1000);
        float scaled = u * 0x1p24f;
        assert_true(u >= 0.0f && u < 1.0f && scaled == (float)(int32_t)scaled);
        least = u < least ? u : least;
        most = u > most ? u : most;
    }
    assert_true(least < 1e-4f && most > 1.0f - 1e-4f);
}

/* Chi-square of 256 cells; the bounds are 5 standard deviations off. */
static void check_even(const int cells[256], int n)
{
    double expected = n / 256.0, chi_square = 0.0;
    for (int i = 0; i < 256; i++)
        chi_square += (cells[i] - expected) * (cells[i] - expected) / expected;
    if (chi_square < 255.0 - 113.0 || chi_square > 255.0 + 113.0)
        fail_msg("chi-square %g, expected about 255", chi_square);
}

/* Along each word of the key, the other two fixed: as a sampler walks through them. */
static void test_numbers_are_even_along_every_word_of_the_key(void **state)
{
    (void)state;
    enum { N = 1 << 16 };
    for (int word = 0; word < 3; word++) {
        int high[256] = {0}, low[256] = {0}, pairs[256] = {0};
        uint64_t last = 0;
        for (uint64_t i = 0; i < N; i++) {
            uint64_t key[3] = {0, 0, 0};
            key[word] = i;
            uint64_t x = pd_rng_u64(key[0], key[1], key[2]);
            high[x >> 56]++;
            low[x & 255]++;
            pairs[(x >> 60 << 4) | last >> 60]++; /* a number and the one before */
            last = x;
        }
        check_even(high, N);
        check_even(low, N);
        check_even(pairs, N);
    }
}

static void test_every_bit_of_the_key_changes_half_the_bits(void **state)
{
    (void)state;
    for (int word = 0; word < 3; word++) {
        for (int bit = 0; bit < 64; bit++) {
            int n_changed = 0;
            for (uint64_t i = 0; i < 256; i++) {
                uint64_t key[3] = {pd_rng_mix(i), pd_rng_mix(i + 1000), i};
                uint64_t before = pd_rng_u64(key[0], key[1], key[2]);
                key[word] ^= UINT64_C(1) << bit;
                n_changed += __builtin_popcountll(before ^ pd_rng_u64(key[0], key[1], key[2]));
            }
            double mean = n_changed / 256.0; /* of 64; standard deviation 0.25 */
            if (mean < 30.5 || mean > 33.5)
                fail_msg("bit %d of word %d changes %g bits", bit, word, mean);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mix_is_splitmix64),
        cmocka_unit_test(test_numbers_are_pinned),
        cmocka_unit_test(test_floats_are_multiples_below_one),
        cmocka_unit_test(test_numbers_are_even_along_every_word_of_the_key),
        cmocka_unit_test(test_every_bit_of_the_key_changes_half_the_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
