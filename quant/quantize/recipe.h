/* SPDX-License-Identifier: Apache-2.0
 * recipe.h - which tensor becomes which format. */
#ifndef QUANTIZE_RECIPE_H
#define QUANTIZE_RECIPE_H

#include "model/gguf.h"

enum { MAX_RULES = 64 };

struct recipe {
    enum pd_format_id type;
    int n_rules;
    struct recipe_rule {
        const char *pattern; /* of the shell: * ? [] */
        enum pd_format_id type;
    } rule[MAX_RULES]; /* the last one that matches a tensor counts */
};

/* False: no format of that name. */
bool recipe_find_format(const char *name, enum pd_format_id *type_ret);

/* The formats there are, "F32, F16, ...". */
enum { FORMAT_LIST_BYTES = 128 };
const char *recipe_list_formats(char text_ret[FORMAT_LIST_BYTES]);

/* Fills in the formats of all tensors. Matrices of the model's main path become what the recipe says, everything
 * else, vectors first, stays as it is, unless a rule names it. Where the columns are no whole number of blocks the nearest larger format
 * with smaller blocks is taken. BAD_ARGUMENT: a rule that no matrix matches. */
enum ponder_status recipe_apply(const struct recipe *recipe, const struct pd_gguf *gguf,
                                enum pd_format_id *format_ret, const struct pd_error *err);

/* general.file_type for files that are mostly of this format, as llama.cpp numbers them. */
uint32_t recipe_file_type(enum pd_format_id type);

#endif
