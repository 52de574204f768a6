/* SPDX-License-Identifier: Apache-2.0
 * prompt.h - a question to the tokens that the model is given. */
#ifndef PD_PROMPT_H
#define PD_PROMPT_H

#include "search/search.h"

/* chat NULL: the model's own form, which s->traits has; for PD_PROMPT_SOLVE only. */
enum pd_prompt_kind {
    PD_PROMPT_SOLVE, /* in the chat template (plain: without one), after worked examples; in the model's own form */
    PD_PROMPT_CHAT, /* in the chat template */
    PD_PROMPT_RAW   /* as it is; special tokens in it are special */
};

/* Sets s->prompt and s->mark. BAD_INPUT: empty (nothing but white space) or not UTF-8; TOO_LONG: more than
 * max_prompt_tokens, or than max_text_bytes. */
enum ponder_status pd_prompt_set(struct pd_search *s, const struct pd_chat *chat,
                                 enum pd_prompt_kind kind, const char *text, size_t text_bytes);

/* Appends what samples are to begin with. Special tokens in it are text. BAD_INPUT: not UTF-8; TOO_LONG. */
enum ponder_status pd_prompt_append(struct pd_search *s, const char *text, size_t bytes);

/* What comes before every question of the kind, as s->prompt: for pd_search_warm(). */
enum ponder_status pd_prompt_set_common(struct pd_search *s, const struct pd_chat *chat,
                                        enum pd_prompt_kind kind);

/* A text at which a sample of the kind has gone past its end; NULL: none. */
const char *pd_prompt_stop(const struct pd_chat *chat, enum pd_prompt_kind kind);

/* Sets s->revision: a line with this mark, as it parts an attempt from the next. */
enum ponder_status pd_prompt_set_revision(struct pd_search *s, const char *mark);

/* Sets s->forced: what makes a lane answer. */
enum ponder_status pd_prompt_set_forced(struct pd_search *s, const struct pd_chat *chat);

/* pd_answer_find() and pd_answer_is_final() in the form that the prompt asks for: where answers have a mark, the answer
 * is what stands behind it on the last line that begins with it, and a text is final when that line has ended; the
 * general rules are for texts without one. */
bool pd_prompt_find_answer(const struct pd_search *s, const char *text, size_t bytes,
                           char *answer_ret, size_t capacity);
bool pd_prompt_answer_is_final(const struct pd_search *s, const char *text, size_t bytes);

#endif
