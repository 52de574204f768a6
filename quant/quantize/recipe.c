/* SPDX-License-Identifier: Apache-2.0
 * recipe.c - see recipe.h. */
#define _POSIX_C_SOURCE 200809L
#include "quant/quantize/recipe.h"

#include <fnmatch.h>
#include <stdio.h>

static const struct {
    enum pd_format_id smaller; /* what takes its place where its blocks do not fit */
    uint32_t file_type;
} facts[PD_FORMATS] = {
    [PD_F32] = {PD_F32, 0},    [PD_F16] = {PD_F16, 1},    [PD_BF16] = {PD_BF16, 32},
    [PD_Q4_0] = {PD_F16, 2},   [PD_Q4_1] = {PD_F16, 3},   [PD_Q5_0] = {PD_F16, 8},
    [PD_Q5_1] = {PD_F16, 9},   [PD_Q8_0] = {PD_F16, 7},   [PD_Q4_K] = {PD_Q5_0, 14},
    [PD_Q5_K] = {PD_Q5_1, 16}, [PD_Q6_K] = {PD_Q8_0, 18},
};

bool recipe_find_format(const char *name, enum pd_format_id *type_ret)
{
    for (int id = 0; id < PD_FORMATS; id++) {
        if (strcmp(name, pd_format_get((enum pd_format_id)id)->name) == 0) {
            *type_ret = (enum pd_format_id)id;
            return true;
        }
    }
    return false;
}

const char *recipe_list_formats(char text_ret[FORMAT_LIST_BYTES])
{
    size_t at = 0;
    for (int id = 0; id < PD_FORMATS && at < FORMAT_LIST_BYTES; id++)
        at += (size_t)snprintf(text_ret + at, FORMAT_LIST_BYTES - at, "%s%s", id ? ", " : "",
                               pd_format_get((enum pd_format_id)id)->name);
    return text_ret;
}

static bool is_matrix(const struct pd_gguf_tensor *t)
{
    return t->n_dims >= 2 && t->ne[1] > 1;
}

static bool matches(const char *pattern, struct pd_string name)
{
    char text[PD_GGUF_MAX_KEY_BYTES + 1];
    memcpy(text, name.data, name.bytes);
    text[name.bytes] = '\0';
    return fnmatch(pattern, text, 0) == 0;
}

/* Embedding and output head are read a row at a time or once a token, and hold what every layer's error goes
 * through: 8 bits where the rest has fewer (tests/README.md has the figures). */
static enum pd_format_id default_format(const struct recipe *recipe, const struct pd_gguf_tensor *t)
{
    if (!is_matrix(t))
        return t->format->id;
    if (matches("token_embd.weight", t->name) || matches("output.weight", t->name))
        return pd_format_get(recipe->type)->is_quantised ? PD_Q8_0 : recipe->type;
    return matches("blk.*.weight", t->name) ? recipe->type : t->format->id;
}

enum ponder_status recipe_apply(const struct recipe *recipe, const struct pd_gguf *gguf,
                                enum pd_format_id *format_ret, const struct pd_error *err)
{
    int n_matched[MAX_RULES] = {0};
    for (int i = 0; i < gguf->n_tensors; i++) {
        const struct pd_gguf_tensor *t = &gguf->tensor[i];
        enum pd_format_id id = default_format(recipe, t);
        for (int k = 0; k < recipe->n_rules; k++) {
            if (is_matrix(t) && matches(recipe->rule[k].pattern, t->name)) {
                id = recipe->rule[k].type;
                n_matched[k]++;
            }
        }
        while (t->ne[0] % pd_format_get(id)->block_elements != 0)
            id = facts[id].smaller;
        format_ret[i] = id;
    }
    for (int k = 0; k < recipe->n_rules; k++)
        if (n_matched[k] == 0)
            return pd_fail(err, PONDER_BAD_ARGUMENT, "--tensor '%s' matches no matrix of the file",
                           recipe->rule[k].pattern);
    return PONDER_OK;
}

uint32_t recipe_file_type(enum pd_format_id type)
{
    return facts[type].file_type;
}
