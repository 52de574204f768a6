/* SPDX-License-Identifier: Apache-2.0
 * judge.c - see judge.h. */
#include "model/judge.h"

#include <math.h>
#include <string.h>

#include "base/real.h"

enum { MAX_TOKEN_BYTES = 64 };

struct loader {
    struct pd_judge *judge;
    const struct pd_gguf *gguf;
    struct pd_arena *arena;
    const struct pd_error *err;
};

/* ---- rank heads ---- */

/* A tensor of rows times cols numbers as floats; rows 0: as many as it has, 1 or 2, which *rows_ret says. */
static enum ponder_status read_tensor(const struct loader *l, const char *name, int rows, int cols,
                                      float **values_ret, int *rows_ret)
{
    const struct pd_gguf_tensor *t = pd_gguf_find_tensor(l->gguf, name);
    *values_ret = NULL;
    if (t == NULL)
        return pd_fail(l->err, PONDER_BAD_FILE, "tensor '%s' is missing", name);
    if (t->format == NULL)
        return pd_fail(l->err, PONDER_UNSUPPORTED, "tensor '%s' is in format %s", name,
                       pd_format_gguf_name(t->gguf_type));
    bool is_right = t->ne[0] == (uint64_t)cols && t->ne[2] == 1 && t->ne[3] == 1 &&
                    (rows > 0 ? t->ne[1] == (uint64_t)rows : t->ne[1] == 1 || t->ne[1] == 2);
    if (!is_right)
        return pd_fail(l->err, PONDER_BAD_FILE,
                       "tensor '%s' has %llu columns and %llu rows; a head on hidden states of %d "
                       "with one output or two is supported",
                       name, (unsigned long long)t->ne[0], (unsigned long long)t->ne[1],
                       l->judge->n_embd);
    *rows_ret = (int)t->ne[1];
    size_t n = (size_t)cols * (size_t)*rows_ret;
    float *values = PD_NEW(l->arena, float, n);
    *values_ret = values;
    if (values == NULL)
        return PONDER_OK;
    t->format->decode(t->data, values, n / t->format->block_elements);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return pd_fail(l->err, PONDER_BAD_FILE, "tensor '%s' holds what is no number", name);
    return PONDER_OK;
}

/* A bias [n], where there is one. */
static enum ponder_status read_bias(const struct loader *l, const char *name, int n,
                                    float **values_ret)
{
    int n_rows;
    *values_ret = NULL;
    return pd_gguf_find_tensor(l->gguf, name) != NULL
               ? read_tensor(l, name, 1, n, values_ret, &n_rows)
               : PONDER_OK;
}

static enum ponder_status read_rank(const struct loader *l)
{
    struct pd_judge *j = l->judge;
    bool has_output = pd_gguf_find_tensor(l->gguf, "cls.output.weight") != NULL;
    bool has_dense = has_output && pd_gguf_find_tensor(l->gguf, "cls.weight") != NULL;
    int n_rows;
    j->kind = PD_JUDGE_RANK;
    if (has_dense) {
        PD_TRY(read_tensor(l, "cls.weight", j->n_embd, j->n_embd, &j->dense, &n_rows));
        PD_TRY(read_bias(l, "cls.bias", j->n_embd, &j->dense_bias));
    }
    PD_TRY(read_tensor(l, has_output ? "cls.output.weight" : "cls.weight", 0, j->n_embd, &j->output,
                       &j->n_outputs));
    return read_bias(l, has_output ? "cls.output.bias" : "cls.bias", j->n_outputs, &j->output_bias);
}

/* ---- texts of tokens ---- */

static enum ponder_status copy_text(const struct loader *l, const char *key, struct pd_string s,
                                    const char **text_ret)
{
    if (s.bytes == 0 || s.bytes > MAX_TOKEN_BYTES || memchr(s.data, '\0', s.bytes) != NULL)
        return pd_fail(l->err, PONDER_BAD_FILE, "metadata '%s' is not the text of a token", key);
    char *copy = pd_arena_alloc(l->arena, s.bytes + 1, 1);
    if (copy == NULL)
        return PONDER_OK;
    memcpy(copy, s.data, s.bytes);
    copy[s.bytes] = '\0';
    *text_ret = copy;
    return PONDER_OK;
}

static enum ponder_status read_labels(const struct loader *l, const struct pd_gguf_kv *kv)
{
    static const char key[] = "ponder.verifier.tokens";
    const unsigned char *cursor = kv->data;
    l->judge->kind = PD_JUDGE_TOKENS;
    if (kv->type != PD_GGUF_ARRAY || kv->element_type != PD_GGUF_STRING || kv->n != 2)
        return pd_fail(l->err, PONDER_BAD_FILE,
                       "metadata '%s' is not an array of two strings, positive and negative", key);
    PD_TRY(copy_text(l, key, pd_gguf_next_string(&cursor), &l->judge->positive_text));
    return copy_text(l, key, pd_gguf_next_string(&cursor), &l->judge->negative_text);
}

static enum ponder_status read_scale(const struct loader *l)
{
    double scale = 1, shift = 0;
    PD_TRY(pd_gguf_get_float(l->gguf, "ponder.verifier.scale", false, -1e6, 1e6, &scale, l->err));
    PD_TRY(pd_gguf_get_float(l->gguf, "ponder.verifier.shift", false, -1e6, 1e6, &shift, l->err));
    l->judge->scale = (float)scale;
    l->judge->shift = (float)shift;
    l->judge->is_calibrated = l->judge->kind == PD_JUDGE_VALUE ||
                              pd_gguf_find(l->gguf, "ponder.verifier.scale") != NULL ||
                              pd_gguf_find(l->gguf, "ponder.verifier.shift") != NULL;
    return PONDER_OK;
}

enum ponder_status pd_judge_layout(struct pd_judge *judge, const struct pd_gguf *gguf, int n_embd,
                                   struct pd_arena *a, const struct pd_error *err)
{
    const struct loader l = {judge, gguf, a, err};
    const struct pd_gguf_kv *labels = pd_gguf_find(gguf, "ponder.verifier.tokens");
    struct pd_traits traits = pd_traits_none();
    struct pd_string step = {NULL, 0};
    *judge = (struct pd_judge){.kind = PD_JUDGE_VALUE,
                               .n_embd = n_embd,
                               .positive_text = "",
                               .negative_text = "",
                               .step_text = "",
                               .positive = -1,
                               .negative = -1,
                               .step = -1,
                               .line_end = -1};
    if (pd_gguf_find_tensor(gguf, "cls.weight") != NULL ||
        pd_gguf_find_tensor(gguf, "cls.output.weight") != NULL)
        PD_TRY(read_rank(&l));
    else if (labels != NULL)
        PD_TRY(read_labels(&l, labels));
    else if (pd_gguf_find(gguf, "ponder.head.value") == NULL)
        return pd_fail(err, PONDER_UNSUPPORTED,
                       "there is no head to judge with: neither cls.weight, ponder.verifier.tokens "
                       "nor ponder.head.value");
    PD_TRY(pd_traits_layout(&traits, gguf, n_embd, a, err));
    judge->value = traits.value;
    PD_TRY(pd_gguf_get_string(gguf, "ponder.verifier.step", false, &step, err));
    if (step.data != NULL)
        PD_TRY(copy_text(&l, "ponder.verifier.step", step, &judge->step_text));
    return read_scale(&l);
}

/* The token of a text that is one; -1: it is several. */
static int32_t token_of(const struct pd_tokenizer *t, const char *text, void *scratch,
                        size_t scratch_bytes)
{
    int32_t tokens[MAX_TOKEN_BYTES];
    size_t n = 0;
    const struct pd_tokenize how = {.parse_special = true, .goes_on = true};
    enum ponder_status status = pd_tokenize(t, text, strlen(text), how, scratch, scratch_bytes,
                                            tokens, MAX_TOKEN_BYTES, &n);
    return status == PONDER_OK && n == 1 ? tokens[0] : -1;
}

enum ponder_status pd_judge_resolve(struct pd_judge *judge, const struct pd_tokenizer *t,
                                    void *scratch, size_t scratch_bytes, const struct pd_error *err)
{
    const struct {
        const char *text;
        int32_t *token;
    } wanted[] = {{judge->positive_text, &judge->positive},
                  {judge->negative_text, &judge->negative},
                  {judge->step_text, &judge->step}};
    for (size_t i = 0; i < PD_COUNT(wanted); i++) {
        if (wanted[i].text[0] == '\0')
            continue;
        *wanted[i].token = token_of(t, wanted[i].text, scratch, scratch_bytes);
        if (*wanted[i].token < 0)
            return pd_fail(err, PONDER_OTHER_BASE,
                           "the verifier judges by '%s', which is no token of the vocabulary",
                           wanted[i].text);
    }
    if (judge->kind == PD_JUDGE_TOKENS && judge->positive == judge->negative)
        return pd_fail(err, PONDER_BAD_FILE, "the verifier's two tokens are the same");
    judge->line_end = token_of(t, "\n", scratch, scratch_bytes);
    return PONDER_OK;
}

/* ---- scores ---- */

static double dot(const float *w, const float *bias, const float *x, int n)
{
    double sum = bias != NULL ? (double)*bias : 0.0;
    for (int i = 0; i < n; i++)
        sum += (double)w[i] * (double)x[i];
    return sum;
}

/* By e^-2|x|, which does not overflow. */
static double hyperbolic_tangent(double x)
{
    double e = pd_real_exp(x < 0.0 ? 2.0 * x : -2.0 * x);
    double y = (1.0 - e) / (1.0 + e);
    return x < 0.0 ? -y : y;
}

static float probability(const struct pd_judge *j, double logit)
{
    double z = (double)j->scale * logit + (double)j->shift;
    return isfinite(z) ? (float)(1.0 / (1.0 + pd_real_exp(-z))) : NAN;
}

/* The logit of the one output, or of the second against the first. */
static double rank_logit(const struct pd_judge *j, const float *x)
{
    size_t n = (size_t)j->n_embd;
    double z[2] = {0.0, 0.0};
    for (int o = 0; o < j->n_outputs && j->output_bias != NULL; o++)
        z[o] = (double)j->output_bias[o];
    for (size_t i = 0; i < n; i++) {
        double input = (double)x[i];
        if (j->dense != NULL)
            input = hyperbolic_tangent(dot(
                j->dense + i * n, j->dense_bias != NULL ? j->dense_bias + i : NULL, x, j->n_embd));
        for (int o = 0; o < j->n_outputs; o++)
            z[o] += (double)j->output[(size_t)o * n + i] * input;
    }
    return j->n_outputs == 2 ? z[1] - z[0] : z[0];
}

float pd_judge_score(const struct pd_judge *judge, const float *x)
{
    if (judge->kind == PD_JUDGE_VALUE)
        return pd_linear_probability(&judge->value, x);
    return probability(judge, rank_logit(judge, x));
}

float pd_judge_score_tokens(const struct pd_judge *judge, float positive_logit,
                            float negative_logit)
{
    return probability(judge, (double)positive_logit - (double)negative_logit);
}

/* ---- vocabularies ---- */

enum ponder_status pd_judge_check_vocabulary(const struct pd_gguf *policy,
                                             const struct pd_gguf *judge,
                                             const struct pd_error *err)
{
    static const char key[] = "tokenizer.ggml.tokens";
    const struct pd_gguf_kv *a = pd_gguf_find(policy, key), *b = pd_gguf_find(judge, key);
    if (a == NULL || b == NULL || a->element_type != PD_GGUF_STRING ||
        b->element_type != PD_GGUF_STRING || a->type != PD_GGUF_ARRAY || b->type != PD_GGUF_ARRAY)
        return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' is missing", key);
    size_t bytes = (size_t)(a->end - a->data);
    if (b->n < a->n || (size_t)(b->end - b->data) < bytes || memcmp(a->data, b->data, bytes) != 0)
        return pd_fail(err, PONDER_OTHER_BASE,
                       "the verifier's vocabulary (%llu tokens) is not the model's (%llu)",
                       (unsigned long long)b->n, (unsigned long long)a->n);
    return PONDER_OK;
}
