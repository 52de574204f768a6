/* SPDX-License-Identifier: Apache-2.0
 * tree_page.c - searches as one page of HTML that needs nothing else: nested lists, folded by the browser itself. */
#include <math.h>
#include <string.h>

#include "cli/tree.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>ponder "
    "trace</title>\n<style>\n"
    ":root{color-scheme:light dark}\n"
    "body{font:14px/21px system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;"
    "color:#222;background:#fff}\n"
    "body>details{margin-bottom:2em}\n"
    "ul{list-style:none;margin:0;padding-left:1.4em;border-left:1px solid #ccc}\n"
    "body>details>ul{padding-left:.4em}\n"
    "summary{cursor:pointer}summary.leaf{list-style:none;padding-left:1em}\n"
    "summary.leaf::-webkit-details-marker{display:none}\n"
    "pre{display:inline-block;margin:0;font:13px/21px ui-monospace,monospace;vertical-align:top;"
    "white-space:pre-wrap;max-width:calc(100% - 14em)}\n"
    ".score{display:inline-block;width:4em;height:.6em;margin:0 .5em;background:#e4e4e4}\n"
    ".score i{display:block;height:100%;background:#3a7}\n"
    ".chosen>summary pre{font-weight:bold;background:#fe9}\n"
    ".pruned>summary,.cut>summary{color:#888}.vetoed>summary pre{text-decoration:line-through}\n"
    ".note{color:#666;margin-left:.5em}.ahead{color:#888;font-style:italic}\n"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}ul{border-color:#444}"
    ".chosen>summary pre{background:#540}.score{background:#444}.note{color:#aaa}}\n"
    "</style>\n</head>\n<body>\n<h1>ponder trace</h1>\n";

static void put_escaped(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        const char *escape = *text == '<'   ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '&' ? "&amp;"
                             : *text == '"' ? "&quot;"
                                            : NULL;
        if (escape)
            fputs(escape, file);
        else
            putc(*text, file);
    }
}

/* Without the line end that closes it. */
static void put_line(FILE *file, const char *text)
{
    size_t bytes = strlen(text);
    while (bytes > 0 && text[bytes - 1] == '\n')
        bytes--;
    for (size_t i = 0; i < bytes; i++) {
        char one[2] = {text[i], '\0'};
        put_escaped(file, one);
    }
}

static void put_note(FILE *file, const char *label, const char *text)
{
    fprintf(file, "<span class=\"note\">%s", label);
    put_escaped(file, text);
    fputs("</span>", file);
}

static void put_node(FILE *file, const struct node *node)
{
    static const char *const fates[] = {"", "complete", "cut", "forced", "pruned"};
    fprintf(file, "<li><details open class=\"%s%s%s\"><summary%s title=\"path %d, %.1f ms\"><pre>",
            fates[node->fate], node->is_chosen ? " chosen" : "", node->is_vetoed ? " vetoed" : "",
            node->first_child < 0 ? " class=\"leaf\"" : "", node->path, node->ms);
    put_line(file, node->text ? node->text : "");
    fputs("</pre>", file);
    if (!isnan(node->score) && !node->is_vetoed) {
        double share = node->score < 0 ? 0 : node->score > 1 ? 1 : node->score;
        fprintf(file, "<span class=\"score\"><i style=\"width:%.0f%%\"></i></span>%.3f",
                share * 100, node->score);
    }
    if (node->is_vetoed)
        put_note(file, "", "vetoed");
    if (node->answer)
        put_note(file, "answer ", node->answer[0] ? node->answer : "none");
    if (node->fate == CUT || node->fate == FORCED)
        put_note(file, "", fates[node->fate]);
    if (node->is_revision)
        put_note(file, "", "revision");
    if (node->why)
        put_note(file, "", node->why);
    if (node->ahead) {
        fputs("<span class=\"note ahead\">leads to ", file);
        put_line(file, node->ahead);
        fputs("</span>", file);
    }
    fputs("</summary>\n", file);
}

static void put_below(FILE *file, const struct tree *tree, int i)
{
    const struct node *node = tree->node;
    if (node[i].first_child < 0)
        return;
    fputs("<ul>\n", file);
    for (int child = node[i].first_child; child >= 0; child = node[child].next) {
        put_node(file, &node[child]);
        put_below(file, tree, child);
        fputs("</details></li>\n", file);
    }
    fputs("</ul>\n", file);
}

void page_begin(FILE *file)
{
    fputs(head, file);
}

void page_tree(const struct tree *tree, FILE *file)
{
    fputs("<details open><summary><b>", file);
    put_escaped(file, tree->question ? tree->question : "");
    fputs("</b></summary>\n<p>answer <b>", file);
    put_escaped(file, tree->answer && tree->answer[0] ? tree->answer : "none");
    fprintf(file, "</b> (%.0f%%)", tree->confidence * 100);
    if (tree->strategy) {
        fputs(", ", file);
        put_escaped(file, tree->strategy);
        fprintf(file, ", %d samples, %d tokens, %.0f ms", tree->n_samples, tree->n_tokens,
                tree->ms);
    }
    fputs("</p>\n", file);
    put_below(file, tree, 0);
    fputs("</details>\n", file);
}

void page_end(FILE *file)
{
    fputs("</body>\n</html>\n", file);
}
