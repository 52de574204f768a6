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

/* The angles of one pair at all positions. */
static void fill_pair(const struct pd_rope *rope, int i, float *table, double base, double scale,
                      const void *freq_divisors)
{
    double step = scale * pd_real_exp(-pd_real_log(base) * i / rope->n_pairs);
    if (freq_divisors != NULL) {
        float divisor;
        memcpy(&divisor, (const char *)freq_divisors + (size_t)i * sizeof divisor, sizeof divisor);
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

enum { MAX_CHUNKS = 8 };

static void fill_chunk(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)thread;
    const struct pd_rope_fill *fill = context;
    const struct pd_rope *rope = fill->rope;
    const struct pd_hparams *h = fill->hparams;
    int begin, end;
    pd_share(rope->n_pairs, chunk, pd_min_int(rope->n_pairs, MAX_CHUNKS), &begin, &end);
    for (int i = begin; i < end; i++) {
        fill_pair(rope, i, rope->global, h->rope_base, h->rope_scale, fill->freq_divisors);
        if (rope->local != rope->global)
            fill_pair(rope, i, rope->local, h->rope_base_local, 1.0, NULL);
    }
}

struct pd_pool_task pd_rope_fill_task(struct pd_rope_fill *fill, const struct pd_rope *rope,
                                      const struct pd_hparams *h, const void *freq_divisors)
{
    *fill = (struct pd_rope_fill){rope, h, freq_divisors};
    return (struct pd_pool_task){pd_min_int(rope->n_pairs, MAX_CHUNKS), fill_chunk, fill};
}
