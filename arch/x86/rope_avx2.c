/* SPDX-License-Identifier: Apache-2.0
 * rope_avx2.c - arch/generic/rope.c on 4 neighbouring pairs, or 8 of the other order, at a time. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include <immintrin.h>

#include "arch/rope.h"
#include "arch/x86/x86.h"

/* Four floats, each twice. */
static inline __m256 load_twice(const float *p)
{
    const __m256i lanes = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    return _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), lanes);
}

static void rope(float *x, const float *cs, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256 pairs = _mm256_loadu_ps(x + 2 * i);
        __m256 swapped = _mm256_permute_ps(pairs, 0xb1);
        /* even lanes: x cos - y sin, odd ones: y cos + x sin */
        _mm256_storeu_ps(x + 2 * i,
                         _mm256_addsub_ps(_mm256_mul_ps(pairs, load_twice(cs + i)),
                                          _mm256_mul_ps(swapped, load_twice(cs + n + i))));
    }
    for (; i < n; i++)
        pd_rotate(&x[2 * i], &x[2 * i + 1], cs[i], cs[n + i]);
}

static void rope_neox(float *x, const float *cs, int n)
{
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + n + i);
        __m256 c = _mm256_loadu_ps(cs + i), s = _mm256_loadu_ps(cs + n + i);
        _mm256_storeu_ps(x + i, _mm256_sub_ps(_mm256_mul_ps(a, c), _mm256_mul_ps(b, s)));
        _mm256_storeu_ps(x + n + i, _mm256_add_ps(_mm256_mul_ps(a, s), _mm256_mul_ps(b, c)));
    }
    for (; i < n; i++)
        pd_rotate(&x[i], &x[n + i], cs[i], cs[n + i]);
}

void pd_avx2_rope(struct pd_kernels *k)
{
    k->rope = rope;
    k->rope_neox = rope_neox;
}
