/* SPDX-License-Identifier: Apache-2.0
 * prompt.h - a question to the tokens that the model is given. */
#ifndef PD_PROMPT_H
#define PD_PROMPT_H

#include "search/search.h"

enum pd_prompt_kind {
    PD_PROMPT_SOLVE, /* in the chat template (plain: without one), after worked examples */
    PD_PROMPT_CHAT,  /* in the chat template */
    PD_PROMPT_RAW    /* as it is; special tokens in it are special */
};

/* Sets s->prompt. BAD_INPUT: empty (nothing but white space) or not UTF-8; TOO_LONG: more than
 * max_prompt_tokens, or than max_text_bytes. */
enum ponder_status pd_prompt_set(struct pd_search *s, const struct pd_chat *chat,
                                 enum pd_prompt_kind kind, const char *text, size_t text_bytes);

/* What comes before every question of the kind, as s->prompt: for pd_search_warm(). */
enum ponder_status pd_prompt_set_common(struct pd_search *s, const struct pd_chat *chat,
                                        enum pd_prompt_kind kind);

/* A text at which a sample of the kind has gone past its end; NULL: none. */
const char *pd_prompt_stop(enum pd_prompt_kind kind);

/* Sets s->forced: what makes a lane answer. */
enum ponder_status pd_prompt_set_forced(struct pd_search *s);

#endif
