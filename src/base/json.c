/* SPDX-License-Identifier: Apache-2.0
 * json.c - writer and reader of JSON Lines. */
#include "base/json.h"

#include <string.h>

#include "base/base.h"
#include "base/utf8.h"

/* UTF-8 ------------------------------------------------------------------------------------------------ */

/* Length of the valid character at text[0]; 0: broken, and *broken_ret says how many bytes of it belong
 * together (the longest prefix that could have become valid, at least one). */
static size_t utf8_length(const char *text, size_t bytes, size_t *broken_ret)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;
    *broken_ret = 1;
    if (n < 2)
        return n;
    /* The second byte's range keeps out overlong forms, surrogates and values above 0x10ffff. */
    unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < n; i++) {
        if (i >= bytes || s[i] < low || s[i] > high) {
            *broken_ret = i;
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }
    return n;
}

/* Writer ----------------------------------------------------------------------------------------------- */

static void put_bytes(struct pd_json_writer *w, const char *text, size_t bytes)
{
    if (bytes > 0)
        w->put(w->user, text, bytes);
}

static void put_comma(struct pd_json_writer *w)
{
    if (w->needs_comma)
        put_bytes(w, ",", 1);
    w->needs_comma = true;
}

void pd_json_writer_init(struct pd_json_writer *w,
                         void (*put)(void *user, const char *text, size_t bytes), void *user)
{
    *w = (struct pd_json_writer){put, user, false};
}

void pd_json_begin(struct pd_json_writer *w, char bracket)
{
    put_comma(w);
    put_bytes(w, &bracket, 1);
    w->needs_comma = false;
}

void pd_json_end(struct pd_json_writer *w, char bracket)
{
    put_bytes(w, &bracket, 1);
    w->needs_comma = true;
}

/* The escape of a byte below 0x20, a quote or a backslash; "" for others. */
static size_t escape_byte(unsigned char c, char escape[6])
{
    static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i + 1 < sizeof letters; i += 2)
        if (c == (unsigned char)letters[i]) {
            escape[0] = '\\';
            escape[1] = letters[i + 1];
            return 2;
        }
    if (c >= 0x20 && c != 0x7f)
        return 0;
    memcpy(escape, "\\u00", 4);
    escape[4] = hex[c >> 4];
    escape[5] = hex[c & 15];
    return 6;
}

static void put_quoted(struct pd_json_writer *w, const char *text, size_t bytes)
{
    put_bytes(w, "\"", 1);
    size_t begin = 0; /* of the run that goes out as it is */
    for (size_t i = 0; i < bytes;) {
        char escape[6];
        size_t n_escape = escape_byte((unsigned char)text[i], escape);
        size_t n_broken = 1;
        size_t n = n_escape > 0 ? 0 : utf8_length(text + i, bytes - i, &n_broken);
        if (n > 0) {
            i += n;
            continue;
        }
        put_bytes(w, text + begin, i - begin);
        if (n_escape > 0)
            put_bytes(w, escape, n_escape);
        else
            put_bytes(w, "\xef\xbf\xbd", 3);
        i += n_broken;
        begin = i;
    }
    put_bytes(w, text + begin, bytes - begin);
    put_bytes(w, "\"", 1);
}

void pd_json_key(struct pd_json_writer *w, const char *key)
{
    put_comma(w);
    put_quoted(w, key, strlen(key));
    put_bytes(w, ":", 1);
    w->needs_comma = false;
}

void pd_json_string(struct pd_json_writer *w, const char *text, size_t bytes)
{
    put_comma(w);
    put_quoted(w, text, bytes);
}

void pd_json_raw(struct pd_json_writer *w, const char *json, size_t bytes)
{
    put_comma(w);
    put_bytes(w, json, bytes);
}

void pd_json_text(struct pd_json_writer *w, const char *text)
{
    if (text)
        pd_json_string(w, text, strlen(text));
    else
        pd_json_raw(w, "null", 4);
}

void pd_json_bool(struct pd_json_writer *w, bool value)
{
    pd_json_raw(w, value ? "true" : "false", value ? 4 : 5);
}

/* Digits of value, at least n_min of them, at the end of buffer; returns the first. */
static char *digits_of(uint64_t value, int n_min, char *end)
{
    for (int i = 0; value != 0 || i < n_min; i++) {
        *--end = (char)('0' + value % 10);
        value /= 10;
    }
    return end;
}

void pd_json_u64(struct pd_json_writer *w, uint64_t value)
{
    char buffer[20];
    char *end = buffer + sizeof buffer;
    char *first = digits_of(value, 1, end);
    pd_json_raw(w, first, (size_t)(end - first));
}

void pd_json_int(struct pd_json_writer *w, int64_t value)
{
    char buffer[21];
    char *end = buffer + sizeof buffer;
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *first = digits_of(size, 1, end);
    if (value < 0)
        *--first = '-';
    pd_json_raw(w, first, (size_t)(end - first));
}

void pd_json_double(struct pd_json_writer *w, double value, int decimals)
{
    PD_ASSERT(decimals >= 0 && decimals <= 9);
    double size = value < 0 ? -value : value;
    if (!(size <= 1.7976931348623157e308)) { /* infinite or not a number */
        pd_json_raw(w, "null", 4);
        return;
    }
    uint64_t scale = 1;
    for (int i = 0; i < decimals && size < 1e15; i++)
        scale *= 10;
    /* Whole and rest apart, so that whole * scale needs not fit 64 bits. */
    uint64_t whole = size >= 18446744073709549568.0 ? 18446744073709549568u : (uint64_t)size;
    uint64_t rest = 0;
    if (size < 1e15)
        rest = (uint64_t)((size - (double)whole) * (double)scale + 0.5);
    if (rest >= scale) {
        whole++;
        rest = 0;
    }
    int n = 0;
    for (uint64_t s = scale; s > 1; s /= 10)
        n++;
    while (n > 0 && rest % 10 == 0) {
        rest /= 10;
        n--;
    }
    char buffer[32];
    char *end = buffer + sizeof buffer;
    char *first = end;
    if (n > 0) {
        first = digits_of(rest, n, first);
        *--first = '.';
    }
    first = digits_of(whole, 1, first);
    if (value < 0 && (whole != 0 || n > 0))
        *--first = '-';
    pd_json_raw(w, first, (size_t)(end - first));
}

/* Reader ----------------------------------------------------------------------------------------------- */

struct scan {
    const char *text;
    size_t bytes, at;
    const char *error; /* the first one */
};

static bool fail(struct scan *s, const char *error)
{
    s->error = error;
    return false;
}

static int peek(const struct scan *s)
{
    return s->at < s->bytes ? (unsigned char)s->text[s->at] : -1;
}

static void skip_space(struct scan *s)
{
    while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\n' || peek(s) == '\r')
        s->at++;
}

static bool take(struct scan *s, char c)
{
    if (peek(s) != c)
        return false;
    s->at++;
    return true;
}

static bool take_digits(struct scan *s)
{
    size_t begin = s->at;
    while (peek(s) >= '0' && peek(s) <= '9')
        s->at++;
    return s->at > begin;
}

static bool scan_number(struct scan *s)
{
    take(s, '-');
    if (!take(s, '0') && !take_digits(s))
        return fail(s, "not a value");
    if (take(s, '.') && !take_digits(s))
        return fail(s, "digits are missing after the point");
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        if (!take_digits(s))
            return fail(s, "digits are missing in the exponent");
    }
    return true;
}

/* Four hex digits at text; -1: not so. */
static int32_t hex4(const char *text, size_t bytes)
{
    int32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = i < bytes ? text[i] : ' ';
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The code point of an escape whose text begins behind "\u", and its length there (4 or 10). */
static int32_t escaped_code_point(const char *text, size_t bytes, size_t *length_ret)
{
    int32_t first = hex4(text, bytes);
    *length_ret = 4;
    if (first < 0xd800 || first > 0xdfff)
        return first;
    bool has_second = first < 0xdc00 && bytes >= 10 && text[4] == '\\' && text[5] == 'u';
    int32_t second = has_second ? hex4(text + 6, bytes - 6) : -1;
    if (second < 0xdc00 || second > 0xdfff)
        return -1;
    *length_ret = 10;
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

static bool scan_escape(struct scan *s)
{
    int c = peek(s);
    if (c < 0)
        return fail(s, "the string does not end");
    s->at++;
    if (c == 'u') {
        size_t length;
        if (escaped_code_point(s->text + s->at, s->bytes - s->at, &length) < 0)
            return fail(s, "\\u needs four hex digits, and a surrogate its other half");
        s->at += length;
        return true;
    }
    return (c > 0 && strchr("\"\\/bfnrt", c)) || fail(s, "unknown escape");
}

static bool scan_string(struct scan *s)
{
    if (!take(s, '"'))
        return fail(s, "a string should stand here");
    for (;;) {
        int c = peek(s);
        size_t broken;
        if (c < 0)
            return fail(s, "the string does not end");
        if (c < 0x20)
            return fail(s, "a control character stands in a string");
        size_t n = utf8_length(s->text + s->at, s->bytes - s->at, &broken);
        if (n == 0)
            return fail(s, "not valid UTF-8");
        s->at += n;
        if (c == '"')
            return true;
        if (c == '\\' && !scan_escape(s))
            return false;
    }
}

static bool scan_word(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < PD_COUNT(words); i++) {
        size_t n = strlen(words[i]);
        if (n <= s->bytes - s->at && memcmp(s->text + s->at, words[i], n) == 0) {
            s->at += n;
            return true;
        }
    }
    return fail(s, "not a value");
}

static bool scan_scalar(struct scan *s)
{
    int c = peek(s);
    if (c == '"')
        return scan_string(s);
    if (c == 't' || c == 'f' || c == 'n')
        return scan_word(s);
    return c < 0 ? fail(s, "the text ends too soon") : scan_number(s);
}

static bool scan_key(struct scan *s)
{
    skip_space(s);
    if (!scan_string(s))
        return false;
    skip_space(s);
    return take(s, ':') || fail(s, "':' is missing");
}

/* Steps over one value, however deep, with one bit a level: set for an object. */
static bool scan_value(struct scan *s)
{
    uint32_t is_object = 0;
    int depth = 0;
    for (;;) {
        skip_space(s);
        int c = peek(s);
        if (c == '{' || c == '[') {
            if (depth == PD_JSON_MAX_DEPTH)
                return fail(s, "nested too deep");
            s->at++;
            depth++;
            is_object = is_object << 1 | (c == '{');
            skip_space(s);
            if (peek(s) != (c == '{' ? '}' : ']')) {
                if (c == '{' && !scan_key(s))
                    return false;
                continue;
            }
        } else if (!scan_scalar(s)) {
            return false;
        }
        /* A value is done, or an empty container waits to be closed. */
        for (;;) {
            if (depth == 0)
                return true;
            skip_space(s);
            if (take(s, ',')) {
                if ((is_object & 1) && !scan_key(s))
                    return false;
                break;
            }
            if (!take(s, (is_object & 1) ? '}' : ']'))
                return fail(s,
                            peek(s) < 0 ? "the text ends too soon" : "',' or a bracket is missing");
            depth--;
            is_object >>= 1;
        }
    }
}

const char *pd_json_check(const char *text, size_t bytes, size_t *offset_ret)
{
    struct scan s = {text, bytes, 0, NULL};
    skip_space(&s);
    if (peek(&s) != '{') {
        s.error = "a JSON object should stand here";
    } else if (scan_value(&s)) {
        skip_space(&s);
        if (s.at < s.bytes)
            s.error = "something follows the object";
    }
    if (offset_ret)
        *offset_ret = s.at;
    return s.error;
}

static enum pd_json_kind kind_of(char c)
{
    switch (c) {
    case '"':
        return PD_JSON_STRING;
    case '{':
        return PD_JSON_OBJECT;
    case '[':
        return PD_JSON_ARRAY;
    case 't':
    case 'f':
        return PD_JSON_BOOL;
    case 'n':
        return PD_JSON_NULL;
    default:
        return PD_JSON_NUMBER;
    }
}

/* The character at raw[0] of a checked string, unescaped into out; returns how much of raw it took. */
static size_t unescape_one(const char *raw, size_t bytes, char out[4], size_t *n_ret)
{
    static const char letters[] = "b\bf\fn\nr\rt\t";
    *n_ret = 1;
    out[0] = raw[0];
    if (raw[0] != '\\' || bytes < 2)
        return 1;
    out[0] = raw[1];
    if (raw[1] == 'u') {
        size_t length;
        int32_t c = escaped_code_point(raw + 2, bytes - 2, &length);
        PD_ASSERT(c >= 0);
        *n_ret = pd_utf8_encode((uint32_t)c, (unsigned char *)out);
        return 2 + length;
    }
    for (size_t i = 0; i + 1 < sizeof letters; i += 2)
        if (raw[1] == letters[i])
            out[0] = letters[i + 1];
    return 2;
}

size_t pd_json_unescape(struct pd_json_value value, char *out)
{
    PD_ASSERT(value.kind == PD_JSON_STRING && value.bytes >= 2);
    const char *raw = value.raw + 1;
    size_t bytes = value.bytes - 2;
    size_t n_out = 0;
    for (size_t i = 0; i < bytes;) {
        char one[4];
        size_t n;
        i += unescape_one(raw + i, bytes - i, one, &n);
        memmove(out + n_out, one, n);
        n_out += n;
    }
    return n_out;
}

static bool key_equals(const char *raw, size_t bytes, const char *key)
{
    for (size_t i = 0; i < bytes;) {
        char one[4];
        size_t n;
        i += unescape_one(raw + i, bytes - i, one, &n);
        for (size_t j = 0; j < n; j++, key++)
            if (*key == '\0' || *key != one[j])
                return false;
    }
    return *key == '\0';
}

struct pd_json_value pd_json_field(const char *text, size_t bytes, const char *key)
{
    struct pd_json_value found = {PD_JSON_NONE, NULL, 0};
    struct scan s = {text, bytes, 0, NULL};
    skip_space(&s);
    take(&s, '{');
    skip_space(&s);
    while (peek(&s) == '"') {
        size_t key_at = s.at + 1;
        if (!scan_string(&s))
            break;
        bool is_key = key_equals(text + key_at, s.at - 1 - key_at, key);
        skip_space(&s);
        take(&s, ':');
        skip_space(&s);
        size_t begin = s.at;
        if (!scan_value(&s))
            break;
        if (is_key)
            found = (struct pd_json_value){kind_of(text[begin]), text + begin, s.at - begin};
        skip_space(&s);
        take(&s, ',');
        skip_space(&s);
    }
    return found;
}

struct pd_json_value pd_json_next(struct pd_json_value array, const char **at)
{
    struct pd_json_value none = {PD_JSON_NONE, NULL, 0};
    if (array.kind != PD_JSON_ARRAY)
        return none;
    struct scan s = {array.raw, array.bytes, *at == NULL ? 1 : (size_t)(*at - array.raw), NULL};
    skip_space(&s);
    if (peek(&s) == ',')
        take(&s, ',');
    skip_space(&s);
    size_t begin = s.at;
    if (peek(&s) == ']' || !scan_value(&s))
        return none;
    *at = array.raw + s.at;
    return (struct pd_json_value){kind_of(array.raw[begin]), array.raw + begin, s.at - begin};
}

bool pd_json_to_double(struct pd_json_value value, double *value_ret)
{
    if (value.kind != PD_JSON_NUMBER)
        return false;
    double number = 0;
    int exponent = 0;
    size_t i = value.raw[0] == '-' ? 1 : 0;
    bool has_point = false;
    for (; i < value.bytes; i++) {
        char c = value.raw[i];
        if (c == '.')
            has_point = true;
        else if (c < '0' || c > '9')
            break;
        else {
            number = number * 10 + (double)(c - '0');
            exponent -= has_point;
        }
    }
    if (i < value.bytes) { /* at the "e" */
        bool is_negative = value.raw[i + 1] == '-';
        int size = 0;
        for (i++; i < value.bytes; i++)
            if (value.raw[i] >= '0' && value.raw[i] <= '9' && size < 10000)
                size = size * 10 + (value.raw[i] - '0');
        exponent += is_negative ? -size : size;
    }
    for (; exponent > 0 && number != 0 && number <= 1.7976931348623157e308; exponent--)
        number *= 10;
    for (; exponent < 0 && number != 0; exponent++)
        number /= 10;
    *value_ret = value.raw[0] == '-' ? -number : number;
    return true;
}
