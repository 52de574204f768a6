/* SPDX-License-Identifier: Apache-2.0
 * gguf_value.c - metadata values by key, with their types and ranges checked; see gguf.h. */
#include <inttypes.h>
#include <string.h>

#include "model/gguf.h"

static enum ponder_status fail_missing(const char *key, const struct pd_error *err)
{
    return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' is missing", key);
}

static enum ponder_status fail_type(const struct pd_gguf_kv *kv, const char *key,
                                    const char *wanted, const struct pd_error *err)
{
    return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' is of type %s, not %s", key,
                   pd_gguf_type_name(kv->type), wanted);
}

/* False if the value is no integer. Above INT64_MAX: INT64_MAX, which no range of ours includes. */
static bool load_integer(const struct pd_gguf_kv *kv, int64_t *value_ret)
{
    size_t bytes = (size_t)(kv->end - kv->data);
    switch (kv->type) {
    case PD_GGUF_U8:
    case PD_GGUF_U16:
    case PD_GGUF_U32:
    case PD_GGUF_U64: {
        uint64_t value = pd_gguf_load(kv->data, bytes);
        *value_ret = value > INT64_MAX ? INT64_MAX : (int64_t)value;
        return true;
    }
    case PD_GGUF_I8:
    case PD_GGUF_I16:
    case PD_GGUF_I32:
    case PD_GGUF_I64: {
        uint64_t sign = UINT64_C(1) << (8 * bytes - 1);
        *value_ret = (int64_t)((pd_gguf_load(kv->data, bytes) ^ sign) - sign);
        return true;
    }
    default:
        return false;
    }
}

static bool load_real(const struct pd_gguf_kv *kv, double *value_ret)
{
    if (kv->type == PD_GGUF_F32) {
        uint32_t bits = (uint32_t)pd_gguf_load(kv->data, 4);
        float value;
        memcpy(&value, &bits, sizeof value);
        *value_ret = value;
        return true;
    }
    if (kv->type == PD_GGUF_F64) {
        uint64_t bits = pd_gguf_load(kv->data, 8);
        memcpy(value_ret, &bits, sizeof *value_ret);
        return true;
    }
    return false;
}

enum ponder_status pd_gguf_get_int(const struct pd_gguf *gguf, const char *key, bool required,
                                   int64_t min, int64_t max, int64_t *value_ret,
                                   const struct pd_error *err)
{
    const struct pd_gguf_kv *kv = pd_gguf_find(gguf, key);
    if (!kv)
        return required ? fail_missing(key, err) : PONDER_OK;
    int64_t value;
    if (!load_integer(kv, &value))
        return fail_type(kv, key, "an integer", err);
    if (value < min || value > max)
        return pd_fail(err, PONDER_BAD_FILE,
                       "metadata '%s' is %" PRId64 "; %" PRId64 " to %" PRId64 " is right", key,
                       value, min, max);
    *value_ret = value;
    return PONDER_OK;
}

enum ponder_status pd_gguf_get_float(const struct pd_gguf *gguf, const char *key, bool required,
                                     double min, double max, double *value_ret,
                                     const struct pd_error *err)
{
    const struct pd_gguf_kv *kv = pd_gguf_find(gguf, key);
    if (!kv)
        return required ? fail_missing(key, err) : PONDER_OK;
    double value;
    if (!load_real(kv, &value))
        return fail_type(kv, key, "f32 or f64", err);
    if (!(value >= min && value <= max)) /* NaN is out of every range */
        return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' is %g; %g to %g is right", key, value,
                       min, max);
    *value_ret = value;
    return PONDER_OK;
}

enum ponder_status pd_gguf_get_bool(const struct pd_gguf *gguf, const char *key, bool *value_ret,
                                    const struct pd_error *err)
{
    const struct pd_gguf_kv *kv = pd_gguf_find(gguf, key);
    if (!kv)
        return PONDER_OK;
    if (kv->type != PD_GGUF_BOOL)
        return fail_type(kv, key, "bool", err);
    *value_ret = kv->data[0] != 0;
    return PONDER_OK;
}

enum ponder_status pd_gguf_get_string(const struct pd_gguf *gguf, const char *key, bool required,
                                      struct pd_string *value_ret, const struct pd_error *err)
{
    const struct pd_gguf_kv *kv = pd_gguf_find(gguf, key);
    if (!kv)
        return required ? fail_missing(key, err) : PONDER_OK;
    if (kv->type != PD_GGUF_STRING)
        return fail_type(kv, key, "string", err);
    const unsigned char *cursor = kv->data;
    *value_ret = pd_gguf_next_string(&cursor);
    return PONDER_OK;
}

struct pd_string pd_gguf_next_string(const unsigned char **cursor)
{
    size_t bytes = (size_t)pd_gguf_load(*cursor, 8);
    struct pd_string text = {(const char *)*cursor + 8, bytes};
    *cursor += 8 + bytes;
    return text;
}

uint32_t pd_gguf_array_u32(const struct pd_gguf_kv *kv, uint64_t i)
{
    PD_ASSERT(kv->type == PD_GGUF_ARRAY && i < kv->n);
    PD_ASSERT(kv->element_type == PD_GGUF_U32 || kv->element_type == PD_GGUF_I32 ||
              kv->element_type == PD_GGUF_F32);
    return (uint32_t)pd_gguf_load(kv->data + 4 * (size_t)i, 4);
}
