/* SPDX-License-Identifier: Apache-2.0
 * batch.c - see batch.h. */
#include "batch.h"

#include <stdlib.h>

#include "memory.h"

void tr_batch_init(struct tr_batch *b, int max_tokens)
{
    size_t n = (size_t)max_tokens;
    *b = (struct tr_batch){
        .token = tr_alloc(n, sizeof *b->token),
        .position = tr_alloc(n, sizeof *b->position),
        .begin = tr_alloc(n + 1, sizeof *b->begin),
        .target_row = tr_alloc(n, sizeof *b->target_row),
        .target = tr_alloc(n, sizeof *b->target),
        .label_row = tr_alloc(n, sizeof *b->label_row),
        .label = tr_alloc(n, sizeof *b->label),
    };
}

void tr_batch_free(struct tr_batch *b)
{
    void *const blocks[] = {b->token,  b->position,  b->begin, b->target_row,
                            b->target, b->label_row, b->label};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        free(blocks[i]);
    *b = (struct tr_batch){.n = 0};
}

void tr_batch_clear(struct tr_batch *b)
{
    b->n = b->n_sequences = b->n_targets = b->n_labels = 0;
}
