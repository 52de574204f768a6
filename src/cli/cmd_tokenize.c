/* SPDX-License-Identifier: Apache-2.0
 * cmd_tokenize.c - `ponder tokenize`: the tokens of a text. */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/output.h"

enum { MAX_PIECE_BYTES = 4096 };

static void put_piece(struct pd_json_writer *w, const struct ponder *p, int32_t token)
{
    char piece[MAX_PIECE_BYTES];
    size_t bytes = ponder_token_text(p, token, piece, sizeof piece);
    pd_json_string(w, piece, bytes < sizeof piece ? bytes : sizeof piece);
}

static void print_json(const struct ponder *p, const int32_t *tokens, size_t n)
{
    struct pd_json_writer w;
    json_to_file(&w, stdout);
    pd_json_begin(&w, '{');
    pd_json_key(&w, "count");
    pd_json_u64(&w, n);
    pd_json_key(&w, "tokens");
    pd_json_begin(&w, '[');
    for (size_t i = 0; i < n; i++)
        pd_json_int(&w, tokens[i]);
    pd_json_end(&w, ']');
    pd_json_key(&w, "pieces");
    pd_json_begin(&w, '[');
    for (size_t i = 0; i < n; i++)
        put_piece(&w, p, tokens[i]);
    pd_json_end(&w, ']');
    pd_json_end(&w, '}');
    putchar('\n');
}

static void print_lines(const struct ponder *p, const int32_t *tokens, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct pd_json_writer w;
        json_to_file(&w, stdout);
        printf("%7ld  ", (long)tokens[i]);
        put_piece(&w, p, tokens[i]);
        putchar('\n');
    }
}

static int tokenize(struct ponder *p, const struct settings *settings, const char *text,
                    size_t bytes)
{
    /* No tokenizer makes more tokens than bytes, but for the begin-of-text and a leading space. */
    size_t capacity = bytes + 4;
    int32_t *tokens = grow(NULL, capacity * sizeof *tokens);
    size_t n = 0;
    enum ponder_status status = ponder_tokenize(p, text, bytes, !settings->is_no_bos,
                                                settings->is_special, tokens, capacity, &n);
    if (status != PONDER_OK) {
        free(tokens);
        return complain_status(status, "the text", p, NULL);
    }
    if (settings->is_count)
        printf("%zu\n", n);
    else if (settings->is_json)
        print_json(p, tokens, n);
    else
        print_lines(p, tokens, n);
    free(tokens);
    return finish_output(stdout, "standard output", EXIT_OK);
}

int cmd_tokenize(struct settings *settings)
{
    struct ponder *p = NULL;
    char *text = NULL;
    size_t bytes = 0;
    if (settings->is_count && settings->is_json) {
        complain("--count does not go with --json, which has the count too");
        return EXIT_USAGE;
    }
    settle_lanes(settings, 1);
    int code = read_text(settings, "text", &text, &bytes);
    settings->engine.max_text_bytes = bytes;
    if (code == EXIT_OK)
        code = open_engine(settings, &p);
    if (code == EXIT_OK)
        code = tokenize(p, settings, text, bytes);
    free(text);
    ponder_free(p);
    return code;
}
