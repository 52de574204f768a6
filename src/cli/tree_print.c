/* SPDX-License-Identifier: Apache-2.0
 * tree_print.c - a search as lines for a terminal. A line is a step; only where a step has several followers are they moved
 * to the right:
 *
 *     |- 48/2=24                                        0.81
 *     |  |- 48+24=72                                    0.93
 *     |  |  #72                                         0.95  answer 72
 *     |  '- 48-24=24                                    0.12  not chosen */
#include <math.h>
#include <string.h>

#include "cli/tree.h"

enum { MAX_PREFIX = 512, TEXT_COLUMNS = 48, MAX_COLUMNS = 100 };

struct pen {
    const struct tree *tree;
    FILE *file;
    bool has_colors;
    char prefix[MAX_PREFIX];
    size_t prefix_bytes;
};

/* Characters, not bytes, of UTF-8. */
static int columns_of(const char *text, size_t bytes)
{
    int n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

/* Bytes of the first `columns` characters. */
static size_t bytes_of(const char *text, size_t bytes, int columns)
{
    size_t n = 0;
    for (; n < bytes; n++)
        if (((unsigned char)text[n] & 0xC0) != 0x80 && columns-- == 0)
            break;
    return n;
}

static void color(const struct pen *pen, const struct node *node, bool is_on)
{
    bool is_dim = node->fate == PRUNED || node->fate == CUT;
    if (pen->has_colors && (node->is_chosen || is_dim))
        fputs(!is_on ? "\x1b[0m" : node->is_chosen ? "\x1b[1m" : "\x1b[2m", pen->file);
}

static void print_notes(const struct pen *pen, const struct node *node)
{
    if (!isnan(node->score) && !node->is_vetoed)
        fprintf(pen->file, "  %.3f", node->score);
    if (node->is_vetoed)
        fputs("  vetoed", pen->file);
    if (node->answer && node->answer[0] != '\0')
        fprintf(pen->file, "  answer %s", node->answer);
    if (node->answer && node->answer[0] == '\0' && node->fate == COMPLETE)
        fputs("  no answer", pen->file);
    if (node->fate == FORCED)
        fputs("  forced", pen->file);
    if (node->fate == CUT)
        fprintf(pen->file, "  cut: %s", node->why ? node->why : "too long");
    else if (node->why)
        fprintf(pen->file, "  %s", node->why);
}

/* Each line of the node's text behind the prefix; what is known of it behind the last one. mark: before the first. */
static void print_node(struct pen *pen, const struct node *node, const char *mark)
{
    const char *at = node->text ? node->text : "";
    bool is_first = true;
    for (;;) {
        size_t bytes = strcspn(at, "\n");
        bool is_last = at[bytes] == '\0' || at[bytes + 1] == '\0';
        if (bytes > 0 || is_last) {
            const char *before = is_first ? mark : mark[0] != '\0' ? "   " : "";
            fprintf(pen->file, "%.*s%s", (int)pen->prefix_bytes, pen->prefix, before);
            color(pen, node, true);
            size_t shown = bytes_of(at, bytes, MAX_COLUMNS);
            fprintf(pen->file, "%s%.*s%s", is_first && node->is_revision ? "~ " : "", (int)shown,
                    at, shown < bytes ? "..." : "");
            int used = columns_of(pen->prefix, pen->prefix_bytes) + columns_of(at, bytes) +
                       (int)strlen(before);
            if (is_last) {
                fprintf(pen->file, "%*s", used < TEXT_COLUMNS ? TEXT_COLUMNS - used : 0, "");
                print_notes(pen, node);
            }
            color(pen, node, false);
            putc('\n', pen->file);
            is_first = false;
        }
        if (is_last)
            return;
        at += bytes + 1;
    }
}

/* What follows node i. */
static void print_below(struct pen *pen, int i)
{
    const struct node *node = pen->tree->node;
    while (i > 0 && node[i].first_child >= 0 && node[i].first_child == node[i].last_child) {
        i = node[i].first_child;
        print_node(pen, &node[i], "");
    }
    for (int child = node[i].first_child; child >= 0; child = node[child].next) {
        bool is_last = node[child].next < 0;
        size_t bytes = pen->prefix_bytes;
        print_node(pen, &node[child], is_last ? "'- " : "|- ");
        if (bytes + 3 <= MAX_PREFIX) {
            memcpy(pen->prefix + bytes, is_last ? "   " : "|  ", 3);
            pen->prefix_bytes += 3;
        }
        print_below(pen, child);
        pen->prefix_bytes = bytes;
    }
}

void tree_print(const struct tree *tree, FILE *file, bool has_colors)
{
    struct pen pen = {.tree = tree, .file = file, .has_colors = has_colors};
    fprintf(file, "%s\n", tree->question ? tree->question : "");
    print_below(&pen, 0);
    fprintf(file, "answer %s (%.0f%%)", tree->answer && tree->answer[0] ? tree->answer : "none",
            tree->confidence * 100);
    if (tree->strategy)
        fprintf(file, ", %s, %s, %d samples, %d tokens, %.0f ms", tree->strategy,
                tree->finish ? tree->finish : "", tree->n_samples, tree->n_tokens, tree->ms);
    putc('\n', file);
}
