/* SPDX-License-Identifier: Apache-2.0
 * cmd_generate.c - `ponder generate`: writes on from a prompt. */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/rows.h"

struct stream {
    bool has_failed;
    char last; /* byte written */
};

static void print_piece(void *user, const char *piece, size_t bytes)
{
    struct stream *stream = user;
    stream->has_failed |= fwrite(piece, 1, bytes, stdout) != bytes || fflush(stdout) != 0;
    if (bytes > 0)
        stream->last = piece[bytes - 1];
}

static void print_json(const struct ponder *p, const struct ponder_answer *answer)
{
    struct pd_json_writer w;
    json_to_file(&w, stdout);
    pd_json_begin(&w, '{');
    put_answer_fields(&w, p, answer, false);
    pd_json_end(&w, '}');
    putchar('\n');
}

static int generate(struct ponder *p, const struct settings *settings, const char *prompt,
                    size_t bytes)
{
    struct ponder_request request = settings->request;
    struct ponder_answer answer;
    struct stream stream = {false, '\n'};
    if (!settings->is_json) {
        request.on_text = print_piece;
        request.user = &stream;
    }
    enum ponder_status status = ponder_generate(p, prompt, bytes, &request, &answer);
    bool has_text = status == PONDER_OK || status == PONDER_CANCELLED || status == PONDER_NO_TIME;
    if (settings->is_json && has_text)
        print_json(p, &answer);
    else if (!settings->is_json && stream.last != '\n')
        putchar('\n');
    int code = finish_output(stdout, "standard output", EXIT_OK);
    if (code != EXIT_OK)
        return code;
    if (settings->is_verbose && has_text)
        fprintf(stderr, "ponder: %d prompt tokens, %d tokens, %.0f ms, first token after %.0f ms\n",
                answer.n_prompt_tokens, answer.n_tokens, answer.ms_total, answer.ms_first_token);
    if (status == PONDER_OK || (status == PONDER_CANCELLED && caught_exit_code() != 0))
        return caught_exit_code();
    return complain_status(status, "the prompt", p, &answer);
}

int cmd_generate(struct settings *settings)
{
    struct ponder *p = NULL;
    char *prompt = NULL;
    size_t bytes = 0;
    if (settings->is_quiet && settings->is_verbose) {
        complain("--quiet does not go with --verbose; see ponder generate --help");
        return EXIT_USAGE;
    }
    catch_signals(settings);
    settle_lanes(settings, 1);
    int code = read_text(settings, "prompt", &prompt, &bytes);
    if (code == EXIT_OK && is_blank(prompt, bytes)) {
        complain("the prompt is empty; give one, such as ponder generate \"Once upon a time\"");
        code = EXIT_USAGE;
    }
    if (code == EXIT_OK)
        code = open_engine(settings, &p);
    if (code == EXIT_OK)
        warm_engine(settings, p, false);
    if (code == EXIT_OK)
        code = generate(p, settings, prompt, bytes);
    free(prompt);
    ponder_free(p);
    return code;
}
