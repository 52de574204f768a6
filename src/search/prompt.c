/* SPDX-License-Identifier: Apache-2.0
 * prompt.c - see prompt.h. */
#include "search/prompt.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "search/force.h"
#include "search/span.h"

/* Worked examples rather than instructions: small models follow form, not orders. Written for this file; the
 * form was chosen on the validation rows of MAWPS with SmolLM2-135M-Instruct, greedy: six examples of bare equations 24 of 115,
 * four 22, eight 23; four with words between the equations 16; in the chat template 8 to 14. */
static const char solve_before[] =
    "Question: Lena has 3 bags with 8 marbles each. She gives away 5 marbles. How many are left?\n"
    "Answer: 3 * 8 = 24. 24 - 5 = 19. The answer is 19.\n\n"
    "Question: A pen costs $4 and a book costs $9 more than the pen. What do both cost together?\n"
    "Answer: 4 + 9 = 13. 4 + 13 = 17. The answer is 17.\n\n"
    "Question: There were 31 birds in a tree and 12 flew away. How many birds are left?\n"
    "Answer: 31 - 12 = 19. The answer is 19.\n\n"
    "Question: Max shares 20 sweets equally among 4 friends. How many does each friend get?\n"
    "Answer: 20 / 4 = 5. The answer is 5.\n\n"
    "Question: Ben ran 6 km on Monday and 9 km on Tuesday. How many km did he run in all?\n"
    "Answer: 6 + 9 = 15. The answer is 15.\n\n"
    "Question: Anna has 24 stickers, which is 8 more than Paul has. How many stickers does Paul "
    "have?\n"
    "Answer: 24 - 8 = 16. The answer is 16.\n\n"
    "Question: ";
static const char solve_after[] = "\nAnswer:";
static const char solve_stop[] = "\nQuestion:";

enum { MAX_FRAME_BYTES = 2048 }; /* of what stands around a question */

/* Appends the tokens of a piece of the prompt. */
static enum ponder_status append(struct pd_search *s, const char *text, size_t bytes, bool add_bos,
                                 bool parse_special)
{
    struct pd_tokenize how = {
        .add_bos = add_bos, .parse_special = parse_special, .goes_on = s->n_prompt > 0};
    size_t n;
    if (bytes > s->size.max_text_bytes)
        return PONDER_TOO_LONG;
    PD_TRY(pd_tokenize(s->tokenizer, text, bytes, how, s->scratch, s->scratch_bytes,
                       s->prompt + s->n_prompt, (size_t)(s->size.max_prompt_tokens - s->n_prompt),
                       &n));
    s->n_prompt += (int)n;
    return PONDER_OK;
}

static struct pd_span trim(const char *text, size_t bytes)
{
    struct pd_span s = {text, bytes};
    while (s.bytes > 0 && pd_is_space(s.text[s.bytes - 1]))
        s.bytes--;
    while (s.bytes > 0 && pd_is_space(s.text[0]))
        s = (struct pd_span){s.text + 1, s.bytes - 1};
    return s;
}

/* White space runs as one blank, as models of ours are trained. */
static struct pd_span on_one_line(struct pd_span text, char *buffer)
{
    size_t n = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        bool is_space = pd_is_space(text.text[i]);
        if (!is_space || n == 0 || buffer[n - 1] != ' ')
            buffer[n++] = (char)(is_space ? ' ' : text.text[i]);
    }
    return (struct pd_span){buffer, n};
}

/* Text around the question: the template's, then ours; or the model's own. */
static size_t frame_before(const struct pd_search *s, const struct pd_chat *chat,
                           enum pd_prompt_kind kind, char *frame)
{
    if (chat == NULL) {
        const char *prompt = s->traits->prompt;
        size_t own_bytes = (size_t)(strstr(prompt, PD_TRAITS_QUESTION) - prompt);
        memcpy(frame, prompt, own_bytes);
        return own_bytes;
    }
    size_t bytes = pd_chat_before(chat, NULL, frame, MAX_FRAME_BYTES);
    if (kind != PD_PROMPT_SOLVE)
        return bytes;
    memcpy(frame + bytes, solve_before, sizeof solve_before - 1);
    return bytes + sizeof solve_before - 1;
}

static size_t frame_after(const struct pd_search *s, const struct pd_chat *chat,
                          enum pd_prompt_kind kind, char *frame)
{
    if (chat == NULL) {
        const char *after = strstr(s->traits->prompt, PD_TRAITS_QUESTION);
        after += sizeof PD_TRAITS_QUESTION - 1;
        memcpy(frame, after, strlen(after));
        return strlen(after);
    }
    size_t bytes = 0;
    if (kind == PD_PROMPT_SOLVE) {
        bytes = sizeof solve_after - 1;
        memcpy(frame, solve_after, bytes);
    }
    return bytes + pd_chat_after(chat, frame + bytes, MAX_FRAME_BYTES - bytes);
}

enum ponder_status pd_prompt_set_common(struct pd_search *s, const struct pd_chat *chat,
                                        enum pd_prompt_kind kind)
{
    char frame[MAX_FRAME_BYTES];
    s->n_prompt = 0;
    size_t bytes = frame_before(s, chat, kind, frame);
    return append(s, frame, bytes, true, true);
}

enum ponder_status pd_prompt_set(struct pd_search *s, const struct pd_chat *chat,
                                 enum pd_prompt_kind kind, const char *text, size_t text_bytes)
{
    s->n_prompt = 0;
    if (text_bytes > s->size.max_text_bytes)
        return PONDER_TOO_LONG;
    struct pd_span question = trim(text, text_bytes);
    if (question.bytes == 0 || !pd_utf8_is_valid(text, text_bytes))
        return PONDER_BAD_INPUT;
    s->mark = s->traits != NULL && (chat == NULL || kind == PD_PROMPT_RAW) ? s->traits->answer : "";
    if (kind == PD_PROMPT_RAW)
        return append(s, text, text_bytes, true, true);
    if (chat == NULL)
        question = on_one_line(question, s->question);
    char frame[MAX_FRAME_BYTES];
    PD_TRY(pd_prompt_set_common(s, chat, kind));
    /* Special tokens in it are text: a question cannot forge a turn. */
    PD_TRY(append(s, question.text, question.bytes, false, false));
    return append(s, frame, frame_after(s, chat, kind, frame), false, true);
}

enum ponder_status pd_prompt_append(struct pd_search *s, const char *text, size_t bytes)
{
    if (!pd_utf8_is_valid(text, bytes))
        return PONDER_BAD_INPUT;
    return append(s, text, bytes, false, false);
}

const char *pd_prompt_stop(const struct pd_chat *chat, enum pd_prompt_kind kind)
{
    return kind == PD_PROMPT_SOLVE && chat != NULL ? solve_stop : NULL;
}

enum ponder_status pd_prompt_set_forced(struct pd_search *s, const struct pd_chat *chat)
{
    char text[64] = PD_FORCE_TEXT;
    size_t n;
    if (chat == NULL && s->traits->answer[0] != '\0')
        snprintf(text, sizeof text, "\n%s", s->traits->answer);
    PD_TRY(pd_tokenize(s->tokenizer, text, strlen(text), (struct pd_tokenize){.goes_on = true},
                       s->scratch, s->scratch_bytes, s->forced, PD_FORCED_TOKENS / 2, &n));
    s->n_forced = (int)n;
    return PONDER_OK;
}

/* What stands behind the mark on the last line that begins with it; no text: there is none. */
static struct pd_span marked(const struct pd_search *s, const char *text, size_t bytes,
                             bool *is_closed_ret)
{
    size_t mark_bytes = strlen(s->mark), end = bytes;
    *is_closed_ret = false;
    for (size_t i = bytes + 1; mark_bytes > 0 && i-- > 0;) {
        if (i > 0 && text[i - 1] != '\n')
            continue;
        if (end - i >= mark_bytes && memcmp(text + i, s->mark, mark_bytes) == 0) {
            *is_closed_ret = end < bytes;
            return (struct pd_span){text + i + mark_bytes, end - i - mark_bytes};
        }
        end = i > 0 ? i - 1 : 0;
    }
    return (struct pd_span){NULL, 0};
}

bool pd_prompt_find_answer(const struct pd_search *s, const char *text, size_t bytes,
                           char *answer_ret, size_t capacity)
{
    bool is_closed;
    struct pd_span rest = marked(s, text, bytes, &is_closed);
    if (rest.text != NULL && pd_answer_normalise(rest.text, rest.bytes, answer_ret, capacity))
        return true;
    return pd_answer_find(text, bytes, answer_ret, capacity);
}

bool pd_prompt_answer_is_final(const struct pd_search *s, const char *text, size_t bytes)
{
    bool is_closed;
    if (s->mark[0] == '\0')
        return pd_answer_is_final(text, bytes);
    return marked(s, text, bytes, &is_closed).text != NULL && is_closed;
}

enum ponder_status pd_prompt_set_revision(struct pd_search *s, const char *mark)
{
    char text[32] = "\n";
    size_t bytes = strlen(mark), n;
    s->n_revision = 0;
    if (bytes == 0 || bytes + 2 >= sizeof text)
        return PONDER_TOO_LONG;
    memcpy(text + 1, mark, bytes);
    text[bytes + 1] = '\n';
    PD_TRY(pd_tokenize(s->tokenizer, text, bytes + 2, (struct pd_tokenize){.goes_on = true},
                       s->scratch, s->scratch_bytes, s->revision, PD_REVISION_TOKENS, &n));
    s->n_revision = (int)n;
    return PONDER_OK;
}
