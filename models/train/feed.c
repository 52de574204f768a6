/* SPDX-License-Identifier: Apache-2.0
 * feed.c - see feed.h. */
#include "feed.h"

#include <stdlib.h>

#include "base/rng.h"
#include "memory.h"

/* How often example i of a source comes in this epoch. */
static int times(const struct tr_feed *f, const struct tr_source *s, int i)
{
    double whole = (double)(int)s->weight;
    uint64_t key = f->seed + 2 * (uint64_t)f->epoch;
    return (int)whole +
           ((double)pd_rng_float(key, 1, (uint64_t)(s->first + i)) < s->weight - whole);
}

static void make_order(struct tr_feed *f)
{
    size_t n = 0;
    for (int k = 0; k < f->data->n_sources; k++)
        for (int i = 0; i < f->data->source[k].n; i++)
            n += (size_t)times(f, &f->data->source[k], i);
    f->order = tr_grow(f->order, n, sizeof *f->order);
    f->n = 0;
    for (int k = 0; k < f->data->n_sources; k++)
        for (int i = 0; i < f->data->source[k].n; i++)
            for (int t = times(f, &f->data->source[k], i); t > 0; t--)
                f->order[f->n++] = f->data->source[k].first + i;
    for (int i = f->n - 1; i > 0; i--) {
        uint64_t key = f->seed + 2 * (uint64_t)f->epoch + 1;
        int other = (int)(pd_rng_u64(key, 2, (uint64_t)i) % ((uint64_t)i + 1));
        int swap = f->order[i];
        f->order[i] = f->order[other];
        f->order[other] = swap;
    }
}

void tr_feed_init(struct tr_feed *f, const struct tr_data *data, uint64_t seed, int64_t epoch,
                  int next)
{
    *f = (struct tr_feed){.data = data, .seed = seed, .epoch = epoch, .next = next};
    make_order(f);
}

void tr_feed_free(struct tr_feed *f)
{
    free(f->order);
    *f = (struct tr_feed){.order = NULL};
}

void tr_feed_fill(struct tr_feed *f, int max_tokens, bool ends, struct tr_batch *b)
{
    tr_batch_clear(b);
    for (;;) {
        if (f->next >= f->n) {
            if (ends)
                return;
            f->next = 0;
            f->epoch++;
            make_order(f);
            if (f->n == 0) /* every fraction fell to nothing: try the next epoch */
                continue;
        }
        const struct tr_example *e = &f->data->example[f->order[f->next]];
        if (b->n + e->n > max_tokens)
            return;
        tr_data_put(f->data, f->order[f->next++], b);
    }
}

double tr_feed_epochs(const struct tr_feed *f)
{
    return (double)f->epoch + (f->n > 0 ? (double)f->next / f->n : 0);
}
