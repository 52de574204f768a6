/* SPDX-License-Identifier: Apache-2.0
 * adapter.c - see adapter.h. */
#include "model/adapter.h"

#include <string.h>

enum { BLOCK = 32 }; /* activations are quantised in such blocks */

struct loader {
    struct pd_adapter *adapter;
    const struct pd_gguf *gguf;
    const struct pd_model *base;
    const struct pd_error *err;
};

bool pd_adapter_is_one(const struct pd_gguf *gguf)
{
    struct pd_string type = {"", 0};
    return pd_gguf_get_string(gguf, "general.type", false, &type, NULL) == PONDER_OK &&
           pd_string_equal(type, "adapter");
}

static enum ponder_status read_kind(const struct loader *l)
{
    char text[PD_SHOW_BYTES];
    struct pd_string type = {"model", 5}, kind = {"", 0}, family = {"", 0};
    PD_TRY(pd_gguf_get_string(l->gguf, "general.type", false, &type, l->err));
    if (!pd_string_equal(type, "adapter"))
        return pd_fail(l->err, PONDER_UNSUPPORTED, "the file holds a '%s', not an adapter",
                       pd_string_show(type, text));
    PD_TRY(pd_gguf_get_string(l->gguf, "adapter.type", true, &kind, l->err));
    if (!pd_string_equal(kind, "lora"))
        return pd_fail(l->err, PONDER_UNSUPPORTED,
                       "adapters of type '%s' are not supported; we have lora",
                       pd_string_show(kind, text));
    PD_TRY(pd_gguf_get_string(l->gguf, "general.architecture", true, &family, l->err));
    if (!pd_string_equal(family, l->base->family->name))
        return pd_fail(l->err, PONDER_OTHER_BASE,
                       "the adapter is for family '%s', the model is of %s",
                       pd_string_show(family, text), l->base->family->name);
    return pd_gguf_get_float(l->gguf, "adapter.lora.alpha", false, -1e9, 1e9, &l->adapter->alpha,
                             l->err);
}

/* What a tensor's name says: "blk.LAYER.SUFFIX.lora_a". */
struct place {
    int layer;
    enum pd_layer_tensor which;
    bool is_b;
};

/* Takes the text off the front of the name. */
static bool take(struct pd_string *name, const char *text)
{
    size_t bytes = strlen(text);
    if (name->bytes < bytes || memcmp(name->data, text, bytes) != 0)
        return false;
    *name = (struct pd_string){name->data + bytes, name->bytes - bytes};
    return true;
}

static bool take_number(struct pd_string *name, int *number_ret)
{
    int n = 0, n_digits = 0;
    while (name->bytes > 0 && name->data[0] >= '0' && name->data[0] <= '9' && n_digits++ < 6) {
        n = 10 * n + (name->data[0] - '0');
        *name = (struct pd_string){name->data + 1, name->bytes - 1};
    }
    *number_ret = n;
    return n_digits > 0;
}

static enum ponder_status read_name(const struct loader *l, struct pd_string name,
                                    struct place *place_ret)
{
    char text[PD_SHOW_BYTES];
    struct pd_string rest = name;
    if (take(&rest, "blk.") && take_number(&rest, &place_ret->layer) && take(&rest, ".")) {
        for (int i = 0; i < PD_LAYER_TENSORS; i++) {
            struct pd_string end = rest;
            place_ret->which = (enum pd_layer_tensor)i;
            if (!pd_layer_tensor_is_matrix(place_ret->which) ||
                !take(&end, pd_layer_tensor_suffix(place_ret->which)))
                continue;
            place_ret->is_b = pd_string_equal(end, ".lora_b");
            if (!place_ret->is_b && !pd_string_equal(end, ".lora_a"))
                continue;
            if (place_ret->layer < l->base->hparams.n_layers)
                return PONDER_OK;
            return pd_fail(
                l->err, PONDER_OTHER_BASE,
                "the adapter's tensor '%s' is of a layer that the model lacks: it has %d",
                pd_string_show(name, text), l->base->hparams.n_layers);
        }
    }
    return pd_fail(
        l->err, PONDER_UNSUPPORTED,
        "the adapter's tensor '%s' is not supported; we have those of the seven matrices "
        "of a layer",
        pd_string_show(name, text));
}

static enum ponder_status read_tensor(const struct loader *l, const struct pd_gguf_tensor *t)
{
    char text[PD_SHOW_BYTES];
    struct place place = {0};
    PD_TRY(read_name(l, t->name, &place));
    const struct pd_tensor *base = &l->base->layer[place.layer].tensor[place.which];
    struct pd_low_rank *pair = &l->adapter->layer[place.layer].matrix[place.which];
    uint64_t rank = t->ne[place.is_b ? 0 : 1];
    uint64_t other = t->ne[place.is_b ? 1 : 0];
    uint64_t wanted = (uint64_t)(place.is_b ? base->rows : base->cols);
    pd_string_show(t->name, text);
    if (t->format == NULL || t->format->block_elements > BLOCK)
        return pd_fail(l->err, PONDER_UNSUPPORTED,
                       "the adapter's tensor '%s' is in format %s; F32, F16, BF16 and formats of "
                       "blocks of 32 are supported",
                       text, pd_format_gguf_name(t->gguf_type));
    if (other != wanted || t->ne[2] != 1 || t->ne[3] != 1)
        return pd_fail(l->err, PONDER_OTHER_BASE,
                       "the adapter's tensor '%s' is for a matrix of %llu %s, the model's has %llu",
                       text, (unsigned long long)other, place.is_b ? "rows" : "columns",
                       (unsigned long long)wanted);
    if (rank < 1 || rank > PD_MAX_RANK)
        return pd_fail(l->err, PONDER_BAD_FILE,
                       "the adapter's tensor '%s' is of rank %llu; 1 to %d is right", text,
                       (unsigned long long)rank, PD_MAX_RANK);
    if (base->cols % BLOCK != 0)
        return pd_fail(l->err, PONDER_UNSUPPORTED,
                       "adapters for a matrix of %d columns are not supported; multiples of %d are",
                       base->cols, BLOCK);
    *(place.is_b ? &pair->b : &pair->a) = (struct pd_tensor){
        .data = t->data, .format = t->format, .cols = (int)t->ne[0], .rows = (int)t->ne[1]};
    l->adapter->n_parameters += (int64_t)(t->ne[0] * t->ne[1]);
    l->adapter->max_rank = pd_max_int(l->adapter->max_rank, (int)rank);
    return PONDER_OK;
}

static enum ponder_status check_pairs(const struct loader *l)
{
    for (int i = 0; i < l->adapter->n_layers; i++)
        for (int t = 0; t < PD_LAYER_TENSORS; t++) {
            const struct pd_low_rank *pair = &l->adapter->layer[i].matrix[t];
            const char *suffix = pd_layer_tensor_suffix((enum pd_layer_tensor)t);
            if ((pair->a.data != NULL) != (pair->b.data != NULL))
                return pd_fail(l->err, PONDER_BAD_FILE,
                               "the adapter has only one of the two tensors for 'blk.%d.%s'", i,
                               suffix);
            if (pair->a.data != NULL && pair->a.rows != pair->b.cols)
                return pd_fail(l->err, PONDER_BAD_FILE,
                               "the adapter's tensors for 'blk.%d.%s' are of ranks %d and %d", i,
                               suffix, pair->a.rows, pair->b.cols);
        }
    return PONDER_OK;
}

enum ponder_status pd_adapter_open(struct pd_adapter *adapter, const struct pd_gguf *gguf,
                                   const struct pd_model *base, struct pd_arena *scratch,
                                   const struct pd_error *err)
{
    const struct loader l = {adapter, gguf, base, err};
    *adapter = (struct pd_adapter){.n_layers = base->hparams.n_layers};
    PD_TRY(read_kind(&l));
    adapter->layer = PD_NEW(scratch, struct pd_adapted_layer, adapter->n_layers);
    if (adapter->layer == NULL)
        return pd_fail(err, PONDER_NO_MEMORY, "no memory for the adapter's %d layers",
                       adapter->n_layers);
    memset(adapter->layer, 0, (size_t)adapter->n_layers * sizeof *adapter->layer);
    for (int i = 0; i < gguf->n_tensors; i++)
        PD_TRY(read_tensor(&l, &gguf->tensor[i]));
    if (adapter->n_parameters == 0)
        return pd_fail(err, PONDER_BAD_FILE, "the adapter has no tensors");
    return check_pairs(&l);
}
