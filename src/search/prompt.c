/* SPDX-License-Identifier: Apache-2.0
 * prompt.c - see prompt.h. */
#include "search/prompt.h"

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

/* Text around the question: the template's, then ours. */
static size_t frame_before(const struct pd_chat *chat, enum pd_prompt_kind kind, char *frame)
{
    size_t bytes = pd_chat_before(chat, NULL, frame, MAX_FRAME_BYTES);
    if (kind != PD_PROMPT_SOLVE)
        return bytes;
    memcpy(frame + bytes, solve_before, sizeof solve_before - 1);
    return bytes + sizeof solve_before - 1;
}

static size_t frame_after(const struct pd_chat *chat, enum pd_prompt_kind kind, char *frame)
{
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
    return append(s, frame, frame_before(chat, kind, frame), true, true);
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
    if (kind == PD_PROMPT_RAW)
        return append(s, text, text_bytes, true, true);
    char frame[MAX_FRAME_BYTES];
    PD_TRY(pd_prompt_set_common(s, chat, kind));
    /* Special tokens in it are text: a question cannot forge a turn. */
    PD_TRY(append(s, question.text, question.bytes, false, false));
    return append(s, frame, frame_after(chat, kind, frame), false, true);
}

const char *pd_prompt_stop(enum pd_prompt_kind kind)
{
    return kind == PD_PROMPT_SOLVE ? solve_stop : NULL;
}

enum ponder_status pd_prompt_set_forced(struct pd_search *s)
{
    size_t n;
    PD_TRY(pd_tokenize(s->tokenizer, PD_FORCE_TEXT, sizeof PD_FORCE_TEXT - 1,
                       (struct pd_tokenize){.goes_on = true}, s->scratch, s->scratch_bytes,
                       s->forced, PD_FORCED_TOKENS / 2, &n));
    s->n_forced = (int)n;
    return PONDER_OK;
}
