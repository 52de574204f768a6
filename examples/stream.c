/* SPDX-License-Identifier: Apache-2.0
 * stream.c - text as it is written, until the line is long enough: stream MODEL.gguf PROMPT */
#include <stdio.h>
#include <string.h>

#include "ponder.h"

struct line {
    size_t bytes;
    volatile int is_long; /* what the request polls */
};

static void on_text(void *user, const char *piece, size_t bytes)
{
    struct line *line = user;
    fwrite(piece, 1, bytes, stdout);
    fflush(stdout);
    line->bytes += bytes;
    line->is_long = line->bytes > 400;
}

int main(int argc, char **argv)
{
    char err[PONDER_ERROR_BYTES];
    struct ponder *p;
    struct ponder_request request;
    struct ponder_answer answer;
    struct line line = {0, 0};
    if (argc != 3) {
        fprintf(stderr, "usage: stream MODEL.gguf PROMPT\n");
        return 2;
    }
    if (ponder_create(argv[1], NULL, 0, &p, err, sizeof err) != PONDER_OK) {
        fprintf(stderr, "stream: %s\n", err);
        return 1;
    }
    ponder_request_default(&request);
    request.on_text = on_text;
    request.user = &line;
    request.cancel = &line.is_long;
    enum ponder_status status = ponder_generate(p, argv[2], strlen(argv[2]), &request, &answer);
    printf("\n");
    if (status != PONDER_OK && status != PONDER_CANCELLED)
        fprintf(stderr, "stream: %s\n", ponder_status_text(status));
    ponder_free(p);
    return status == PONDER_CANCELLED ? 0 : ponder_status_exit_code(status);
}
