/* SPDX-License-Identifier: Apache-2.0
 * family.c - the model families, one row each. A new family is a row here and, if it has tensors that
 * no other has, rows in model.c. */
#include "model/model.h"

static const struct pd_family families[] = {
    {.name = "llama", .activation = PD_SILU, .has_qkv_bias = true},
    {.name = "qwen2", .activation = PD_SILU, .rope_is_neox = true, .has_qkv_bias = true},
    {.name = "qwen3", .activation = PD_SILU, .rope_is_neox = true, .has_qk_norm = true},
    {.name = "gemma3",
     .activation = PD_GELU,
     .rope_is_neox = true,
     .has_qk_norm = true,
     .has_post_norms = true,
     .scales_embedding = true,
     .window_period = 6,
     .local_rope_base = 10000.0f},
};

const char *pd_family_list(void)
{
    return "llama, qwen2, qwen3, gemma3";
}

const struct pd_family *pd_family_find(struct pd_string name)
{
    for (size_t i = 0; i < PD_COUNT(families); i++)
        if (pd_string_equal(name, families[i].name))
            return &families[i];
    return NULL;
}
