/* SPDX-License-Identifier: Apache-2.0
 * latex.c - keys of mathematical answers, see latex.h. A key is a tree, each node a letter and what belongs to it:
 *     N text 0      a number of many digits          F images    any other value
 *     E images      an equation, both sides on one   < = !       a relation and its sides
 *     T ( ) ... .   tuple or interval, its ends      S ... .     set or list, sorted, each once
 *     U ... .       union, sorted                    M ... ; .   matrix, a ; behind each row
 *     B digits _ base .   b if negative: digits in another base */
#include "search/latex.h"

#include "search/latex_read.h"
#include "search/number.h"

enum { MAX_PARTS = 64, MAX_DEPTH = 8, MAX_NAME_BYTES = 128 };

struct key {
    unsigned char *bytes;
    size_t n;
    bool is_full;
};

static bool any(struct key *k, struct pd_span s, int depth);

static void put(struct key *k, const void *bytes, size_t n)
{
    if (n > PD_LATEX_KEY_BYTES - k->n) {
        k->is_full = true;
        return;
    }
    memcpy(k->bytes + k->n, bytes, n);
    k->n += n;
}

static void put_letter(struct key *k, char letter)
{
    put(k, &letter, 1);
}

/* The same bytes on every machine. */
static void put_images(struct key *k, const struct pd_field *images, int n)
{
    for (int i = 0; i < n; i++) {
        unsigned char bytes[16];
        for (int j = 0; j < 8; j++) {
            bytes[j] = (unsigned char)(images[i].re >> 8 * j);
            bytes[8 + j] = (unsigned char)(images[i].im >> 8 * j);
        }
        put(k, bytes, sizeof bytes);
    }
}

/* ---- parts ---- */

struct parts {
    struct pd_span part[MAX_PARTS];
    char separator[MAX_PARTS]; /* behind each; 0: the end */
    int n;
};

/* What parts an answer, at s.text[0]: its length and letter; 0: nothing of the kind. */
static size_t separator_bytes(struct pd_span s, const char *kinds, char *letter_ret)
{
    static const struct {
        const char *text;
        char letter;
    } separators[] = {{"\\cup", 'U'},
                      {"\\le", 'l'},
                      {"\\leq", 'l'},
                      {"\\ge", 'g'},
                      {"\\geq", 'g'},
                      {"\\lt", '<'},
                      {"\\gt", '>'},
                      {"\\ne", '!'},
                      {"\\neq", '!'},
                      {"\\leqslant", 'l'},
                      {"\\geqslant", 'g'},
                      {"\\\\", '\\'},
                      {"<=", 'l'},
                      {">=", 'g'},
                      {"!=", '!'},
                      {"=", '='},
                      {"<", '<'},
                      {">", '>'},
                      {"&", '&'},
                      {",", ','},
                      {";", ','},
                      {"\xe2\x88\xaa", 'U'},
                      {"\xe2\x89\xa4", 'l'},
                      {"\xe2\x89\xa5", 'g'}};
    if (!pd_is_one_of(s.text[0], "\\=<>!&,; \xe2")) /* most bytes begin none */
        return 0;
    for (size_t i = 0; i < PD_COUNT(separators); i++) {
        size_t n = strlen(separators[i].text);
        if (s.text[0] != separators[i].text[0])
            continue;
        bool is_word = n > 2 && separators[i].text[0] == '\\';
        if (strchr(kinds, separators[i].letter) == NULL || s.bytes < n ||
            memcmp(s.text, separators[i].text, n) != 0 ||
            (is_word && s.bytes > n && pd_is_letter(s.text[n])))
            continue;
        *letter_ret = separators[i].letter;
        return n;
    }
    /* "7, -2, \text{ and } -5": the word is one more comma. */
    static const char *const words[] = {"\\text{and}", "\\text{ and }", "\\text{ and}",
                                        "\\text{or}",  "\\text{ or }",  " and ",
                                        " or "};
    for (size_t i = 0; strchr(kinds, ',') != NULL && i < PD_COUNT(words); i++)
        if (pd_span_starts(s, words[i])) {
            *letter_ret = ',';
            return strlen(words[i]);
        }
    return 0;
}

/* Parts s where one of the kinds stands outside all groups; brackets count as groups. False: too many. */
static bool split(struct pd_span s, const char *kinds, struct parts *parts)
{
    size_t begin = 0;
    size_t depth = 0;
    parts->n = 0;
    for (size_t i = 0; i < s.bytes;) {
        char letter = 0;
        struct pd_span rest = pd_span_from(s, i);
        bool is_thousand = s.text[i] == ',' && pd_span_starts(rest, ",\\!");
        size_t n = depth == 0 && !is_thousand ? separator_bytes(rest, kinds, &letter) : 0;
        if (n == 0) {
            bool opens = s.text[i] == '(' || s.text[i] == '[' || pd_span_starts(rest, "\\{");
            bool closes = s.text[i] == ')' || s.text[i] == ']' || pd_span_starts(rest, "\\}");
            depth += opens;
            depth -= closes && depth > 0;
            i += pd_latex_piece_bytes(rest);
            continue;
        }
        if (parts->n == MAX_PARTS - 1)
            return false;
        parts->separator[parts->n] = letter;
        parts->part[parts->n++] = (struct pd_span){s.text + begin, i - begin};
        i += n;
        begin = i;
    }
    parts->separator[parts->n] = 0;
    parts->part[parts->n++] = pd_span_from(s, begin);
    return true;
}

/* ---- nodes ---- */

/* A value. Fractions of small parts and all that is no fraction go by images, others by their digits. */
static bool put_value(struct key *k, struct pd_span s, int sign)
{
    static const int64_t exact_below = 1 << 25; /* algebra.h */
    struct pd_algebra value;
    if (!pd_expression_read(s, sign, &value))
        return false;
    if (value.is_exact &&
        (value.exact.denominator >= exact_below || value.exact.numerator >= exact_below ||
         value.exact.numerator <= -exact_below)) {
        char text[MAX_NAME_BYTES];
        int64_t numerator = value.exact.numerator;
        struct pd_number number = {.is_negative = numerator < 0,
                                   .numerator = numerator < 0 ? 0 - (uint64_t)numerator
                                                              : (uint64_t)numerator,
                                   .denominator = (uint64_t)value.exact.denominator};
        if (pd_number_format(&number, text, sizeof text)) {
            put_letter(k, 'N');
            put(k, text, strlen(text) + 1);
            return true;
        }
    }
    put_letter(k, 'F');
    put_images(k, value.at, PD_ALGEBRA_POINTS);
    return true;
}

static int compare(const unsigned char *a, size_t n_a, const unsigned char *b, size_t n_b)
{
    int order = memcmp(a, b, pd_min_size(n_a, n_b));
    return order != 0 ? order : (n_a > n_b) - (n_a < n_b);
}

/* Puts the parts in order of their keys, each once, between letter and '.'; one part alone is itself where it may. */
static bool put_sorted(struct key *k, char letter, const struct parts *parts, bool may_be_itself,
                       int depth)
{
    unsigned char bytes[PD_LATEX_KEY_BYTES];
    size_t begin[MAX_PARTS + 1] = {0};
    struct key all = {bytes, 0, false};
    int n = 0;
    for (int i = 0; i < parts->n; i++) {
        begin[n] = all.n;
        if (i + 1 < parts->n && pd_latex_trim_both(parts->part[i]).bytes == 0)
            continue; /* "1, 2, and 3" */
        if (!any(&all, parts->part[i], depth + 1) || all.is_full)
            return false;
        begin[n + 1] = all.n;
        int at = n;
        while (at > 0 && compare(bytes + begin[n], begin[n + 1] - begin[n], bytes + begin[at - 1],
                                 begin[at] - begin[at - 1]) < 0)
            at--;
        bool is_there = at > 0 && compare(bytes + begin[n], begin[n + 1] - begin[n],
                                          bytes + begin[at - 1], begin[at] - begin[at - 1]) == 0;
        if (is_there) {
            all.n = begin[n];
            continue;
        }
        /* Rotate the new one to its place. */
        unsigned char moved[PD_LATEX_KEY_BYTES];
        size_t n_new = begin[n + 1] - begin[n];
        size_t n_behind = begin[n] - begin[at];
        memcpy(moved, bytes + begin[n], n_new);
        memmove(bytes + begin[at] + n_new, bytes + begin[at], n_behind);
        memcpy(bytes + begin[at], moved, n_new);
        for (int j = n; j > at; j--)
            begin[j] = begin[j - 1] + n_new;
        n++;
    }
    if (n == 1 && may_be_itself) {
        put(k, bytes, all.n);
        return true;
    }
    put_letter(k, letter);
    put(k, bytes, all.n);
    put_letter(k, '.');
    return true;
}

/* An equation's sides on one: its zeros do not depend on the scale, so the ratio of two images is its name. */
static bool put_equation(struct key *k, struct pd_span left, struct pd_span right)
{
    struct pd_algebra a;
    struct pd_algebra b;
    struct pd_field inverse;
    if (!pd_expression_read(left, 1, &a) || !pd_expression_read(right, 1, &b))
        return false;
    struct pd_algebra apart = pd_algebra_add(a, pd_algebra_negative(b));
    struct pd_field ratio = {0, 0};
    if (pd_field_inverse(apart.at[0], &inverse))
        ratio = pd_field_multiply(apart.at[1], inverse);
    put_letter(k, 'E');
    put_images(k, &ratio, 1);
    return true;
}

/* a < b <= c; the larger is put first nowhere: > is turned round. */
static bool put_relation(struct key *k, const struct parts *parts, int depth)
{
    static const char turned[] = "<><lgl";
    bool is_turned = parts->separator[0] == '>' || parts->separator[0] == 'g';
    put_letter(k, '<');
    for (int i = 0; i < parts->n; i++) {
        int at = is_turned ? parts->n - 1 - i : i;
        if (!any(k, parts->part[at], depth + 1))
            return false;
        char sign = i + 1 == parts->n ? '.' : parts->separator[is_turned ? at - 1 : at];
        const char *found = is_turned && sign != '.' ? strchr(turned, sign) : NULL;
        put_letter(k, found != NULL ? found[1] : sign);
    }
    return true;
}

static bool put_matrix(struct key *k, struct pd_span s, int depth)
{
    static const char *const names[] = {"{pmatrix}", "{bmatrix}", "{Bmatrix}",    "{matrix}",
                                        "{vmatrix}", "{array}",   "{smallmatrix}"};
    size_t i = 0;
    s = pd_latex_trim(pd_span_from(s, strlen("\\begin")));
    while (i < PD_COUNT(names) &&
           (s.bytes < strlen(names[i]) || memcmp(s.text, names[i], strlen(names[i])) != 0))
        i++;
    if (i == PD_COUNT(names))
        return false;
    s = pd_span_from(s, strlen(names[i]));
    size_t end = 0;
    while (end < s.bytes && !pd_latex_is_command(pd_span_from(s, end), "end"))
        end++;
    struct parts rows;
    if (!split(pd_latex_trim_both(pd_span_cut(s, end)), "\\", &rows))
        return false;
    put_letter(k, 'M');
    for (int row = 0; row < rows.n; row++) {
        struct parts cells;
        bool is_last = row == rows.n - 1 && pd_latex_trim_both(rows.part[row]).bytes == 0;
        if (is_last)
            break;
        if (!split(rows.part[row], "&", &cells))
            return false;
        for (int cell = 0; cell < cells.n; cell++)
            if (!any(k, cells.part[cell], depth + 1))
                return false;
        put_letter(k, ';');
    }
    put_letter(k, '.');
    return true;
}

/* ---- answers ---- */

/* The whole of s is one group that opens with `open`: what is in it. */
static bool is_group(struct pd_span s, const char *open, const char *close,
                     struct pd_span *inside_ret)
{
    size_t n = strlen(open);
    size_t m = strlen(close);
    if (s.bytes < n + m || memcmp(s.text, open, n) != 0 ||
        memcmp(s.text + s.bytes - m, close, m) != 0)
        return false;
    *inside_ret = pd_span_cut(pd_span_from(s, n), s.bytes - n - m);
    return true;
}

static bool put_set(struct key *k, struct pd_span inside, int depth)
{
    struct parts parts;
    if (pd_latex_trim_both(inside).bytes == 0) {
        put(k, "S.", 2);
        return true;
    }
    return split(inside, ",", &parts) && put_sorted(k, 'S', &parts, true, depth);
}

static bool is_infinite(struct pd_span s)
{
    s = pd_latex_trim_both(s);
    s = pd_latex_trim(pd_span_from(s, pd_span_starts(s, "-") || pd_span_starts(s, "+")));
    return (pd_latex_is_command(s, "infty") && s.bytes == strlen("\\infty")) ||
           (pd_span_starts(s, "\xe2\x88\x9e") && s.bytes == 3);
}

/* "(1, 2]": at least two parts, and the brackets belong together. */
static bool put_tuple(struct key *k, struct pd_span s, int depth)
{
    struct parts parts;
    char last = s.text[s.bytes - 1];
    if (pd_latex_group_bytes(s) != s.bytes || (last != ')' && last != ']') ||
        !split(pd_span_cut(pd_span_from(s, 1), s.bytes - 2), ",", &parts) || parts.n < 2)
        return false;
    bool opens_at_infinity = is_infinite(parts.part[0]); /* no bracket includes it */
    bool ends_at_infinity = is_infinite(parts.part[parts.n - 1]);
    put_letter(k, 'T');
    put_letter(k, opens_at_infinity ? '(' : s.text[0]);
    put_letter(k, ends_at_infinity ? ')' : last);
    for (int i = 0; i < parts.n; i++)
        if (!any(k, parts.part[i], depth + 1))
            return false;
    put_letter(k, '.');
    return true;
}

/* "2 \pm \sqrt{3}": both. */
static bool put_both(struct key *k, struct pd_span s)
{
    struct key both[2];
    unsigned char bytes[2][PD_LATEX_KEY_BYTES];
    for (int i = 0; i < 2; i++) {
        both[i] = (struct key){bytes[i], 0, false};
        if (!put_value(&both[i], s, i == 0 ? 1 : -1))
            return false;
    }
    int order = compare(bytes[0], both[0].n, bytes[1], both[1].n);
    if (order == 0) {
        put(k, bytes[0], both[0].n);
        return true;
    }
    int first = order > 0;
    put_letter(k, 'S');
    put(k, bytes[first], both[first].n);
    put(k, bytes[1 - first], both[1 - first].n);
    put_letter(k, '.');
    return true;
}

/* "2112_6", "2112_{6}", "0.0011_2". */
static bool put_in_base(struct key *k, struct pd_span s)
{
    size_t under = pd_span_find(s, '_');
    struct pd_span base = pd_latex_trim_both(pd_span_from(s, under + 1));
    if (base.bytes > 2 && base.text[0] == '{' && base.text[base.bytes - 1] == '}')
        base = pd_latex_trim_both(pd_span_cut(pd_span_from(base, 1), base.bytes - 2));
    struct pd_span digits = pd_latex_trim_both(pd_span_cut(s, under));
    bool is_negative = digits.bytes > 1 && digits.text[0] == '-';
    digits = pd_latex_trim(pd_span_from(digits, is_negative));
    bool is_right =
        base.bytes > 0 && base.bytes <= 2 && digits.bytes > 0 && pd_is_digit(digits.text[0]);
    for (size_t i = 0; i < base.bytes && is_right; i++)
        is_right = pd_is_digit(base.text[i]);
    for (size_t i = 0; i < digits.bytes && is_right; i++)
        is_right = pd_is_digit(digits.text[i]) || digits.text[i] == '.' ||
                   (digits.text[i] >= 'A' && digits.text[i] <= 'Z');
    if (!is_right)
        return false;
    put_letter(k, is_negative ? 'b' : 'B');
    put(k, digits.text, digits.bytes);
    put_letter(k, '_');
    put(k, base.text, base.bytes);
    put_letter(k, '.');
    return true;
}

static bool has(struct pd_span s, const char *text)
{
    for (size_t i = 0; i < s.bytes; i++)
        if (pd_span_starts(pd_span_from(s, i), text))
            return true;
    return false;
}

/* "x", "f(x)", "y_1": what an answer is given a name by. */
static bool is_name(struct pd_span s)
{
    s = pd_latex_trim_both(s);
    size_t n_letters = pd_span_letters(s);
    if (s.bytes == 0 || n_letters == 0)
        return false;
    struct pd_span after = pd_span_from(s, n_letters);
    bool is_index = after.bytes > 1 && after.text[0] == '_';
    bool is_call = n_letters == 1 && after.bytes > 2 && after.text[0] == '(' &&
                   after.text[after.bytes - 1] == ')' && pd_latex_group_bytes(after) == after.bytes;
    return after.bytes == 0 || is_index || is_call;
}

static bool any(struct key *k, struct pd_span s, int depth)
{
    struct parts parts;
    struct pd_span inside;
    s = pd_latex_trim_both(s);
    if (s.bytes == 0 || depth > MAX_DEPTH)
        return false;
    for (size_t i = 0; i < s.bytes && i < 8; i++) /* "x \in [0, 1]" */
        if (pd_latex_is_command(pd_span_from(s, i), "in"))
            return is_name(pd_span_cut(s, i)) && any(k, pd_span_from(s, i + 3), depth + 1);
    if (pd_latex_is_command(s, "emptyset") || pd_latex_is_command(s, "varnothing"))
        return put_set(k, pd_span_cut(s, 0), depth);
    if (!split(s, "U", &parts))
        return false;
    if (parts.n > 1)
        return put_sorted(k, 'U', &parts, true, depth);
    if (!split(s, "<>lg=!", &parts))
        return false;
    if (parts.n == 2 && parts.separator[0] == '=' && is_name(parts.part[0]))
        return any(k, parts.part[1], depth + 1);
    if (parts.n == 2 && parts.separator[0] == '=' && is_name(parts.part[1]))
        return any(k, parts.part[0], depth + 1);
    if (parts.n == 2 && parts.separator[0] == '=')
        return put_equation(k, parts.part[0], parts.part[1]);
    if (parts.n > 1)
        return put_relation(k, &parts, depth);
    if (!split(s, ",", &parts))
        return false;
    if (parts.n > 1)
        return put_sorted(k, 'S', &parts, true, depth);
    if (put_in_base(k, s))
        return true;
    if (is_group(s, "\\{", "\\}", &inside))
        return put_set(k, inside, depth);
    if (pd_latex_is_command(s, "begin") && pd_latex_piece_bytes(s) == s.bytes)
        return put_matrix(k, s, depth);
    if ((s.text[0] == '(' || s.text[0] == '[') && put_tuple(k, s, depth))
        return true;
    if (has(s, "\\pm") || has(s, "\xc2\xb1"))
        return put_both(k, s);
    return put_value(k, s, 1);
}

size_t pd_latex_key(struct pd_span s, unsigned char key_ret[PD_LATEX_KEY_BYTES])
{
    struct key k = {key_ret, 0, false};
    return any(&k, s, 0) && !k.is_full ? k.n : 0;
}
