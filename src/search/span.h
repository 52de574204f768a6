/* SPDX-License-Identifier: Apache-2.0
 * span.h - a stretch of text, and the questions that parsers of plain text ask. ASCII only; other bytes
 * are no letters. */
#ifndef PD_SPAN_H
#define PD_SPAN_H

#include <string.h>

#include "base/base.h"

struct pd_span {
    const char *text;
    size_t bytes;
};

static inline bool pd_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool pd_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool pd_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static inline bool pd_is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static inline char pd_to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* What follows the first `at` bytes. */
static inline struct pd_span pd_span_from(struct pd_span s, size_t at)
{
    at = pd_min_size(at, s.bytes);
    return (struct pd_span){s.text + at, s.bytes - at};
}

/* The first `bytes` bytes. */
static inline struct pd_span pd_span_cut(struct pd_span s, size_t bytes)
{
    return (struct pd_span){s.text, pd_min_size(bytes, s.bytes)};
}

/* True if s begins with word, in either case; word is lower case. */
static inline bool pd_span_starts(struct pd_span s, const char *word)
{
    for (size_t i = 0; word[i] != '\0'; i++)
        if (i >= s.bytes || pd_to_lower(s.text[i]) != word[i])
            return false;
    return true;
}

/* The same, and no letter or digit follows. */
static inline bool pd_span_starts_word(struct pd_span s, const char *word)
{
    size_t n = strlen(word);
    return pd_span_starts(s, word) &&
           (n >= s.bytes || !(pd_is_letter(s.text[n]) || pd_is_digit(s.text[n])));
}

/* Where c stands first; s.bytes: nowhere. */
static inline size_t pd_span_find(struct pd_span s, char c)
{
    const char *at = s.bytes > 0 ? memchr(s.text, c, s.bytes) : NULL;
    return at ? (size_t)(at - s.text) : s.bytes;
}

/* Length of the letters that s begins with. */
static inline size_t pd_span_letters(struct pd_span s)
{
    size_t n = 0;
    while (n < s.bytes && pd_is_letter(s.text[n]))
        n++;
    return n;
}

#endif
