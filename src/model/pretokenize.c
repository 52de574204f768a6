/* SPDX-License-Identifier: Apache-2.0
 * pretokenize.c - see pretokenize.h. Each rule below stands under its part of the expression;
 * the order is that of the alternatives. Where llama.cpp differs from the expression, this
 * follows llama.cpp: case folds for ASCII only, and a cut made by an earlier expression ends the
 * text for the later one. */
#include <string.h>

#include "base/utf8.h"
#include "model/pretokenize.h"
#include "model/unicode_table.h"

static const struct pd_pretokenizer pretokenizers[] = {
    {"gpt-2", PD_SPLIT_WORDS, 0, false, false},
    {"smollm", PD_SPLIT_DIGITS, 0, false, false},
    {"llama-bpe", PD_SPLIT_PREFIXED, 3, true, true},
    {"llama3", PD_SPLIT_PREFIXED, 3, true, true},
    {"llama-v3", PD_SPLIT_PREFIXED, 3, true, true},
    {"qwen2", PD_SPLIT_PREFIXED, 1, false, false},
    {"deepseek-r1-qwen", PD_SPLIT_PREFIXED, 1, false, false},
    {"default", PD_SPLIT_MARKS, 0, false, false},
};

const struct pd_pretokenizer *pd_pretokenizer_find(struct pd_string name)
{
    for (size_t i = 0; i < PD_COUNT(pretokenizers); i++)
        if (pd_string_equal(name, pretokenizers[i].name))
            return &pretokenizers[i];
    return NULL;
}

const char *pd_pretokenizer_list(void)
{
    return "gpt-2, smollm, llama-bpe, llama3, llama-v3, qwen2, deepseek-r1-qwen, default";
}

struct text {
    const unsigned char *bytes;
    size_t n;
    enum pd_split split;
    bool in_marks; /* PD_SPLIT_MARKS: the part is a run of marks; otherwise it has none */
};

struct character {
    uint32_t code_point;
    enum pd_char_class class; /* PD_CHAR_END beyond the part of the text that counts */
    size_t begin, end;
};

/* [\p{P}$+<=>^~|] */
static bool is_mark(uint32_t code_point, enum pd_char_class class)
{
    if (class == PD_CHAR_PUNCTUATION)
        return true;
    return code_point != 0 && code_point < 0x80 && strchr("$+<=>^~|", (int)code_point) != NULL;
}

/* Punctuation counts as OTHER here: only is_mark() tells them apart. */
static struct character char_at(const struct text *t, size_t at)
{
    struct character c = {.class = PD_CHAR_END, .begin = at, .end = at};
    if (at >= t->n)
        return c;
    size_t bytes = pd_utf8_decode(t->bytes + at, t->n - at, &c.code_point);
    enum pd_char_class class = pd_char_class(c.code_point);
    if (t->split == PD_SPLIT_DIGITS && class == PD_CHAR_NUMBER)
        return c;
    if (t->split == PD_SPLIT_MARKS && is_mark(c.code_point, class) != t->in_marks)
        return c;
    c.class = class == PD_CHAR_PUNCTUATION ? PD_CHAR_OTHER : class;
    c.end = at + bytes;
    return c;
}

/* End of the run of a class that begins at `at`, which may be empty. */
static size_t run_end(const struct text *t, size_t at, enum pd_char_class class)
{
    struct character c = char_at(t, at);
    while (c.class == class)
        c = char_at(t, c.end);
    return c.begin;
}

static bool take_letter(const struct text *t, size_t *at, char letter, bool folds_case)
{
    struct character c = char_at(t, *at);
    if (folds_case && c.code_point >= 'A' && c.code_point <= 'Z')
        c.code_point += 'a' - 'A';
    *at = c.end;
    return c.class != PD_CHAR_END && c.code_point == (unsigned char)letter;
}

/* 's|'t|'re|'ve|'m|'ll|'d: its end, or 0. */
static size_t contraction_end(const struct text *t, struct character apostrophe, bool folds_case)
{
    static const char endings[][3] = {"s", "t", "m", "d", "re", "ve", "ll"};
    if (apostrophe.code_point != '\'' || char_at(t, apostrophe.end).class == PD_CHAR_END)
        return 0;
    for (size_t i = 0; i < PD_COUNT(endings); i++) {
        size_t at = apostrophe.end;
        const char *letter = endings[i];
        while (*letter != '\0' && take_letter(t, &at, *letter, folds_case))
            letter++;
        if (*letter == '\0')
            return at;
    }
    return 0;
}

static bool is_newline(const struct character *c)
{
    return c->class != PD_CHAR_END && (c->code_point == '\r' || c->code_point == '\n');
}

/* \s+(?!\S)|\s+: all but the last space character if something follows. With ends_at_newline,
 * \s*[\r\n]+ goes first. */
static size_t spaces_end(const struct text *t, struct character c, bool ends_at_newline)
{
    size_t first = c.begin;
    size_t last = c.begin; /* beginning of the last space character */
    size_t after_newline = 0;
    while (c.class == PD_CHAR_SPACE) {
        if (is_newline(&c))
            after_newline = c.end;
        last = c.begin;
        c = char_at(t, c.end);
    }
    if (ends_at_newline && after_newline > 0)
        return after_newline;
    return last > first && c.class != PD_CHAR_END ? last : c.begin;
}

/*  ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+ and the spaces. */
static size_t word_end(const struct text *t, size_t begin)
{
    struct character c = char_at(t, begin);
    size_t end = contraction_end(t, c, false);
    if (end > 0)
        return end;
    struct character body = c.code_point == ' ' ? char_at(t, c.end) : c;
    if (body.class != PD_CHAR_END && body.class != PD_CHAR_SPACE)
        return run_end(t, body.begin, body.class);
    return spaces_end(t, c, false);
}

/* [^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,max_digits}| ?[^\s\p{L}\p{N}]+[\r\n]* and the spaces. */
static size_t prefixed_word_end(const struct text *t, size_t begin, int max_digits)
{
    struct character c = char_at(t, begin);
    size_t end = contraction_end(t, c, true);
    if (end > 0)
        return end;
    struct character next = char_at(t, c.end);
    if (c.class == PD_CHAR_LETTER)
        return run_end(t, begin, PD_CHAR_LETTER);
    if (next.class == PD_CHAR_LETTER && c.class != PD_CHAR_NUMBER && !is_newline(&c))
        return run_end(t, next.begin, PD_CHAR_LETTER);
    if (c.class == PD_CHAR_NUMBER) {
        for (int i = 1; i < max_digits && next.class == PD_CHAR_NUMBER; i++)
            next = char_at(t, next.end);
        return next.begin;
    }
    struct character body = c.code_point == ' ' ? next : c;
    if (body.class == PD_CHAR_OTHER) {
        c = char_at(t, run_end(t, body.begin, PD_CHAR_OTHER));
        while (is_newline(&c))
            c = char_at(t, c.end);
        return c.begin;
    }
    return spaces_end(t, c, true);
}

/* [0-9]{3}: its end, or 0. */
static size_t three_digits_end(const struct text *t, size_t at)
{
    struct character c = char_at(t, at);
    for (int i = 0; i < 3; i++) {
        if (c.class != PD_CHAR_NUMBER || c.code_point >= 0x80)
            return 0;
        at = c.end;
        c = char_at(t, at);
    }
    return at;
}

/* The digits at begin: three ASCII digits, or what is before the next three, or the rest of the
 * run. */
static size_t digit_group_end(const struct text *t, size_t begin)
{
    size_t end = three_digits_end(t, begin);
    if (end > 0)
        return end;
    struct character c = char_at(t, begin);
    while (c.class == PD_CHAR_NUMBER && three_digits_end(t, c.begin) == 0)
        c = char_at(t, c.end);
    return c.begin;
}

static size_t marks_word_end(struct text *t, size_t begin)
{
    uint32_t first;
    pd_utf8_decode(t->bytes + begin, t->n - begin, &first);
    t->in_marks = is_mark(first, pd_char_class(first));
    struct character c = char_at(t, begin);
    if (c.class == PD_CHAR_NUMBER)
        return digit_group_end(t, begin);
    if (c.code_point == ' ' && char_at(t, c.end).class == PD_CHAR_NUMBER)
        return c.end;
    return word_end(t, begin);
}

size_t pd_pretokenize(const struct pd_pretokenizer *pre, const unsigned char *text, size_t n,
                      size_t begin)
{
    PD_ASSERT(begin < n);
    struct text t = {.bytes = text, .n = n, .split = pre->split};
    switch (pre->split) {
    case PD_SPLIT_PREFIXED:
        return prefixed_word_end(&t, begin, pre->max_digits);
    case PD_SPLIT_MARKS:
        return marks_word_end(&t, begin);
    case PD_SPLIT_DIGITS: {
        uint32_t first;
        size_t bytes = pd_utf8_decode(text + begin, n - begin, &first);
        return pd_char_class(first) == PD_CHAR_NUMBER ? begin + bytes : word_end(&t, begin);
    }
    case PD_SPLIT_WORDS:
        break;
    }
    return word_end(&t, begin);
}
