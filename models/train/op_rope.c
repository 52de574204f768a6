/* SPDX-License-Identifier: Apache-2.0
 * op_rope.c - rotary positions. */
#include "ops.h"

static void turn_neox(int n_pairs, const float *restrict cosine, const float *restrict sine,
                      float sign, float *restrict x)
{
    float *restrict y = x + n_pairs;
    for (int i = 0; i < n_pairs; i++) {
        float a = x[i], b = y[i], s = sign * sine[i];
        x[i] = a * cosine[i] - b * s;
        y[i] = a * s + b * cosine[i];
    }
}

static void turn_neighbours(int n_pairs, const float *restrict cosine, const float *restrict sine,
                            float sign, float *restrict x)
{
    for (int i = 0; i < n_pairs; i++) {
        float a = x[2 * i], b = x[2 * i + 1], s = sign * sine[i];
        x[2 * i] = a * cosine[i] - b * s;
        x[2 * i + 1] = a * s + b * cosine[i];
    }
}

void tr_rope(const struct tr_rope *r, bool is_back, float *x)
{
    float sign = is_back ? -1.0f : 1.0f;
    for (int row = 0; row < r->n; row++) {
        const float *cosine = r->angles + tr_area(r->position[row], 2 * r->n_pairs);
        for (int head = 0; head < r->n_heads; head++, x += r->head_dim) {
            if (r->is_neox)
                turn_neox(r->n_pairs, cosine, cosine + r->n_pairs, sign, x);
            else
                turn_neighbours(r->n_pairs, cosine, cosine + r->n_pairs, sign, x);
        }
    }
}
