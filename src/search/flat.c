/* SPDX-License-Identifier: Apache-2.0
 * flat.c - see flat.h. */
#include "search/flat.h"

#include "search/deadline.h"
#include "search/vote.h"

/* Samples to start now: with those that run, as many as decide the vote if all of them agree with what leads, and at least as
 * many as are over, so that a vote that stays open does not take many waves. Without time for a second wave, all there is
 * room for. */
static int n_wanted(const struct pd_search *s)
{
    struct pd_tally tally;
    if (!pd_deadline_allows_wave(s))
        return PD_MAX_SAMPLES;
    pd_tally_all(&tally, s, false);
    int n = 1, n_over = s->n_started - s->n_running;
    while (n < PD_MAX_SAMPLES &&
           pd_vote_certainty(tally.n_top + n, tally.n_second) < s->task.confidence)
        n++;
    return n > s->n_running ? pd_max_int(n, n_over) - s->n_running : 0;
}

enum pd_verdict pd_flat_advance(struct pd_search *s, bool (*is_decided)(struct pd_search *s))
{
    int stopped[PONDER_MAX_LANES];
    int n = 0;
    bool has_ended = false;
    for (int i = 0; i < s->n_paths; i++)
        if (s->path[i].lane != PD_NO_LANE && s->path[i].state != PD_PATH_RUNNING)
            stopped[n++] = i;
    if (n > 0)
        pd_search_score(s, stopped, n);
    for (int i = 0; i < n; i++) {
        if (s->path[stopped[i]].state == PD_PATH_HALTED) {
            pd_search_go_on(s, stopped[i]);
            continue;
        }
        has_ended = true;
        pd_search_release(s, stopped[i]);
    }
    bool has_decided = has_ended && is_decided != NULL && is_decided(s);
    if (s->n_started == s->task.n_samples && s->n_running == 0)
        return PD_DONE;
    if (has_decided)
        return PD_DECIDED;
    int room = pd_search_room(s);
    if (s->task.has_waves && room > 0) /* what is wanted changes only when samples end */
        room = n > 0 || s->n_running == 0 ? pd_min_int(room, n_wanted(s)) : 0;
    for (; room > 0 && s->n_started < s->task.n_samples; room--)
        if (pd_search_start(s, s->n_started, 0) == PD_NO_PATH)
            break;
    return PD_GO_ON;
}
