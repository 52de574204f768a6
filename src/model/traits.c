/* SPDX-License-Identifier: Apache-2.0
 * traits.c - see traits.h. */
#include "model/traits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/real.h"
#include "base/utf8.h"

enum { MAX_PROMPT_BYTES = 1024, MAX_MARK_BYTES = 32, KEY_BYTES = 64 };

struct pd_traits pd_traits_none(void)
{
    return (struct pd_traits){.prompt = "", .answer = "", .revision = ""};
}

/* Copies a text of the file; *text_ret stays as it is where the file has none. */
static enum ponder_status read_text(const struct pd_gguf *gguf, const char *key, size_t max_bytes,
                                    struct pd_arena *a, const char **text_ret,
                                    const struct pd_error *err)
{
    struct pd_string s = {NULL, 0};
    PD_TRY(pd_gguf_get_string(gguf, key, false, &s, err));
    if (s.data == NULL)
        return PONDER_OK;
    if (s.bytes > max_bytes)
        return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' has %zu bytes; at most %zu are right",
                       key, s.bytes, max_bytes);
    if (!pd_utf8_is_valid(s.data, s.bytes) || memchr(s.data, '\0', s.bytes) != NULL)
        return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' is not UTF-8", key);
    char *copy = pd_arena_alloc(a, s.bytes + 1, 1);
    *text_ret = copy;
    if (copy == NULL)
        return PONDER_OK;
    memcpy(copy, s.data, s.bytes);
    copy[s.bytes] = '\0';
    return PONDER_OK;
}

/* A mark at the front of a line: no line break in it, not empty. */
static enum ponder_status read_mark(const struct pd_gguf *gguf, const char *key, struct pd_arena *a,
                                    const char **text_ret, const struct pd_error *err)
{
    struct pd_string s = {"-", 1};
    PD_TRY(pd_gguf_get_string(gguf, key, false, &s, err));
    if (s.bytes == 0 || memchr(s.data, '\n', s.bytes) != NULL)
        return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' is not a piece of one line", key);
    return read_text(gguf, key, MAX_MARK_BYTES, a, text_ret, err);
}

static enum ponder_status read_prompt(const struct pd_gguf *gguf, struct pd_arena *a,
                                      const char **text_ret, const struct pd_error *err)
{
    static const char key[] = "ponder.prompt", question[] = PD_TRAITS_QUESTION;
    struct pd_string s = {question, sizeof question - 1};
    int n_questions = 0;
    PD_TRY(pd_gguf_get_string(gguf, key, false, &s, err));
    for (size_t i = 0; i + sizeof question - 1 <= s.bytes; i++)
        n_questions += memcmp(s.data + i, question, sizeof question - 1) == 0;
    if (n_questions != 1)
        return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' holds %d times %s; once is right", key,
                       n_questions, question);
    return read_text(gguf, key, MAX_PROMPT_BYTES, a, text_ret, err);
}

/* "ponder.head.NAME" and its bias. */
static enum ponder_status read_head(const struct pd_gguf *gguf, const char *name, int n_embd,
                                    struct pd_arena *a, struct pd_linear *linear,
                                    const struct pd_error *err)
{
    char key[KEY_BYTES], bias_key[KEY_BYTES + 8];
    double bias = 0;
    snprintf(key, sizeof key, "ponder.head.%s", name);
    snprintf(bias_key, sizeof bias_key, "%s.bias", key);
    const struct pd_gguf_kv *kv = pd_gguf_find(gguf, key);
    if (kv == NULL)
        return PONDER_OK;
    if (kv->type != PD_GGUF_ARRAY || kv->element_type != PD_GGUF_F32)
        return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' is not an array of f32", key);
    if (kv->n != (uint64_t)n_embd)
        return pd_fail(err, PONDER_BAD_FILE,
                       "metadata '%s' has %llu numbers; the model's hidden states have %d", key,
                       (unsigned long long)kv->n, n_embd);
    PD_TRY(pd_gguf_get_float(gguf, bias_key, false, -1e30, 1e30, &bias, err));
    *linear = (struct pd_linear){PD_NEW(a, float, n_embd), n_embd, (float)bias};
    for (int i = 0; i < n_embd; i++) {
        uint32_t bits = pd_gguf_array_u32(kv, (uint64_t)i);
        float weight;
        memcpy(&weight, &bits, sizeof weight);
        if (!isfinite(weight))
            return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' holds what is no number, at %d",
                           key, i);
        if (linear->weight != NULL)
            linear->weight[i] = weight;
    }
    return PONDER_OK;
}

enum ponder_status pd_traits_layout(struct pd_traits *t, const struct pd_gguf *gguf, int n_embd,
                                    struct pd_arena *a, const struct pd_error *err)
{
    PD_TRY(read_prompt(gguf, a, &t->prompt, err));
    PD_TRY(read_mark(gguf, "ponder.answer", a, &t->answer, err));
    PD_TRY(read_mark(gguf, "ponder.revision", a, &t->revision, err));
    PD_TRY(pd_gguf_get_bool(gguf, "ponder.calculator", &t->has_calculator, err));
    PD_TRY(read_head(gguf, "value", n_embd, a, &t->value, err));
    return read_head(gguf, "difficulty", n_embd, a, &t->difficulty, err);
}

/* In doubles and in order: a few hundred products, once a step of reasoning. */
float pd_linear_probability(const struct pd_linear *linear, const float *x)
{
    double sum = (double)linear->bias;
    for (int i = 0; i < linear->n; i++)
        sum += (double)linear->weight[i] * (double)x[i];
    return isfinite(sum) ? (float)(1.0 / (1.0 + pd_real_exp(-sum))) : NAN;
}
