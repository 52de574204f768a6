/* SPDX-License-Identifier: Apache-2.0
 * utf8.c - see utf8.h. */
#include "base/utf8.h"

/* Length of the sequence that a lead byte begins; 0 for continuation bytes and bytes that lead
 * nothing. */
static size_t sequence_bytes(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xC0)
        return 0;
    if (lead < 0xE0)
        return 2;
    if (lead < 0xF0)
        return 3;
    return lead < 0xF8 ? 4 : 0;
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t pd_utf8_decode(const unsigned char *text, size_t n, uint32_t *code_point_ret)
{
    size_t bytes = sequence_bytes(text[0]);
    *code_point_ret = PD_UTF8_REPLACEMENT;
    if (bytes == 0 || bytes > n)
        return 1;
    if (bytes == 1) {
        *code_point_ret = text[0];
        return 1;
    }
    uint32_t code_point = text[0] & (0x7Fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if (!is_continuation(text[i]))
            return 1;
        code_point = code_point << 6 | (text[i] & 0x3Fu);
    }
    if (code_point > 0x10FFFF)
        return 1;
    *code_point_ret = code_point;
    return bytes;
}

size_t pd_utf8_encode(uint32_t code_point, unsigned char bytes_ret[PD_UTF8_MAX_BYTES])
{
    if (code_point < 0x80) {
        bytes_ret[0] = (unsigned char)code_point;
        return 1;
    }
    size_t bytes = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = bytes - 1; i > 0; i--) {
        bytes_ret[i] = (unsigned char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    bytes_ret[0] = (unsigned char)((0xF00u >> bytes & 0xF0) | code_point);
    return bytes;
}

/* The second byte decides whether a sequence is overlong, a surrogate, or above U+10FFFF. */
static bool starts_valid(unsigned char lead, unsigned char second)
{
    switch (lead) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return is_continuation(second);
    }
}

/* Bytes of the sequence at text that are as they should be; *wanted_ret is its full length, 0
 * for a byte that cannot begin one. */
static size_t valid_prefix(const unsigned char *text, size_t n, size_t *wanted_ret)
{
    unsigned char lead = text[0];
    *wanted_ret = lead == 0xC0 || lead == 0xC1 || lead > 0xF4 ? 0 : sequence_bytes(lead);
    size_t i = *wanted_ret == 0 ? 0 : 1;
    while (i < *wanted_ret && i < n &&
           (i == 1 ? starts_valid(lead, text[1]) : is_continuation(text[i])))
        i++;
    return i;
}

bool pd_utf8_is_valid(const char *text, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t wanted;
    for (size_t i = 0; i < n; i += wanted) {
        size_t valid = valid_prefix(bytes + i, n - i, &wanted);
        if (valid == 0 || valid < wanted)
            return false;
    }
    return true;
}

size_t pd_utf8_complete_bytes(const char *text, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t back = 1; back < PD_UTF8_MAX_BYTES && back <= n; back++) {
        size_t wanted;
        if (is_continuation(bytes[n - back]))
            continue;
        size_t valid = valid_prefix(bytes + n - back, back, &wanted);
        return valid == back && valid < wanted ? n - back : n;
    }
    return n;
}
