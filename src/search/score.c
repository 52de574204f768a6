/* SPDX-License-Identifier: Apache-2.0
 * score.c - asking the verifiers about paths. */
#include <string.h>

#include "base/os.h"
#include "search/deadline.h"
#include "search/path.h"

bool pd_search_add_verifier(struct pd_search *s, struct pd_verifier_use use)
{
    if (s->n_known == PD_MAX_VERIFIERS)
        return false;
    s->known[s->n_known++] = use;
    return true;
}

static bool is_named(const struct pd_verifier *v, const char *name, size_t bytes)
{
    return strlen(v->name) == bytes && memcmp(v->name, name, bytes) == 0;
}

bool pd_search_find_verifier(const struct pd_search *s, const char *name, size_t name_bytes,
                             struct pd_verifier_use *use_ret)
{
    const struct pd_verifier *v;
    for (int i = 0; i < s->n_known; i++) {
        if (is_named(s->known[i].type, name, name_bytes)) {
            *use_ret = s->known[i];
            return true;
        }
    }
    for (int i = 0; (v = pd_verifier_get(i)) != NULL; i++) {
        if (is_named(v, name, name_bytes)) {
            *use_ret = (struct pd_verifier_use){v, NULL};
            return true;
        }
    }
    return false;
}

void pd_search_begin_verifiers(struct pd_search *s)
{
    struct pd_task *task = &s->task;
    const struct pd_verify_question question = {task->question, task->question_bytes, s->prompt,
                                                s->n_prompt};
    int n = 0;
    s->wants_hidden = s->counts_agreement = false;
    s->is_calibrated = true;
    for (int i = 0; i < task->n_verifiers; i++) {
        struct pd_verifier_use use = task->verifier[i];
        if (use.type->when == PD_VERIFY_OTHERS) {
            s->counts_agreement = true;
            s->is_calibrated = false;
            continue;
        }
        if (use.type->begin != NULL && use.type->begin(use.self, &question) != PONDER_OK)
            continue;
        task->verifier[n++] = use;
        s->wants_hidden = s->wants_hidden || use.type->wants_hidden;
        s->is_calibrated = s->is_calibrated && (use.type->is_calibrated || use.type->vetoes);
    }
    task->n_verifiers = n;
}

static struct pd_verify_item item_of(const struct pd_search *s, const struct pd_path *path)
{
    return (struct pd_verify_item){
        .lane = path->lane,
        .token = path->token,
        .n_tokens = path->n_tokens,
        .text = path->text,
        .text_bytes = path->text_bytes,
        .step_begin = path->step_begin,
        .step_first_token = path->step_first_token,
        .is_answer = path->is_ahead ? path->ahead_has_ended : path->state == PD_PATH_ENDED,
        .hidden = path->has_hidden ? pd_search_lane_hidden(s, path->lane) : NULL,
        .mean_log_prob = pd_path_mean_log_prob(path),
        .mean_certainty = path->n_drawn > 0 ? path->sum_certainty / path->n_drawn : 0.0,
    };
}

/* What was judged is not judged again. What was written ahead is not the path's: a veto of it is a bad score. */
static void note_score(struct pd_search *s, struct pd_path *path, float score, bool is_vetoed)
{
    pd_scores_add(&path->scores, is_vetoed && path->is_ahead ? 0.0f : score);
    path->scores.is_vetoed = path->scores.is_vetoed || (is_vetoed && !path->is_ahead);
    path->is_scored = true;
    path->step_begin = path->is_ahead ? path->mark.text_bytes : path->text_bytes;
    path->step_first_token = path->is_ahead ? path->mark.n_tokens : path->n_tokens;
    pd_search_tell(s, path,
                   (struct ponder_event){.kind = "score",
                                         .score = is_vetoed ? 0.0 : (double)score,
                                         .note = is_vetoed && !path->is_ahead ? "vetoed" : NULL});
}

void pd_search_check(struct pd_search *s, const int *paths, int n)
{
    struct pd_verifier_use vetoing[PD_MAX_VERIFIERS];
    struct pd_verify_item item[PONDER_MAX_LANES];
    float score[PONDER_MAX_LANES];
    bool is_vetoed[PONDER_MAX_LANES];
    int n_vetoing = 0;
    for (int i = 0; i < s->task.n_verifiers; i++)
        if (s->task.verifier[i].type->vetoes)
            vetoing[n_vetoing++] = s->task.verifier[i];
    if (n_vetoing == 0 || n < 1)
        return;
    for (int i = 0; i < n; i++)
        item[i] = item_of(s, &s->path[paths[i]]);
    pd_verify(vetoing, n_vetoing, item, n, s->task.deadline_ns, score, is_vetoed);
    for (int i = 0; i < n; i++)
        if (is_vetoed[i])
            note_score(s, &s->path[paths[i]], NAN, true);
}

/* At most PONDER_MAX_LANES paths, since each has a lane. */
void pd_search_score(struct pd_search *s, const int *paths, int n)
{
    struct pd_verify_item item[PONDER_MAX_LANES];
    struct pd_path *asked[PONDER_MAX_LANES];
    float score[PONDER_MAX_LANES];
    bool is_vetoed[PONDER_MAX_LANES];
    int n_asked = 0;
    if (s->task.n_verifiers == 0)
        return;
    for (int i = 0; i < n; i++) {
        struct pd_path *path = &s->path[paths[i]];
        PD_ASSERT(path->state != PD_PATH_RUNNING);
        if (path->is_scored || path->lane == PD_NO_LANE)
            continue;
        item[n_asked] = item_of(s, path);
        asked[n_asked++] = path;
    }
    if (n_asked == 0)
        return;
    int64_t start = pd_clock_ns();
    pd_verify(s->task.verifier, s->task.n_verifiers, item, n_asked, s->task.deadline_ns, score,
              is_vetoed);
    pd_deadline_note_verify(s, pd_clock_ns() - start);
    for (int i = 0; i < n_asked; i++)
        note_score(s, asked[i], score[i], is_vetoed[i]);
}
