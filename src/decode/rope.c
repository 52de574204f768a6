/* SPDX-License-Identifier: Apache-2.0
 * rope.c - see rope.h. Angle of pair i at position p: p * scale * base^(-i / n_pairs) / divisor[i]. */
#include "decode/rope.h"

#include <string.h>

#include "base/real.h"

static size_t table_floats(const struct pd_rope *rope)
{
    return (size_t)rope->n_positions * (size_t)(2 * rope->n_pairs);
}

void pd_rope_layout(struct pd_rope *rope, const struct pd_hparams *h, int n_positions,
                    struct pd_arena *a)
{
    *rope = (struct pd_rope){.n_pairs = h->rope_dim / 2, .n_positions = n_positions};
    rope->global = PD_NEW(a, float, table_floats(rope));
    rope->local = h->window > 0 ? PD_NEW(a, float, table_floats(rope)) : rope->global;
}

static void fill(const struct pd_rope *rope, float *table, double base, double scale,
                 const void *freq_divisors)
{
    double log_base = pd_real_log(base);
    for (int i = 0; i < rope->n_pairs; i++) {
        double step = scale * pd_real_exp(-log_base * i / rope->n_pairs);
        if (freq_divisors != NULL) {
            float divisor;
            memcpy(&divisor, (const char *)freq_divisors + (size_t)i * sizeof divisor,
                   sizeof divisor);
            step /= (double)divisor;
        }
        for (int p = 0; p < rope->n_positions; p++) {
            float *angles = table + (size_t)p * (size_t)(2 * rope->n_pairs);
            double sine, cosine;
            pd_real_sin_cos(p * step, &sine, &cosine);
            angles[i] = (float)cosine;
            angles[rope->n_pairs + i] = (float)sine;
        }
    }
}

void pd_rope_fill(struct pd_rope *rope, const struct pd_hparams *h, const void *freq_divisors)
{
    fill(rope, rope->global, h->rope_base, h->rope_scale, freq_divisors);
    if (rope->local != rope->global)
        fill(rope, rope->local, h->rope_base_local, 1.0, NULL);
}
