/* SPDX-License-Identifier: Apache-2.0
 * answer.c - where the final answer stands in a text, and what it comes to. */
#include "search/answer.h"

#include <string.h>

#include "base/base.h"
#include "search/number.h"

/* An answer stands this close after its marker: keeps the search linear in the text. */
enum { MAX_CLAUSE_BYTES = 256, MAX_BOX_BYTES = 512, MAX_MARKER_BYTES = 96 };
enum { MAX_COMPARED_BYTES = 1024 };

struct span {
    const char *text;
    size_t bytes;
};

struct result {
    char *text;
    size_t capacity;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static struct span from(struct span s, size_t at)
{
    at = pd_min_size(at, s.bytes);
    return (struct span){s.text + at, s.bytes - at};
}

static struct span cut(struct span s, size_t bytes)
{
    return (struct span){s.text, pd_min_size(bytes, s.bytes)};
}

/* word is lower case. */
static bool starts_with(struct span s, const char *word)
{
    for (size_t i = 0; word[i] != '\0'; i++)
        if (i >= s.bytes || to_lower(s.text[i]) != word[i])
            return false;
    return true;
}

/* The same, and no letter or digit follows. */
static bool starts_with_word(struct span s, const char *word)
{
    size_t n = strlen(word);
    return starts_with(s, word) && (n >= s.bytes || !(is_letter(s.text[n]) || is_digit(s.text[n])));
}

static size_t find_byte(struct span s, char c)
{
    const char *at = s.bytes > 0 ? memchr(s.text, c, s.bytes) : NULL;
    return at ? (size_t)(at - s.text) : s.bytes;
}

/* What may wrap an answer on the left: each is skipped as long as one is there. */
static size_t wrapper_bytes(struct span s)
{
    static const char *const wrappers[] = {"\\(", "\\[", "\\,", "\\!", "\\;", "\\ "};
    for (size_t i = 0; i < PD_COUNT(wrappers); i++)
        if (starts_with(s, wrappers[i]))
            return 2;
    if (s.bytes > 0 && (is_space(s.text[0]) || is_one_of(s.text[0], "*_`\"'")))
        return 1;
    /* A dollar before anything but a digit opens mathematics; before a digit it may stay. */
    if (s.bytes > 1 && s.text[0] == '$' && !is_digit(s.text[1]) && s.text[1] != '.')
        return 1;
    return 0;
}

static struct span skip_wrappers(struct span s)
{
    for (size_t n; (n = wrapper_bytes(s)) > 0;)
        s = from(s, n);
    return s;
}

static struct span trim_end(struct span s)
{
    static const char *const closers[] = {"\\)", "\\]", "\\,", "\\!", "\\;", "\\ "};
    for (;;) {
        size_t before = s.bytes;
        for (size_t i = 0; i < PD_COUNT(closers); i++)
            if (s.bytes >= 2 && memcmp(s.text + s.bytes - 2, closers[i], 2) == 0)
                s.bytes -= 2;
        if (s.bytes > 0 &&
            (is_space(s.text[s.bytes - 1]) || is_one_of(s.text[s.bytes - 1], "*_`\"'.,;:!?$")))
            s.bytes--;
        if (s.bytes == before)
            return s;
    }
}

static bool put_text(struct span s, struct result out)
{
    if (s.bytes >= out.capacity)
        return false;
    memcpy(out.text, s.text, s.bytes);
    out.text[s.bytes] = '\0';
    return true;
}

/* Kinds of answers ------------------------------------------------------------------------------------- */

/* Number words; returns the length of the word at the start of s, 0: none. */
static size_t number_word(struct span s, struct result out)
{
    static const char *const words[] = {"zero",  "one",   "two",  "three", "four",   "five",  "six",
                                        "seven", "eight", "nine", "ten",   "eleven", "twelve"};
    static const char *const digits[] = {"0", "1", "2", "3",  "4",  "5", "6",
                                         "7", "8", "9", "10", "11", "12"};
    for (size_t i = 0; i < PD_COUNT(words); i++)
        if (starts_with_word(s, words[i])) {
            struct span text = {digits[i], strlen(digits[i])};
            return put_text(text, out) ? strlen(words[i]) : 0;
        }
    return 0;
}

static size_t truth_word(struct span s, struct result out)
{
    static const char *const words[] = {"yes", "no", "true", "false"};
    for (size_t i = 0; i < PD_COUNT(words); i++)
        if (starts_with_word(s, words[i])) {
            struct span text = {words[i], strlen(words[i])};
            return put_text(text, out) ? text.bytes : 0;
        }
    return 0;
}

/* "(B)", "B)", "B.", "B: 12", "B" alone; not the article in "A total", not "A.5". */
static size_t choice(struct span s, struct result out)
{
    bool has_open = s.bytes > 0 && s.text[0] == '(';
    size_t i = has_open ? 1 : 0;
    if (i >= s.bytes || s.text[i] < 'A' || s.text[i] > 'E')
        return 0;
    struct span after = from(s, i + 1);
    bool is_closed = after.bytes > 0 && after.text[0] == ')';
    if (has_open != is_closed && has_open)
        return 0;
    bool is_alone = trim_end(after).bytes == 0;
    bool is_label = after.bytes > 1 && is_one_of(after.text[0], ".:,*") &&
                    (is_space(after.text[1]) || after.text[1] == '*');
    if (!is_closed && !is_alone && !is_label)
        return 0;
    return put_text(cut(from(s, i), 1), out) ? i + 1 + (is_closed ? 1 : 0) : 0;
}

/* "2. Add", "3) Then" at the start of a line. */
static bool is_list_marker(struct span text, size_t at, size_t end)
{
    size_t line = at;
    while (line > 0 && (is_one_of(text.text[line - 1], " \t*#")))
        line--;
    if (line > 0 && text.text[line - 1] != '\n')
        return false;
    struct span after = from(text, end);
    return after.bytes > 2 && is_one_of(after.text[0], ".)") && is_one_of(after.text[1], " *") &&
           after.text[2] != '\n';
}

/* Scans the number at `at`, or steps over what cannot be one: always moves on. */
static size_t scan_or_skip(struct span s, size_t at, struct pd_number *number, bool *is_found)
{
    size_t end = pd_number_scan(s.text, s.bytes, at, number);
    *is_found = end > 0;
    if (*is_found)
        return end;
    end = at + 1;
    if (is_digit(s.text[at]))
        while (end < s.bytes && is_digit(s.text[end]))
            end++;
    return end;
}

/* The first number in s. */
static bool first_number(struct span s, struct result out)
{
    struct pd_number number;
    for (size_t at = 0; at < s.bytes;) {
        bool is_found;
        at = scan_or_skip(s, at, &number, &is_found);
        if (is_found && pd_number_format(&number, out.text, out.capacity))
            return true;
    }
    return false;
}

/* Just behind the last "=" of s that is no comparison, up to the first ',' or ';' before a space; 0: none. */
static size_t after_equals(struct span s)
{
    size_t found = 0;
    for (size_t i = 0; i < s.bytes; i++) {
        bool is_comparison = i > 0 && is_one_of(s.text[i - 1], "<>!:");
        if (s.text[i] == '=' && !is_comparison)
            found = i + 1;
        else if (is_one_of(s.text[i], ",;") && i + 1 < s.bytes && s.text[i + 1] == ' ')
            break;
    }
    return found;
}

/* Whole answers --------------------------------------------------------------------------------------- */

/* What may follow a number without being part of the value: "%", "apples", "km/h", "\text{ cm}^2",
 * "^\circ". A lone letter may be a variable ("2x"), so it is no unit. */
static bool is_unit(struct span s)
{
    size_t n_letters = 0;
    bool has_sign = false;
    for (size_t i = 0; i < s.bytes; i++) {
        char c = s.text[i];
        struct span rest = from(s, i);
        if (starts_with(rest, "^\\circ") || starts_with(rest, "\\text") ||
            starts_with(rest, "\\mathrm") || starts_with(rest, "\\mbox")) {
            has_sign = true;
            while (i + 1 < s.bytes && (is_one_of(s.text[i + 1], "\\^") || is_letter(s.text[i + 1])))
                i++;
        } else if (is_letter(c)) {
            n_letters++;
        } else if (is_digit(c)) {
            bool is_power = i > 0 && (s.text[i - 1] == '^' || s.text[i - 1] == '{');
            if (!is_power || (c != '2' && c != '3'))
                return false;
        } else if (is_one_of(c, "%$") || (unsigned char)c >= 0x80) {
            has_sign = true;
        } else if (!is_space(c) && !is_one_of(c, "{}^/.\\-'")) {
            return false;
        }
    }
    return has_sign || n_letters >= 2 || n_letters == 0;
}

/* s without \text{...} or another group around the whole of it. */
static struct span unwrap(struct span s)
{
    static const char *const groups[] = {"\\text{", "\\textbf{", "\\mathrm{", "\\mathbf{",
                                         "\\mbox{", "\\boxed{",  "\\fbox{",   "{"};
    for (size_t i = 0; i < PD_COUNT(groups); i++) {
        size_t n = strlen(groups[i]);
        if (s.bytes > n && starts_with(s, groups[i]) && s.text[s.bytes - 1] == '}' &&
            find_byte(from(s, n), '{') == s.bytes - n && find_byte(s, '}') == s.bytes - 1)
            return cut(from(s, n), s.bytes - n - 1);
    }
    return s;
}

static struct span strip(struct span s)
{
    for (;;) {
        size_t before = s.bytes;
        s = unwrap(trim_end(skip_wrappers(s)));
        if (s.bytes == before)
            return s;
    }
}

/* Words go lower case with single spaces; anything else loses its white space. */
static bool put_plain(struct span s, struct result out)
{
    bool is_words = true;
    for (size_t i = 0; i < s.bytes; i++)
        is_words &= is_letter(s.text[i]) || is_space(s.text[i]) || is_one_of(s.text[i], "-'");
    /* A single letter is a variable: its case counts. */
    is_words &= s.bytes > 1;
    size_t n = 0;
    for (size_t i = 0; i < s.bytes; i++) {
        char c = s.text[i];
        if (is_space(c)) {
            if (!is_words || n == 0 || out.text[n - 1] == ' ')
                continue;
            c = ' ';
        }
        if (n + 1 >= out.capacity)
            return false;
        out.text[n++] = is_words ? to_lower(c) : c;
        if (starts_with(from(s, i), "\\dfrac") || starts_with(from(s, i), "\\tfrac"))
            i++;
    }
    out.text[n] = '\0';
    return n > 0;
}

/* The value of s if all of it is one: number with unit, choice, word. */
static bool put_value(struct span s, struct result out)
{
    if (s.bytes == 0)
        return false;
    struct pd_number number;
    size_t end = pd_number_scan(s.text, s.bytes, 0, &number);
    if (end > 0 && is_unit(from(s, end)) && pd_number_format(&number, out.text, out.capacity))
        return true;
    if (choice(s, out) == s.bytes || truth_word(s, out) == s.bytes)
        return true;
    end = number_word(s, out);
    return end > 0 && is_unit(from(s, end));
}

bool pd_answer_normalise(const char *text, size_t bytes, char *answer_ret, size_t capacity)
{
    PD_ASSERT(capacity > 0);
    struct result out = {answer_ret, capacity};
    struct span s = strip((struct span){text, bytes});
    s = strip(from(s, after_equals(s)));
    if (put_value(s, out) || put_plain(s, out))
        return true;
    answer_ret[0] = '\0';
    return false;
}

/* Rule 1 ---------------------------------------------------------------------------------------------- */

/* The answer on the rest of a line after "####": it begins with a value, and is no heading. */
static bool put_hash_line(struct span line, struct result out)
{
    struct span s = skip_wrappers(line);
    struct pd_number number;
    if (s.bytes == 0)
        return false;
    size_t end = pd_number_scan(s.text, s.bytes, 0, &number);
    if (end > 0)
        return !is_list_marker(s, 0, end) && pd_number_format(&number, out.text, out.capacity);
    return choice(s, out) > 0 || truth_word(s, out) > 0 || number_word(s, out) > 0;
}

static bool find_hashes(struct span text, struct result out, bool *is_closed_ret)
{
    for (size_t at = text.bytes; at >= 4; at--) {
        struct span rest = from(text, at - 4);
        bool is_mark = memcmp(rest.text, "####", 4) == 0 && (at == 4 || rest.text[-1] != '#');
        if (!is_mark || (rest.bytes > 4 && rest.text[4] == '#'))
            continue;
        rest = from(rest, 4);
        size_t end = find_byte(cut(rest, MAX_CLAUSE_BYTES), '\n');
        if (put_hash_line(cut(rest, end), out)) {
            *is_closed_ret = end < rest.bytes;
            return true;
        }
    }
    return false;
}

/* Rule 2 ---------------------------------------------------------------------------------------------- */

/* Length of the group whose "{" is s.text[0], braces included; 0: it does not end. */
static size_t group_bytes(struct span s)
{
    size_t depth = 0;
    for (size_t i = 0; i < s.bytes && i < MAX_BOX_BYTES; i++) {
        if (s.text[i] == '\\')
            i++;
        else if (s.text[i] == '{')
            depth++;
        else if (s.text[i] == '}' && --depth == 0)
            return i + 1;
    }
    return 0;
}

static bool find_boxed(struct span text, struct result out)
{
    for (size_t at = text.bytes; at-- > 0;) {
        struct span rest = from(text, at);
        if (text.text[at] != '\\' || !(starts_with(rest, "\\boxed") || starts_with(rest, "\\fbox")))
            continue;
        rest = from(rest, starts_with(rest, "\\boxed") ? 6 : 5);
        while (rest.bytes > 0 && rest.text[0] == ' ')
            rest = from(rest, 1);
        size_t n = rest.bytes > 0 && rest.text[0] == '{' ? group_bytes(rest) : 0;
        if (n > 2 && pd_answer_normalise(rest.text + 1, n - 2, out.text, out.capacity))
            return true;
    }
    return false;
}

/* Rule 3 ---------------------------------------------------------------------------------------------- */

/* Skips blanks and emphasis, not line ends. */
static struct span skip_blanks(struct span s)
{
    while (s.bytes > 0 && is_one_of(s.text[0], " \t*_`"))
        s = from(s, 1);
    return s;
}

/* Given what follows the word "answer": where what it announces begins, 0: it announces nothing. */
static size_t announced_at(struct span text, size_t word, struct span after)
{
    static const char *const verbs[] = {"is", "was", "would be", "should be", "will be", "must be"};
    struct span s = skip_blanks(after);
    if (s.bytes > 0 && is_one_of(s.text[0], ":="))
        return (size_t)(s.text + 1 - text.text);
    if (s.bytes > 0 && s.text[0] == '\n') {
        bool is_heading = word >= 6 && starts_with(from(text, word - 6), "final answer");
        return is_heading ? (size_t)(s.text - text.text) : 0;
    }
    if (starts_with_word(s, "to")) {
        struct span line = cut(s, MAX_MARKER_BYTES);
        line = cut(line, find_byte(line, '\n'));
        size_t i = 0;
        while (i < line.bytes && !starts_with_word(from(line, i), " is"))
            i++;
        s = i < line.bytes ? from(s, i + 1) : (struct span){s.text, 0};
    }
    for (size_t i = 0; i < PD_COUNT(verbs); i++)
        if (starts_with_word(s, verbs[i])) {
            s = skip_blanks(from(s, strlen(verbs[i])));
            if (s.bytes > 0 && s.text[0] == ':')
                s = from(s, 1);
            return (size_t)(s.text - text.text);
        }
    return 0;
}

/* Length of the sentence s begins with, its closing mark left out: up to a line end, or a mark with
 * white space behind it. *is_closed_ret: that end is in s. */
static size_t sentence_bytes(struct span s, bool *is_closed_ret)
{
    size_t i = 0;
    *is_closed_ret = true;
    for (; i < s.bytes && i < MAX_CLAUSE_BYTES; i++) {
        if (s.text[i] == '\n')
            return i;
        if (!is_one_of(s.text[i], ".!?"))
            continue;
        if (i + 1 < s.bytes && is_space(s.text[i + 1]))
            return i;
        /* At the very end a point after a digit may become a decimal point. */
        if (i + 1 == s.bytes && !(s.text[i] == '.' && i > 0 && is_digit(s.text[i - 1])))
            return i;
    }
    *is_closed_ret = i < s.bytes;
    return i;
}

static bool put_short_text(struct span s, struct result out)
{
    s = strip(s);
    size_t n_words = 1;
    for (size_t i = 0; i < s.bytes; i++) {
        n_words += is_space(s.text[i]);
        if (!is_letter(s.text[i]) && !is_space(s.text[i]) && s.text[i] != '-')
            return false;
    }
    return s.bytes > 1 && n_words <= 3 && put_plain(s, out);
}

/* The answer in the sentence that s begins with. */
static bool put_announced(struct span s, struct result out, bool *is_closed_ret)
{
    s = skip_wrappers(s);
    struct span sentence = cut(s, sentence_bytes(s, is_closed_ret));
    if (put_value(strip(sentence), out) || choice(sentence, out) > 0 ||
        truth_word(sentence, out) > 0)
        return true;
    size_t equals = after_equals(sentence);
    if (equals > 0)
        return first_number(from(sentence, equals), out);
    if (first_number(sentence, out) || number_word(sentence, out) > 0)
        return true;
    /* "Rs. 500": the point was no full stop. */
    size_t line = find_byte(cut(s, MAX_CLAUSE_BYTES), '\n');
    if (line > sentence.bytes && first_number(cut(s, line), out)) {
        *is_closed_ret = line < s.bytes;
        return true;
    }
    return put_short_text(sentence, out);
}

static bool find_announced(struct span text, struct result out, bool *is_closed_ret)
{
    for (size_t at = text.bytes; at-- > 0;) {
        struct span rest = from(text, at);
        if (!starts_with_word(rest, "answer") || (at > 0 && is_letter(text.text[at - 1])))
            continue;
        size_t begin = announced_at(text, at, from(rest, strlen("answer")));
        if (begin > 0 && put_announced(from(text, begin), out, is_closed_ret))
            return true;
    }
    return false;
}

/* Rule 4 ---------------------------------------------------------------------------------------------- */

/* The sentence that ends the text. */
static struct span last_sentence(struct span text)
{
    text = trim_end(text);
    size_t at = text.bytes;
    while (at > 0 && text.bytes - at < MAX_CLAUSE_BYTES && text.text[at - 1] != '\n' &&
           !(is_one_of(text.text[at - 1], ".!?") && at < text.bytes && is_space(text.text[at])))
        at--;
    return from(text, at);
}

/* What the last sentence comes to: the number behind its last "=". */
static bool find_last_result(struct span text, struct result out)
{
    struct span sentence = last_sentence(text);
    size_t at = sentence.bytes;
    while (at > 0 && sentence.text[at - 1] != '=')
        at--;
    return at > 0 && first_number(from(sentence, at), out);
}

static bool find_last_number(struct span text, struct result out)
{
    struct pd_number number;
    struct pd_number last;
    bool has_last = false;
    for (size_t at = 0; at < text.bytes;) {
        bool is_found;
        size_t begin = at;
        at = scan_or_skip(text, at, &number, &is_found);
        if (is_found && !is_list_marker(text, begin, at)) {
            last = number;
            has_last = true;
        }
    }
    if (has_last && pd_number_format(&last, out.text, out.capacity))
        return true;
    for (size_t at = text.bytes; at-- > 0;)
        if ((at == 0 || !is_letter(text.text[at - 1])) && number_word(from(text, at), out) > 0)
            return true;
    return false;
}

bool pd_answer_find(const char *text, size_t bytes, char *answer_ret, size_t capacity)
{
    PD_ASSERT(capacity > 0);
    struct span s = {text, bytes};
    struct result out = {answer_ret, capacity};
    bool is_closed;
    if (find_hashes(s, out, &is_closed) || find_boxed(s, out) ||
        find_announced(s, out, &is_closed) || find_last_result(s, out) || find_last_number(s, out))
        return true;
    answer_ret[0] = '\0';
    return false;
}

bool pd_answer_is_final(const char *text, size_t bytes)
{
    char answer[PD_ANSWER_BYTES];
    struct span s = {text, bytes};
    struct result out = {answer, sizeof answer};
    bool is_closed;
    if (find_hashes(s, out, &is_closed))
        return is_closed;
    if (find_boxed(s, out))
        return true;
    return find_announced(s, out, &is_closed) && is_closed;
}

bool pd_answer_equal(const char *a, const char *b)
{
    char left[MAX_COMPARED_BYTES];
    char right[MAX_COMPARED_BYTES];
    return pd_answer_normalise(a, strlen(a), left, sizeof left) &&
           pd_answer_normalise(b, strlen(b), right, sizeof right) && strcmp(left, right) == 0;
}
