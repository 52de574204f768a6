/* SPDX-License-Identifier: Apache-2.0
 * answer.c - where the final answer stands in a text, and what it comes to. */
#include "search/answer.h"

#include "search/latex.h"
#include "search/number.h"
#include "search/value.h"

/* An answer stands this close after its marker: keeps the search linear in the text. */
enum { MAX_CLAUSE_BYTES = 256, MAX_BOX_BYTES = 512, MAX_MARKER_BYTES = 96 };
enum { MAX_COMPARED_BYTES = 1024 };

/* "2. Add", "3) Then" at the start of a line. */
static bool is_list_marker(struct pd_span text, size_t at, size_t end)
{
    size_t line = at;
    while (line > 0 && (pd_is_one_of(text.text[line - 1], " \t*#")))
        line--;
    if (line > 0 && text.text[line - 1] != '\n')
        return false;
    struct pd_span after = pd_span_from(text, end);
    return after.bytes > 2 && pd_is_one_of(after.text[0], ".)") &&
           pd_is_one_of(after.text[1], " *") && after.text[2] != '\n';
}

/* Scans the number at `at`, or steps over what cannot be one: always moves on. */
static size_t scan_or_skip(struct pd_span s, size_t at, struct pd_number *number, bool *is_found)
{
    size_t end = pd_number_scan(s.text, s.bytes, at, number);
    *is_found = end > 0;
    if (*is_found)
        return end;
    end = at + 1;
    if (pd_is_digit(s.text[at]))
        while (end < s.bytes && pd_is_digit(s.text[end]))
            end++;
    return end;
}

/* The first number in s. */
static bool first_number(struct pd_span s, struct pd_value_text out)
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

/* What there is on one side of an "=". */
struct side {
    bool has_variable, has_more;
};

static struct side side_of(struct pd_span s)
{
    struct side side = {false, false};
    for (size_t i = 0; i < s.bytes; i++) {
        size_t n_letters = pd_span_letters(pd_span_from(s, i));
        side.has_variable |= n_letters == 1;
        side.has_more |= n_letters == 0 && !pd_is_one_of(s.text[i], " =");
        i += n_letters > 0 ? n_letters - 1 : 0;
    }
    return side;
}

/* "x = 5" and "3 apples + 4 apples = 7 apples" come to what is behind; "x + 2y = 5" and "5 = x + 2y" are equations. */
static bool is_equation(struct pd_span left, struct pd_span right)
{
    struct side a = side_of(left);
    struct side b = side_of(right);
    return a.has_more && (a.has_variable || (b.has_variable && b.has_more));
}

/* One pass; *is_value_ret: the result is a value, not plain text. */
static bool normalise_once(struct pd_span s, struct pd_value_text out, bool *is_value_ret)
{
    s = pd_value_strip(s);
    size_t equals = pd_value_after_equals(s);
    if (!is_equation(pd_span_cut(s, equals), pd_span_from(s, equals)))
        s = pd_value_strip(pd_span_from(s, equals));
    *is_value_ret = pd_value_put(s, out);
    return *is_value_ret || pd_value_put_plain(s, out);
}

bool pd_answer_normalise(const char *text, size_t bytes, char *answer_ret, size_t capacity)
{
    PD_ASSERT(capacity > 0);
    char before[MAX_COMPARED_BYTES];
    struct pd_value_text out = {answer_ret, capacity};
    bool is_value;
    if (!normalise_once((struct pd_span){text, bytes}, out, &is_value)) {
        answer_ret[0] = '\0';
        return false;
    }
    /* Plain text may have more to take off once it is shorter: "\boxed {8}". Each pass shortens it. */
    for (size_t n = bytes; !is_value && strlen(answer_ret) < pd_min_size(n, sizeof before);) {
        n = strlen(answer_ret);
        memcpy(before, answer_ret, n);
        if (!normalise_once((struct pd_span){before, n}, out, &is_value)) {
            answer_ret[0] = '\0';
            return false;
        }
    }
    return true;
}

/* Mathematics that is more than a number, up to where its dollar closes: "2\sqrt{3}$ metres". */
static bool put_mathematics(struct pd_span s, struct pd_value_text out)
{
    unsigned char key[PD_LATEX_KEY_BYTES];
    size_t end = 0;
    bool has_signs = false;
    s = pd_span_from(s, pd_span_starts(s, "$"));
    for (; end < s.bytes && s.text[end] != '$'; end++) {
        has_signs |= s.text[end] == '\\' || s.text[end] == '^';
        end += s.text[end] == '\\';
    }
    s = pd_value_strip(pd_span_cut(s, end));
    return has_signs && pd_latex_key(s, key) > 0 &&
           pd_answer_normalise(s.text, s.bytes, out.text, out.capacity);
}

/* Rule 1 ---------------------------------------------------------------------------------------------- */

/* The answer on the rest of a line after "####": it begins with a value, and is no heading. */
static bool put_hash_line(struct pd_span line, struct pd_value_text out)
{
    struct pd_span s = pd_value_skip_wrappers(line);
    struct pd_number number;
    if (s.bytes == 0)
        return false;
    if (put_mathematics(s, out))
        return true;
    size_t end = pd_number_scan(s.text, s.bytes, 0, &number);
    if (end > 0)
        return !is_list_marker(s, 0, end) && pd_number_format(&number, out.text, out.capacity);
    return pd_value_choice(s, out) > 0 || pd_value_truth(s, out) > 0 ||
           pd_value_number_word(s, out) > 0;
}

static bool find_hashes(struct pd_span text, struct pd_value_text out, bool *is_closed_ret)
{
    for (size_t at = text.bytes; at >= 4; at--) {
        struct pd_span rest = pd_span_from(text, at - 4);
        bool is_mark = memcmp(rest.text, "####", 4) == 0 && (at == 4 || rest.text[-1] != '#');
        if (!is_mark || (rest.bytes > 4 && rest.text[4] == '#'))
            continue;
        rest = pd_span_from(rest, 4);
        size_t end = pd_span_find(pd_span_cut(rest, MAX_CLAUSE_BYTES), '\n');
        if (put_hash_line(pd_span_cut(rest, end), out)) {
            *is_closed_ret = end < rest.bytes;
            return true;
        }
    }
    return false;
}

/* Rule 2 ---------------------------------------------------------------------------------------------- */

/* Length of the group whose "{" is s.text[0], braces included; 0: it does not end. */
static size_t group_bytes(struct pd_span s)
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

static bool find_boxed(struct pd_span text, struct pd_value_text out)
{
    for (size_t at = text.bytes; at-- > 0;) {
        struct pd_span rest = pd_span_from(text, at);
        if (text.text[at] != '\\' ||
            !(pd_span_starts(rest, "\\boxed") || pd_span_starts(rest, "\\fbox")))
            continue;
        rest = pd_span_from(rest, pd_span_starts(rest, "\\boxed") ? 6 : 5);
        while (rest.bytes > 0 && rest.text[0] == ' ')
            rest = pd_span_from(rest, 1);
        size_t n = rest.bytes > 0 && rest.text[0] == '{' ? group_bytes(rest) : 0;
        if (n > 2 && pd_answer_normalise(rest.text + 1, n - 2, out.text, out.capacity))
            return true;
    }
    return false;
}

/* Rule 3 ---------------------------------------------------------------------------------------------- */

/* Skips blanks and emphasis, not line ends. */
static struct pd_span skip_blanks(struct pd_span s)
{
    while (s.bytes > 0 && pd_is_one_of(s.text[0], " \t*_`"))
        s = pd_span_from(s, 1);
    return s;
}

/* Given what follows the word "answer": where what it announces begins, 0: it announces nothing. */
static size_t announced_at(struct pd_span text, size_t word, struct pd_span after)
{
    static const char *const verbs[] = {"is", "was", "would be", "should be", "will be", "must be"};
    struct pd_span s = skip_blanks(after);
    if (s.bytes > 0 && pd_is_one_of(s.text[0], ":="))
        return (size_t)(s.text + 1 - text.text);
    if (s.bytes > 0 && s.text[0] == '\n') {
        bool is_heading = word >= 6 && pd_span_starts(pd_span_from(text, word - 6), "final answer");
        return is_heading ? (size_t)(s.text - text.text) : 0;
    }
    if (pd_span_starts_word(s, "to")) {
        struct pd_span line = pd_span_cut(s, MAX_MARKER_BYTES);
        line = pd_span_cut(line, pd_span_find(line, '\n'));
        size_t i = 0;
        while (i < line.bytes && !pd_span_starts_word(pd_span_from(line, i), " is"))
            i++;
        s = i < line.bytes ? pd_span_from(s, i + 1) : (struct pd_span){s.text, 0};
    }
    for (size_t i = 0; i < PD_COUNT(verbs); i++)
        if (pd_span_starts_word(s, verbs[i])) {
            s = skip_blanks(pd_span_from(s, strlen(verbs[i])));
            if (s.bytes > 0 && s.text[0] == ':')
                s = pd_span_from(s, 1);
            return (size_t)(s.text - text.text);
        }
    return 0;
}

/* Length of the sentence s begins with, its closing mark left out: up to a line end, or a mark with
 * white space behind it. *is_closed_ret: that end is in s. */
static size_t sentence_bytes(struct pd_span s, bool *is_closed_ret)
{
    size_t i = 0;
    *is_closed_ret = true;
    for (; i < s.bytes && i < MAX_CLAUSE_BYTES; i++) {
        if (s.text[i] == '\n')
            return i;
        if (!pd_is_one_of(s.text[i], ".!?"))
            continue;
        if (i + 1 < s.bytes && pd_is_space(s.text[i + 1]))
            return i;
        /* At the very end a point after a digit may become a decimal point. */
        if (i + 1 == s.bytes && !(s.text[i] == '.' && i > 0 && pd_is_digit(s.text[i - 1])))
            return i;
    }
    *is_closed_ret = i < s.bytes;
    return i;
}

static bool put_short_text(struct pd_span s, struct pd_value_text out)
{
    s = pd_value_strip(s);
    size_t n_words = 1;
    for (size_t i = 0; i < s.bytes; i++) {
        n_words += pd_is_space(s.text[i]);
        if (!pd_is_letter(s.text[i]) && !pd_is_space(s.text[i]) && s.text[i] != '-')
            return false;
    }
    return s.bytes > 1 && n_words <= 3 && pd_value_put_plain(s, out);
}

/* The answer in the sentence that s begins with. */
static bool put_announced(struct pd_span s, struct pd_value_text out, bool *is_closed_ret)
{
    s = pd_value_skip_wrappers(s);
    struct pd_span sentence = pd_span_cut(s, sentence_bytes(s, is_closed_ret));
    if (pd_value_put(pd_value_strip(sentence), out) || put_mathematics(sentence, out) ||
        pd_value_choice(sentence, out) > 0 || pd_value_truth(sentence, out) > 0)
        return true;
    size_t equals = pd_value_after_equals(sentence);
    if (equals > 0)
        return first_number(pd_span_from(sentence, equals), out);
    if (first_number(sentence, out) || pd_value_number_word(sentence, out) > 0)
        return true;
    /* "Rs. 500": the point was no full stop. */
    size_t line = pd_span_find(pd_span_cut(s, MAX_CLAUSE_BYTES), '\n');
    if (line > sentence.bytes && first_number(pd_span_cut(s, line), out)) {
        *is_closed_ret = line < s.bytes;
        return true;
    }
    return put_short_text(sentence, out);
}

static bool find_announced(struct pd_span text, struct pd_value_text out, bool *is_closed_ret)
{
    for (size_t at = text.bytes; at-- > 0;) {
        struct pd_span rest = pd_span_from(text, at);
        if (!pd_span_starts_word(rest, "answer") || (at > 0 && pd_is_letter(text.text[at - 1])))
            continue;
        size_t begin = announced_at(text, at, pd_span_from(rest, strlen("answer")));
        if (begin > 0 && put_announced(pd_span_from(text, begin), out, is_closed_ret))
            return true;
    }
    return false;
}

/* Rule 4 ---------------------------------------------------------------------------------------------- */

/* The sentence that ends the text. */
static struct pd_span last_sentence(struct pd_span text)
{
    text = pd_value_trim_end(text);
    size_t at = text.bytes;
    while (
        at > 0 && text.bytes - at < MAX_CLAUSE_BYTES && text.text[at - 1] != '\n' &&
        !(pd_is_one_of(text.text[at - 1], ".!?") && at < text.bytes && pd_is_space(text.text[at])))
        at--;
    return pd_span_from(text, at);
}

/* What the last sentence comes to: the number behind its last "=". */
static bool find_last_result(struct pd_span text, struct pd_value_text out)
{
    struct pd_span sentence = last_sentence(text);
    size_t at = sentence.bytes;
    while (at > 0 && sentence.text[at - 1] != '=')
        at--;
    return at > 0 && first_number(pd_span_from(sentence, at), out);
}

static bool find_last_number(struct pd_span text, struct pd_value_text out)
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
        if ((at == 0 || !pd_is_letter(text.text[at - 1])) &&
            pd_value_number_word(pd_span_from(text, at), out) > 0)
            return true;
    return false;
}

bool pd_answer_find(const char *text, size_t bytes, char *answer_ret, size_t capacity)
{
    PD_ASSERT(capacity > 0);
    struct pd_span s = {text, bytes};
    struct pd_value_text out = {answer_ret, capacity};
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
    struct pd_span s = {text, bytes};
    struct pd_value_text out = {answer, sizeof answer};
    bool is_closed;
    if (find_hashes(s, out, &is_closed))
        return is_closed;
    if (find_boxed(s, out))
        return true;
    return find_announced(s, out, &is_closed) && is_closed;
}

/* Words, "in order": no product of variables. */
static bool is_words(struct pd_span s)
{
    bool has_minus = false;
    bool has_word = false;
    for (size_t i = 0; i < s.bytes; i++) {
        size_t n_letters = pd_span_letters(pd_span_from(s, i));
        if (n_letters == 0 && !pd_is_space(s.text[i]) && s.text[i] != '-')
            return false;
        has_minus |= s.text[i] == '-';
        has_word |= n_letters > 2;
        i += n_letters > 0 ? n_letters - 1 : 0;
    }
    return s.bytes > 1 && (has_word || !has_minus);
}

/* What an answer means, in bytes: a key of latex.h, or 'W' and its canonical text. 0: nothing is left of it. */
static size_t key_of(const char *text, unsigned char key_ret[PD_LATEX_KEY_BYTES])
{
    char canonical[PD_LATEX_KEY_BYTES - 1];
    struct pd_value_text out = {canonical, sizeof canonical};
    bool is_value;
    struct pd_span s = {text, strlen(text)};
    struct pd_span stripped = pd_value_strip(s);
    if (!normalise_once(s, out, &is_value) ||
        !pd_answer_normalise(s.text, s.bytes, out.text, out.capacity))
        return 0;
    struct pd_span form = {canonical, strlen(canonical)};
    bool is_text = is_words(form) || (is_value && pd_is_letter(form.text[0]));
    size_t n = is_text ? 0 : pd_latex_key(is_value ? form : stripped, key_ret);
    if (n > 0)
        return n;
    key_ret[0] = 'W';
    memcpy(key_ret + 1, canonical, form.bytes);
    return form.bytes + 1;
}

uint64_t pd_answer_hash(const char *answer)
{
    unsigned char key[PD_LATEX_KEY_BYTES];
    size_t n = key_of(answer, key);
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ key[i]) * 0x100000001b3u;
    return hash;
}

bool pd_answer_equal(const char *a, const char *b)
{
    unsigned char left[PD_LATEX_KEY_BYTES];
    unsigned char right[PD_LATEX_KEY_BYTES];
    size_t n = key_of(a, left);
    return n > 0 && key_of(b, right) == n && memcmp(left, right, n) == 0;
}
