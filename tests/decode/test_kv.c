/* SPDX-License-Identifier: Apache-2.0
 * test_kv.c - pages of keys and values: what lanes share, when they stop sharing, and that no lane ever
 * sees another's writes. Single facts first, then thousands of random steps against a model that
 * keeps everything in plain arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "decode/kv.h"

enum {
    N_LAYERS = 2,
    N_KV_HEADS = 3,
    HEAD_DIM = 4,
    PAGE = PD_KV_PAGE,
    MAX_LANES = 6,
    MAX_TOKENS = 75
};

static struct pd_kv new_kv(int n_lanes, int max_tokens, int n_pages, void **block_ret)
{
    struct pd_hparams h = {.n_layers = N_LAYERS, .n_kv_heads = N_KV_HEADS, .head_dim = HEAD_DIM};
    struct pd_kv_size size = {n_lanes, max_tokens, n_pages};
    struct pd_kv kv;
    struct pd_arena a;
    pd_arena_init_count(&a);
    pd_kv_layout(&kv, &h, size, &a);
    size_t bytes = pd_arena_block_bytes(&a);
    *block_ret = malloc(bytes);
    assert_non_null(*block_ret);
    pd_arena_init(&a, *block_ret, bytes);
    pd_kv_layout(&kv, &h, size, &a);
    assert_false(a.overflowed);
    return kv;
}

/* ---- what a lane holds: a mark for every (layer, head, position), in key and value ---- */

static uint16_t *key_at(const struct pd_kv *kv, int lane, int layer, int head, int position)
{
    int32_t page = kv->lane[lane].page[position / PAGE];
    return pd_kv_keys(kv, layer, head, page) + (HEAD_DIM - 1) * PAGE + position % PAGE;
}

static uint16_t *value_at(const struct pd_kv *kv, int lane, int layer, int head, int position)
{
    int32_t page = kv->lane[lane].page[position / PAGE];
    return pd_kv_values(kv, layer, head, page) + position % PAGE * HEAD_DIM + 1;
}

static uint16_t mark_of(uint16_t mark, int layer, int head, bool is_value)
{
    return (uint16_t)(mark * 16 + layer * 8 + head * 2 + is_value);
}

static void write_mark(struct pd_kv *kv, int lane, int position, uint16_t mark)
{
    for (int layer = 0; layer < N_LAYERS; layer++) {
        for (int head = 0; head < N_KV_HEADS; head++) {
            *key_at(kv, lane, layer, head, position) = mark_of(mark, layer, head, false);
            *value_at(kv, lane, layer, head, position) = mark_of(mark, layer, head, true);
        }
    }
}

static bool has_mark(const struct pd_kv *kv, int lane, int position, uint16_t mark)
{
    for (int layer = 0; layer < N_LAYERS; layer++)
        for (int head = 0; head < N_KV_HEADS; head++)
            if (*key_at(kv, lane, layer, head, position) != mark_of(mark, layer, head, false) ||
                *value_at(kv, lane, layer, head, position) != mark_of(mark, layer, head, true))
                return false;
    return true;
}

/* Appends n tokens marked mark, mark + 1, ... */
static enum ponder_status append(struct pd_kv *kv, int lane, int n, uint16_t mark)
{
    PD_TRY(pd_kv_reserve(kv, lane, n));
    for (int i = 0; i < n; i++)
        write_mark(kv, lane, kv->lane[lane].n_tokens + i, (uint16_t)(mark + i));
    kv->lane[lane].n_tokens += n;
    return PONDER_OK;
}

static void append_ok(struct pd_kv *kv, int lane, int n, uint16_t mark)
{
    assert_int_equal(append(kv, lane, n, mark), PONDER_OK);
}

static int fork_ok(struct pd_kv *kv, int from)
{
    int lane = -1;
    assert_int_equal(pd_kv_fork(kv, from, &lane), PONDER_OK);
    assert_in_range(lane, 0, kv->n_lanes - 1);
    assert_true(kv->lane[lane].is_used);
    return lane;
}

static void check_marks(const struct pd_kv *kv, int lane, int from, int n, uint16_t mark)
{
    for (int i = 0; i < n; i++)
        if (!has_mark(kv, lane, from + i, (uint16_t)(mark + i)))
            fail_msg("lane %d, position %d", lane, from + i);
}

/* ---- single facts ---- */

static void test_fork_shares_all_pages(void **state)
{
    (void)state;
    void *block;
    struct pd_kv kv = new_kv(4, MAX_TOKENS, 20, &block);
    int trunk = fork_ok(&kv, -1);
    append_ok(&kv, trunk, 2 * PAGE + 5, 100);
    assert_int_equal(kv.n_free, 17);
    int a = fork_ok(&kv, trunk), b = fork_ok(&kv, a);
    assert_int_equal(kv.n_free, 17);
    assert_int_equal(kv.lane[b].n_tokens, 2 * PAGE + 5);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kv.lane[a].page[i], kv.lane[trunk].page[i]);
        assert_int_equal(kv.lane[b].page[i], kv.lane[trunk].page[i]);
        assert_int_equal(kv.n_references[kv.lane[trunk].page[i]], 3);
    }
    free(block);
}

static void test_write_copies_only_the_last_page(void **state)
{
    (void)state;
    void *block;
    struct pd_kv kv = new_kv(4, MAX_TOKENS, 20, &block);
    int trunk = fork_ok(&kv, -1);
    append_ok(&kv, trunk, 2 * PAGE + 5, 100);
    int a = fork_ok(&kv, trunk), b = fork_ok(&kv, trunk);
    append_ok(&kv, a, 3, 200);
    assert_int_equal(kv.n_free, 16);
    append_ok(&kv, b, 3, 300);
    assert_int_equal(kv.n_free, 15);
    for (int i = 0; i < 2; i++)
        assert_int_equal(kv.lane[a].page[i], kv.lane[trunk].page[i]);
    assert_int_not_equal(kv.lane[a].page[2], kv.lane[trunk].page[2]);
    assert_int_not_equal(kv.lane[a].page[2], kv.lane[b].page[2]);
    append_ok(&kv, trunk, 3, 400); /* the last one to hold it writes in place */
    assert_int_equal(kv.n_free, 15);
    check_marks(&kv, a, 0, 2 * PAGE + 5, 100);
    check_marks(&kv, a, 2 * PAGE + 5, 3, 200);
    check_marks(&kv, b, 2 * PAGE + 5, 3, 300);
    check_marks(&kv, trunk, 2 * PAGE + 5, 3, 400);
    free(block);
}

static void test_fork_at_a_page_border_copies_nothing(void **state)
{
    (void)state;
    void *block;
    struct pd_kv kv = new_kv(2, MAX_TOKENS, 20, &block);
    int trunk = fork_ok(&kv, -1);
    append_ok(&kv, trunk, 2 * PAGE, 100);
    int a = fork_ok(&kv, trunk);
    append_ok(&kv, a, 1, 200);
    assert_int_equal(kv.lane[a].page[1], kv.lane[trunk].page[1]);
    assert_int_equal(kv.n_free, 17);
    check_marks(&kv, a, 0, 2 * PAGE, 100);
    free(block);
}

static void test_reserved_pages_are_not_shared(void **state)
{
    (void)state;
    void *block;
    struct pd_kv kv = new_kv(2, MAX_TOKENS, 20, &block);
    int trunk = fork_ok(&kv, -1);
    append_ok(&kv, trunk, 5, 100);
    assert_int_equal(pd_kv_reserve(&kv, trunk, 40), PONDER_OK);
    assert_int_equal(kv.n_free, 17);
    int a = fork_ok(&kv, trunk);
    assert_int_equal(kv.lane[a].n_pages, 1);
    append_ok(&kv, a, 30, 200);
    append_ok(&kv, trunk, 30, 300); /* reserved before the fork: its first page is shared by now */
    check_marks(&kv, a, 5, 30, 200);
    check_marks(&kv, trunk, 5, 30, 300);
    check_marks(&kv, trunk, 0, 5, 100);
    free(block);
}

static void test_prune_returns_pages(void **state)
{
    (void)state;
    void *block;
    struct pd_kv kv = new_kv(3, MAX_TOKENS, 20, &block);
    int trunk = fork_ok(&kv, -1);
    append_ok(&kv, trunk, 2 * PAGE + 5, 100);
    int a = fork_ok(&kv, trunk);
    append_ok(&kv, a, PAGE, 200);
    assert_int_equal(pd_kv_reserve(&kv, a, 17), PONDER_OK);
    pd_kv_prune(&kv, trunk); /* what a still needs stays */
    assert_false(kv.lane[trunk].is_used);
    check_marks(&kv, a, 0, 2 * PAGE + 5, 100);
    check_marks(&kv, a, 2 * PAGE + 5, PAGE, 200);
    pd_kv_prune(&kv, a);
    assert_int_equal(kv.n_free, 20);
    assert_int_equal(fork_ok(&kv, -1), 0);
    assert_int_equal(kv.lane[0].n_tokens, 0);
    free(block);
}

static void test_rewind_forgets_the_end_only(void **state)
{
    (void)state;
    void *block;
    struct pd_kv kv = new_kv(3, MAX_TOKENS, 20, &block);
    int trunk = fork_ok(&kv, -1);
    append_ok(&kv, trunk, 3 * PAGE, 100);
    int a = fork_ok(&kv, trunk);
    pd_kv_rewind(&kv, a, PAGE + 3);
    assert_int_equal(kv.lane[a].n_pages, 2);
    assert_int_equal(kv.n_free, 17); /* trunk has them all still */
    append_ok(&kv, a, 4, 200);
    check_marks(&kv, trunk, 0, 3 * PAGE, 100);
    check_marks(&kv, a, 0, PAGE + 3, 100);
    check_marks(&kv, a, PAGE + 3, 4, 200);
    pd_kv_rewind(&kv, a, PAGE);
    assert_int_equal(kv.n_free, 17);
    pd_kv_rewind(&kv, trunk, 0);
    assert_int_equal(kv.n_free, 19); /* a's one page */
    pd_kv_rewind(&kv, a, 0);
    assert_int_equal(kv.n_free, 20);
    assert_true(kv.lane[a].is_used);
    free(block);
}

static void test_lanes_run_out(void **state)
{
    (void)state;
    void *block;
    struct pd_kv kv = new_kv(3, MAX_TOKENS, 20, &block);
    int lane;
    for (int i = 0; i < 3; i++)
        fork_ok(&kv, -1);
    assert_int_equal(pd_kv_fork(&kv, -1, &lane), PONDER_NO_LANE);
    assert_int_equal(pd_kv_fork(&kv, 1, &lane), PONDER_NO_LANE);
    pd_kv_prune(&kv, 1);
    assert_int_equal(fork_ok(&kv, 0), 1);
    free(block);
}

static void check_unchanged(const struct pd_kv *kv, int lane, const struct pd_lane *before,
                            int n_free)
{
    assert_int_equal(kv->n_free, n_free);
    assert_int_equal(kv->lane[lane].n_tokens, before->n_tokens);
    assert_int_equal(kv->lane[lane].n_pages, before->n_pages);
}

static void test_reserve_says_what_does_not_fit_and_changes_nothing(void **state)
{
    (void)state;
    void *block;
    struct pd_kv kv = new_kv(3, MAX_TOKENS, 6, &block);
    int a = fork_ok(&kv, -1), b = fork_ok(&kv, -1);
    append_ok(&kv, a, MAX_TOKENS - 1, 100); /* 5 of 6 pages */
    struct pd_lane before = kv.lane[a];
    assert_int_equal(pd_kv_reserve(&kv, a, 2), PONDER_TOO_LONG);
    assert_int_equal(pd_kv_reserve(&kv, a, INT32_MAX), PONDER_TOO_LONG);
    check_unchanged(&kv, a, &before, 1);
    append_ok(&kv, a, 1, 500);
    assert_int_equal(pd_kv_reserve(&kv, a, 0), PONDER_OK);
    assert_int_equal(pd_kv_reserve(&kv, a, 1), PONDER_TOO_LONG);

    before = kv.lane[b];
    assert_int_equal(pd_kv_reserve(&kv, b, PAGE + 1), PONDER_NO_MEMORY);
    check_unchanged(&kv, b, &before, 1);

    int c = fork_ok(&kv, a);
    pd_kv_rewind(&kv, c, PAGE + 3);
    before = kv.lane[c]; /* a copy and a new page are one too many; the copy alone is not made */
    assert_int_equal(pd_kv_reserve(&kv, c, PAGE), PONDER_NO_MEMORY);
    check_unchanged(&kv, c, &before, 1);
    assert_int_equal(kv.lane[c].page[1], kv.lane[a].page[1]);
    append_ok(&kv, c, PAGE - 3, 600);
    check_marks(&kv, a, 0, MAX_TOKENS - 1, 100);
    check_marks(&kv, c, 0, PAGE + 3, 100);
    free(block);
}

static void test_reserving_again_takes_nothing_more(void **state)
{
    (void)state;
    void *block;
    struct pd_kv kv = new_kv(2, MAX_TOKENS, 20, &block);
    int a = fork_ok(&kv, -1);
    append_ok(&kv, a, 5, 100);
    assert_int_equal(pd_kv_reserve(&kv, a, 30), PONDER_OK);
    int n_free = kv.n_free;
    for (int n = 0; n <= 30; n++)
        assert_int_equal(pd_kv_reserve(&kv, a, n), PONDER_OK);
    assert_int_equal(kv.n_free, n_free);
    pd_kv_rewind(&kv, a, 5); /* and gives back what was reserved */
    assert_int_equal(kv.n_free, 19);
    free(block);
}

/* ---- random steps against plain arrays ---- */

/* What must be so, whatever the cache does: its lanes' marks, and how many pages that takes. */
struct mirror {
    struct {
        bool is_used;
        int n;
        uint16_t mark[MAX_TOKENS];
    } lane[MAX_LANES];
};

static void check_bookkeeping(const struct pd_kv *kv)
{
    int n_references[64] = {0};
    bool is_free[64] = {false};
    for (int i = 0; i < kv->n_lanes; i++) {
        const struct pd_lane *lane = &kv->lane[i];
        assert_true(lane->is_used || (lane->n_pages == 0 && lane->n_tokens == 0));
        assert_true(lane->n_pages >= (lane->n_tokens + PAGE - 1) / PAGE);
        assert_true(lane->n_pages <= kv->max_pages);
        for (int j = 0; j < lane->n_pages; j++) {
            assert_in_range(lane->page[j], 0, kv->n_pages - 1);
            n_references[lane->page[j]]++;
        }
    }
    assert_in_range(kv->n_free, 0, kv->n_pages);
    for (int i = 0; i < kv->n_free; i++) {
        assert_in_range(kv->free_page[i], 0, kv->n_pages - 1);
        assert_false(is_free[kv->free_page[i]]); /* none twice */
        is_free[kv->free_page[i]] = true;
    }
    for (int i = 0; i < kv->n_pages; i++) {
        assert_int_equal(kv->n_references[i], n_references[i]);
        assert_true(is_free[i] == (n_references[i] == 0));
    }
}

static void check_contents(const struct pd_kv *kv, const struct mirror *m)
{
    for (int i = 0; i < kv->n_lanes; i++) {
        assert_true(kv->lane[i].is_used == m->lane[i].is_used);
        assert_int_equal(kv->lane[i].n_tokens, m->lane[i].n);
        for (int j = 0; j < m->lane[i].n; j++)
            if (!has_mark(kv, i, j, m->lane[i].mark[j]))
                fail_msg("lane %d, position %d", i, j);
    }
}

/* From the page that its end falls into on, nobody else holds a lane's pages: it may write there. */
static void check_alone(const struct pd_kv *kv, int lane, int n)
{
    const struct pd_lane *l = &kv->lane[lane];
    for (int i = l->n_tokens / PAGE; n > 0 && i <= (l->n_tokens + n - 1) / PAGE; i++)
        assert_int_equal(kv->n_references[l->page[i]], 1);
}

struct dice {
    uint64_t seed, n;
};

static int roll(struct dice *d, int n)
{
    return (int)(pd_rng_u64(d->seed, 0, d->n++) % (uint64_t)n);
}

static void fork_at_random(struct pd_kv *kv, struct mirror *m, int from)
{
    int lane;
    bool is_full = true;
    for (int i = 0; i < kv->n_lanes; i++)
        is_full = is_full && m->lane[i].is_used;
    enum ponder_status status = pd_kv_fork(kv, from, &lane);
    assert_int_equal(status, is_full ? PONDER_NO_LANE : PONDER_OK);
    if (status != PONDER_OK)
        return;
    assert_false(m->lane[lane].is_used);
    m->lane[lane].n = 0;
    if (from >= 0)
        m->lane[lane] = m->lane[from];
    m->lane[lane].is_used = true;
}

/* Pages that no lane's tokens need: at least so many can be had. */
static int pages_to_have(const struct pd_kv *kv, int lane, int n)
{
    const struct pd_lane *l = &kv->lane[lane];
    int end = l->n_tokens / PAGE;
    bool is_shared = end < l->n_pages && kv->n_references[l->page[end]] > 1;
    int n_new = (l->n_tokens + n + PAGE - 1) / PAGE - l->n_pages;
    return (n_new > 0 ? n_new : 0) + (is_shared && n > 0);
}

static void append_at_random(struct pd_kv *kv, struct mirror *m, int lane, int n, int n_written,
                             uint16_t mark)
{
    bool fits_lane = m->lane[lane].n + n <= MAX_TOKENS;
    bool fits_pages = fits_lane && pages_to_have(kv, lane, n) <= kv->n_free;
    enum ponder_status status = pd_kv_reserve(kv, lane, n);
    assert_int_equal(status, !fits_lane    ? PONDER_TOO_LONG
                             : !fits_pages ? PONDER_NO_MEMORY
                                           : PONDER_OK);
    if (status != PONDER_OK)
        return;
    check_alone(kv, lane, n);
    for (int i = 0; i < n_written; i++) {
        m->lane[lane].mark[m->lane[lane].n++] = (uint16_t)(mark + i);
        write_mark(kv, lane, kv->lane[lane].n_tokens++, (uint16_t)(mark + i));
    }
}

static void run_at_random(uint64_t seed, int n_lanes, int n_pages, int n_steps)
{
    void *block;
    struct pd_kv kv = new_kv(n_lanes, MAX_TOKENS, n_pages, &block);
    static struct mirror m;
    struct dice d = {.seed = seed};
    int n_appended = 0, n_refused = 0;
    memset(&m, 0, sizeof m);
    for (int step = 0; step < n_steps; step++) {
        int lane = roll(&d, n_lanes), what = roll(&d, 100);
        if (!m.lane[lane].is_used || what < 20) {
            fork_at_random(&kv, &m, m.lane[lane].is_used ? lane : -1);
        } else if (what < 30) {
            pd_kv_prune(&kv, lane);
            m.lane[lane].is_used = false;
            m.lane[lane].n = 0;
        } else if (what < 42) {
            m.lane[lane].n = roll(&d, m.lane[lane].n + 1);
            pd_kv_rewind(&kv, lane, m.lane[lane].n);
        } else if (what == 42 && roll(&d, 20) == 0) {
            pd_kv_reset(&kv);
            memset(&m, 0, sizeof m);
        } else { /* now and then not all that was reserved is written */
            int before = m.lane[lane].n;
            int n = roll(&d, what < 80 ? 4 : 40);
            append_at_random(&kv, &m, lane, n, what % 5 == 0 ? roll(&d, n + 1) : n,
                             (uint16_t)(step * 40 % 4000));
            n_appended += m.lane[lane].n > before;
            n_refused += n > 0 && m.lane[lane].n == before;
        }
        check_bookkeeping(&kv);
        check_contents(&kv, &m);
    }
    assert_true(n_appended > n_steps / 10 && n_refused > n_steps / 100); /* it did get about */
    free(block);
}

static void test_random_steps_agree_with_plain_arrays(void **state)
{
    (void)state;
    static const struct {
        int n_lanes, n_pages;
    } sizes[] = {{2, 3}, {3, 30}, {MAX_LANES, 9}, {MAX_LANES, 14}, {MAX_LANES, 30}};
    for (size_t i = 0; i < PD_COUNT(sizes); i++)
        for (uint64_t seed = 0; seed < 4; seed++)
            run_at_random(seed, sizes[i].n_lanes, sizes[i].n_pages, 2000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fork_shares_all_pages),
        cmocka_unit_test(test_write_copies_only_the_last_page),
        cmocka_unit_test(test_fork_at_a_page_border_copies_nothing),
        cmocka_unit_test(test_reserved_pages_are_not_shared),
        cmocka_unit_test(test_prune_returns_pages),
        cmocka_unit_test(test_rewind_forgets_the_end_only),
        cmocka_unit_test(test_lanes_run_out),
        cmocka_unit_test(test_reserve_says_what_does_not_fit_and_changes_nothing),
        cmocka_unit_test(test_reserving_again_takes_nothing_more),
        cmocka_unit_test(test_random_steps_agree_with_plain_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
