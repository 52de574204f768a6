/* SPDX-License-Identifier: Apache-2.0
 * latex_read.c - see latex_read.h. */
#include "search/latex_read.h"

/* What changes the look only: with its length behind the backslash; words need an end. */
static size_t look_bytes(struct pd_span s)
{
    static const char *const words[] = {"left",  "right", "displaystyle", "textstyle", "quad",
                                        "qquad", "big",   "Big",          "bigl",      "bigr",
                                        "Bigl",  "Bigr",  "limits",       "thinspace"};
    if (s.bytes == 0)
        return 0;
    if (pd_is_space(s.text[0]) || s.text[0] == '$' || s.text[0] == '~')
        return 1;
    if (s.text[0] != '\\' || s.bytes < 2)
        return 0;
    if (pd_is_one_of(s.text[1], ",!;: $\n"))
        return 2;
    if (!pd_is_one_of(s.text[1], "lrdtqbB"))
        return 0;
    for (size_t i = 0; i < PD_COUNT(words); i++)
        if (pd_latex_is_command(s, words[i]))
            return 1 + strlen(words[i]);
    return 0;
}

struct pd_span pd_latex_trim(struct pd_span s)
{
    for (size_t n; (n = look_bytes(s)) > 0;)
        s = pd_span_from(s, n);
    return s;
}

/* Length without the last piece, if that only changes the look; s.bytes if not. */
static size_t before_look(struct pd_span s)
{
    if (s.bytes == 0)
        return 0;
    char last = s.text[s.bytes - 1];
    size_t n_slashes = 0;
    while (n_slashes + 1 < s.bytes && s.text[s.bytes - 2 - n_slashes] == '\\')
        n_slashes++;
    bool is_escaped = n_slashes % 2 == 1; /* two of them end a row */
    if (is_escaped && pd_is_one_of(last, ",!;: $"))
        return s.bytes - 2;
    if (!is_escaped && (pd_is_space(last) || pd_is_one_of(last, "$~.,;")))
        return s.bytes - 1;
    if (s.bytes >= 6 && memcmp(s.text + s.bytes - 6, "\\right", 6) == 0)
        return s.bytes - 6;
    return s.bytes;
}

struct pd_span pd_latex_trim_both(struct pd_span s)
{
    s = pd_latex_trim(s);
    for (size_t n; (n = before_look(s)) < s.bytes;)
        s.bytes = n;
    return s;
}

bool pd_latex_is_command(struct pd_span s, const char *name)
{
    size_t n = strlen(name);
    return s.bytes > n && s.text[0] == '\\' && memcmp(s.text + 1, name, n) == 0 &&
           (s.bytes == n + 1 || !pd_is_letter(s.text[n + 1]));
}

size_t pd_latex_group_bytes(struct pd_span s)
{
    bool is_brace = s.text[0] == '{';
    size_t depth = 0;
    for (size_t i = 0; i < s.bytes; i++) {
        char c = s.text[i];
        if (c == '\\')
            i++;
        else if (is_brace ? c == '{' : c == '(' || c == '[')
            depth++;
        else if ((is_brace ? c == '}' : c == ')' || c == ']') && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* "\begin{x} ... \end{x}", x as in s; others inside are no matrices of ours. */
static size_t environment_bytes(struct pd_span s)
{
    for (size_t i = 0; i < s.bytes; i++)
        if (s.text[i] == '\\' && pd_latex_is_command(pd_span_from(s, i), "end")) {
            size_t end = i + 4;
            if (end < s.bytes && s.text[end] == '{')
                return end + pd_latex_group_bytes(pd_span_from(s, end));
            return 0;
        }
    return 0;
}

size_t pd_latex_piece_bytes(struct pd_span s)
{
    size_t n = 0;
    if (s.text[0] == '{')
        n = pd_latex_group_bytes(s);
    else if (pd_latex_is_command(s, "begin"))
        n = environment_bytes(s);
    else if (s.text[0] == '\\' && s.bytes > 1)
        n = 1 + (pd_is_letter(s.text[1]) ? pd_span_letters(pd_span_from(s, 1)) : 1);
    return n > 0 ? n : 1;
}
