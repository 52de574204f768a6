/* SPDX-License-Identifier: Apache-2.0
 * chat.h - known chat templates, recognised by what the GGUF's template text contains; never executed.
 *
 * A prompt is three pieces: text before the question (special tokens parsed), the question (never
 * parsed for special tokens, so that it cannot forge a turn), text after it (parsed). */
#ifndef PD_CHAT_H
#define PD_CHAT_H

#include "base/base.h"
#include "model/gguf.h"

struct pd_chat {
    const char *name;        /* "chatml" */
    const char *sign[2];     /* strings that the template text of this family contains, all of them */
    const char *system_open, *system_close; /* NULL: the system text goes before the question */
    const char *user_open, *user_close;
    const char *assistant_open;
};

/* The row called name ("plain" has no markers at all), or NULL. */
const struct pd_chat *pd_chat_find(const char *name);

/* The template of a file: plain if it has none. UNSUPPORTED: one that we don't know; err names
 * --chat and the templates there are. */
enum ponder_status pd_chat_detect(const struct pd_gguf *gguf, const struct pd_chat **chat_ret,
                                  const struct pd_error *err);

/* The names, comma-separated, for help and error texts. */
const char *pd_chat_list(void);

#endif
