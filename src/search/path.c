/* SPDX-License-Identifier: Apache-2.0
 * path.c - what happens to one path: it starts, is forked, writes, halts, ends. */
#include "search/path.h"

#include <string.h>

#include "base/os.h"
#include "base/rng.h"
#include "search/calculator.h"
#include "search/deadline.h"
#include "search/prompt.h"
#include "search/repeats.h"

/* ---- telling ---- */

void pd_search_tell(struct pd_search *s, const struct pd_path *path, struct ponder_event event)
{
    if (s->task.on_event == NULL)
        return;
    event.ms = (double)(pd_clock_ns() - s->start_ns) / 1e6;
    event.path = path->number;
    event.parent = path->parent;
    s->task.on_event(s->task.user, &event);
}

void pd_search_tell_text(struct pd_search *s, struct pd_path *path, struct ponder_event event)
{
    if (s->task.on_event == NULL)
        return;
    size_t from = pd_min_size(path->text_told, path->text_bytes);
    event.text = path->text + from;
    event.text_bytes = path->text_bytes - from;
    pd_search_tell(s, path, event);
}

/* ---- lanes ---- */

static enum ponder_status take_lane(struct pd_search *s, struct pd_path *path, int from)
{
    if (s->n_lanes_used == s->size.n_lanes)
        return PONDER_NO_LANE;
    PD_TRY(s->policy.fork(s->policy.self, from, &path->lane));
    s->n_lanes_used++;
    path->text = pd_search_lane_text(s, path->lane);
    return PONDER_OK;
}

static void give_lane(struct pd_search *s, struct pd_path *path)
{
    if (path->lane == PD_NO_LANE)
        return;
    s->policy.prune(s->policy.self, path->lane);
    path->lane = PD_NO_LANE;
    path->text = NULL;
    s->n_lanes_used--;
}

int pd_search_room(const struct pd_search *s)
{
    int n_free = s->size.n_lanes - s->n_lanes_used;
    int n_in_time = pd_deadline_lanes(s) - s->n_running;
    if (s->n_created == 0)
        n_in_time = pd_max_int(n_in_time, 1);
    return pd_max_int(0, pd_min_int(n_free, n_in_time));
}

/* ---- being ---- */

struct pd_path *pd_path_new(struct pd_search *s)
{
    int i = 0;
    while (i < s->n_paths && s->path[i].state != PD_PATH_FREE)
        i++;
    if (i == PD_MAX_PATHS)
        return NULL;
    s->n_paths = pd_max_int(s->n_paths, i + 1);
    struct pd_path *path = &s->path[i];
    *path = (struct pd_path){.token = path->token,
                             .number = s->n_created,
                             .parent = PD_NO_PATH,
                             .first_in_view = PD_NO_PATH,
                             .max_tokens = s->task.max_tokens,
                             .lane = PD_NO_LANE,
                             .group = PD_NO_GROUP};
    return path;
}

void pd_path_run(struct pd_search *s, struct pd_path *path)
{
    path->state = PD_PATH_RUNNING;
    s->running[s->n_running++] = pd_search_index(s, path);
}

int pd_search_start(struct pd_search *s, int root, int tag)
{
    struct pd_path *path = pd_path_new(s);
    if (path == NULL || take_lane(s, path, s->trunk) != PONDER_OK)
        return PD_NO_PATH;
    s->n_created++;
    s->n_started++;
    path->root = s->first_root + root;
    path->tag = tag;
    path->key = (uint64_t)path->root;
    path->lane_past = s->n_prompt;
    path->output = s->policy.kept_output;
    pd_path_run(s, path);
    pd_search_tell(s, path, (struct ponder_event){.kind = "start"});
    return pd_search_index(s, path);
}

int pd_search_fork(struct pd_search *s, int from_index)
{
    struct pd_path *from = &s->path[from_index];
    struct pd_path *path = pd_path_new(s);
    PD_ASSERT(from->state == PD_PATH_HALTED && !from->is_ahead);
    if (path == NULL || take_lane(s, path, from->lane) != PONDER_OK)
        return PD_NO_PATH;
    struct pd_path own = *path;
    *path = *from;
    path->number = s->n_created++;
    path->parent = from->number;
    path->token = own.token;
    path->lane = own.lane;
    path->text = own.text;
    path->key = pd_rng_u64(from->key, UINT64_C(0x666f726b), (uint64_t)++from->n_forks);
    path->n_forks = 0;
    memcpy(path->token, from->token, (size_t)from->n_tokens * sizeof *from->token);
    memcpy(path->text, from->text, from->text_bytes);
    pd_search_tell(s, path, (struct ponder_event){.kind = "fork"});
    return pd_search_index(s, path);
}

void pd_search_go_on(struct pd_search *s, int index)
{
    struct pd_path *path = &s->path[index];
    PD_ASSERT(path->state == PD_PATH_HALTED && !path->is_ahead);
    path->is_scored = false;
    pd_path_run(s, path);
}

void pd_search_prune(struct pd_search *s, int index, const char *why)
{
    struct pd_path *path = &s->path[index];
    PD_ASSERT(path->state != PD_PATH_RUNNING && path->state != PD_PATH_FREE);
    pd_search_tell(s, path, (struct ponder_event){.kind = "prune", .note = why});
    give_lane(s, path);
    path->state = PD_PATH_FREE;
}

void pd_search_release(struct pd_search *s, int index)
{
    PD_ASSERT(pd_path_is_over(&s->path[index]));
    give_lane(s, &s->path[index]);
}

/* ---- writing ---- */

int pd_path_rows(const struct pd_search *s, const struct pd_path *path, struct pd_row *row, int max)
{
    const int32_t *lead = pd_search_lane_lead(s, path->lane);
    int n_lead = path->n_lead - path->n_lead_fed;
    int n_pending = pd_path_pending(path);
    int n = pd_min_int(n_pending, max);
    for (int i = 0; i < n; i++)
        row[i] = (struct pd_row){.token = i < n_lead ? lead[path->n_lead_fed + i]
                                                     : path->token[path->n_fed + i - n_lead],
                                 .lane = path->lane,
                                 .wants_output = i == n_pending - 1};
    return n;
}

void pd_path_fed(struct pd_path *path, int n, int output)
{
    int n_lead = pd_min_int(n, path->n_lead - path->n_lead_fed);
    path->n_lead_fed += n_lead;
    path->n_fed += n - n_lead;
    path->output = output;
}

bool pd_path_append(struct pd_search *s, struct pd_path *path, int32_t token)
{
    path->token[path->n_tokens++] = token;
    s->n_tokens++;
    char *piece = path->text + path->text_bytes;
    size_t room = s->text_capacity - path->text_bytes;
    size_t wanted = s->policy.text(s->policy.self, token, piece, room);
    size_t bytes = pd_min_size(wanted, room);
    path->text_bytes += bytes;
    if (s->task.on_text != NULL && path->number == 0 && !path->is_ahead)
        s->task.on_text(s->task.user, piece, bytes);
    return wanted <= room;
}

bool pd_path_append_drawn(struct pd_search *s, struct pd_path *path)
{
    path->sum_log_prob += (double)path->next_log_prob;
    path->sum_certainty += (double)path->next_certainty;
    path->n_drawn++;
    return pd_path_append(s, path, path->next);
}

int pd_search_group(struct pd_search *s, const char *answer)
{
    uint64_t hash = pd_answer_hash(answer);
    for (int g = 0; g < s->n_groups; g++)
        if (s->group[g].hash == hash && pd_answer_equal(s->group[g].answer, answer))
            return g;
    s->group[s->n_groups].hash = hash;
    memcpy(s->group[s->n_groups].answer, answer, strlen(answer) + 1);
    return s->n_groups++;
}

size_t pd_search_before_stop(const struct pd_search *s, const char *text, size_t bytes)
{
    size_t stop_bytes = s->task.stop != NULL ? strlen(s->task.stop) : 0;
    if (stop_bytes == 0 || stop_bytes > bytes ||
        memcmp(text + bytes - stop_bytes, s->task.stop, stop_bytes) != 0)
        return bytes;
    return bytes - stop_bytes;
}

/* ---- stopping ---- */

static void end(struct pd_search *s, struct pd_path *path, enum pd_path_state state)
{
    const char *note = state == PD_PATH_CUT      ? path->cut_by
                       : state == PD_PATH_FORCED ? "forced"
                                                 : "complete";
    char answer[PD_ANSWER_BYTES] = "";
    if (state == PD_PATH_ENDED)
        pd_deadline_note_sample(s, path->n_tokens);
    if (s->task.wants_answer && state != PD_PATH_CUT &&
        pd_prompt_find_answer(s, path->text, path->text_bytes, answer, sizeof answer))
        path->group = pd_search_group(s, answer);
    pd_search_tell_text(s, path,
                        (struct ponder_event){.kind = "end", .answer = answer, .note = note});
}

void pd_path_stop(struct pd_search *s, struct pd_path *path, enum pd_path_state state)
{
    const float *hidden = NULL;
    if (s->wants_hidden && state != PD_PATH_FORCED)
        hidden = s->policy.hidden(s->policy.self, path->output);
    path->has_hidden = hidden != NULL;
    if (hidden != NULL)
        memcpy(pd_search_lane_hidden(s, path->lane), hidden,
               (size_t)s->policy.n_embd * sizeof *hidden);
    if (path->is_ahead) {
        path->ahead_has_ended = state == PD_PATH_ENDED;
        path->state = PD_PATH_HALTED;
        pd_search_tell_text(s, path, (struct ponder_event){.kind = "look"});
        return;
    }
    path->state = state;
    if (state != PD_PATH_HALTED) {
        end(s, path, state);
        return;
    }
    path->n_steps++;
    pd_search_tell_text(s, path, (struct ponder_event){.kind = "step"});
    path->text_told = path->text_bytes;
}

static void cut(struct pd_search *s, struct pd_path *path, const char *why)
{
    path->cut_by = why;
    pd_path_stop(s, path, PD_PATH_CUT);
}

/* The model has ended the text. */
static void end_text(struct pd_search *s, struct pd_path *path)
{
    if (s->task.cuts_hopeless && pd_text_is_blank(path->text, path->text_bytes))
        cut(s, path, "empty");
    else
        pd_path_stop(s, path, PD_PATH_ENDED);
}

/* True if what a path has written since the last step is one: a line with something in it. */
static bool is_step(const struct pd_path *path)
{
    if (path->text_bytes == 0 || path->text[path->text_bytes - 1] != '\n')
        return false;
    for (size_t i = path->line_begin; i < path->text_bytes; i++)
        if (path->text[i] != '\n' && path->text[i] != ' ')
            return true;
    return false;
}

static void end_step(struct pd_search *s, struct pd_path *path)
{
    path->line_begin = path->text_bytes;
    if (!path->is_ahead || --path->n_ahead == 0)
        pd_path_stop(s, path, PD_PATH_HALTED);
}

/* Behind "48/2=" the calculator writes, not the model: the tokens wait, as others before them, to be put through. */
static void write_result(struct pd_search *s, struct pd_path *path)
{
    int32_t token[PD_CALCULATOR_TOKENS];
    int room = pd_min_int(PD_CALCULATOR_TOKENS, path->max_tokens - 1 - path->n_tokens);
    int n = pd_calculator_tokens(s->tokenizer, path->text, path->text_bytes, s->scratch,
                                 s->scratch_bytes, token, room);
    for (int i = 0; i < n; i++)
        pd_path_append(s, path, token[i]);
}

void pd_path_accept(struct pd_search *s, struct pd_path *path)
{
    if (s->policy.ends_text(s->policy.self, path->next)) {
        end_text(s, path);
        return;
    }
    bool fits = pd_path_append_drawn(s, path);
    size_t kept_bytes = pd_search_before_stop(s, path->text, path->text_bytes);
    bool has_ended = kept_bytes < path->text_bytes;
    path->text_bytes = kept_bytes;
    if (has_ended)
        end_text(s, path);
    else if (s->task.wants_answer && pd_prompt_answer_is_final(s, path->text, path->text_bytes))
        pd_path_stop(s, path, PD_PATH_ENDED);
    else if (!fits || path->n_tokens >= path->max_tokens)
        cut(s, path, "cut");
    else if (s->task.cuts_hopeless && (pd_tokens_repeat(path->token, path->n_tokens) ||
                                       pd_lines_repeat(path->text, path->text_bytes)))
        cut(s, path, "repeats");
    else if (s->halts_at_steps && is_step(path))
        end_step(s, path);
    else if (s->task.has_calculator)
        write_result(s, path);
}

/* ---- looking ahead ---- */

void pd_search_look_ahead(struct pd_search *s, int index, int n_steps)
{
    struct pd_path *path = &s->path[index];
    PD_ASSERT(path->state == PD_PATH_HALTED && !path->is_ahead);
    path->mark = (struct pd_mark){.n_tokens = path->n_tokens,
                                  .n_fed = path->n_fed,
                                  .n_drawn = path->n_drawn,
                                  .sum_log_prob = path->sum_log_prob,
                                  .sum_certainty = path->sum_certainty,
                                  .text_bytes = path->text_bytes};
    path->is_ahead = true;
    path->ahead_has_ended = false;
    path->n_ahead = n_steps;
    pd_path_run(s, path);
}

void pd_search_look_back(struct pd_search *s, int index)
{
    struct pd_path *path = &s->path[index];
    const struct pd_mark *mark = &path->mark;
    PD_ASSERT(path->state == PD_PATH_HALTED && path->is_ahead);
    s->policy.rewind(s->policy.self, path->lane, path->lane_past + path->n_lead + mark->n_fed);
    path->n_tokens = mark->n_tokens;
    path->n_fed = mark->n_fed;
    path->n_drawn = mark->n_drawn;
    path->sum_log_prob = mark->sum_log_prob;
    path->sum_certainty = mark->sum_certainty;
    path->text_bytes = mark->text_bytes;
    path->line_begin = mark->text_bytes;
    path->is_ahead = false;
    path->has_hidden = false;
}
