/* SPDX-License-Identifier: Apache-2.0
 * kv.h - keys and values of all lanes, in pages of 16 tokens that lanes with a common past share.
 *
 *   storage   sheaves of 16 pages (the last may be thinner): [sheaf][layer][kv head] of
 *             { keys [page][head_dim][16], values [page][16][head_dim] } in half floats
 *   lane      length and a table: page of tokens 0..15, of 16..31, ...
 *
 * Sheaves come first, so that memory is only touched as lanes grow; within one, the pages of a prompt, taken one
 * after the other, lie side by side for each layer and head, as hardware that reads ahead likes it.
 * A fork copies the table and counts references; a shared page is copied when a lane writes to it, which
 * can only be the page its end falls into. Position p is always slot p % 16 of page p / 16, so attention sums
 * in the same order whatever is shared. */
#ifndef PD_KV_H
#define PD_KV_H

#include "arch/kernels.h"
#include "base/arena.h"
#include "base/base.h"
#include "model/model.h"

struct pd_lane {
    bool is_used;
    int adapter; /* of the decoder, 1..; 0: none. Keys and values depend on it, so forks keep it */
    int n_tokens;
    int n_pages;   /* in the table: those of n_tokens, and those reserved */
    int32_t *page; /* [max_pages] */
};

struct pd_kv {
    int n_layers, n_kv_heads, head_dim;
    int n_pages;    /* in all */
    int n_lanes;    /* slots for lanes */
    int max_tokens; /* of one lane */
    int max_pages;  /* of one lane */
    uint16_t *storage;
    struct pd_lane *lane;  /* [n_lanes] */
    int32_t *n_references; /* [n_pages] */
    int32_t *free_page;    /* [n_pages] a stack */
    int n_free;
};

struct pd_kv_size {
    int n_lanes, max_tokens, n_pages;
};

/* Places it. */
void pd_kv_layout(struct pd_kv *kv, const struct pd_hparams *h, struct pd_kv_size size,
                  struct pd_arena *a);

/* All lanes and pages are free again. */
void pd_kv_reset(struct pd_kv *kv);

/* A lane with the past of lane `from` (-1: none). NO_LANE: all are in use. Not thread safe. */
enum ponder_status pd_kv_fork(struct pd_kv *kv, int from, int *lane_ret);

/* The same with a lane that is not below `first`: who shares the lanes keeps to his own. */
enum ponder_status pd_kv_fork_above(struct pd_kv *kv, int first, int from, int *lane_ret);

/* Gives an empty lane an adapter. */
static inline void pd_kv_set_adapter(struct pd_kv *kv, int lane, int adapter)
{
    PD_ASSERT(kv->lane[lane].is_used && kv->lane[lane].n_tokens == 0);
    kv->lane[lane].adapter = adapter;
}

/* Gives the lane and its pages back. */
void pd_kv_prune(struct pd_kv *kv, int lane);

/* Forgets all but the first n tokens of a lane. */
void pd_kv_rewind(struct pd_kv *kv, int lane, int n);

/* Makes room for n more tokens of a lane, its alone to write; n_tokens is the caller's to raise once they are
 * written, and to reserve again for tokens that never were is fine. TOO_LONG: beyond max_tokens; NO_MEMORY: no
 * page is free (lanes that share less than was planned for). On failure the lane is as it was. */
enum ponder_status pd_kv_reserve(struct pd_kv *kv, int lane, int n);

enum { PD_KV_SHEAF = 16 };

/* Keys (of_values 0) or values (1) of a page for one layer and kv head. */
static inline uint16_t *pd_kv_half(const struct pd_kv *kv, int layer, int head, int32_t page,
                                   int of_values)
{
    int first = page / PD_KV_SHEAF * PD_KV_SHEAF;
    int width = pd_min_int(PD_KV_SHEAF, kv->n_pages - first); /* of the sheaf */
    size_t heads = (size_t)kv->n_layers * (size_t)kv->n_kv_heads;
    size_t at = (size_t)layer * (size_t)kv->n_kv_heads + (size_t)head; /* of a sheaf's heads */
    size_t index = 2 * (heads * (size_t)first + at * (size_t)width) +
                   (size_t)(of_values * width + page - first);
    return kv->storage + index * (size_t)(PD_KV_PAGE * kv->head_dim);
}

static inline uint16_t *pd_kv_keys(const struct pd_kv *kv, int layer, int head, int32_t page)
{
    return pd_kv_half(kv, layer, head, page, 0);
}

static inline uint16_t *pd_kv_values(const struct pd_kv *kv, int layer, int head, int32_t page)
{
    return pd_kv_half(kv, layer, head, page, 1);
}

#endif
