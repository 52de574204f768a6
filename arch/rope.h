/* SPDX-License-Identifier: Apache-2.0
 * rope.h - one rotation of the rotary position embedding, for generic/rope.c and the ends of vector kernels. */
#ifndef PD_ROPE_H
#define PD_ROPE_H

static inline __attribute__((always_inline)) void pd_rotate(float *a, float *b, float cosine,
                                                            float sine)
{
    float x = *a;
    float y = *b;
    *a = x * cosine - y * sine;
    *b = x * sine + y * cosine;
}

#endif
