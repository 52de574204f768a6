/* SPDX-License-Identifier: Apache-2.0
 * fuzz_json.c - libFuzzer target: any bytes as a row, and as text to write. What the writer makes of them must
 * pass the reader and come back as valid UTF-8. See README.md. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/json.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct buffer {
    char *text;
    size_t bytes, capacity;
};

static void put(void *user, const char *text, size_t bytes)
{
    struct buffer *out = user;
    if (bytes > out->capacity - out->bytes)
        abort();
    memcpy(out->text + out->bytes, text, bytes);
    out->bytes += bytes;
}

static void read_fields(char *text, size_t bytes)
{
    static const char *const keys[] = {"id", "question", "answer", "level", "", "a"};
    struct pd_json_value values[PD_COUNT(keys)];
    for (size_t i = 0; i < PD_COUNT(keys); i++) {
        values[i] = pd_json_field(text, bytes, keys[i]);
        double number;
        if (pd_json_to_double(values[i], &number) != (values[i].kind == PD_JSON_NUMBER))
            abort();
    }
    for (size_t i = 0; i < PD_COUNT(keys); i++)
        if (values[i].kind == PD_JSON_STRING) {
            char *out = text + (values[i].raw - text);
            if (!pd_utf8_is_valid(out, pd_json_unescape(values[i], out)))
                abort();
        }
}

static void write_and_read(const char *text, size_t bytes)
{
    struct buffer out = {malloc(bytes * 6 + 64), 0, bytes * 6 + 64};
    struct pd_json_writer w;
    pd_json_writer_init(&w, put, &out);
    pd_json_begin(&w, '{');
    pd_json_key(&w, "a");
    pd_json_string(&w, text, bytes);
    pd_json_end(&w, '}');
    if (pd_json_check(out.text, out.bytes, NULL))
        abort();
    struct pd_json_value value = pd_json_field(out.text, out.bytes, "a");
    size_t n = pd_json_unescape(value, out.text);
    bool is_same = n == bytes && memcmp(out.text, text, n) == 0;
    if (is_same != pd_utf8_is_valid(text, bytes) || !pd_utf8_is_valid(out.text, n))
        abort();
    free(out.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of its own, as the reader may write into it. */
    char *text = malloc(size > 0 ? size : 1);
    memcpy(text, data, size);
    size_t offset;
    write_and_read(text, size);
    if (!pd_json_check(text, size, &offset))
        read_fields(text, size);
    else if (offset > size)
        abort();
    free(text);
    return 0;
}
