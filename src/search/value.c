/* SPDX-License-Identifier: Apache-2.0
 * value.c - kinds of answers and their canonical forms. */
#include "search/value.h"

#include "search/number.h"

/* What may wrap an answer on the left: each is skipped as long as one is there. */
static size_t wrapper_bytes(struct pd_span s)
{
    static const char *const wrappers[] = {"\\(", "\\[", "\\,", "\\!", "\\;", "\\ "};
    for (size_t i = 0; i < PD_COUNT(wrappers); i++)
        if (pd_span_starts(s, wrappers[i]))
            return 2;
    if (s.bytes > 0 && (pd_is_space(s.text[0]) || pd_is_one_of(s.text[0], "*_`\"'")))
        return 1;
    /* A dollar before anything but a digit opens mathematics; before a digit it may stay. */
    if (s.bytes > 1 && s.text[0] == '$' && !pd_is_digit(s.text[1]) && s.text[1] != '.')
        return 1;
    return 0;
}

struct pd_span pd_value_skip_wrappers(struct pd_span s)
{
    for (size_t n; (n = wrapper_bytes(s)) > 0;)
        s = pd_span_from(s, n);
    return s;
}

struct pd_span pd_value_trim_end(struct pd_span s)
{
    static const char *const closers[] = {"\\)", "\\]", "\\,", "\\!", "\\;", "\\ "};
    for (;;) {
        size_t before = s.bytes;
        for (size_t i = 0; i < PD_COUNT(closers); i++)
            if (s.bytes >= 2 && memcmp(s.text + s.bytes - 2, closers[i], 2) == 0)
                s.bytes -= 2;
        if (s.bytes > 0 && (pd_is_space(s.text[s.bytes - 1]) ||
                            pd_is_one_of(s.text[s.bytes - 1], "*_`\"'.,;:!?$")))
            s.bytes--;
        if (s.bytes == before)
            return s;
    }
}

static bool put_text(struct pd_span s, struct pd_value_text out)
{
    if (s.bytes >= out.capacity)
        return false;
    memcpy(out.text, s.text, s.bytes);
    out.text[s.bytes] = '\0';
    return true;
}

size_t pd_value_number_word(struct pd_span s, struct pd_value_text out)
{
    static const char *const words[] = {"zero",  "one",   "two",  "three", "four",   "five",  "six",
                                        "seven", "eight", "nine", "ten",   "eleven", "twelve"};
    static const char *const digits[] = {"0", "1", "2", "3",  "4",  "5", "6",
                                         "7", "8", "9", "10", "11", "12"};
    for (size_t i = 0; i < PD_COUNT(words); i++)
        if (pd_span_starts_word(s, words[i])) {
            struct pd_span text = {digits[i], strlen(digits[i])};
            return put_text(text, out) ? strlen(words[i]) : 0;
        }
    return 0;
}

size_t pd_value_truth(struct pd_span s, struct pd_value_text out)
{
    static const char *const words[] = {"yes", "no", "true", "false"};
    for (size_t i = 0; i < PD_COUNT(words); i++)
        if (pd_span_starts_word(s, words[i])) {
            struct pd_span text = {words[i], strlen(words[i])};
            return put_text(text, out) ? text.bytes : 0;
        }
    return 0;
}

size_t pd_value_choice(struct pd_span s, struct pd_value_text out)
{
    bool has_open = s.bytes > 0 && s.text[0] == '(';
    size_t i = has_open ? 1 : 0;
    if (i >= s.bytes || s.text[i] < 'A' || s.text[i] > 'E')
        return 0;
    struct pd_span after = pd_span_from(s, i + 1);
    bool is_closed = after.bytes > 0 && after.text[0] == ')';
    if (has_open != is_closed && has_open)
        return 0;
    bool is_alone = pd_value_trim_end(after).bytes == 0;
    bool is_label = after.bytes > 1 && pd_is_one_of(after.text[0], ".:,*") &&
                    (pd_is_space(after.text[1]) || after.text[1] == '*');
    if (!is_closed && !is_alone && !is_label)
        return 0;
    return put_text(pd_span_cut(pd_span_from(s, i), 1), out) ? i + 1 + (is_closed ? 1 : 0) : 0;
}

size_t pd_value_after_equals(struct pd_span s)
{
    size_t found = 0;
    for (size_t i = 0; i < s.bytes; i++) {
        bool is_comparison = i > 0 && pd_is_one_of(s.text[i - 1], "<>!:");
        if (s.text[i] == '=' && !is_comparison)
            found = i + 1;
        else if (pd_is_one_of(s.text[i], ",;") && i + 1 < s.bytes && s.text[i + 1] == ' ')
            break;
    }
    return found;
}

/* What may follow a number without being part of the value: "%", "apples", "km/h", "\text{ cm}^2",
 * "^\circ". A lone letter may be a variable ("2x"), so it is no unit. */
static bool is_unit(struct pd_span s)
{
    static const char *const marks[] = {"^\\circ", "\\text", "\\mathrm", "\\mbox"};
    bool is_marked = false; /* as text */
    for (size_t i = 0; i < s.bytes; i++) {
        char c = s.text[i];
        char before = i > 0 ? s.text[i - 1] : '\0';
        size_t n_letters = pd_span_letters(pd_span_from(s, i));
        size_t mark = 0;
        while (mark < PD_COUNT(marks) && !pd_span_starts(pd_span_from(s, i), marks[mark]))
            mark++;
        if (mark < PD_COUNT(marks)) {
            is_marked = true;
            i += strlen(marks[mark]) - 1;
        } else if (n_letters > 0) {
            if (n_letters == 1 && !is_marked && before != '/')
                return false;
            i += n_letters - 1;
        } else if (pd_is_digit(c)) { /* a square or cube */
            if ((before != '^' && before != '{') || (c != '2' && c != '3'))
                return false;
        } else if (c == '\\' && pd_span_letters(pd_span_from(s, i + 1)) > 0) {
            return false; /* 2\pi, 2\sqrt{3} */
        } else if (pd_is_one_of(c, "^/-'") && !pd_is_letter(before) && before != '}') {
            return false; /* 10^3 */
        } else if (!pd_is_space(c) && !pd_is_one_of(c, "%$\\{}^/.-'") && (unsigned char)c < 0x80) {
            return false;
        }
    }
    return true;
}

/* s without \text{...} or another group around the whole of it. */
static struct pd_span unwrap(struct pd_span s)
{
    static const char *const groups[] = {"\\text{", "\\textbf{", "\\mathrm{", "\\mathbf{",
                                         "\\mbox{", "\\boxed{",  "\\fbox{",   "{"};
    for (size_t i = 0; i < PD_COUNT(groups); i++) {
        size_t n = strlen(groups[i]);
        if (s.bytes > n && pd_span_starts(s, groups[i]) && s.text[s.bytes - 1] == '}' &&
            pd_span_find(pd_span_from(s, n), '{') == s.bytes - n &&
            pd_span_find(s, '}') == s.bytes - 1)
            return pd_span_cut(pd_span_from(s, n), s.bytes - n - 1);
    }
    return s;
}

struct pd_span pd_value_strip(struct pd_span s)
{
    for (;;) {
        size_t before = s.bytes;
        s = unwrap(pd_value_trim_end(pd_value_skip_wrappers(s)));
        if (s.bytes == before)
            return s;
    }
}

/* A space between these counts: "5 and 6", "2\pi x", "1 2". */
static bool is_apart(char before, char after)
{
    bool is_word = pd_is_letter(before) || pd_is_digit(before);
    return is_word && (pd_is_letter(after) || pd_is_digit(after));
}

bool pd_value_put_plain(struct pd_span s, struct pd_value_text out)
{
    bool is_words = true;
    for (size_t i = 0; i < s.bytes; i++)
        is_words &=
            pd_is_letter(s.text[i]) || pd_is_space(s.text[i]) || pd_is_one_of(s.text[i], "-'");
    /* A single letter is a variable: its case counts. */
    is_words &= s.bytes > 1;
    size_t n = 0;
    for (size_t i = 0; i < s.bytes; i++) {
        char c = s.text[i];
        if (pd_is_space(c)) {
            while (i + 1 < s.bytes && pd_is_space(s.text[i + 1]))
                i++;
            char next = i + 1 < s.bytes ? s.text[i + 1] : '\0';
            if (n == 0 || (!is_words && !is_apart(out.text[n - 1], next)))
                continue;
            c = ' ';
        }
        if (n + 1 >= out.capacity)
            return false;
        out.text[n++] = is_words ? pd_to_lower(c) : c;
        if (pd_span_starts(pd_span_from(s, i), "\\dfrac") ||
            pd_span_starts(pd_span_from(s, i), "\\tfrac"))
            i++;
    }
    out.text[n] = '\0';
    return n > 0;
}

bool pd_value_put(struct pd_span s, struct pd_value_text out)
{
    if (s.bytes == 0)
        return false;
    struct pd_number number;
    size_t end = pd_number_scan(s.text, s.bytes, 0, &number);
    if (end > 0 && is_unit(pd_span_from(s, end)) &&
        pd_number_format(&number, out.text, out.capacity))
        return true;
    if (pd_value_choice(s, out) == s.bytes || pd_value_truth(s, out) == s.bytes)
        return true;
    end = pd_value_number_word(s, out);
    return end > 0 && is_unit(pd_span_from(s, end));
}
