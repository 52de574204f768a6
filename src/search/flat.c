/* SPDX-License-Identifier: Apache-2.0
 * flat.c - see flat.h. */
#include "search/flat.h"

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
    for (int room = pd_search_room(s); room > 0 && s->n_started < s->task.n_samples; room--)
        if (pd_search_start(s, s->n_started, 0) == PD_NO_PATH)
            break;
    return PD_GO_ON;
}
