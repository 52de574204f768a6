/* SPDX-License-Identifier: Apache-2.0
 * tree.c - see tree.h. */
#include "cli/tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { MAX_PATHS = 1 << 20 };

static char *text_of(const struct line_reader *line, const char *key)
{
    struct pd_json_value value = pd_json_field(line->line, line->bytes, key);
    if (value.kind != PD_JSON_STRING)
        return NULL;
    char *text = grow(NULL, value.bytes);
    text[pd_json_unescape(value, text)] = '\0';
    return text;
}

static double number_of(const struct line_reader *line, const char *key, double missing)
{
    double value;
    return pd_json_to_double(pd_json_field(line->line, line->bytes, key), &value) ? value : missing;
}

static void replace(char **text, char *by)
{
    free(*text);
    *text = by;
}

/* A node below another one; the caller fills it in. */
static struct node *add_node(struct tree *tree, int parent, int path)
{
    if (tree->n == tree->capacity) {
        tree->capacity = tree->capacity < 64 ? 64 : 2 * tree->capacity;
        tree->node = grow(tree->node, (size_t)tree->capacity * sizeof *tree->node);
    }
    int i = tree->n++;
    tree->node[i] = (struct node){.path = path,
                                  .parent = parent,
                                  .first_child = -1,
                                  .last_child = -1,
                                  .next = -1,
                                  .score = (double)NAN};
    if (parent >= 0) {
        struct node *above = &tree->node[parent];
        if (above->last_child >= 0)
            tree->node[above->last_child].next = i;
        else
            above->first_child = i;
        above->last_child = i;
    }
    return &tree->node[i];
}

/* Path `path` goes on below node `from`. */
static void begin_path(struct tree *tree, int path, int from)
{
    if (path >= tree->last_capacity) {
        tree->last_capacity = 2 * path + 64;
        tree->last = grow(tree->last, (size_t)tree->last_capacity * sizeof *tree->last);
    }
    for (; tree->n_paths <= path; tree->n_paths++)
        tree->last[tree->n_paths] = 0;
    tree->last[path] = from;
}

static void add_step(struct tree *tree, const struct line_reader *line, int path, bool is_end)
{
    int from = tree->last[path];
    struct node *node = add_node(tree, from, path);
    node->text = text_of(line, "text");
    node->ms = number_of(line, "ms", 0);
    node->is_revision =
        from > 0 && tree->node[from].path != path && tree->node[from].fate != GOES_ON;
    tree->last[path] = tree->n - 1;
    if (!is_end)
        return;
    char *note = text_of(line, "note");
    node->answer = text_of(line, "answer");
    node->fate = !note || strcmp(note, "complete") == 0 ? COMPLETE
                 : strcmp(note, "forced") == 0          ? FORCED
                                                        : CUT;
    if (node->fate == CUT && strcmp(note, "cut") != 0)
        node->why = note;
    else
        free(note);
}

static void note_score(struct tree *tree, const struct line_reader *line, int path)
{
    struct node *node = &tree->node[tree->last[path]];
    char *note = text_of(line, "note");
    node->score = number_of(line, "score", (double)NAN);
    node->is_vetoed = note != NULL;
    free(note);
}

/* The path's last step, if it is its own: one that was dropped before it wrote anything leaves no trace. */
static void prune(struct tree *tree, const struct line_reader *line, int path)
{
    struct node *node = &tree->node[tree->last[path]];
    if (node->path != path || tree->last[path] == 0)
        return;
    node->fate = PRUNED;
    if (!node->is_vetoed) /* else it is known why */
        replace(&node->why, text_of(line, "note"));
}

static void choose(struct tree *tree, const struct line_reader *line, int path)
{
    tree->confidence = number_of(line, "score", 0);
    replace(&tree->answer, text_of(line, "answer"));
    for (int i = tree->last[path]; i >= 0; i = tree->node[i].parent)
        tree->node[i].is_chosen = true;
}

/* Takes in one line; false: it makes no sense here. */
static bool take(struct tree *tree, const struct line_reader *line, const char *event)
{
    if (strcmp(event, "answer") == 0) {
        replace(&tree->strategy, text_of(line, "strategy"));
        replace(&tree->finish, text_of(line, "status"));
        tree->ms = number_of(line, "ms_total", 0);
        tree->n_samples = (int)number_of(line, "samples", 0);
        tree->n_tokens = (int)number_of(line, "tokens", 0);
        return true;
    }
    double path_number = number_of(line, "path", -1), parent_number = number_of(line, "parent", -1);
    if (!(path_number >= 0 && path_number < MAX_PATHS && parent_number < path_number))
        return false;
    int path = (int)path_number, parent = (int)parent_number;
    bool begins =
        strcmp(event, "start") == 0 || strcmp(event, "fork") == 0 || strcmp(event, "revise") == 0;
    if (begins) {
        if (parent >= tree->n_paths)
            return false;
        begin_path(tree, path, parent >= 0 ? tree->last[parent] : 0);
        return true;
    }
    if (path >= tree->n_paths)
        return false;
    if (strcmp(event, "step") == 0 || strcmp(event, "end") == 0)
        add_step(tree, line, path, event[0] == 'e');
    else if (strcmp(event, "look") == 0)
        replace(&tree->node[tree->last[path]].ahead, text_of(line, "text"));
    else if (strcmp(event, "score") == 0)
        note_score(tree, line, path);
    else if (strcmp(event, "prune") == 0)
        prune(tree, line, path);
    else if (strcmp(event, "choose") == 0)
        choose(tree, line, path);
    return true; /* an event of a later version is passed over */
}

int tree_read(struct tree *tree, struct line_reader *reader)
{
    while (next_line(reader)) {
        if (is_blank(reader->line, reader->bytes))
            continue;
        const char *error = reader->is_too_long ? "longer than 16 MiB"
                                                : pd_json_check(reader->line, reader->bytes, NULL);
        char *event = error ? NULL : text_of(reader, "event");
        bool is_question = event && strcmp(event, "question") == 0;
        if (!error && !event)
            error = "there is no \"event\"";
        else if (event && is_question == (tree->n > 0))
            error = is_question ? "a question before the last one's answer"
                                : "an event before the first question";
        bool is_answer = event && strcmp(event, "answer") == 0;
        if (!error && is_question) {
            tree->question = text_of(reader, "question");
            add_node(tree, -1, -1);
        } else if (!error && !take(tree, reader, event)) {
            error = "an event of a path that has not begun";
        }
        free(event);
        if (error) {
            complain("line %lld: %s; this is no trace of ponder solve --trace",
                     (long long)reader->number, error);
            return -1;
        }
        if (is_answer)
            return 1;
    }
    return tree->n > 0; /* a trace that was cut off */
}

void tree_free(struct tree *tree)
{
    for (int i = 0; i < tree->n; i++) {
        struct node *node = &tree->node[i];
        free(node->text);
        free(node->ahead);
        free(node->answer);
        free(node->why);
    }
    free(tree->node);
    free(tree->last);
    free(tree->question);
    free(tree->answer);
    free(tree->strategy);
    free(tree->finish);
    *tree = (struct tree){0};
}
