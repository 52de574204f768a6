/* SPDX-License-Identifier: Apache-2.0
 * json.h - JSON Lines both ways, in the caller's memory. The writer streams values to a sink; the reader
 * checks one object strictly (RFC 8259) and then finds fields by key. Nothing allocates or recurses. */
#ifndef PD_JSON_H
#define PD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writer: the caller opens and closes what it likes; commas come by themselves. */
struct pd_json_writer {
    void (*put)(void *user, const char *text, size_t bytes);
    void *user;
    bool needs_comma;
};

void pd_json_writer_init(struct pd_json_writer *w,
                         void (*put)(void *user, const char *text, size_t bytes), void *user);
void pd_json_begin(struct pd_json_writer *w, char bracket); /* '{' or '[' */
void pd_json_end(struct pd_json_writer *w, char bracket);   /* '}' or ']' */
void pd_json_key(struct pd_json_writer *w, const char *key);
/* Any bytes: what is not valid UTF-8 becomes U+FFFD, once for each broken sequence. */
void pd_json_string(struct pd_json_writer *w, const char *text, size_t bytes);
void pd_json_text(struct pd_json_writer *w, const char *text); /* NUL-terminated; NULL: null */
void pd_json_u64(struct pd_json_writer *w, uint64_t value);
void pd_json_int(struct pd_json_writer *w, int64_t value);
void pd_json_bool(struct pd_json_writer *w, bool value);
/* Rounded to `decimals` (0..9) places, trailing zeros dropped; not finite: null. Beyond 1e15: without
 * decimals, and the nearest 64-bit integer at most. */
void pd_json_double(struct pd_json_writer *w, double value, int decimals);
/* A value that is JSON already. */
void pd_json_raw(struct pd_json_writer *w, const char *json, size_t bytes);

/* Reader. */
enum { PD_JSON_MAX_DEPTH = 32 };

enum pd_json_kind {
    PD_JSON_NONE, /* no such key */
    PD_JSON_STRING,
    PD_JSON_NUMBER,
    PD_JSON_BOOL,
    PD_JSON_NULL,
    PD_JSON_OBJECT,
    PD_JSON_ARRAY,
};

/* A value where it stands: a string with its quotes. Lives as long as the text. */
struct pd_json_value {
    enum pd_json_kind kind;
    const char *raw;
    size_t bytes;
};

/* NULL if text is one JSON object, with white space around it at most; else what is wrong, in words,
 * and *offset_ret (if not NULL) where. Strings must be valid UTF-8 and surrogates in pairs. */
const char *pd_json_check(const char *text, size_t bytes, size_t *offset_ret);

/* The value of a top-level key of a checked object; of a key that comes twice, the last. */
struct pd_json_value pd_json_field(const char *text, size_t bytes, const char *key);

/* The elements of an array value of a checked object, one after the other: *at is NULL before the first. PD_JSON_NONE behind
 * the last, or where the value is no array. */
struct pd_json_value pd_json_next(struct pd_json_value array, const char **at);

/* Unescapes a string value into out, which may be the value's own memory and never needs more than
 * value.bytes - 2. Returns the length; no NUL is added, "\u0000" gives a zero byte. */
size_t pd_json_unescape(struct pd_json_value value, char *out);

/* The number as a double, right to within a few units in the last place; false for other kinds. */
bool pd_json_to_double(struct pd_json_value value, double *value_ret);

#endif
