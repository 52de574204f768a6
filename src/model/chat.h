/* SPDX-License-Identifier: Apache-2.0
 * chat.h - known chat templates, recognised by what the GGUF's template text contains; never
 * executed.
 *
 * A prompt is three pieces: text before the question (special tokens parsed), the question
 * (never parsed for special tokens, so that it cannot forge a turn), text after it (parsed, as a
 * text that goes on). Templates trim the question; so should the caller.
 *
 * Many templates put a system text of their own where there is none (SmolLM2: "You are a helpful
 * AI assistant named SmolLM...", Qwen likewise). We never do: the system text is the caller's,
 * and without one there is no system turn. */
#ifndef PD_CHAT_H
#define PD_CHAT_H

#include "base/base.h"
#include "model/gguf.h"
#include "model/tokenizer.h"

struct pd_chat {
    const char *name; /* "chatml" */
    const char
        *sign; /* string that the template text of this family contains; NULL: never recognised */
    const char *not_sign;  /* and one that it does not; NULL: any */
    const char *marker[2]; /* special tokens that it needs; NULL: none */
    const char *system_open,
        *system_close; /* open NULL: the system text stands before the question, then close */
    const char *user_open, *user_close;
    const char *assistant_open;
};

/* The row called name ("plain" has no markers at all), or NULL. */
const struct pd_chat *pd_chat_find(const char *name);

/* The template of a file: plain if it has none. UNSUPPORTED: one that we don't know; err names
 * --chat and the templates there are. */
enum ponder_status pd_chat_detect(const struct pd_gguf *gguf, const struct pd_chat **chat_ret,
                                  const struct pd_error *err);

/* False if the vocabulary lacks a special token of the template, which would be taken apart as
 * plain text. */
bool pd_chat_fits(const struct pd_chat *chat, const struct pd_tokenizer *t);

/* The text before and after the question: return its length, write at most capacity bytes, no
 * NUL. system_text NULL or "": none. Beginning of text is not part of it: it is the tokenizer's
 * add_bos. */
size_t pd_chat_before(const struct pd_chat *chat, const char *system_text, char *text_ret,
                      size_t capacity);
size_t pd_chat_after(const struct pd_chat *chat, char *text_ret, size_t capacity);

/* The names, comma-separated, for help and error texts. */
const char *pd_chat_list(void);

#endif
