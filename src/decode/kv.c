/* SPDX-License-Identifier: Apache-2.0
 * kv.c - see kv.h. */
#include "decode/kv.h"

#include <string.h>

void pd_kv_layout(struct pd_kv *kv, const struct pd_hparams *h, struct pd_kv_size size,
                  struct pd_arena *a)
{
    *kv = (struct pd_kv){
        .n_layers = h->n_layers,
        .n_kv_heads = h->n_kv_heads,
        .head_dim = h->head_dim,
        .n_pages = size.n_pages,
        .n_lanes = size.n_lanes,
        .max_tokens = size.max_tokens,
        .max_pages = pd_div_up(size.max_tokens, PD_KV_PAGE),
    };
    kv->lane = PD_NEW(a, struct pd_lane, kv->n_lanes);
    int32_t *tables =
        pd_arena_alloc(a, (size_t)kv->n_lanes * (size_t)kv->max_pages, sizeof *tables);
    kv->n_references = PD_NEW(a, int32_t, kv->n_pages);
    kv->free_page = PD_NEW(a, int32_t, kv->n_pages);
    size_t page_bytes = sizeof *kv->storage * 2 * PD_KV_PAGE * (size_t)kv->head_dim;
    size_t n = (size_t)kv->n_layers * (size_t)kv->n_kv_heads;
    size_t layer_bytes;
    if (__builtin_mul_overflow(n, page_bytes, &layer_bytes))
        a->overflowed = true;
    else
        kv->storage = pd_arena_alloc(a, (size_t)kv->n_pages, layer_bytes);
    if (pd_arena_is_counting(a) || a->overflowed)
        return;
    for (int i = 0; i < kv->n_lanes; i++)
        kv->lane[i].page = tables + (size_t)i * (size_t)kv->max_pages;
    pd_kv_reset(kv);
}

void pd_kv_reset(struct pd_kv *kv)
{
    for (int i = 0; i < kv->n_lanes; i++) {
        struct pd_lane *lane = &kv->lane[i];
        *lane = (struct pd_lane){.page = lane->page};
    }
    memset(kv->n_references, 0, (size_t)kv->n_pages * sizeof *kv->n_references);
    kv->n_free = kv->n_pages;
    for (int i = 0; i < kv->n_pages; i++)
        kv->free_page[i] = kv->n_pages - 1 - i; /* page 0 is taken first */
}

static int pages_of(int n_tokens)
{
    return pd_div_up(n_tokens, PD_KV_PAGE);
}

enum ponder_status pd_kv_fork(struct pd_kv *kv, int from, int *lane_ret)
{
    return pd_kv_fork_above(kv, 0, from, lane_ret);
}

enum ponder_status pd_kv_fork_above(struct pd_kv *kv, int first, int from, int *lane_ret)
{
    PD_ASSERT(from < kv->n_lanes && (from < 0 || kv->lane[from].is_used));
    int free_lane = first;
    while (free_lane < kv->n_lanes && kv->lane[free_lane].is_used)
        free_lane++;
    if (free_lane == kv->n_lanes)
        return PONDER_NO_LANE;
    struct pd_lane *lane = &kv->lane[free_lane];
    lane->is_used = true;
    if (from >= 0) {
        lane->adapter = kv->lane[from].adapter;
        lane->n_tokens = kv->lane[from].n_tokens;
        lane->n_pages = pages_of(lane->n_tokens);
        for (int i = 0; i < lane->n_pages; i++) {
            lane->page[i] = kv->lane[from].page[i];
            kv->n_references[lane->page[i]]++;
        }
    }
    *lane_ret = free_lane;
    return PONDER_OK;
}

static void drop_pages(struct pd_kv *kv, struct pd_lane *lane, int n_kept)
{
    while (lane->n_pages > n_kept) {
        int32_t page = lane->page[--lane->n_pages];
        if (--kv->n_references[page] == 0)
            kv->free_page[kv->n_free++] = page;
    }
}

void pd_kv_prune(struct pd_kv *kv, int lane_index)
{
    struct pd_lane *lane = &kv->lane[lane_index];
    PD_ASSERT(lane->is_used);
    drop_pages(kv, lane, 0);
    *lane = (struct pd_lane){.page = lane->page};
}

void pd_kv_rewind(struct pd_kv *kv, int lane_index, int n)
{
    struct pd_lane *lane = &kv->lane[lane_index];
    PD_ASSERT(lane->is_used && n >= 0 && n <= lane->n_tokens);
    lane->n_tokens = n;
    drop_pages(kv, lane, pages_of(n));
}

static int32_t take_page(struct pd_kv *kv)
{
    int32_t page = kv->free_page[--kv->n_free];
    kv->n_references[page] = 1;
    return page;
}

static void copy_page(struct pd_kv *kv, int32_t to, int32_t from)
{
    size_t bytes = sizeof *kv->storage * PD_KV_PAGE * (size_t)kv->head_dim;
    for (int layer = 0; layer < kv->n_layers; layer++)
        for (int head = 0; head < kv->n_kv_heads; head++)
            for (int of_values = 0; of_values < 2; of_values++)
                memcpy(pd_kv_half(kv, layer, head, to, of_values),
                       pd_kv_half(kv, layer, head, from, of_values), bytes);
}

enum ponder_status pd_kv_reserve(struct pd_kv *kv, int lane_index, int n)
{
    struct pd_lane *lane = &kv->lane[lane_index];
    PD_ASSERT(lane->is_used && n >= 0);
    if (n > kv->max_tokens - lane->n_tokens)
        return PONDER_TOO_LONG;
    if (n == 0)
        return PONDER_OK;
    int n_new = pd_max_int(pages_of(lane->n_tokens + n) - lane->n_pages, 0);
    int end = lane->n_tokens / PD_KV_PAGE; /* the page that the lane's end falls into */
    bool must_copy = end < lane->n_pages && kv->n_references[lane->page[end]] > 1;
    if (n_new + must_copy > kv->n_free)
        return PONDER_NO_MEMORY;
    if (must_copy) {
        int32_t copy = take_page(kv);
        copy_page(kv, copy, lane->page[end]);
        kv->n_references[lane->page[end]]--;
        lane->page[end] = copy;
    }
    for (int i = 0; i < n_new; i++)
        lane->page[lane->n_pages++] = take_page(kv);
    return PONDER_OK;
}
