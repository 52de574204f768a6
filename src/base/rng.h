/* SPDX-License-Identifier: Apache-2.0
 * rng.h - counter-based random numbers: a pure function of (seed, sample, position), so that a sample is the
 * same whatever runs beside it and in whatever order. */
#ifndef PD_RNG_H
#define PD_RNG_H

#include <stdint.h>

/* 64 well-mixed bits: three rounds of the SplitMix64 finaliser (Steele, Lea, Flood 2014, figure 15),
 * each absorbing one word of the key. */
static inline uint64_t pd_rng_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t pd_rng_u64(uint64_t seed, uint64_t sample, uint64_t position)
{
    return pd_rng_mix(pd_rng_mix(pd_rng_mix(seed) ^ sample) ^ position);
}

/* Uniform in [0, 1), a multiple of 2^-24: exact in float. */
static inline float pd_rng_float(uint64_t seed, uint64_t sample, uint64_t position)
{
    return (float)(pd_rng_u64(seed, sample, position) >> 40) * 0x1p-24f;
}

#endif
