/* SPDX-License-Identifier: Apache-2.0
 * sidecar.c - see sidecar.h. The header, numbers little-endian:
 *
 *    0 magic[8]      16 panel_rows u32    40 model_bytes u64    56 device u64       80 changed_ns u64
 *    8 version u32   24 panel_bytes u64   48 model_sum u64      64 inode u64        88 header_sum u64, of all before
 *   12 order u32     32 panel_sum u64                           72 modified_ns u64
 *
 * What lies between and behind is zero. */
#include "decode/sidecar.h"

#include <string.h>

static const char magic[8] = PONDER_SIDECAR_MAGIC;

enum { BYTE_ORDER_MARK = 0x01020304, SUM_AT = 88 };

/* ---- the header ---- */

static void put(unsigned char *bytes, size_t at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[at + i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *bytes, size_t at)
{
    return pd_gguf_load(bytes + at, 8);
}

void pd_sidecar_write(const struct pd_sidecar_header *header,
                      unsigned char bytes_ret[PD_SIDECAR_HEADER_BYTES])
{
    memset(bytes_ret, 0, PD_SIDECAR_HEADER_BYTES);
    memcpy(bytes_ret, magic, sizeof magic);
    put(bytes_ret, 8, PD_SIDECAR_VERSION, 4);
    put(bytes_ret, 12, BYTE_ORDER_MARK, 4);
    put(bytes_ret, 16, header->panel_rows, 4);
    put(bytes_ret, 24, header->panel_bytes, 8);
    put(bytes_ret, 32, header->panel_sum, 8);
    put(bytes_ret, 40, header->model_bytes, 8);
    put(bytes_ret, 48, header->model_sum, 8);
    put(bytes_ret, 56, header->model_id.device, 8);
    put(bytes_ret, 64, header->model_id.inode, 8);
    put(bytes_ret, 72, header->model_id.modified_ns, 8);
    put(bytes_ret, 80, header->model_id.changed_ns, 8);
    put(bytes_ret, SUM_AT, pd_checksum_part(bytes_ret, SUM_AT, 0), 8);
}

enum ponder_status pd_sidecar_read(struct pd_sidecar_header *header_ret, const unsigned char *bytes,
                                   size_t n_bytes, const struct pd_error *err)
{
    unsigned char again[PD_SIDECAR_HEADER_BYTES];
    if (n_bytes < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
        return pd_fail(err, PONDER_BAD_SIDECAR, "is no sidecar of packed weights");
    if (n_bytes < PD_SIDECAR_HEADER_BYTES)
        return pd_fail(err, PONDER_BAD_SIDECAR, "is cut off in its header");
    uint32_t version = (uint32_t)pd_gguf_load(bytes + 8, 4);
    if (version != PD_SIDECAR_VERSION)
        return pd_fail(err, PONDER_BAD_SIDECAR, "has version %u, this program reads version %d",
                       (unsigned)version, PD_SIDECAR_VERSION);
    if (pd_gguf_load(bytes + 12, 4) != BYTE_ORDER_MARK)
        return pd_fail(err, PONDER_BAD_SIDECAR, "was written in another byte order");
    *header_ret = (struct pd_sidecar_header){
        .panel_rows = (uint32_t)pd_gguf_load(bytes + 16, 4),
        .panel_bytes = get(bytes, 24),
        .panel_sum = get(bytes, 32),
        .model_bytes = get(bytes, 40),
        .model_sum = get(bytes, 48),
        .model_id = {get(bytes, 56), get(bytes, 64), get(bytes, 72), get(bytes, 80)},
    };
    pd_sidecar_write(header_ret, again);
    if (memcmp(again, bytes, sizeof again) != 0) /* its sum, and the zeros */
        return pd_fail(err, PONDER_BAD_SIDECAR, "is damaged in its header");
    if (header_ret->panel_bytes != n_bytes - PD_SIDECAR_HEADER_BYTES)
        return pd_fail(err, PONDER_BAD_SIDECAR, "has %zu bytes of panels where %llu were written",
                       n_bytes - PD_SIDECAR_HEADER_BYTES,
                       (unsigned long long)header_ret->panel_bytes);
    return PONDER_OK;
}

/* ---- the file ---- */

enum ponder_status pd_sidecar_open(struct pd_sidecar *s, const char *path,
                                   const struct pd_error *err)
{
    *s = (struct pd_sidecar){0};
    enum ponder_status status = pd_map_open(&s->map, path, err);
    if (status == PONDER_BAD_FILE) /* empty */
        return pd_fail(err, PONDER_BAD_SIDECAR, "is empty");
    PD_TRY(status);
    status = pd_sidecar_read(&s->header, s->map.data, s->map.bytes, err);
    if (status != PONDER_OK)
        pd_sidecar_close(s);
    return status;
}

void pd_sidecar_close(struct pd_sidecar *s)
{
    pd_map_close(&s->map);
    *s = (struct pd_sidecar){0};
}

void pd_sidecar_arena(const struct pd_sidecar *s, struct pd_arena *panels_ret)
{
    pd_arena_init(panels_ret, (unsigned char *)(uintptr_t)s->map.data + PD_SIDECAR_HEADER_BYTES,
                  s->map.bytes - PD_SIDECAR_HEADER_BYTES);
}

enum ponder_status pd_sidecar_fits(const struct pd_sidecar *s, int panel_rows, size_t panel_bytes,
                                   const struct pd_map *model, const struct pd_error *err)
{
    const struct pd_sidecar_header *header = &s->header;
    if (header->model_bytes != model->bytes)
        return pd_fail(err, PONDER_BAD_SIDECAR,
                       "is stale: the model is not the one it was packed "
                       "from");
    if (header->panel_rows != (uint32_t)panel_rows)
        return pd_fail(err, PONDER_OTHER_SIDECAR,
                       "has panels of %u rows, this instruction set reads panels of %d",
                       (unsigned)header->panel_rows, panel_rows);
    if (header->panel_bytes != panel_bytes)
        return pd_fail(err, PONDER_BAD_SIDECAR, "is stale: it holds other weights than the model");
    return PONDER_OK;
}

/* True if the model is the very file that was packed, untouched. */
static bool is_same_file(const struct pd_file_id *packed, const struct pd_file_id *now)
{
    return packed->changed_ns != 0 && packed->device == now->device &&
           packed->inode == now->inode && packed->modified_ns == now->modified_ns &&
           packed->changed_ns == now->changed_ns;
}

int pd_sidecar_begin_check(struct pd_sidecar_check *check, const struct pd_sidecar *s,
                           const struct pd_map *model, bool is_whole,
                           struct pd_pool_task tasks_ret[PD_SIDECAR_TASKS])
{
    int n = 0;
    check->sidecar = s;
    check->has_model = is_whole || !is_same_file(&s->header.model_id, &model->id);
    tasks_ret[n++] = pd_checksum_begin(&check->panels, s->map.data + PD_SIDECAR_HEADER_BYTES,
                                       s->map.bytes - PD_SIDECAR_HEADER_BYTES, NULL);
    if (check->has_model)
        tasks_ret[n++] = pd_checksum_begin(&check->model, model->data, model->bytes, model);
    return n;
}

enum ponder_status pd_sidecar_end_check(const struct pd_sidecar_check *check,
                                        const struct pd_error *err)
{
    const struct pd_sidecar_header *header = &check->sidecar->header;
    if (check->has_model && pd_checksum_end(&check->model) != header->model_sum)
        return pd_fail(err, PONDER_BAD_SIDECAR, "is stale: the model has changed since");
    if (pd_checksum_end(&check->panels) != header->panel_sum)
        return pd_fail(err, PONDER_BAD_SIDECAR, "is damaged: its panels are not what was written");
    return PONDER_OK;
}
