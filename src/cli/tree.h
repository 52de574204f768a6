/* SPDX-License-Identifier: Apache-2.0
 * tree.h - a trace read back: the search of one question as a tree of steps. */
#ifndef CLI_TREE_H
#define CLI_TREE_H

#include "cli/rows.h"

enum node_fate { GOES_ON, COMPLETE, CUT, FORCED, PRUNED };

/* A step, or what a path wrote up to its end. */
struct node {
    int path, parent, first_child, last_child, next; /* nodes; -1: none */
    char *text, *ahead, *answer, *why;               /* NULL: none */
    double ms, score;                                /* NAN: none */
    enum node_fate fate;
    bool is_vetoed, is_revision;
    bool is_chosen; /* it leads to the answer */
};

struct tree {
    char *question, *answer, *strategy, *finish;
    double confidence, ms;
    int n_samples, n_tokens;
    struct node *node; /* the first is the question */
    int n, capacity;
    int *last; /* by path: its last node */
    int n_paths, last_capacity;
};

/* The lines of the next question. 1: there is one; 0: the end; -1: a line that is no event, after a message. Zero-initialise the
 * tree; free it after each. */
int tree_read(struct tree *tree, struct line_reader *reader);
void tree_free(struct tree *tree);

/* As lines for a terminal. */
void tree_print(const struct tree *tree, FILE *file, bool has_colors);

/* As part of a page, and what stands around the parts. */
void page_begin(FILE *file);
void page_tree(const struct tree *tree, FILE *file);
void page_end(FILE *file);

#endif
