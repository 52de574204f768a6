/* SPDX-License-Identifier: Apache-2.0
 * force.c - see force.h. */
#include "search/force.h"

#include "base/os.h"
#include "search/deadline.h"
#include "search/path.h"
#include "search/prompt.h"

/* True if path a deserves to answer more than b: the higher score, and of equals the one further on. */
static bool is_better(const struct pd_search *s, const struct pd_path *a, const struct pd_path *b)
{
    double score_a = pd_path_score(s, a), score_b = pd_path_score(s, b);
    if (isnan(score_a) != isnan(score_b))
        return isnan(score_b);
    if (score_a != score_b && !isnan(score_a))
        return score_a > score_b;
    return a->n_tokens > b->n_tokens;
}

/* Paths that could be made to answer: all that are not over and have taken in what they have in view; best first. */
static int candidates(struct pd_search *s, int *path_ret)
{
    int n = 0;
    for (int i = 0; i < s->n_paths; i++) {
        struct pd_path *path = &s->path[i];
        if (path->state != PD_PATH_RUNNING && path->state != PD_PATH_HALTED)
            continue;
        if (path->n_lead_fed < path->n_lead)
            continue;
        if (path->is_ahead) {
            path->state = PD_PATH_HALTED;
            pd_search_look_back(s, i);
        }
        int at = n++;
        for (; at > 0 && is_better(s, path, &s->path[path_ret[at - 1]]); at--)
            path_ret[at] = path_ret[at - 1];
        path_ret[at] = i;
    }
    return n;
}

static int rows_to_force(const struct pd_search *s, const int *paths, int n)
{
    int n_rows = n * s->n_forced;
    for (int i = 0; i < n; i++)
        n_rows += pd_path_pending(&s->path[paths[i]]);
    return n_rows;
}

/* The most lanes that there is time for, in one batch; one in any case. */
static int lanes_to_force(const struct pd_search *s, const int *paths, int n)
{
    n = pd_min_int(n, PD_FORCE_MAX_LANES);
    while (n > 1 && (rows_to_force(s, paths, n) > s->policy.n_batch ||
                     !pd_deadline_allows(s, pd_deadline_forcing_ns(s, n))))
        n--;
    return n;
}

static enum ponder_status step(struct pd_search *s, int n_rows, int64_t deadline_ns)
{
    int64_t start = pd_clock_ns();
    PD_TRY(s->policy.step(s->policy.self, s->row, n_rows, deadline_ns));
    pd_deadline_note_step(s, pd_clock_ns() - start, n_rows);
    s->n_steps++;
    return PONDER_OK;
}

/* What the lanes have not put through yet and the forced text, in one batch. The text is the paths' only once it is
 * through. */
static enum ponder_status feed(struct pd_search *s, const int *paths, int n)
{
    int n_rows = 0;
    for (int i = 0; i < n; i++) {
        const struct pd_path *path = &s->path[paths[i]];
        n_rows += pd_path_rows(s, path, s->row + n_rows, pd_path_pending(path));
        for (int j = 0; j < s->n_forced; j++)
            s->row[n_rows++] = (struct pd_row){.token = s->forced[j], .lane = path->lane};
    }
    for (int i = 0; i < n_rows; i++) /* the last row of each lane */
        s->row[i].wants_output = i == n_rows - 1 || s->row[i + 1].lane != s->row[i].lane;
    PD_TRY(step(s, n_rows, s->task.deadline_ns));
    if (s->first_token_ns == 0)
        s->first_token_ns = pd_clock_ns();
    for (int i = 0; i < n; i++) {
        struct pd_path *path = &s->path[paths[i]];
        for (int j = 0; j < s->n_forced; j++)
            pd_path_append(s, path, s->forced[j]);
        path->n_fed = path->n_tokens;
        path->output = i;
    }
    return PONDER_OK;
}

/* The likeliest token of a path; false: its answer is complete. */
static bool draw_likeliest(struct pd_search *s, struct pd_path *path)
{
    const struct pd_sampling likeliest = {.temperature = 0.0f, .repeat_penalty = 1.0f};
    struct pd_draw draw = {.row = path->output};
    s->policy.draw(s->policy.self, &likeliest, &draw, 1);
    path->next = draw.token;
    path->next_log_prob = draw.log_prob;
    if (s->policy.ends_text(s->policy.self, path->next))
        return false;
    pd_path_append_drawn(s, path);
    return !pd_prompt_answer_is_final(s, path->text, path->text_bytes);
}

void pd_force_answers(struct pd_search *s)
{
    int paths[PD_MAX_PATHS];
    bool is_open[PD_FORCE_MAX_LANES];
    int n = s->n_forced > 0 ? candidates(s, paths) : 0;
    if (n == 0)
        return;
    n = lanes_to_force(s, paths, n);
    enum ponder_status status = feed(s, paths, n);
    for (int i = 0; i < n; i++)
        is_open[i] = status == PONDER_OK;
    for (int round = 0, n_open = n; status == PONDER_OK && n_open > 0; round++) {
        n_open = 0;
        for (int i = 0; i < n; i++) {
            struct pd_path *path = &s->path[paths[i]];
            is_open[i] = is_open[i] && draw_likeliest(s, path);
            if (is_open[i])
                n_open += pd_path_rows(s, path, s->row + n_open, 1);
        }
        if (n_open == 0 || round == PD_FORCE_STEPS ||
            !pd_deadline_allows(s, pd_deadline_pass_ns(s, n_open)))
            break;
        status = step(s, n_open, 0);
        for (int i = 0, row = 0; i < n && status == PONDER_OK; i++)
            if (is_open[i])
                pd_path_fed(&s->path[paths[i]], 1, s->row[row++].output);
    }
    for (int i = 0; i < n; i++)
        pd_path_stop(s, &s->path[paths[i]], PD_PATH_FORCED);
    s->n_running = 0; /* nothing goes on behind this */
}
