/* SPDX-License-Identifier: Apache-2.0
 * revise.c - an attempt with earlier ones in view. What the model sees is the question, attempts each followed by a line
 * with the revision mark, and what it writes next. As long as a lane holds just the attempts wanted, it goes on behind
 * the last; else it goes back to the prompt and takes in as many of the last ones as leave room. A reviser of its own gets
 * the lane with the first attempt that it is to see. */
#include <string.h>

#include "search/path.h"

static bool ends_line(const struct pd_search *s, const struct pd_path *path)
{
    char text[64];
    if (path->n_tokens == 0)
        return false;
    size_t bytes =
        s->policy.text(s->policy.self, path->token[path->n_tokens - 1], text, sizeof text);
    return bytes > 0 && bytes <= sizeof text && text[bytes - 1] == '\n';
}

/* Adds an attempt's tokens from the from-th on, and the mark; a line end that is there already is not written twice. */
static int add_attempt(const struct pd_search *s, const struct pd_path *path, int from,
                       int32_t *lead, int n)
{
    int n_left = path->n_tokens - from;
    int n_skipped = ends_line(s, path) ? 1 : 0;
    int n_mark = s->n_revision - n_skipped;
    memcpy(lead + n, path->token + from, (size_t)n_left * sizeof *lead);
    memcpy(lead + n + n_left, s->revision + n_skipped, (size_t)n_mark * sizeof *lead);
    return n + n_left + n_mark;
}

/* Tokens to leave for the next attempt: as many as the longest in view took, and some more. */
static int room_wanted(const struct pd_search *s, const int *attempts, int n)
{
    int longest = 0;
    for (int i = 0; i < n; i++)
        longest = pd_max_int(longest, s->path[attempts[i]].n_tokens);
    return n > 0 ? pd_min_int(longest + longest / 4 + 8, s->task.max_tokens) : s->task.max_tokens;
}

/* True if the lane of `from` holds all attempts but the last, which is `from`. */
static bool is_in_view(const struct pd_search *s, const struct pd_path *from, const int *attempts,
                       int n)
{
    int first = n > 1 ? s->path[attempts[0]].number : PD_NO_PATH;
    return n > 0 && &s->path[attempts[n - 1]] == from && from->first_in_view == first;
}

int pd_search_revise(struct pd_search *s, int from_index, const int *attempts, int n, int root)
{
    struct pd_path *from = &s->path[from_index];
    PD_ASSERT(pd_path_is_over(from) && from->lane != PD_NO_LANE);
    int32_t *lead = pd_search_lane_lead(s, from->lane);
    int capacity = s->size.max_tokens; /* of a lane, behind the prompt */
    int wanted = room_wanted(s, attempts, n);
    int past = from->lane_past + from->n_lead + from->n_fed;
    int end = past - s->n_prompt + from->n_tokens - from->n_fed + s->n_revision;
    int n_lead = 0;
    bool is_revisers = from->first_in_view != PD_NO_PATH; /* if there is one */
    bool is_handed_over = s->policy.hand_over != NULL && n > 0;
    if (is_in_view(s, from, attempts, n) && end + wanted <= capacity &&
        (!is_handed_over || is_revisers)) {
        is_handed_over = false;
        n_lead = add_attempt(s, from, from->n_fed, lead, 0);
    } else {
        int length = 0, first = n;
        while (first > 0) {
            int more = s->path[attempts[first - 1]].n_tokens + s->n_revision;
            if (length + more + wanted > capacity)
                break;
            length += more;
            first--;
        }
        if (n > 0 && first == n)
            return PD_NO_PATH;
        past = s->n_prompt;
        attempts += first;
        n -= first;
        for (int i = 0; i < n; i++)
            n_lead = add_attempt(s, &s->path[attempts[i]], 0, lead, n_lead);
    }
    if (s->policy.hand_over != NULL && n == 0 && is_revisers)
        return PD_NO_PATH; /* the lane is no longer the policy's */
    struct pd_path *path = pd_path_new(s);
    if (path == NULL)
        return PD_NO_PATH;
    if (is_handed_over &&
        s->policy.hand_over(s->policy.self, from->lane, s->prompt, s->n_prompt,
                            s->task.deadline_ns) != PONDER_OK)
        return PD_NO_PATH;
    s->policy.rewind(s->policy.self, from->lane, past);
    s->n_created++;
    path->parent = from->number;
    path->root = s->first_root + root;
    path->tag = from->tag;
    path->key = (uint64_t)path->root;
    path->lane = from->lane;
    path->text = from->text;
    from->lane = PD_NO_LANE;
    from->text = NULL;
    path->lane_past = past;
    path->n_lead = n_lead;
    path->first_in_view = n > 0 ? s->path[attempts[0]].number : PD_NO_PATH;
    path->max_tokens = pd_min_int(s->task.max_tokens, capacity - (past - s->n_prompt) - n_lead);
    path->output = s->policy.kept_output; /* until the lead is through, if there is one */
    pd_path_run(s, path);
    pd_search_tell(s, path, (struct ponder_event){.kind = "revise"});
    return pd_search_index(s, path);
}
