/* SPDX-License-Identifier: Apache-2.0
 * path.h - what the files of the driver do to one path. */
#ifndef PD_PATH_H
#define PD_PATH_H

#include "search/search.h"

static inline bool pd_search_is_cancelled(const struct pd_search *s)
{
    return s->task.cancel != NULL && *s->task.cancel;
}

enum ponder_status pd_search_prefill(struct pd_search *s, struct pd_outcome *outcome);

void pd_search_begin_verifiers(struct pd_search *s);

/* Has a path take in a text as if it had been drawn, and judges it step by step. */
enum ponder_status pd_judge_text(struct pd_search *s, const char *text, size_t bytes);

/* A slot for a path, without a lane; the caller counts it in n_created. NULL: all are in use. */
struct pd_path *pd_path_new(struct pd_search *s);

/* Puts a path among those that run. */
void pd_path_run(struct pd_search *s, struct pd_path *path);

/* The group of an answer, made if it is new. */
int pd_search_group(struct pd_search *s, const char *answer);

/* Appends a token to path and text. False: the text is full. */
bool pd_path_append(struct pd_search *s, struct pd_path *path, int32_t token);

/* The same with the token that was drawn (path->next), whose probability counts. */
bool pd_path_append_drawn(struct pd_search *s, struct pd_path *path);

/* A running path stops: halted, or over and its answer found. */
void pd_path_stop(struct pd_search *s, struct pd_path *path, enum pd_path_state state);

/* Bytes of the text without the stop text that it may end with. */
size_t pd_search_before_stop(const struct pd_search *s, const char *text, size_t bytes);

/* Takes in the token that was drawn for a running path, and stops it if that ends a step or the path. */
void pd_path_accept(struct pd_search *s, struct pd_path *path);

/* Rows that a path has to put through before it can draw. */
static inline int pd_path_pending(const struct pd_path *path)
{
    return path->n_lead - path->n_lead_fed + path->n_tokens - path->n_fed;
}

/* Writes up to max of them, the last with an output; how many. */
int pd_path_rows(const struct pd_search *s, const struct pd_path *path, struct pd_row *row,
                 int max);

/* n of them are through; output: of the last one. */
void pd_path_fed(struct pd_path *path, int n, int output);

static inline char *pd_search_lane_text(const struct pd_search *s, int lane)
{
    return s->texts + (size_t)lane * s->text_capacity;
}

static inline int32_t *pd_search_lane_lead(const struct pd_search *s, int lane)
{
    return s->leads + (size_t)lane * (size_t)s->lead_capacity;
}

static inline float *pd_search_lane_hidden(const struct pd_search *s, int lane)
{
    return s->hidden + (size_t)lane * (size_t)s->policy.n_embd;
}

/* pd_head_certainty() of an output, if somebody wants it. */
static inline float pd_search_certainty(const struct pd_search *s, int output)
{
    return s->wants_certainty ? s->policy.certainty(s->policy.self, output) : 0.0f;
}

static inline int pd_search_index(const struct pd_search *s, const struct pd_path *path)
{
    return (int)(path - s->path);
}

/* Tells on_event, if there is one, about a path: event->path, parent and ms are filled in. */
void pd_search_tell(struct pd_search *s, const struct pd_path *path, struct ponder_event event);

/* The same with what the path wrote since the last time. */
void pd_search_tell_text(struct pd_search *s, struct pd_path *path, struct ponder_event event);

#endif
