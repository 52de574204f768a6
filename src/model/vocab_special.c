/* SPDX-License-Identifier: Apache-2.0
 * vocab_special.c - special tokens sorted by text, and found at a place in text; see vocab.h.
 *
 *     special   "\n"  "\n\n"  "\n\n\n"  "<a>"  "<a>b"
 *     shorter    -      0        1        -      3
 *
 * The special token that sorts last before a text begins it, or one of its chain of shorter[] does,
 * or none does. */
#include <string.h>

#include "model/vocab.h"

static int compare(struct pd_string a, struct pd_string b)
{
    int order = memcmp(a.data, b.data, pd_min_size(a.bytes, b.bytes));
    if (order != 0)
        return order;
    return (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static bool begins(struct pd_string beginning, struct pd_string text)
{
    return beginning.bytes <= text.bytes && memcmp(beginning.data, text.data, beginning.bytes) == 0;
}

static struct pd_string text_at(const struct pd_vocab *v, uint32_t place)
{
    return pd_vocab_text(v, v->special[place]);
}

/* By text, then by token: the file's order breaks ties. */
static bool is_before(const struct pd_vocab *v, uint32_t a, uint32_t b)
{
    int order = compare(pd_vocab_text(v, a), pd_vocab_text(v, b));
    return order < 0 || (order == 0 && a > b);
}

/* Moves the token at place down a heap of the first n, whose top is the last in order. */
static void sift_down(struct pd_vocab *v, uint32_t place, uint32_t n)
{
    uint32_t token = v->special[place];
    for (uint32_t child = 2 * place + 1; child < n; child = 2 * place + 1) {
        if (child + 1 < n && is_before(v, v->special[child], v->special[child + 1]))
            child++;
        if (!is_before(v, token, v->special[child]))
            break;
        v->special[place] = v->special[child];
        place = child;
    }
    v->special[place] = token;
}

void pd_vocab_sort_special(struct pd_vocab *v)
{
    for (uint32_t place = v->n_special / 2; place-- > 0;)
        sift_down(v, place, v->n_special);
    for (uint32_t n = v->n_special; n > 1; n--) {
        uint32_t last = v->special[0];
        v->special[0] = v->special[n - 1];
        v->special[n - 1] = last;
        sift_down(v, 0, n - 1);
    }
    for (uint32_t place = 0; place < v->n_special; place++) {
        uint32_t other = place == 0 ? UINT32_MAX : place - 1;
        while (other != UINT32_MAX && !begins(text_at(v, other), text_at(v, place)))
            other = v->shorter[other];
        v->shorter[place] = other;
    }
}

uint32_t pd_vocab_special_at(const struct pd_vocab *v, const char *text, size_t bytes)
{
    struct pd_string rest = {text, bytes};
    uint32_t low = 0;
    uint32_t high = v->n_special;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare(text_at(v, middle), rest) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t place = low == 0 ? UINT32_MAX : low - 1;
    while (place != UINT32_MAX && !begins(text_at(v, place), rest))
        place = v->shorter[place];
    return place;
}
