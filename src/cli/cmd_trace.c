/* SPDX-License-Identifier: Apache-2.0
 * cmd_trace.c - `ponder trace`: draws what --trace has written. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/tree.h"

static FILE *open_page(const char *path)
{
    FILE *page = fopen(path, "wb");
    if (!page)
        complain("cannot write %s: %s", path, strerror(errno));
    else
        page_begin(page);
    return page;
}

static int close_page(FILE *page, const char *path, int code)
{
    page_end(page);
    bool is_written = !ferror(page);
    is_written = fclose(page) == 0 && is_written;
    if (is_written)
        return code;
    complain("cannot write %s: it is not complete", path);
    return EXIT_FILE;
}

int cmd_trace(struct settings *settings)
{
    struct line_reader reader = {0};
    struct tree tree = {0};
    FILE *page = NULL;
    int n_trees = 0, found = 0;
    const char *no_color = getenv("NO_COLOR");
    bool has_colors = isatty(STDOUT_FILENO) && !(no_color && no_color[0] != '\0');
    if (settings->n_words > 1) {
        complain("trace draws one file; see ponder trace --help");
        return EXIT_USAGE;
    }
    reader.file = open_rows(settings->n_words ? settings->words[0] : NULL);
    if (!reader.file || (settings->html && !(page = open_page(settings->html)))) {
        if (reader.file && reader.file != stdin)
            fclose(reader.file);
        return EXIT_FILE;
    }
    while ((found = tree_read(&tree, &reader)) > 0) {
        if (page)
            page_tree(&tree, page);
        if (n_trees++ > 0 && !page)
            putchar('\n');
        if (!page)
            tree_print(&tree, stdout, has_colors);
        tree_free(&tree);
    }
    tree_free(&tree);
    int code = found < 0 ? EXIT_FILE : EXIT_OK;
    if (found == 0 && n_trees == 0) {
        complain("the trace is empty");
        code = EXIT_FILE;
    }
    if (page)
        code = close_page(page, settings->html, code);
    free(reader.line);
    if (reader.file != stdin)
        fclose(reader.file);
    return finish_output(stdout, "standard output", code);
}
