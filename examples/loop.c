/* SPDX-License-Identifier: Apache-2.0
 * loop.c - the shape of a device's program: everything is set up once, one thread, one static block; then a
 * loop takes a question a line (from a serial port, say), answers each within its slot of time, and never
 * allocates or stops on an error: loop MODEL.gguf <questions */
#include <stdio.h>
#include <string.h>

#include "ponder.h"

enum { BLOCK_BYTES = 160 << 20, LINE_BYTES = 512, SLOT_MS = 1000 };

static _Alignas(64) unsigned char block[BLOCK_BYTES];

int main(int argc, char **argv)
{
    char err[PONDER_ERROR_BYTES];
    char line[LINE_BYTES];
    struct ponder *p;
    struct ponder_options options;
    struct ponder_request request;
    ponder_options_default(&options);
    options.n_lanes = 4;
    options.n_threads = 1;
    options.max_tokens = 128;
    if (argc != 2 ||
        ponder_init(block, sizeof block, argv[1], &options, &p, err, sizeof err) != PONDER_OK) {
        fprintf(stderr, "loop: %s\n", argc == 2 ? err : "usage: loop MODEL.gguf");
        return 1;
    }
    ponder_request_default(&request);
    request.budget_ms = SLOT_MS;
    while (fgets(line, sizeof line, stdin)) {
        struct ponder_answer answer;
        enum ponder_status status = ponder_solve(p, line, strcspn(line, "\n"), &request, &answer);
        if (status == PONDER_OK)
            printf("%s\n", answer.answer);
        else
            printf("? %s\n", ponder_status_text(status));
        fflush(stdout);
        request.seed++; /* so that asking again may think otherwise */
    }
    ponder_free(p);
    return 0;
}
