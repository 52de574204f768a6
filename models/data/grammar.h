/* SPDX-License-Identifier: Apache-2.0
 * grammar.h - the texts that problems are made of, read from the files of models/data/grammar/. A line that
 * begins with ';' is a comment, one that begins with two spaces goes on with the line before.
 *
 *     list fruit          things to draw from: a noun a line, "peach" or "singular|plural"; "+toy" takes in
 *     apple               all of another list. A list whose name ends in '!' holds texts as they stand;
 *     list person!        people are "Anna|f", "Tom|m", and "a farmer|r" for one without a name
 *
 *     rule gives          alternatives, a line each
 *     {gives|hands} #b.o to $B
 *
 *     family change.less 2     a kind of problem and its weight (1 if left out)
 *     = [A@person, a=5..90]    what comes before the text; lines of '=' are alternatives of each other
 *     > [c:=a-b]               what comes behind it, likewise
 *     $A had #a.o. ...         the text: alternatives, a line each
 *
 * The rule `aside` comes before some problems of any family, with things and people that are not theirs.
 *
 * In all lines:
 *     {%t:x|y|z}  one of them, at the same place as in all other choices with tag t (a letter) of the problem
 *     {x|y|z}     one of them                 @gives  @gives(A=B,b=c)   a rule, with other names for its variables
 *     $o $o.1 $o.a     plural, singular, "an apple"; of other texts: as they stand; of verbs "sell|sold|selling":
 *                      $v.1 $v $v.3
 *     $A $A.he $A.him $A.his $A.himself $A.s     people ("a farmer", then "the farmer"; $A.s: "Tom's")
 *     #a #a.o     a number, the number of things; #a.x with x one of: digits year word money cents dollars pct times
 *                 timesas nth part parts  (show.c says what they print)
 *     ~           behind "a": becomes "n " or " " by the sound that follows ("a~#n.digits-page book")
 *     [..., ...]  commands:  a=2..90   a draw      a=2..90:5  the same, times 5       a=b*c   set
 *                            o@fruit   a draw from a list, different from all others in the problem
 *                            c:=a-b    a step of the solution; the last one is the answer, and only
 *                            steps that it needs stay; !c makes c the answer
 *                            ?a>b      the problem is drawn anew where this does not hold (< > <= >= == !=) */
#ifndef DATA_GRAMMAR_H
#define DATA_GRAMMAR_H

#include "models/data/tool.h"

struct line {
    const char *text; /* NUL-terminated */
    const char *file;
    int number;
};

struct lines {
    int n, capacity;
    struct line *line;
};

struct item {
    char *one;        /* singular, or the text as it stands */
    char *many;       /* plural; of people: "f", "m", "r"; NULL for other texts */
    char *third;      /* of verbs: "sell|sold|selling"; or NULL */
    bool is_taken_in; /* from another list, which owns the texts */
};

struct list {
    char *name;
    bool is_plain; /* texts and people, no nouns */
    int n, capacity;
    struct item *item;
};

struct rule {
    char *name;
    struct lines lines;
};

struct family {
    char *kind;
    int weight;
    struct lines before, text, behind;
};

struct grammar {
    int n_lists, n_rules, n_families, n_texts;
    char **text; /* of the files, and their names: lines point into them */
    struct list *list;
    struct rule *rule;
    struct family *family;
    int total_weight;
};

/* Reads all *.txt of the folder, in the order of their names; exits with file and line where one is wrong. */
void grammar_read(struct grammar *g, const char *folder);

void grammar_free(struct grammar *g);

const struct list *grammar_list(const struct grammar *g, const char *name,
                                size_t bytes); /* or NULL */
const struct rule *grammar_rule(const struct grammar *g, const char *name,
                                size_t bytes); /* or NULL */

#endif
